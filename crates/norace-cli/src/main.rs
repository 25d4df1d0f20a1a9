//! The `norace` command.

fn main() {}
