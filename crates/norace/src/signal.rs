//! Signals of the operating system as futures.
//!
//! ```no_run
//! # async fn run() -> std::io::Result<()> {
//! use norace::signal::{Signal, SignalKind};
//!
//! let mut terminate = Signal::new(SignalKind::Terminate)?;
//! terminate.recv().await;
//! // close the listeners, drain, leave
//! # Ok(())
//! # }
//! ```
//!
//! The first [`Signal`] of a kind replaces the process's handling of it for good: from then on it no longer ends
//! the process by itself, also after every `Signal` is dropped. Handlers only wake a thread, started with the first
//! `Signal` and asleep otherwise, which tells every subscriber; this works on any executor. In a model of the checker,
//! which does not control signals, [`Signal::new`] panics.

use crate::raw::signal as raw;
use norace_prim::probe;
use norace_prim::sync::{Arc, Mutex, Weak, lock};
use norace_prim::thread;
use std::fmt;
use std::future::poll_fn;
use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::task::{Context, Poll, Waker};

/// A signal to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SignalKind {
    /// `SIGINT`: Ctrl-C.
    Interrupt,
    /// `SIGTERM`: asks to end.
    Terminate,
    /// `SIGHUP`: the terminal is gone, or asks a service to read its configuration again.
    Hangup,
}

const KINDS: usize = 3;

impl SignalKind {
    /// Its place in the tables here and in `raw/signal.rs`.
    fn index(self) -> usize {
        match self {
            Self::Interrupt => 0,
            Self::Terminate => 1,
            Self::Hangup => 2,
        }
    }
}

/// Gets the signals of one kind from its creation on.
///
/// Any number of them, of the same kind or not: each one gets every signal. As in the operating system, several signals
/// that come before they are received count as one.
pub struct Signal {
    kind: SignalKind,
    inbox: Arc<Inbox>,
}

#[derive(Default)]
struct Inbox(Mutex<(bool, Option<Waker>)>);

struct Hub {
    started: bool,
    kinds: [Kind; KINDS],
}

struct Kind {
    installed: bool,
    /// Bounded by the number of live `Signal`s: each takes itself out.
    inboxes: Vec<Weak<Inbox>>,
}

static HUB: Mutex<Hub> = Mutex::new(Hub {
    started: false,
    kinds: [const { Kind { installed: false, inboxes: Vec::new() } }; KINDS],
});

impl Signal {
    /// Begins to get signals of `kind`.
    ///
    /// # Errors
    ///
    /// When the operating system refuses the handler, the descriptors or the thread that the first one needs.
    #[cfg_attr(norace, track_caller)]
    pub fn new(kind: SignalKind) -> io::Result<Self> {
        probe::refuse("wait for a signal of the system");
        let mut hub = lock(&HUB);
        if !hub.started {
            start()?;
            hub.started = true;
        }
        let slot = &mut hub.kinds[kind.index()];
        if !slot.installed {
            raw::install(kind.index())?;
            slot.installed = true;
        }
        let inbox = Arc::new(Inbox::default());
        slot.inboxes.push(Arc::downgrade(&inbox));
        Ok(Self { kind, inbox })
    }

    /// Waits for the next signal.
    ///
    /// Cancel safe: a signal is consumed only by a call that returns.
    pub async fn recv(&mut self) {
        poll_fn(|cx| self.poll_recv(cx)).await;
    }

    /// As [`recv`](Self::recv), for hand-written futures.
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let waker = cx.waker().clone();
        let mut inbox = lock(&self.inbox.0);
        if std::mem::take(&mut inbox.0) {
            return Poll::Ready(());
        }
        let former = inbox.1.replace(waker);
        drop(inbox);
        drop(former);
        Poll::Pending
    }

    /// The kind of signals it gets.
    pub fn kind(&self) -> SignalKind {
        self.kind
    }
}

impl Drop for Signal {
    fn drop(&mut self) {
        let me = Arc::as_ptr(&self.inbox);
        lock(&HUB).kinds[self.kind.index()].inboxes.retain(|inbox| inbox.as_ptr() != me);
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signal").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// Starts the thread that handlers wake.
fn start() -> io::Result<()> {
    let (wake, woken) = UnixStream::pair()?;
    thread::Builder::new().name("norace-signal".to_owned()).spawn(move || run(woken))?;
    raw::wake_through(wake)
}

/// Tells subscribers, until the process ends.
fn run(woken: UnixStream) {
    each_wake(woken, || {
        for index in 0..KINDS {
            if raw::take_pending(index) {
                tell(index);
            }
        }
    });
}

/// Calls `act` each time there was something to read.
fn each_wake(mut woken: impl Read, mut act: impl FnMut()) {
    let mut bytes = [0; 64];
    loop {
        match woken.read(&mut bytes) {
            // The other end is never closed.
            Ok(0) => return,
            Ok(_) => act(),
            // A handler of somebody else, installed without `SA_RESTART`, ran on this thread.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // The descriptor is not a socket any more: somebody else has closed it.
            Err(_) => return,
        }
    }
}

fn tell(index: usize) {
    let inboxes: Vec<_> =
        lock(&HUB).kinds[index].inboxes.iter().filter_map(Weak::upgrade).collect();
    for inbox in inboxes {
        let waker = {
            let mut inbox = lock(&inbox.0);
            inbox.0 = true;
            inbox.1.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests;
