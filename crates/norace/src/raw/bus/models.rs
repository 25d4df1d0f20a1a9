//! The ring under the checker: the protocol with its mutants, and the real one.

mod bare;
mod real;
mod swap;
mod wakes;
