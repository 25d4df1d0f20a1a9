//! Who waits for an order to become final. Owned by the core, bounded in number.
//!
//! A waiter whose receiver has gone is removed when its order ends, or by a sweep. The number of waiters at which the
//! next sweep happens is twice what the last one left; where the bound is in the way, one happens when so many were
//! refused as are a share of the waiters. So sweeping costs a constant per registration.

use std::collections::HashMap;

use super::commit::Replier;
use crate::model::{Order, Rejection};

const SWEEP_MIN: usize = norace_prim::model_or!(256, 2);

/// Waiters that one refusal pays for looking at.
const SWEEP_SHARE: usize = 16;

/// One that waits: the right to answer it.
type Waiter = Replier<Result<Order, Rejection>>;

#[derive(Debug)]
pub(crate) struct Waiters {
    by_order: HashMap<u32, Vec<Waiter>>,
    len: usize,
    sweep_at: usize,
    /// Refused since the last sweep.
    refused: usize,
}

impl Default for Waiters {
    fn default() -> Self {
        Self { by_order: HashMap::new(), len: 0, sweep_at: SWEEP_MIN, refused: 0 }
    }
}

impl Waiters {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Registers `waiter` for the order, or gives it back when there are `len_max` already.
    pub(crate) fn add(&mut self, order: u32, waiter: Waiter, len_max: usize) -> Result<(), Waiter> {
        let refused_enough = self.refused >= self.len / SWEEP_SHARE;
        if self.len >= self.sweep_at || self.len >= len_max && refused_enough {
            self.sweep();
        }
        if self.len >= len_max {
            self.refused += 1;
            return Err(waiter);
        }
        self.by_order.entry(order).or_default().push(waiter);
        self.len += 1;
        Ok(())
    }

    /// Takes all who wait for the order.
    pub(crate) fn take(&mut self, order: u32) -> Vec<Waiter> {
        if self.len == 0 {
            return Vec::new();
        }
        let taken = self.by_order.remove(&order).unwrap_or_default();
        self.len -= taken.len();
        taken
    }

    /// Takes all.
    pub(crate) fn take_all(&mut self) -> impl Iterator<Item = Waiter> {
        self.len = 0;
        std::mem::take(&mut self.by_order).into_values().flatten()
    }

    /// Removes those whose receiver has gone.
    pub(crate) fn sweep(&mut self) {
        self.by_order.retain(|_, waiters| {
            waiters.retain(|waiter| !waiter.is_closed());
            !waiters.is_empty()
        });
        self.len = self.by_order.values().map(Vec::len).sum();
        self.sweep_at = (self.len * 2).max(SWEEP_MIN);
        self.refused = 0;
    }
}
