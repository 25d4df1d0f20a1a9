//! Go-style concurrency for Rust: tasks, channels, select, contexts and groups.
