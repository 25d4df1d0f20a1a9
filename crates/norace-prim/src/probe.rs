//! What a library tells the checker about its objects; nothing at all in production.
//!
//! A library whose channels are locks and lists inside makes each of them a [`Monitor`] and its critical sections
//! [`Monitor::enter`]: reports then speak of channels, and models of what is built on the library take a section for
//! one step. In production all of this is empty, and every question is answered with "no model"; a [`Site`] is where
//! its maker was called, for reports of the library itself.

#[cfg(norace)]
pub use norace_explore::probe::{
    Alarm, Effect, Holders, Kind, Monitor, Site, choose, last_panic, level, name_thread,
    panicked_unseen, refuse, unique,
};
#[cfg(norace)]
pub use norace_explore::{Level, Misuse, in_model};
#[cfg(not(norace))]
pub use production::{
    Alarm, Effect, Holders, Kind, Level, Misuse, Monitor, Site, choose, in_model, last_panic,
    level, name_thread, panicked_unseen, refuse, unique,
};

#[cfg(not(norace))]
mod production;
