//! crossbeam's `Select`, over the kit's.

use crate::packet::{Packet, Place};
use crate::receiver::Inner;
use crate::{
    ReadyTimeoutError, Receiver, RecvError, SelectTimeoutError, SendError, Sender, TryReadyError,
    TrySelectError,
};
use norace::chan;
use norace::select::LocalSelect;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long a select waits.
#[derive(Clone, Copy)]
enum Limit {
    Never,
    Until(Instant),
    Now,
}

/// An end that takes part.
trait Handle {
    /// Adds the operation as a case of `select` whose output is `index`.
    fn add<'a>(&'a self, select: &mut LocalSelect<'a, usize>, index: usize, token: u64);

    /// Does the operation alone; false when time runs out before. `None` if there is nothing special about that.
    fn alone(&self, token: u64, limit: Limit) -> Option<bool>;

    /// Says that the operation will not be completed.
    fn abandon(&self, token: u64);
}

impl<T> Handle for Receiver<T> {
    fn add<'a>(&'a self, select: &mut LocalSelect<'a, usize>, index: usize, token: u64) {
        match &self.inner {
            Inner::Packets(rx) => select.recv(rx, move |packet| {
                self.choose(token, packet.map(Packet::open));
                index
            }),
            Inner::Values(rx) => select.recv(rx, move |value| {
                self.choose(token, value);
                index
            }),
        };
    }

    fn alone(&self, _token: u64, _limit: Limit) -> Option<bool> {
        None
    }

    fn abandon(&self, token: u64) {
        drop(self.chosen(token));
    }
}

impl<T> Handle for Sender<T> {
    fn add<'a>(&'a self, select: &mut LocalSelect<'a, usize>, index: usize, token: u64) {
        let place = Place::new();
        select.send(&self.inner, Packet::Promised(place.clone()), move |sent| {
            self.choose(token, sent.is_ok().then_some(place));
            index
        });
    }

    /// Alone it is a send like others, and not an offer.
    fn alone(&self, token: u64, limit: Limit) -> Option<bool> {
        let place = Place::new();
        let packet = Packet::Promised(place.clone());
        let closed = match limit {
            Limit::Never => self.inner.send_blocking(packet).is_err(),
            Limit::Until(deadline) => {
                let timeout = deadline.saturating_duration_since(Instant::now());
                match self.inner.send_timeout_blocking(packet, timeout) {
                    Err(chan::SendTimeoutError::Timeout(_)) => return Some(false),
                    sent => sent.is_err(),
                }
            }
            Limit::Now => match self.inner.try_send(packet) {
                Err(chan::TrySendError::Full(_)) => return Some(false),
                sent => sent.is_err(),
            },
        };
        self.choose(token, (!closed).then_some(place));
        Some(true)
    }

    fn abandon(&self, token: u64) {
        if let Some(place) = self.chosen(token) {
            place.abandon();
        }
    }
}

#[derive(Clone, Default)]
pub struct Select<'a> {
    handles: Vec<(usize, &'a (dyn Handle + Send + Sync))>,
    next_index: usize,
    biased: bool,
}

impl<'a> Select<'a> {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn new_biased() -> Self {
        Self { biased: true, ..Self::default() }
    }

    pub fn send<T: Send>(&mut self, sender: &'a Sender<T>) -> usize {
        self.add(sender)
    }

    pub fn recv<T: Send>(&mut self, receiver: &'a Receiver<T>) -> usize {
        self.add(receiver)
    }

    fn add(&mut self, handle: &'a (dyn Handle + Send + Sync)) -> usize {
        let index = self.next_index;
        self.next_index += 1;
        self.handles.push((index, handle));
        index
    }

    pub fn remove(&mut self, index: usize) {
        assert!(index < self.next_index, "index out of bounds");
        let place = self.handles.iter().position(|(other, _)| *other == index);
        self.handles.remove(place.expect("no operation with this index"));
    }

