//! The whole engine: with its threads, and on a rig that takes their place.

mod crash;
mod driven;
mod gate;
mod processors;
mod room;
mod threads;
