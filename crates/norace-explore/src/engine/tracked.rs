//! Values that have to be gone when an execution ends.

use super::{Engine, Phase};
use crate::event::ThreadId;
use crate::finding::{Finding, Place};

#[derive(Clone, Copy, Debug)]
struct Value {
    type_name: &'static str,
    created: Place,
    thread: ThreadId,
    /// The number of its next event.
    next: u32,
    event: u32,
}

/// The tracked values of one execution, in the order of their making; none where one was dropped.
#[derive(Debug, Default)]
pub(crate) struct Tracked {
    values: Vec<Option<Value>>,
}

impl Tracked {
    pub(super) fn clear(&mut self) {
        self.values.clear();
    }
}

impl Engine {
    /// The running thread makes a value; its number.
    pub(crate) fn track(&mut self, type_name: &'static str, created: Place) -> usize {
        let (thread, event) = (self.running, self.happened);
        let value = Value { type_name, created, thread, next: self.next_number(thread), event };
        self.tracked.values.push(Some(value));
        self.tracked.values.len() - 1
    }

    pub(crate) fn untrack(&mut self, value: usize) {
        self.tracked.values[value] = None;
    }

    /// At the end of an execution in which every thread ended well: what is left was lost.
    pub(super) fn report_leaked_values(&mut self) {
        if !self.findings.is_empty() || self.phase == Phase::Teardown || self.live != 0 {
            return;
        }
        for at in 0..self.tracked.values.len() {
            if let Some(value) = self.tracked.values[at] {
                let Value { type_name, created, event, .. } = value;
                let thread = self.who_made(value.thread, value.next);
                self.findings.push(Finding::LeakedValue { type_name, created, thread, event });
            }
        }
    }
}
