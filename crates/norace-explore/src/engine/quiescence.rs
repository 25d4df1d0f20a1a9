//! What it means that nothing can run: done, spinning, or stuck.

use super::{Engine, Phase};
use crate::event::{ObjectId, Op, ThreadId};
use crate::finding::{Blocked, Finding};

impl Engine {
    /// Nothing but time may be left to go on, or the execution is too long: answers who goes on all the same.
    #[cold]
    pub(super) fn at_an_end(&mut self, enabled: u64) -> u64 {
        if self.config.end_at_finding && !self.findings.is_empty() {
            0
        } else if self.steps >= self.config.steps_max {
            self.findings.push(Finding::TooLong { steps_max: self.config.steps_max });
            0
        } else if enabled == 0 {
            self.quiescent()
        } else if self.starves(enabled) {
            0
        } else {
            enabled
        }
    }

    /// No thread is enabled: lets held threads run on, or says what is wrong. Answers who can run after all.
    fn quiescent(&mut self) -> u64 {
        if self.live == 0 {
            return 0;
        }
        let held = self.held();
        if held == 0 {
            let blocked = self.blocked();
            let finding = if self.threads[ThreadId::MAIN].finished {
                Finding::Leak { blocked }
            } else {
                Finding::Deadlock { cycle: self.any_cycle(), blocked }
            };
            self.give_up(finding);
            return 0;
        }
        self.spin_steps += 1;
        if self.spin_steps <= self.config.spin_steps_max {
            return held;
        }
        let blocked = self.blocked();
        self.give_up(Finding::Livelock { blocked });
        0
    }

    /// Only timers can go on, as often before: gives up when somebody has waited for something else all the time, or
    /// when the main thread is done and timers are all that is left.
    fn starves(&mut self, enabled: u64) -> bool {
        let limit = self.config.idle_fires_max;
        for thread in (0..self.count).map(ThreadId::new) {
            self.threads[thread].starved += 1;
        }
        let main = &self.threads[ThreadId::MAIN];
        let (main_done, main_rounds) = (main.finished, main.starved);
        let waits = |index: usize| {
            let thread = ThreadId::new(index);
            self.is_live(thread)
                && self.threads[thread].starved > limit
                && enabled >> index & 1 == 0
        };
        if main_rounds > limit && (0..self.count).any(waits) {
            let blocked = self.blocked().into_iter();
            let blocked = blocked.filter(|one| waits(one.thread.id.index())).collect();
            let finding = if main_done {
                Finding::Leak { blocked }
            } else {
                Finding::Deadlock { cycle: self.any_cycle(), blocked }
            };
            self.give_up(finding);
            return true;
        }
        main_done && main_rounds > 2 * limit
    }

    fn give_up(&mut self, finding: Finding) {
        if self.phase == Phase::Running {
            self.examine_pending();
        }
        self.findings.push(finding);
        self.phase = Phase::Ending;
    }

    /// Ends the execution when `lock`, which `me` announced to take, closes a cycle of owners.
    pub(super) fn look_for_cycle(&mut self, me: ThreadId, lock: ObjectId) {
        if self.objects.mutex(lock).owner.is_none() {
            return;
        }
        let cycle = self.cycle_from(me);
        if !cycle.is_empty() && matches!(self.phase, Phase::Running | Phase::Redundant) {
            let blocked = self.blocked();
            let waits = |thread: &Blocked| cycle.contains(&thread.thread.id);
            let blocked = blocked.into_iter().filter(waits).collect();
            self.give_up(Finding::Deadlock { blocked, cycle });
        }
    }

    /// Whom `thread` waits for, where that is one thread.
    fn waits_for(&self, thread: ThreadId) -> Option<ThreadId> {
        let state = &self.threads[thread];
        let pending = state.pending?;
        match pending.op {
            Op::Lock => self.objects.mutex(pending.object).owner,
            Op::Join { target } => (!self.threads[target].finished).then_some(target),
            Op::Read | Op::Write => self.objects.rwlock(pending.object).writer,
            _ => None,
        }
    }

    fn cycle_from(&self, start: ThreadId) -> Vec<ThreadId> {
        let mut cycle = Vec::new();
        let mut at = start;
        while let Some(next) = self.waits_for(at) {
            cycle.push(at);
            if next == start {
                return cycle;
            }
            if cycle.contains(&next) {
                return Vec::new();
            }
            at = next;
        }
        Vec::new()
    }

    fn any_cycle(&self) -> Vec<ThreadId> {
        let cycles = (0..self.count).map(|index| self.cycle_from(ThreadId::new(index)));
        cycles.into_iter().find(|cycle| !cycle.is_empty()).unwrap_or_default()
    }

    /// All live threads with what they wait for.
    fn blocked(&self) -> Vec<Blocked> {
        let waiting = (0..self.count).map(ThreadId::new).filter_map(|thread| {
            let state = &self.threads[thread];
            let pending = state.pending.filter(|_| self.is_live(thread))?;
            let object = match pending.op {
                Op::Join { target } => self.thread_object(target),
                _ => pending.object,
            };
            let held_by = match pending.op {
                Op::Read | Op::Write => {
                    let lock = self.objects.rwlock(pending.object);
                    lock.readers.iter().copied().chain(lock.writer).collect()
                }
                _ => self.waits_for(thread).into_iter().collect(),
            };
            Some(Blocked {
                thread: self.thread_info(thread),
                operation: match self.is_waiting_for_news(thread) {
                    true => pending.op.kind_in_vain(),
                    false => pending.op.kind(),
                },
                location: pending.location,
                object: self.objects.info(object),
                held_by,
                waits: state.waits.clone(),
                missed: state.missed,
            })
        });
        waiting.collect()
    }
}
