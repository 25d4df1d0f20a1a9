//! What the netpoller waits in: the operating system's poll, or, in a model, a bell that only wakes.

use mio::event::{Event, Source};
use mio::{Events, Interest, Poll, Registry, Token, Waker};
use norace_prim::sync::Arc;
use norace_prim::time::Duration;
use std::io;

/// Events taken from the operating system at once.
const EVENTS: usize = 256;

/// The token of [`Os::wake`]; no source has it, because generations leave the top bit unset.
pub(super) const WAKE: Token = Token(usize::MAX);

/// The side that everybody may use.
pub(crate) enum Os {
    System {
        registry: Registry,
        waker: Waker,
    },
    #[cfg(norace)]
    Model(model::Bell),
}

/// The side of whoever waits.
pub(crate) enum Wait {
    System {
        poll: Poll,
        events: Events,
    },
    #[cfg(norace)]
    Model(Arc<Os>),
}

/// Both sides of a new poll.
pub(crate) fn open() -> io::Result<(Arc<Os>, Wait)> {
    #[cfg(norace)]
    if norace_prim::probe::in_model() {
        let os = Arc::new(Os::Model(model::Bell::default()));
        return Ok((os.clone(), Wait::Model(os)));
    }
    let poll = Poll::new()?;
    let registry = poll.registry().try_clone()?;
    let waker = Waker::new(&registry, WAKE)?;
    let events = Events::with_capacity(EVENTS);
    Ok((Arc::new(Os::System { registry, waker }), Wait::System { poll, events }))
}

impl Os {
    /// Makes whoever waits return, or the next one not wait.
    pub(crate) fn wake(&self) {
        match self {
            // The counter behind it cannot overflow in a way that matters, and nothing else makes it fail.
            Self::System { waker, .. } => {
                waker.wake().expect("write to the poller's wake-up descriptor");
            }
            #[cfg(norace)]
            Self::Model(bell) => bell.ring(),
        }
    }

    /// Watches `source` for both directions.
    pub(crate) fn register(&self, source: &mut impl Source, token: Token) -> io::Result<()> {
        match self {
            Self::System { registry, .. } => {
                registry.register(source, token, Interest::READABLE | Interest::WRITABLE)
            }
            #[cfg(norace)]
            Self::Model(_) => unreachable!("a model has no sockets"),
        }
    }

    /// No longer watches `source`, which is about to be closed; that takes it out as well, so that an error here
    /// changes nothing.
    pub(crate) fn deregister(&self, source: &mut impl Source) {
        match self {
            Self::System { registry, .. } => drop(registry.deregister(source)),
            #[cfg(norace)]
            Self::Model(_) => {}
        }
    }
}

impl Wait {
    /// Waits for events, for at most `timeout`, without end when there is none.
    pub(crate) fn wait(&mut self, timeout: Option<Duration>) {
        match self {
            Self::System { poll, events } => match poll.poll(events, timeout) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => events.clear(),
                Err(error) => panic!("wait for events of the operating system: {error}"),
            },
            #[cfg(norace)]
            Self::Model(os) => match &**os {
                Os::Model(bell) => bell.wait(timeout),
                Os::System { .. } => unreachable!("both sides are a model's"),
            },
        }
    }

    /// What the last wait found, but for wake-ups.
    pub(crate) fn events(&self) -> impl Iterator<Item = &Event> {
        let events = match self {
            Self::System { events, .. } => Some(events),
            #[cfg(norace)]
            Self::Model(_) => None,
        };
        events.into_iter().flatten().filter(|event| event.token() != WAKE)
    }
}

#[cfg(norace)]
mod model {
    //! A poll without sources.

    use norace_prim::sync::{Condvar, Mutex, lock, wait, wait_timeout};
    use norace_prim::time::{Duration, Instant};

    /// Rung or not; who waits for it takes the ring.
    #[derive(Default)]
    pub(crate) struct Bell {
        rung: Mutex<bool>,
        changed: Condvar,
    }

    impl Bell {
        pub(super) fn ring(&self) {
            *lock(&self.rung) = true;
            self.changed.notify_one();
        }

        pub(super) fn wait(&self, timeout: Option<Duration>) {
            let deadline = timeout.map(|timeout| Instant::now() + timeout);
            let mut rung = lock(&self.rung);
            while !*rung {
                rung = match deadline {
                    None => wait(&self.changed, rung),
                    Some(deadline) => {
                        let left = deadline.saturating_duration_since(Instant::now());
                        if left.is_zero() {
                            break;
                        }
                        wait_timeout(&self.changed, rung, left).0
                    }
                };
            }
            *rung = false;
        }
    }
}
