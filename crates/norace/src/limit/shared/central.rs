//! The shared side of one key. In production this is the script that Redis runs; a test holds the two together.

use std::collections::BTreeMap;

use super::terms::{Answer, Request, Shape, Terms};

/// The store's memory about one key, and of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Central {
    /// When it was found empty; 0 before that.
    epoch: u64,
    /// Whether it takes itself for one that has forgotten.
    doubted: bool,
    window: u64,
    used: u64,
    /// When the bucket will be full.
    full_at: u64,
    /// The last message of each node: who it was, its number, and what was granted in which window.
    pub(super) last: BTreeMap<u64, Last>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Last {
    pub(super) life: u64,
    pub(super) seq: u64,
    granted: u64,
    window: u64,
}

impl Central {
    /// One step: charges, takes back, grants, and tells how things stand. The same message again changes nothing, and
    /// is answered with the same grant, unless that is over.
    ///
    /// `node` is a name that is used again after a restart, `life` tells the restarts apart; the greatest is the
    /// current one. Messages of others may come late and more than once: what they say was admitted is charged,
    /// perhaps twice, and they are granted nothing. A message returns something only if the one before it was of the
    /// same life, for what it returns may have been returned under another number.
    pub(crate) fn exchange(
        &mut self,
        now: u64,
        terms: &Terms,
        (node, life): (u64, u64),
        request: &Request,
    ) -> Answer {
        self.greet(now, terms, request.epoch);
        let closed = if self.doubted {
            (self.epoch + terms.quarantine(self.epoch)).saturating_sub(now)
        } else {
            0
        };
        let left = self.roll(now, terms.shape);
        let last = self.last.get(&node).copied();
        let known = last.filter(|last| last.life == life && last.seq >= request.seq);
        let mut wait = 0;
        let heard = last.map_or(0, |last| if last.life > life { last.life } else { 0 });
        let granted = if heard > 0 {
            self.take(now, terms.shape, request.spent);
            0
        } else if let Some(last) = known {
            let valid = last.seq == request.seq && last.window == self.window;
            if valid { last.granted } else { 0 }
        } else {
            self.take(now, terms.shape, request.spent);
            if last.is_none_or(|last| last.life == life) {
                self.take_back(terms.shape, request);
            }
            let left = self.available(now, terms);
            let share = (left / (2 * terms.nodes)).max(1);
            let granted = if closed > 0 { 0 } else { request.want.min(share).min(left) };
            self.take(now, terms.shape, granted);
            let last = Last { life, seq: request.seq, granted, window: self.window };
            self.last.insert(node, last);
            granted
        };
        if granted == 0 && request.want > 0 {
            wait = self.wait(now, terms, left).max(closed);
        }
        let level = match terms.shape {
            Shape::Window { .. } => self.used,
            Shape::Bucket { .. } => self.full_at.saturating_sub(now),
        };
        let (seq, epoch, window) = (request.seq, self.epoch, self.window);
        Answer { seq, epoch, window, level, left, granted, wait, closed, heard }
    }

    /// Notes the epoch, and whether there was another one.
    fn greet(&mut self, now: u64, terms: &Terms, known: u64) {
        if self.epoch == 0 {
            self.epoch = now;
            self.doubted = !terms.trust_empty;
        }
        if known != 0 && known != self.epoch {
            self.doubted = true;
        }
    }

    /// Begins a new window when it is time; how long it lasts.
    fn roll(&mut self, now: u64, shape: Shape) -> u64 {
        let Shape::Window { period, .. } = shape else { return 0 };
        // A clock that was put back does not bring an old window back.
        let window = (now / period).max(self.window);
        if window != self.window {
            self.window = window;
            self.used = 0;
        }
        (window + 1) * period - now
    }

    fn take_back(&mut self, shape: Shape, request: &Request) {
        match shape {
            Shape::Window { .. } if request.back_window == self.window => {
                self.used = self.used.saturating_sub(request.back);
            }
            Shape::Window { .. } => {}
            Shape::Bucket { count, period, .. } => {
                let time = u128::from(request.back) * u128::from(period) / u128::from(count);
                self.full_at = self.full_at.saturating_sub(super::terms::narrow(time));
            }
        }
    }

    /// Debt included: what was admitted is charged whether or not it fits.
    fn take(&mut self, now: u64, shape: Shape, n: u64) {
        match shape {
            _ if n == 0 => {}
            Shape::Window { .. } => self.used += n,
            Shape::Bucket { .. } => self.full_at = self.full_at.max(now) + shape.refill_time(n),
        }
    }

    fn available(&self, now: u64, terms: &Terms) -> u64 {
        match terms.shape {
            Shape::Window { limit, .. } => limit.saturating_sub(self.used),
            Shape::Bucket { .. } => {
                let all = terms.shape.refill_time(terms.central_at_once());
                terms.shape.refill(all.saturating_sub(self.full_at.saturating_sub(now)))
            }
        }
    }

    fn wait(&self, now: u64, terms: &Terms, left: u64) -> u64 {
        match terms.shape {
            Shape::Window { .. } => left,
            Shape::Bucket { .. } => {
                let all = terms.shape.refill_time(terms.central_at_once());
                let behind = self.full_at.saturating_sub(now) + terms.shape.refill_time(1);
                behind.saturating_sub(all)
            }
        }
    }
}

/// The mutants of the exploration.
#[cfg(test)]
impl Central {
    /// A store that everybody trusts.
    pub(super) fn known(epoch: u64) -> Self {
        Self { epoch, ..Self::default() }
    }

    #[cfg(feature = "redis")]
    pub(crate) fn window(&self) -> u64 {
        self.window
    }

    #[cfg(norace)]
    pub(super) fn used(&self) -> u64 {
        self.used
    }

    pub(super) fn epoch_or(&self, other: u64) -> u64 {
        if self.epoch == 0 { other } else { self.epoch }
    }

    /// The same store as far as anybody can tell, `by` earlier; what its epoch is called, where that is of no more use.
    pub(super) fn normalise(&mut self, now: u64, by: u64, terms: &Terms) -> Option<u64> {
        self.full_at = if terms.shape.is_bucket() { self.full_at.max(now) - by } else { 0 };
        let opens = self.epoch + terms.quarantine(self.epoch);
        if self.epoch == 0 {
            return None;
        }
        if self.doubted && opens > now {
            self.epoch -= by;
            return None;
        }
        self.doubted = false;
        Some(std::mem::replace(&mut self.epoch, 1))
    }

    /// A bucket that stops at "empty".
    pub(super) fn forgive_debt(&mut self, now: u64, terms: &Terms) {
        let all = terms.shape.refill_time(terms.shape.at_once());
        self.full_at = self.full_at.min(now + all);
    }
}
