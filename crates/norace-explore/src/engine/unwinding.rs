//! Who of the threads is unwinding, which `std` cannot tell: to it all of them are one.
//!
//! What `std` says is true of the running thread if no other one was suspended by an operation in a destructor. So it
//! is noted who begins to unwind, and forgotten when nobody does. A thread that caught its panic while another one
//! unwinds is taken to unwind until that is over; one that resumes a panic meanwhile is not.

use super::Engine;
use crate::event::ThreadId;

impl Engine {
    /// The running thread begins to unwind.
    pub(crate) fn begins_to_unwind(&mut self) {
        self.unwinding |= 1 << self.running.index();
    }

    /// Somebody unwinds, while `thread` runs.
    #[cold]
    pub(super) fn note_unwinding(&mut self, thread: ThreadId) {
        if self.unwinding == 0 && !self.unwinds_for_ever {
            self.unwinding = 1 << thread.index();
        }
    }

    /// The closure of `thread` has ended.
    pub(super) fn ends_to_unwind(&mut self, thread: ThreadId) {
        self.unwinding &= !(1 << thread.index());
    }

    /// Whether the running thread is unwinding.
    #[inline]
    pub(crate) fn is_unwinding(&self) -> bool {
        std::thread::panicking() && self.is_among_unwinding()
    }

    #[cold]
    fn is_among_unwinding(&self) -> bool {
        let none = self.unwinding == 0 && !self.unwinds_for_ever;
        none || self.unwinding >> self.running.index() & 1 == 1
    }
}
