//! Hot values: versions, readers, subscriptions, files.

mod changes;
mod file;
mod publish;
mod storm;
