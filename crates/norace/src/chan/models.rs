//! Channels between threads, with every access to their locks a step.

mod batch;
mod cancel;
mod close;
mod flow;
mod linear;
mod offers;
mod weak;
