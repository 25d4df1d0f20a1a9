//! The line of takers: the real one with every access a step, and its protocol bare, with mutants.

mod bare;
mod real;
