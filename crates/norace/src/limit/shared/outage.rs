//! What a node admits while the store cannot be reached.

use super::terms::{Shape, Terms, narrow};

/// What is admitted while the store cannot be reached. There is no default: each answer is wrong for somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WhenDown {
    /// Everything, uncounted. For limits that protect nothing but fairness.
    Open,
    /// Nothing, once what was granted before is used up.
    Closed,
    /// Each node an equal part: of what it knew to be left in this window, and of the whole limit in the ones after; of
    /// a bucket's rate. A part below one request is none.
    Share,
}

/// A node's part of the limit during an outage.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Share {
    /// What was admitted, as far as it is still to be charged.
    used: u64,
    /// A window's: what is left of the part.
    left: u64,
    /// When the window ends, or when the part of the bucket will be full.
    until: u64,
}

impl Share {
    /// The part of a window: of `known`, what was left of it at the last answer, which lasts until `until`.
    pub(super) fn of_window(known: u64, until: u64, nodes: u64) -> Self {
        Self { used: 0, left: known / nodes, until }
    }

    /// The part of a bucket that will be full at `full_at`.
    pub(super) fn of_bucket(full_at: u64) -> Self {
        Self { used: 0, left: 0, until: full_at }
    }

    /// How much may be admitted, and until when that is known.
    pub(super) fn credit(&mut self, now: u64, terms: &Terms) -> (u64, u64) {
        match terms.shape {
            Shape::Window { limit, period } => {
                if now >= self.until {
                    self.until += ((now - self.until) / period + 1) * period;
                    // What was admitted in a window that is over is nobody's business any more.
                    (self.used, self.left) = (0, limit / terms.nodes);
                }
                (self.left, self.until)
            }
            Shape::Bucket { count, period, .. } => {
                let all = terms.shape.refill_time(terms.shape.at_once());
                let free = all.saturating_sub(self.until.saturating_sub(now));
                let slower = u128::from(period) * u128::from(terms.nodes);
                (narrow(u128::from(free) * u128::from(count) / slower), u64::MAX)
            }
        }
    }

    pub(super) fn spend(&mut self, n: u64, now: u64, terms: &Terms) {
        self.used += n;
        match terms.shape {
            Shape::Window { .. } => self.left = self.left.saturating_sub(n),
            Shape::Bucket { count, period, .. } => {
                let slower = u128::from(n) * u128::from(period) * u128::from(terms.nodes);
                self.until = self.until.max(now) + narrow(slower.div_ceil(u128::from(count)));
            }
        }
    }

    /// When the next request may be admitted.
    pub(super) fn wait(&self, now: u64, terms: &Terms) -> u64 {
        match terms.shape {
            Shape::Window { .. } => self.until.saturating_sub(now),
            Shape::Bucket { .. } => {
                let all = terms.shape.refill_time(terms.shape.at_once());
                let one = terms.shape.refill_time(terms.nodes);
                (self.until.saturating_sub(now) + one).saturating_sub(all)
            }
        }
    }

    /// What has to be charged now that the store is back: what the time since has not made up for.
    pub(super) fn charge(mut self, now: u64, terms: &Terms) -> u64 {
        match terms.shape {
            Shape::Window { .. } => {
                self.credit(now, terms);
                self.used
            }
            Shape::Bucket { count, period, .. } => {
                let behind = u128::from(self.until.saturating_sub(now)) * u128::from(count);
                let slower = u128::from(period) * u128::from(terms.nodes);
                self.used.min(narrow(behind.div_ceil(slower)))
            }
        }
    }

    /// The same as far as anything can tell, `by` earlier. Only a bucket is moved.
    #[cfg(test)]
    pub(super) fn normalise(&mut self, now: u64, by: u64) {
        self.until = if by == 0 { self.until } else { self.until.max(now) - by };
    }
}
