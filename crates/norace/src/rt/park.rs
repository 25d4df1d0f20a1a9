//! How one worker thread sleeps and is woken.
//!
//! A thread sleeps either on its condition variable or inside the netpoller, where only the poller's own waker
//! reaches it. One lock per thread holds which of the two, and a token: waking a thread that is awake leaves the
//! token, and the next sleep returns at once. So a wake-up is never lost, whichever comes first.

use super::driver::Driver;
use norace_prim::sync::{Arc, Condvar, Mutex, lock, wait};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sleep {
    Awake,
    /// Awake, and the next sleep is to return at once.
    Token,
    OnCondvar,
    InDriver,
}

pub(crate) struct Parker {
    sleep: Mutex<Sleep>,
    woken: Condvar,
    driver: Arc<Driver>,
}

impl Parker {
    pub(crate) fn new(driver: Arc<Driver>) -> Arc<Self> {
        Arc::new(Self { sleep: Mutex::new(Sleep::Awake), woken: Condvar::new(), driver })
    }

    /// Sleeps until woken.
    pub(crate) fn park(&self) {
        let mut sleep = lock(&self.sleep);
        if *sleep == Sleep::Awake {
            *sleep = Sleep::OnCondvar;
        }
        while *sleep == Sleep::OnCondvar {
            sleep = wait(&self.woken, sleep);
        }
        *sleep = Sleep::Awake;
    }

    /// Sleeps in `turn`, a turn of the netpoller, or skips it when there is a token.
    pub(crate) fn park_in_driver(&self, turn: impl FnOnce()) {
        let token = {
            let mut sleep = lock(&self.sleep);
            let token = *sleep == Sleep::Token;
            *sleep = if token { Sleep::Awake } else { Sleep::InDriver };
            token
        };
        if !token {
            turn();
            *lock(&self.sleep) = Sleep::Awake;
        }
    }

    /// Wakes the thread, now or from its next sleep.
    pub(crate) fn unpark(&self) {
        let mut sleep = lock(&self.sleep);
        let former = std::mem::replace(&mut *sleep, Sleep::Token);
        drop(sleep);
        match former {
            Sleep::OnCondvar => self.woken.notify_one(),
            Sleep::InDriver => self.driver.wake(),
            Sleep::Awake | Sleep::Token => {}
        }
    }
}

#[cfg(all(test, norace))]
mod models;
