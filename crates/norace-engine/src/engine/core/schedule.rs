//! The work that comes with time: transfers that expire, calls of the asynchronous processor and their repetition,
//! waiting callers that have gone.
//!
//! An order's way through the asynchronous processor, all of it in the core but the call itself:
//!
//! ```text
//!             +--------------- back-off -----------------+
//!             v                                          | no result, outside effects
//!  reserved -> ready -> running (a slot) -> reported ----+-> flagged (attempts used up)
//!                                               |
//!                                               +-> confirmed, failed
//! ```
//!
//! **Invariants.** A processor is called only after the order's `processing` is durable: the call is an effect of the
//! batch that holds it. At most as many orders are begun as there are slots; the others wait as ordinals. Where the
//! settings take slots away, what runs ends first. What is scheduled
//! is forgotten with the process: a restart finds the open orders in the state and begins again.

use std::collections::{BTreeSet, HashMap, VecDeque};

use norace::chan::Sender;
use norace_prim::time::Duration;

use super::super::commit::Effect;
use super::{Core, OWN_MOVE_BYTES_MAX};
use crate::codec::record_bytes_max;
use crate::model::{Action, Command, Handling, OrderState, Reason, Settlement};
use crate::processor::{CONCURRENCY_MAX, Decision, Job, Report};

/// Transfers that expire before other messages get their turn.
const EXPIRIES_PER_ROUND: usize = norace_prim::model_or!(256, 1);
/// How often waiters whose receivers have gone are looked for.
const SWEEP_EVERY_US: u64 = 1_000_000;
/// The pause before work of the engine's own that found no room is tried again.
const NO_ROOM_PAUSE_US: u64 = 100_000;

/// What is planned, and what runs.
#[derive(Debug, Default)]
pub(crate) struct Schedule {
    processor: Option<ProcessorPort>,
    ready: VecDeque<u32>,
    /// Reports that could not be carried out for want of room; their slots stay taken.
    stalled: Vec<Report>,
    running: usize,
    /// Calls made so far, of orders that were called without a result.
    attempts: HashMap<u32, u32>,
    retries: BTreeSet<(u64, u32)>,
    flagged: BTreeSet<u32>,
    /// Orders left pending by an earlier process.
    resumed: VecDeque<u32>,
    sweep_at: u64,
    no_room_until: u64,
}

/// How jobs reach the processor, and what it is like.
#[derive(Debug)]
pub(crate) struct ProcessorPort {
    pub(crate) jobs: Sender<Job>,
    pub(crate) has_outside_effects: bool,
}

impl Schedule {
    pub(crate) fn new(processor: Option<ProcessorPort>) -> Self {
        Self { processor, ..Self::default() }
    }

    /// Plans the open orders an earlier process left behind; returns how many.
    pub(crate) fn resume(&mut self, state: &crate::state::State) -> u64 {
        if self.processor.is_none() {
            return 0;
        }
        for from in OrderState::ALL.into_iter().filter(|state| !state.is_final()) {
            let mut next = state.next_order(Some(from), 0);
            while let Some(at) = next {
                if state.order_handling(at) == Handling::Async {
                    match from {
                        OrderState::Pending => self.resumed.push_back(at),
                        _ => self.ready.push_back(at),
                    }
                }
                next = at.checked_add(1).and_then(|after| state.next_order(Some(from), after));
            }
        }
        (self.resumed.len() + self.ready.len()) as u64
    }

    pub(super) fn ready(&mut self, at: u32) {
        self.ready.push_back(at);
    }

    pub(super) fn running(&self) -> usize {
        self.running
    }

    /// Forgets that an order needs a person: somebody ended it.
    pub(super) fn unflag(&mut self, at: u32) {
        self.flagged.remove(&at);
    }

    pub(super) fn flagged(&self) -> &BTreeSet<u32> {
        &self.flagged
    }

    /// The time at which the core has something to do unasked.
    pub(super) fn first_due(&self, expiry: Option<u64>, has_waiters: bool) -> Option<u64> {
        let retry = self.retries.first().map(|(at, _)| *at);
        let own_work = !self.stalled.is_empty() || !self.resumed.is_empty();
        let stalled = own_work.then_some(self.no_room_until);
        let due = [expiry.map(|at| at.max(self.no_room_until)), retry, stalled];
        let sweep = has_waiters.then_some(self.sweep_at);
        due.into_iter().chain([sweep]).flatten().min()
    }
}