    pub fn try_select(&mut self) -> Result<SelectedOperation<'a>, TrySelectError> {
        self.run(Limit::Now).ok_or(TrySelectError)
    }

    pub fn select(&mut self) -> SelectedOperation<'a> {
        assert!(!self.handles.is_empty(), "no operations have been added to `Select`");
        self.run(Limit::Never).expect("it waits for ever")
    }

    pub fn select_timeout(
        &mut self,
        timeout: Duration,
    ) -> Result<SelectedOperation<'a>, SelectTimeoutError> {
        match Instant::now().checked_add(timeout) {
            Some(deadline) => self.select_deadline(deadline),
            None => Ok(self.select()),
        }
    }

    pub fn select_deadline(
        &mut self,
        deadline: Instant,
    ) -> Result<SelectedOperation<'a>, SelectTimeoutError> {
        self.run(Limit::Until(deadline)).ok_or(SelectTimeoutError)
    }

    fn run(&mut self, limit: Limit) -> Option<SelectedOperation<'a>> {
        let local = self.handles.iter().map(|(index, handle)| (*index, *handle as &dyn Handle));
        run(&local.collect::<Vec<_>>(), self.biased, limit)
    }

    pub fn try_ready(&mut self) -> Result<usize, TryReadyError> {
        no_readiness()
    }

    pub fn ready(&mut self) -> usize {
        no_readiness()
    }

    pub fn ready_timeout(&mut self, _timeout: Duration) -> Result<usize, ReadyTimeoutError> {
        no_readiness()
    }

    pub fn ready_deadline(&mut self, _deadline: Instant) -> Result<usize, ReadyTimeoutError> {
        no_readiness()
    }
}

fn run<'a>(
    handles: &[(usize, &'a dyn Handle)],
    biased: bool,
    limit: Limit,
) -> Option<SelectedOperation<'a>> {
    static TOKENS: AtomicU64 = AtomicU64::new(0);
    // Relaxed: a number nobody else gets.
    let token = TOKENS.fetch_add(1, Ordering::Relaxed);
    let chosen = |index, handle| Some(SelectedOperation { index, handle, token, open: true });
    if let [(index, handle)] = *handles {
        if let Some(done) = handle.alone(token, limit) {
            return if done { chosen(index, handle) } else { None };
        }
    }
    let mut select = if biased { LocalSelect::biased() } else { LocalSelect::new() };
    for (place, (_, handle)) in handles.iter().enumerate() {
        handle.add(&mut select, place, token);
    }
    let place = match limit {
        Limit::Never => Some(select.wait_blocking()),
        Limit::Until(deadline) => {
            select.wait_timeout_blocking(deadline.saturating_duration_since(Instant::now()))
        }
        Limit::Now => select.try_now(),
    }?;
    let (index, handle) = handles[place];
    chosen(index, handle)
}

/// The select of the macros, whose values need not be `Send`. Its operations are numbered from 0.
#[derive(Default)]
pub struct MacroSelect<'a> {
    handles: Vec<(usize, &'a dyn Handle)>,
    biased: bool,
}

impl<'a> MacroSelect<'a> {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn new_biased() -> Self {
        Self { biased: true, ..Self::default() }
    }

    pub fn send<T>(&mut self, sender: &'a Sender<T>) {
        self.handles.push((self.handles.len(), sender));
    }

    pub fn recv<T>(&mut self, receiver: &'a Receiver<T>) {
        self.handles.push((self.handles.len(), receiver));
    }

    pub fn try_select(&mut self) -> Option<SelectedOperation<'a>> {
        run(&self.handles, self.biased, Limit::Now)
    }

    pub fn select(&mut self) -> Option<SelectedOperation<'a>> {
        run(&self.handles, self.biased, Limit::Never)
    }

    pub fn select_timeout(&mut self, timeout: Duration) -> Option<SelectedOperation<'a>> {
        run(&self.handles, self.biased, Limit::Until(Instant::now() + timeout))
    }
}

fn no_readiness() -> ! {
    // Not a panic: tests that wait for each other would hang.
    eprintln!("the kit does not tell readiness without doing the operation");
    std::process::exit(1)
}

#[must_use]
pub struct SelectedOperation<'a> {
    index: usize,
    handle: &'a dyn Handle,
    token: u64,
    open: bool,
}

impl SelectedOperation<'_> {
    pub fn index(&self) -> usize {
        self.index
    }

    pub fn send<T>(mut self, sender: &Sender<T>, value: T) -> Result<(), SendError<T>> {
        let chosen = sender.chosen(self.token);
        self.open = false;
        match chosen {
            Some(place) => {
                place.fill(value);
                Ok(())
            }
            None => Err(SendError(value)),
        }
    }

    pub fn recv<T>(mut self, receiver: &Receiver<T>) -> Result<T, RecvError> {
        let chosen = receiver.chosen(self.token);
        self.open = false;
        chosen
    }
}

impl Drop for SelectedOperation<'_> {
    fn drop(&mut self) {
        if self.open {
            self.handle.abandon(self.token);
            if !std::thread::panicking() {
                panic!("dropped `SelectedOperation` without completing the operation");
            }
        }
    }
}
