//! What it means that nothing can run: done, spinning, or stuck.

use std::cmp::Reverse;

use super::{Engine, Pending, Phase};
use crate::driver::{first, members, set_of};
use crate::event::{ObjectId, Op, ThreadId};
use crate::finding::{Blocked, Finding};

impl Engine {
    /// Nothing but time may be left to go on, the execution may be too long, or unfair: answers who goes on.
    #[cold]
    pub(super) fn at_an_end(&mut self, enabled: u64) -> u64 {
        if self.config.end_at_finding && !self.findings.is_empty() {
            0
        } else if self.steps >= self.config.steps_max {
            self.findings.push(Finding::TooLong { steps_max: self.config.steps_max });
            0
        } else if enabled == 0 {
            self.quiescent()
        } else if self.steps >= self.look_at
            && let Some(thread) = self.look_for_passed_over(enabled)
        {
            1 << thread.index()
        } else if !self.has_only_timers(enabled) {
            self.limit_timers(enabled)
        } else {
            self.only_time(enabled)
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

    /// Only timers can go on. When that was so often, each gets its turn, the one that waited longest first; when it
    /// was so twice as often, gives up those who waited for something else all the time, unless that is for one who
    /// goes on, or ends the execution where the main thread is done and timers are all that is left. Answers who goes
    /// on.
    fn only_time(&mut self, enabled: u64) -> u64 {
        let limit = self.config.idle_fires_max;
        for thread in members(self.live | 1 << ThreadId::MAIN.index()) {
            let rounds = &mut self.threads[thread].passed_over.rounds;
            *rounds = rounds.saturating_add(1);
        }
        if self.rounds(ThreadId::MAIN) <= limit {
            return enabled;
        }
        self.spins_held = true;
        let last = members(enabled)
            .max_by_key(|&thread| (self.rounds(thread), Reverse(self.threads[thread].deadline)));
        let last = last.expect("somebody can go on");
        if self.rounds(ThreadId::MAIN) <= 2 * limit || self.rounds(last) > limit {
            return 1 << last.index();
        }
        self.give_up_starved(enabled);
        let goes_on = self.phase != Phase::Ending && self.is_live(ThreadId::MAIN);
        u64::from(goes_on) << last.index()
    }

    /// For how many rounds of nothing but timers `thread` has waited.
    fn rounds(&self, thread: ThreadId) -> u32 {
        u32::from(self.threads[thread].passed_over.rounds)
    }

    fn give_up_starved(&mut self, enabled: u64) {
        let starved = self.starved(enabled);
        if starved == 0 {
            return;
        }
        let blocked = self.blocked_among(starved);
        let finding = if self.threads[ThreadId::MAIN].finished {
            Finding::Leak { blocked }
        } else {
            Finding::Deadlock { cycle: self.any_cycle(), blocked }
        };
        self.give_up(finding);
    }

    /// Those who have waited for long, while `enabled` can go on, and not for one who goes on at some time.
    fn starved(&self, enabled: u64) -> u64 {
        let waits = |&thread: &ThreadId| self.rounds(thread) > self.config.idle_fires_max;
        let mut starved = set_of(members(self.live & !enabled).filter(waits));
        loop {
            let goes_on = |&thread: &ThreadId| {
                let others = self.waits_for(thread);
                others != 0 && others & !(self.live & !starved) == 0
            };
            let rescued = set_of(members(starved).filter(goes_on));
            if rescued == 0 {
                return starved;
            }
            starved &= !rescued;
        }
    }

    fn give_up(&mut self, finding: Finding) {
        if self.phase == Phase::Running {
            self.examine_pending();
        }
        self.findings.push(finding);
        self.phase = Phase::Ending;
    }

    /// Ends the execution when what `me` announced to wait for closes a circle of threads that wait for each other.
    pub(super) fn look_for_cycle(&mut self, me: ThreadId) {
        let (mut seen, mut next) = (0, self.waits_for(me));
        while next & !seen != 0 {
            let thread = first(next & !seen);
            seen |= 1 << thread.index();
            next |= self.waits_for(thread);
        }
        let closes = seen >> me.index() & 1 == 1;
        if closes && matches!(self.phase, Phase::Running | Phase::Redundant) {
            let cycle = self.cycle_from(me);
            let blocked = self.blocked_among(set_of(cycle.iter().copied()));
            self.give_up(Finding::Deadlock { blocked, cycle: self.all_shown(cycle) });
        }
    }

    /// The threads each of which has to do something before `thread` can go on, where they are known.
    fn waits_for(&self, thread: ThreadId) -> u64 {
        let Some(pending) = &self.threads[thread].pending else { return 0 };
        match pending.op {
            Op::Lock => set_of(self.objects.mutex(pending.object).owner),
            Op::Join { target } => set_of((!self.threads[target].finished).then_some(target)),
            Op::Write => set_of(self.holders(pending.object)),
            // A writer that waits keeps new readers out as one that has the lock does.
            Op::Read => {
                let lock = self.objects.rwlock(pending.object);
                let others = (0..self.count).map(ThreadId::new).filter(|&other| {
                    let op = self.threads[other].pending.filter(|op| op.object == pending.object);
                    lock.waiting_writers > 0 && matches!(op, Some(Pending { op: Op::Write, .. }))
                });
                set_of(others.chain(lock.writer))
            }
            _ => 0,
        }
    }

    /// Who reads or writes under a readers-writer lock.
    fn holders(&self, lock: ObjectId) -> impl Iterator<Item = ThreadId> {
        let lock = self.objects.rwlock(lock);
        lock.readers.iter().copied().chain(lock.writer)
    }

    /// A circle of threads from `start` back to it, each of which waits for the next.
    fn cycle_from(&self, start: ThreadId) -> Vec<ThreadId> {
        let mut way = Vec::new();
        self.find_way(start, start, &mut 0, &mut way);
        way
    }

    /// Extends `way` by `from` and those that it waits for, one after the other, until the last waits for `to`.
    fn find_way(
        &self,
        from: ThreadId,
        to: ThreadId,
        seen: &mut u64,
        way: &mut Vec<ThreadId>,
    ) -> bool {
        *seen |= 1 << from.index();
        way.push(from);
        let next = self.waits_for(from);
        let there = next >> to.index() & 1 == 1
            || members(next)
                .any(|next| *seen >> next.index() & 1 == 0 && self.find_way(next, to, seen, way));
        if !there {
            way.pop();
        }
        there
    }

    fn any_cycle(&self) -> Vec<ThreadId> {
        let cycles = (0..self.count).map(|index| self.cycle_from(ThreadId::new(index)));
        let cycle = cycles.into_iter().find(|cycle| !cycle.is_empty());
        self.all_shown(cycle.unwrap_or_default())
    }

    /// What reports call these threads.
    fn all_shown(&self, threads: impl IntoIterator<Item = ThreadId>) -> Vec<ThreadId> {
        threads.into_iter().map(|thread| self.shown(thread)).collect()
    }

    /// All live threads with what they wait for.
    fn blocked(&self) -> Vec<Blocked> {
        self.blocked_among(self.live)
    }

    /// Those of `threads` that are live with what they wait for.
    fn blocked_among(&self, threads: u64) -> Vec<Blocked> {
        let waiting = members(threads & self.live).filter_map(|thread| {
            let state = &self.threads[thread];
            let pending = state.pending?;
            let object = match pending.op {
                Op::Join { target } => self.thread_object(target),
                _ => pending.object,
            };
            let held_by = match pending.op {
                Op::Read | Op::Write => self.all_shown(self.holders(pending.object)),
                _ => self.all_shown(members(self.waits_for(thread))),
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
