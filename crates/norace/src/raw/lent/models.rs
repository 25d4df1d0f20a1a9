//! The cell itself and, step by step, its protocol with mutants.

mod bare;
mod real;
mod reuse;
