//! matklad/once_cell#186: a weak compare-exchange fails although nobody is in its way, which was taken for impossible.
//!
//! Who initialises a cell exchanges its state. The answers "running" and "complete" were expected; a weak exchange may
//! also fail with the very state that it asked for, which ran into an assertion. Fixed by trying again.

use super::spawn;
use crate::case::Case;
use norace_check::RaceCell;
use norace_prim::atomic::{AtomicU8, Ordering};
use norace_prim::sync::{Arc, Condvar, Mutex, lock, wait};

pub(super) const CASE: Case = Case {
    name: "once_cell_186",
    class: "Weak exchange",
    kinds: &["panic"],
    blames: &["first", "second"],
    program,
};

const INCOMPLETE: u8 = 0;
const RUNNING: u8 = 1;
const COMPLETE: u8 = 2;

struct OnceCell {
    state: AtomicU8,
    value: RaceCell<Option<u32>>,
    parked: Mutex<()>,
    changed: Condvar,
}

impl OnceCell {
    fn initialize(&self, value: u32, fixed: bool) {
        loop {
            let (from, to) = (INCOMPLETE, RUNNING);
            // Acquire: pairs with the Release in complete, so that the value is seen.
            match self.state.compare_exchange_weak(from, to, Ordering::Acquire, Ordering::Acquire) {
                Ok(_) => return self.complete(value),
                Err(COMPLETE) => return,
                Err(RUNNING) => self.park(),
                Err(INCOMPLETE) if fixed => {}
                Err(state) => unreachable!("the state is {state}"),
            }
        }
    }

    fn complete(&self, value: u32) {
        self.value.set(Some(value));
        // Release: pairs with the Acquire in initialize.
        self.state.store(COMPLETE, Ordering::Release);
        drop(lock(&self.parked));
        self.changed.notify_all();
    }

    /// Waits while somebody else initialises.
    fn park(&self) {
        let mut guard = lock(&self.parked);
        // Relaxed: initialize asks again.
        while self.state.load(Ordering::Relaxed) == RUNNING {
            guard = wait(&self.changed, guard);
        }
    }
}

fn program(fixed: bool) {
    let cell = Arc::new(OnceCell {
        state: AtomicU8::new(INCOMPLETE),
        value: RaceCell::named("value", None),
        parked: Mutex::new(()),
        changed: Condvar::new(),
    });
    for (name, value) in [("first", 1), ("second", 2)] {
        let cell = cell.clone();
        spawn(name, move || {
            cell.initialize(value, fixed);
            assert!(cell.value.get().is_some(), "initialised by then");
        });
    }
}
