//! The sending end.

use crate::packet::{Packet, Place};
use crate::{SendError, SendTimeoutError, TrySendError};
use norace::chan;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A send that a select has chosen: where its value goes, or `None` when the channel is closed.
type Chosen<T> = Option<Arc<Place<T>>>;

pub struct Sender<T> {
    pub(crate) inner: chan::Sender<Packet<T>>,
    /// Those that are to be completed, by their tokens.
    chosen: Mutex<Vec<(u64, Chosen<T>)>>,
}

impl<T> Sender<T> {
    pub(crate) fn new(inner: chan::Sender<Packet<T>>) -> Self {
        Self { inner, chosen: Mutex::default() }
    }

    pub fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        self.inner.try_send(Packet::Full(value)).map_err(|error| match error {
            chan::TrySendError::Full(packet) => TrySendError::Full(packet.into_value()),
            chan::TrySendError::Closed(packet) => TrySendError::Disconnected(packet.into_value()),
        })
    }

    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        let sent = self.inner.send_blocking(Packet::Full(value));
        sent.map_err(|error| SendError(error.into_inner().into_value()))
    }

    pub fn send_timeout(&self, value: T, timeout: Duration) -> Result<(), SendTimeoutError<T>> {
        let sent = self.inner.send_timeout_blocking(Packet::Full(value), timeout);
        sent.map_err(|error| match error {
            chan::SendTimeoutError::Timeout(packet) => {
                SendTimeoutError::Timeout(packet.into_value())
            }
            chan::SendTimeoutError::Closed(packet) => {
                SendTimeoutError::Disconnected(packet.into_value())
            }
        })
    }

    pub fn send_deadline(&self, value: T, deadline: Instant) -> Result<(), SendTimeoutError<T>> {
        self.send_timeout(value, deadline.saturating_duration_since(Instant::now()))
    }

    pub fn is_empty(&self) -> bool {
        self.inner.is_empty()
    }

    pub fn is_full(&self) -> bool {
        self.inner.capacity() == Some(self.inner.len())
    }

    pub fn len(&self) -> usize {
        self.inner.len()
    }

    pub fn capacity(&self) -> Option<usize> {
        self.inner.capacity()
    }

    pub fn same_channel(&self, other: &Self) -> bool {
        self.inner.same_channel(&other.inner)
    }

    /// Notes that the select of `token` has chosen to send here.
    pub(crate) fn choose(&self, token: u64, chosen: Chosen<T>) {
        self.chosen.lock().unwrap().push((token, chosen));
    }

    /// What was chosen by the select of `token`.
    pub(crate) fn chosen(&self, token: u64) -> Chosen<T> {
        let mut chosen = self.chosen.lock().unwrap();
        let place = chosen.iter().position(|(other, _)| *other == token);
        chosen.swap_remove(place.expect("passed a sender that wasn't selected")).1
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone())
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("Sender { .. }")
    }
}
