//! The sleep protocol: no task is left in a queue while every worker sleeps.
//!
//! `bare` is the protocol alone, written anew with each of its steps open to be left out, moved or weakened; `real` is
//! the kit's own parts, with the worker's loop around them.

mod bare;
mod real;
