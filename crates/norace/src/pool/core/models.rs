//! The pool between threads, and its protocol step by step.

mod bare;
mod found;
mod real;
