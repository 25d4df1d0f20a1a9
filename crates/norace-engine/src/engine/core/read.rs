//! Reads, figures, and waiting for an order's end.

use super::super::commit::{Effect, Replier};
use super::super::query::{Found, PAGE_LIMIT_MAX, Query, Stats};
use super::super::reply::Unavailable;
use super::Core;
use crate::model::{Id, Order, OrderState, Rejection};

impl Core {
    pub(super) fn read(&self, query: Query) -> Result<Found, Rejection> {
        let state = &self.state;
        match query {
            Query::Account(id) => {
                let at = state.find_account(&id).ok_or(Rejection::NotFound)?;
                Ok(Found::Account(state.account(at)))
            }
            Query::Transfer(id) => {
                let at = state.find_transfer(&id).ok_or(Rejection::NotFound)?;
                Ok(Found::Transfer(state.transfer(at)))
            }
            Query::Order(id) => {
                let at = state.find_order(&id).ok_or(Rejection::NotFound)?;
                Ok(Found::Order(state.order(at)))
            }
            Query::Orders { state: filter, limit, cursor } => {
                let limit = limit.clamp(1, PAGE_LIMIT_MAX);
                Ok(Found::Orders(state.orders_page(filter, limit, cursor)))
            }
            Query::Stats => Ok(Found::Stats(Box::new(self.stats()))),
        }
    }

    fn stats(&self) -> Stats {
        let counts = self.state.counts();
        let written = self.commit.written();
        let (mut debits_posted, mut debits_pending) = (0, 0);
        for (_, totals) in self.state.ledgers() {
            debits_posted += totals.debits.posted;
            debits_pending += totals.debits.pending;
        }
        Stats {
            sequence: self.state.sequence(),
            durable_sequence: written.durable_sequence,
            accounts: counts.accounts,
            transfers: counts.transfers,
            orders: OrderState::ALL.map(|state| self.state.count_orders(state)),
            keys: counts.keys,
            debits_posted,
            debits_pending,
            queue_depth: self.queue.len() as u64,
            queue_depth_max: self.queue.capacity().unwrap_or(0) as u64,
            waiters: self.waiters.len() as u64,
            processing_now: self.schedule.running() as u64,
            flagged: self.schedule.flagged().len() as u64,
            flagged_orders: self.flagged_orders(),
            frames: written.frames,
            records: written.records,
            append_latency: written.latency.summary(),
        }
    }

    fn flagged_orders(&self) -> Vec<Id> {
        const LISTED_MAX: usize = 100;
        let flagged = self.schedule.flagged().iter().take(LISTED_MAX);
        flagged.map(|at| self.state.order_id(*at).clone()).collect()
    }

    pub(super) fn wait_final(&mut self, id: &Id, replier: Replier<Result<Order, Rejection>>) {
        let result = match self.state.find_order(id) {
            None => Err(Rejection::NotFound),
            Some(at) if self.state.order_state(at).is_final() => Ok(self.state.order(at)),
            Some(at) => {
                if let Err(replier) = self.waiters.add(at, replier, self.settings.waiters_max) {
                    drop(replier.send(Err(Unavailable::Overloaded)));
                }
                return;
            }
        };
        self.tell(|sequence| Effect::Final(replier, sequence, result));
    }

    /// Answers all who wait for an order that has just become final.
    pub(super) fn answer_waiters(&mut self, at: u32) {
        let sequence = self.state.sequence();
        for waiter in self.waiters.take(at) {
            let order = self.state.order(at);
            self.batch.effects.push(Effect::Final(waiter, sequence, Ok(order)));
        }
    }
}
