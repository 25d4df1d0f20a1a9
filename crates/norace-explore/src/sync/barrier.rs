//! A meeting point, as [`std::sync::Barrier`].

use std::sync::PoisonError;

use crate::sync::{Condvar, Mutex};

#[derive(Debug)]
struct Meeting {
    arrived: usize,
    /// Counts meetings, so that who waits is not kept by the next one.
    generation: usize,
}

/// [`std::sync::Barrier`], instrumented.
#[derive(Debug)]
pub struct Barrier {
    meeting: Mutex<Meeting>,
    changed: Condvar,
    size: usize,
}

/// Whether the thread was the one that completed a meeting.
#[derive(Debug)]
pub struct BarrierWaitResult(bool);

impl BarrierWaitResult {
    /// As `std`'s.
    pub fn is_leader(&self) -> bool {
        self.0
    }
}

impl Barrier {
    /// As `std`'s.
    #[track_caller]
    pub const fn new(size: usize) -> Self {
        let meeting = Mutex::new(Meeting { arrived: 0, generation: 0 });
        Self { meeting, changed: Condvar::new(), size }
    }

    /// As `std`'s.
    #[track_caller]
    pub fn wait(&self) -> BarrierWaitResult {
        let mut meeting = self.meeting.lock().unwrap_or_else(PoisonError::into_inner);
        let mine = meeting.generation;
        meeting.arrived += 1;
        if meeting.arrived >= self.size {
            meeting.arrived = 0;
            meeting.generation = mine.wrapping_add(1);
            self.changed.notify_all();
            return BarrierWaitResult(true);
        }
        let here = |meeting: &mut Meeting| meeting.generation == mine;
        drop(self.changed.wait_while(meeting, here).unwrap_or_else(PoisonError::into_inner));
        BarrierWaitResult(false)
    }
}