impl Core {
    /// Does what is due.
    pub(crate) fn wake_up(&mut self) {
        self.settings = self.source.read();
        self.now = self.clock.now_us().max(self.state.now());
        if self.schedule.sweep_at <= self.now {
            self.waiters.sweep();
            self.schedule.sweep_at = self.now + SWEEP_EVERY_US;
        }
        if self.schedule.no_room_until <= self.now {
            self.expire_transfers();
            self.resume_orders();
            for report in std::mem::take(&mut self.schedule.stalled) {
                self.processed(report);
            }
        }
        while let Some((due, at)) = self.schedule.retries.first().copied() {
            if due > self.now {
                break;
            }
            self.schedule.retries.remove(&(due, at));
            self.schedule.ready.push_back(at);
        }
        self.dispatch();
    }

    /// Room for the engine's own work; when there is none, that work pauses.
    fn reserve_own(&mut self, bytes: usize, records: usize) -> bool {
        let reserved = self.reserve_bytes(bytes, records).is_ok();
        if reserved {
            self.fit(bytes);
        } else {
            self.schedule.no_room_until = self.now + NO_ROOM_PAUSE_US;
        }
        reserved && !self.failed
    }

    fn expire_transfers(&mut self) {
        for _ in 0..EXPIRIES_PER_ROUND {
            let Some((deadline, id)) = self.state.first_deadline() else { return };
            if deadline > self.now {
                return;
            }
            let (transfer, settlement) = (id.clone(), Settlement::Expire);
            let command = Command::SettleTransfer { transfer, settlement };
            if !self.reserve_own(record_bytes_max(&command, None), 1) {
                return;
            }
            if let Err(rejection) = self.apply(&command, None) {
                unreachable!("a transfer that is due expires, but: {rejection}");
            }
        }
    }

    /// Starts orders that an earlier process created and left pending.
    fn resume_orders(&mut self) {
        while let Some(at) = self.schedule.resumed.front().copied() {
            if self.state.order_state(at) == OrderState::Pending {
                if !self.reserve_own(2 * OWN_MOVE_BYTES_MAX, 2) {
                    return;
                }
                if self.start(at) {
                    self.schedule.ready(at);
                }
            }
            self.schedule.resumed.pop_front();
        }
    }

    /// Hands orders to the processor while there are free slots.
    pub(super) fn dispatch(&mut self) {
        let Some(port) = &self.schedule.processor else { return };
        let (jobs, options) = (port.jobs.clone(), self.settings.processor);
        let slots = options.concurrency.clamp(1, CONCURRENCY_MAX);
        while self.schedule.running < slots {
            let Some(at) = self.schedule.ready.pop_front() else { return };
            if self.state.order_state(at) != OrderState::Processing {
                // A client moved it meanwhile.
                self.schedule.attempts.remove(&at);
                continue;
            }
            self.schedule.running += 1;
            let job = Job { at, order: self.state.order(at), timeout: options.timeout };
            let jobs = jobs.clone();
            self.tell(|_| Effect::Dispatch(jobs, job));
        }
    }

    /// Carries out what a processor said about an order.
    pub(super) fn processed(&mut self, report: Report) {
        if self.state.order_state(report.at) == OrderState::Processing {
            let has_outside_effects =
                self.schedule.processor.as_ref().is_some_and(|port| port.has_outside_effects);
            let step = match &report.result {
                Ok(Decision::Confirm) => Some((Action::Confirm, None)),
                Ok(Decision::Refuse(reason)) => Some((Action::Fail, Some(reason.clone()))),
                Err(error) if !has_outside_effects => Some((Action::Fail, Some(error.0.clone()))),
                Err(_) => None,
            };
            match step {
                Some((action, reason)) => {
                    let reason_bytes = reason.as_ref().map_or(0, |r: &Reason| r.as_str().len());
                    if !self.reserve_own(OWN_MOVE_BYTES_MAX + reason_bytes, 1) {
                        self.schedule.stalled.push(report);
                        return;
                    }
                    self.move_order(report.at, action, reason);
                    self.schedule.attempts.remove(&report.at);
                }
                None => self.try_again(report.at),
            }
        }
        self.schedule.running -= 1;
        self.dispatch();
    }

    /// Plans another call for an order whose last one had no definite result, or flags it.
    fn try_again(&mut self, at: u32) {
        let (schedule, options) = (&mut self.schedule, self.settings.processor);
        let attempts = schedule.attempts.entry(at).or_insert(0);
        *attempts += 1;
        if *attempts >= options.attempts_max {
            schedule.attempts.remove(&at);
            schedule.flagged.insert(at);
            return;
        }
        let doubled = options.backoff_min.saturating_mul(1 << (*attempts - 1).min(20));
        let pause = doubled.min(options.backoff_max);
        schedule.retries.insert((self.now + micros(pause), at));
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
