//! The real binary, from the outside: what it prints, how it exits, and what it survives.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]

mod demo;
mod fake;
mod help;
mod http;
mod journal;
mod kill;
mod load;
mod process;
mod serve;
mod usage;
