//! Runtime, tasks, timers, sockets and signals.

mod blocking;
mod budget;
mod cancel;
mod entry;
mod fairness;
#[cfg(feature = "net")]
mod net;
mod origin;
mod panics;
mod pinned;
mod shutdown;
#[cfg(unix)]
mod signal;
mod snapshot;
mod spawn;
pub(crate) mod support;
mod threads;
mod time;
