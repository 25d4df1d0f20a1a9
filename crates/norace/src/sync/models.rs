//! The objects of this module between threads, with every access a step.

mod aba;
mod cells;
mod locks;
mod machine;
mod signals;
