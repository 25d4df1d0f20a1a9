//! The receiving end.

use crate::packet::Packet;
use crate::{RecvError, RecvTimeoutError, TryRecvError};
use norace::chan;
use std::fmt;
use std::sync::Mutex;
use std::time::{Duration, Instant};

pub(crate) enum Inner<T> {
    Packets(chan::Receiver<Packet<T>>),
    /// Of timers, which send no packets, and of nobody.
    Values(chan::Receiver<T>),
}

/// Does the same with either kind.
macro_rules! with {
    ($inner:expr, $rx:ident => $do:expr) => {
        match &$inner {
            Inner::Packets($rx) => $do,
            Inner::Values($rx) => $do,
        }
    };
}

pub struct Receiver<T> {
    pub(crate) inner: Inner<T>,
    /// What selects have received here, by their tokens.
    chosen: Mutex<Vec<(u64, Result<T, RecvError>)>>,
}

impl<T> Receiver<T> {
    pub(crate) fn of_packets(inner: chan::Receiver<Packet<T>>) -> Self {
        Self { inner: Inner::Packets(inner), chosen: Mutex::default() }
    }

    pub(crate) fn of_values(inner: chan::Receiver<T>) -> Self {
        Self { inner: Inner::Values(inner), chosen: Mutex::default() }
    }

    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        let received = match &self.inner {
            Inner::Packets(rx) => rx.try_recv().map(Packet::open),
            Inner::Values(rx) => rx.try_recv(),
        };
        received.map_err(|error| match error {
            chan::TryRecvError::Empty => TryRecvError::Empty,
            chan::TryRecvError::Closed => TryRecvError::Disconnected,
        })
    }

    pub fn recv(&self) -> Result<T, RecvError> {
        match &self.inner {
            Inner::Packets(rx) => rx.recv_blocking().map(Packet::open),
            Inner::Values(rx) => rx.recv_blocking(),
        }
    }

    pub fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        let received = match &self.inner {
            Inner::Packets(rx) => rx.recv_timeout(timeout).map(Packet::open),
            Inner::Values(rx) => rx.recv_timeout(timeout),
        };
        received.map_err(|error| match error {
            chan::RecvTimeoutError::Timeout => RecvTimeoutError::Timeout,
            chan::RecvTimeoutError::Closed => RecvTimeoutError::Disconnected,
        })
    }

    pub fn recv_deadline(&self, deadline: Instant) -> Result<T, RecvTimeoutError> {
        self.recv_timeout(deadline.saturating_duration_since(Instant::now()))
    }

    pub fn is_empty(&self) -> bool {
        with!(self.inner, rx => rx.is_empty())
    }

    pub fn is_full(&self) -> bool {
        with!(self.inner, rx => rx.capacity() == Some(rx.len()))
    }

    pub fn len(&self) -> usize {
        with!(self.inner, rx => rx.len())
    }

    pub fn capacity(&self) -> Option<usize> {
        with!(self.inner, rx => rx.capacity())
    }

    pub fn iter(&self) -> Iter<'_, T> {
        Iter(self)
    }

    pub fn try_iter(&self) -> TryIter<'_, T> {
        TryIter(self)
    }

    pub fn same_channel(&self, other: &Self) -> bool {
        match (&self.inner, &other.inner) {
            (Inner::Packets(rx), Inner::Packets(other)) => rx.same_channel(other),
            (Inner::Values(rx), Inner::Values(other)) => rx.same_channel(other),
            _ => false,
        }
    }

    /// Notes what the select of `token` has received here.
    pub(crate) fn choose(&self, token: u64, received: Result<T, RecvError>) {
        self.chosen.lock().unwrap().push((token, received));
    }

    /// What the select of `token` has received here.
    pub(crate) fn chosen(&self, token: u64) -> Result<T, RecvError> {
        let mut chosen = self.chosen.lock().unwrap();
        let place = chosen.iter().position(|(other, _)| *other == token);
        chosen.swap_remove(place.expect("passed a receiver that wasn't selected")).1
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        match &self.inner {
            Inner::Packets(rx) => Self::of_packets(rx.clone()),
            Inner::Values(rx) => Self::of_values(rx.clone()),
        }
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("Receiver { .. }")
    }
}

pub struct Iter<'a, T>(&'a Receiver<T>);

impl<T> Iterator for Iter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.0.recv().ok()
    }
}

pub struct TryIter<'a, T>(&'a Receiver<T>);

impl<T> Iterator for TryIter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.0.try_recv().ok()
    }
}

pub struct IntoIter<T>(Receiver<T>);

impl<T> Iterator for IntoIter<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.0.recv().ok()
    }
}

impl<'a, T> IntoIterator for &'a Receiver<T> {
    type Item = T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

impl<T> IntoIterator for Receiver<T> {
    type Item = T;
    type IntoIter = IntoIter<T>;

    fn into_iter(self) -> IntoIter<T> {
        IntoIter(self)
    }
}
