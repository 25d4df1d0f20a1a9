//! Fairness: who can go on does so at some time, and a store is seen at some time.
//!
//! No real scheduler leaves a thread out for ever, and no real memory keeps an old value for ever. A strategy can: it
//! would run a loop that waits for another thread to the step bound. So a thread that was passed over for about
//! [`PATIENCE_STEPS`] steps is the only one that can go on at the next, and a load does not return what was overwritten
//! so many steps ago. An exploration that was restricted by this is complete up to spinning.
//!
//! Who was passed over is looked for now and then, so that steps cost nothing.

use super::Engine;
use crate::driver::members;
use crate::event::{ObjectId, ThreadId};

/// Steps between two looks.
const LOOK_STEPS: u32 = 256;

/// At so many looks in a row a thread was passed over before it goes on.
const LOOKS_MAX: u16 = 5;

/// How many steps a thread or a store waits at least.
const PATIENCE_STEPS: u32 = LOOK_STEPS * (LOOKS_MAX as u32 - 1);

/// How often others went on instead of a thread.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PassedOver {
    /// Rounds in which nothing but timers could go on.
    pub(super) rounds: u16,
    /// Looks at which it could have gone on itself.
    looks: u16,
}

impl Engine {
    /// The step before which to look who was passed over, when there is none before the step to come.
    pub(super) fn next_look(&self) -> u32 {
        self.steps.saturating_add(LOOK_STEPS).min(self.config.steps_max)
    }

    /// Looks who of those who can go on has been passed over; answers the one for whom that was too long.
    pub(super) fn look_for_passed_over(&mut self, enabled: u64) -> Option<ThreadId> {
        for thread in (0..self.count).map(ThreadId::new) {
            let looks = &mut self.threads[thread].passed_over.looks;
            *looks = if enabled >> thread.index() & 1 == 1 { looks.saturating_add(1) } else { 0 };
        }
        self.look_at = self.next_look();
        let looks = |thread: &ThreadId| self.threads[*thread].passed_over.looks;
        // Time passes for those who have nothing better to do.
        let waited_longest =
            [self.without_timers(enabled), enabled].into_iter().find_map(|set| {
                let passed_over = members(set).filter(|thread| looks(thread) >= LOOKS_MAX);
                // Of those that waited as long, the last: nobody is asked twice before all were.
                passed_over.max_by_key(looks)
            })?;
        self.spins_held = true;
        self.driver.give_way(self.running);
        Some(waited_longest)
    }

    /// Whether any store may have been there for so long that what it overwrote is not read any more.
    #[inline]
    pub(super) fn has_old_stores(&self) -> bool {
        self.steps >= PATIENCE_STEPS
    }

    /// The position of the last store that has been there for so long that nothing before it is read any more.
    pub(super) fn seen_by_all(&mut self, object: ObjectId) -> usize {
        let Some(before) = self.steps.checked_sub(PATIENCE_STEPS) else { return 0 };
        let order = &self.objects.atomic(object).order;
        let old = |&message| self.objects.message(message).born <= before;
        order.iter().rposition(old).unwrap_or(0)
    }
}
