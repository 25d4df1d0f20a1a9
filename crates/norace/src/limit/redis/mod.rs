//! Shared limits over Redis.
