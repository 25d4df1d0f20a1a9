//! Every execution with at most `k` preemptions, for growing `k`: depth first over all choices, without reduction.
//!
//! A preemption is a switch away from a thread that could have gone on (Musuvathi, Qadeer, PLDI 2007). Sleep sets and
//! this bound do not go together: a class may have one member within the bound, and not the one that is explored.

use crate::driver::first;
use crate::engine::Engine;
use crate::event::ThreadId;

#[derive(Clone, Copy, Debug)]
struct Frame {
    /// Threads still to run from here.
    left: u64,
    thread: ThreadId,
    label: u16,
    labels: u16,
    /// Preemptions before this step.
    spent: u32,
    current: ThreadId,
    current_enabled: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Depth {
    frames: Vec<Frame>,
    bound: u32,
    cut: bool,
}

impl Depth {
    pub(super) fn bound(&self) -> u32 {
        self.bound
    }

    /// Whether the bound kept anything from being run.
    pub(super) fn was_cut(&self) -> bool {
        self.cut
    }

    /// Moves to the next choice, or to the next bound while that can show anything new.
    pub(super) fn advance(&mut self, bound_max: u32) -> bool {
        while let Some(frame) = self.frames.last_mut() {
            if frame.label + 1 < frame.labels {
                frame.label += 1;
                return true;
            }
            if frame.left != 0 {
                frame.thread = first(frame.left);
                frame.left &= frame.left - 1;
                frame.label = 0;
                return true;
            }
            self.frames.pop();
        }
        if self.cut && self.bound < bound_max {
            self.bound += 1;
            self.cut = false;
            return true;
        }
        false
    }
}

impl Engine {
    pub(super) fn pick_bounded(&mut self, enabled: u64) -> Option<ThreadId> {
        let depth = self.steps as usize;
        if depth == self.driver.depth.frames.len() {
            let frame = self.bounded_frame(enabled);
            self.driver.depth.frames.push(frame);
        }
        let frame = self.driver.depth.frames[depth];
        if enabled >> frame.thread.index() & 1 == 0 {
            self.diverged();
            return None;
        }
        let picked = self.take_label(frame.thread, frame.label);
        let labels = u16::try_from(self.labels.len()).expect("labels are few");
        self.driver.depth.frames[depth].labels = labels;
        if picked.is_none() {
            self.diverged();
        }
        picked
    }

    fn bounded_frame(&mut self, enabled: u64) -> Frame {
        let current = self.running;
        let spent = self.driver.depth.frames.last().map_or(0, |last| {
            let preempted = last.current_enabled && last.thread != last.current;
            last.spent + u32::from(preempted)
        });
        let current_bit = 1 << current.index();
        let current_enabled = self.without_timers(enabled) & current_bit != 0;
        let mut options = enabled;
        if current_enabled && spent >= self.driver.depth.bound {
            self.driver.depth.cut |= enabled != current_bit;
            options = current_bit;
        }
        let thread = if current_enabled { current } else { first(self.without_timers(options)) };
        let left = options & !(1 << thread.index());
        Frame { left, thread, label: 0, labels: 1, spent, current, current_enabled }
    }
}
