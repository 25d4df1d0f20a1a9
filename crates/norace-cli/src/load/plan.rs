//! What a run sends: which customers, which of their purchases, under which ids.
//!
//! The unit of work is a [`Chain`]: one customer's orders, to be sent one after the other. Chains are independent, so
//! any number of connections may claim them in any order without changing a single outcome; that is why the counts of a
//! run do not depend on `--connections`. When more orders are wanted than the log has rows, the log is repeated in
//! rounds, each with new customers.
//!
//! Chains are claimed longest first within a round (the LPT rule: Graham, *Bounds on Multiprocessing Timing Anomalies*,
//! 1969): a customer with hundreds of purchases started last would keep one connection busy after all others are done.

use std::fmt::{self, Write as _};

use norace_prim::atomic::{AtomicU64, Ordering};

use crate::purchases::{Log, Purchase};

/// Characters of a run's name.
pub(crate) const RUN_CHARS_MAX: usize = 20;

/// One customer's purchases of one round, as positions in the plan's index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chain {
    round: u64,
    customer: u32,
    next: u32,
    end: u32,
}

impl Chain {
    /// Orders that have not been taken yet.
    pub(crate) fn left(&self) -> u64 {
        u64::from(self.end - self.next)
    }
}

/// One order of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PlannedOrder {
    /// Position in the run, from 1; names the order.
    pub(crate) number: u64,
    pub(crate) cents: i64,
}

/// Everything a run sends, and the cursor over it.
#[derive(Debug)]
pub(crate) struct Plan {
    log: Log,
    prefix: String,
    /// Row numbers grouped by customer, ascending within each.
    rows: Vec<u32>,
    /// Where each customer's group begins in `rows`; one more entry than customers.
    starts: Vec<u32>,
    longest_first: Vec<u32>,
    orders: Option<u64>,
    cursor: AtomicU64,
}

impl Plan {
    /// Plans the first `orders` rows of `log`, repeated as often as needed; without a number it never ends.
    ///
    /// With a `run`, every id begins with it.
    pub(crate) fn new(log: Log, run: Option<&str>, orders: Option<u64>) -> Self {
        let (rows, starts) = group_by_customer(&log);
        let mut longest_first: Vec<u32> = (0..).take(log.customers.len()).collect();
        let purchases = |customer: u32| {
            let at = customer as usize;
            starts[at + 1] - starts[at]
        };
        longest_first.sort_by_key(|&customer| std::cmp::Reverse(purchases(customer)));
        let prefix = run.map(|run| format!("{run}-")).unwrap_or_default();
        Self { log, prefix, rows, starts, longest_first, orders, cursor: AtomicU64::new(0) }
    }

    /// How many orders there are, unless the plan never ends.
    pub(crate) fn orders(&self) -> Option<u64> {
        self.orders
    }

    /// Lets all chains be claimed once more, from the first.
    pub(crate) fn rewind(&self) {
        // Relaxed: the runner rewinds between phases, and starting the next phase's tasks orders them after it.
        self.cursor.store(0, Ordering::Relaxed);
    }

    /// Claims the next chain; each is given out once, to whoever asks.
    pub(crate) fn claim(&self) -> Option<Chain> {
        loop {
            // Relaxed: the plan itself is immutable; the counter only makes the claims distinct.
            let ticket = self.cursor.fetch_add(1, Ordering::Relaxed);
            let per_round = self.longest_first.len() as u64;
            let round = ticket / per_round;
            let rows = self.rows_in(round)?;
            let place = usize::try_from(ticket % per_round).expect("below a Vec's length");
            let chain = self.chain(round, self.longest_first[place], rows);
            if chain.left() > 0 {
                return Some(chain);
            }
        }
    }

    /// The chain's next order, if there is one.
    pub(crate) fn take(&self, chain: &mut Chain) -> Option<PlannedOrder> {
        if chain.next == chain.end {
            return None;
        }
        let row = self.rows[chain.next as usize];
        chain.next += 1;
        let number = chain.round * self.log.rows.len() as u64 + u64::from(row) + 1;
        Some(PlannedOrder { number, cents: self.log.rows[row as usize].cents })
    }

    /// Appends the id of the chain's account; the deposit that funds it has the same.
    pub(crate) fn push_account(&self, chain: &Chain, text: &mut String) {
        text.push_str(&self.prefix);
        text.push_str(&self.log.customers[chain.customer as usize]);
        if chain.round > 0 {
            text.push('.');
            push_number(chain.round + 1, text);
        }
    }

    /// Appends the id of an order.
    pub(crate) fn push_order(&self, order: &PlannedOrder, text: &mut String) {
        text.push_str(&self.prefix);
        text.push_str("order-");
        push_number(order.number, text);
    }

    /// How many rows of the log belong to `round`; none past the plan's end.
    fn rows_in(&self, round: u64) -> Option<usize> {
        let all = self.log.rows.len();
        let Some(orders) = self.orders else { return Some(all) };
        let left = orders.saturating_sub(round.saturating_mul(all as u64));
        (left > 0).then(|| usize::try_from(left).map_or(all, |left| left.min(all)))
    }

    fn chain(&self, round: u64, customer: u32, rows: usize) -> Chain {
        let at = customer as usize;
        let (start, end) = (self.starts[at], self.starts[at + 1]);
        let group = &self.rows[start as usize..end as usize];
        let used = group.partition_point(|&row| (row as usize) < rows);
        let used = u32::try_from(used).expect("at most the group's length");
        Chain { round, customer, next: start, end: start + used }
    }
}

/// A counting sort of the rows by customer, which keeps file order within each.
fn group_by_customer(log: &Log) -> (Vec<u32>, Vec<u32>) {
    let mut starts = vec![0u32; log.customers.len() + 1];
    for row in &log.rows {
        starts[row.customer as usize + 1] += 1;
    }
    for at in 1..starts.len() {
        starts[at] += starts[at - 1];
    }
    let mut free = starts.clone();
    let mut rows = vec![0u32; log.rows.len()];
    for (number, Purchase { customer, .. }) in (0u32..).zip(&log.rows) {
        let slot = &mut free[*customer as usize];
        rows[*slot as usize] = number;
        *slot += 1;
    }
    (rows, starts)
}

/// Appends a whole number without the allocation of `to_string`.
pub(crate) fn push_number(n: impl fmt::Display, text: &mut String) {
    write!(text, "{n}").expect("a String takes everything");
}

#[cfg(test)]
mod tests;
