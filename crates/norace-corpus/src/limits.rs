//! Known limits of the checker: programs of which it says something that is not true. All are about [`Arc`], which is
//! `std`'s in models, too, so that neither its counts nor what they order are seen.
//!
//! Whoever mends one of them sees it in the tests of this crate, and moves it to where it belongs then: a false alarm
//! to the idioms, with its mistake, and a bug that is found to the bugs. The guide names them as well, in
//! `docs/guide/checking.md`.

use norace_check::RaceCell;
use norace_prim::atomic::{AtomicBool, Ordering};
use norace_prim::sync::Arc;
use norace_prim::thread;

/// A program, and what is said of it.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// Its name.
    pub name: &'static str,
    /// The kind of the finding, if there is one.
    pub said: Option<&'static str>,
    /// The program.
    pub program: fn(),
}

/// Programs without a race, of which one is told: `std` orders what they do by the count.
pub const FALSE_ALARMS: &[Limit] = &[
    Limit { name: "arc_get_mut", said: Some("data-race"), program: arc_get_mut },
    Limit { name: "arc_try_unwrap", said: Some("data-race"), program: arc_try_unwrap },
    Limit { name: "arc_last_drop", said: Some("data-race"), program: arc_last_drop },
];

/// Programs with a bug, of which nothing is told: it takes another order of the counts.
pub const MISSED: &[Limit] = &[
    Limit { name: "weak_upgrade", said: None, program: weak_upgrade },
    Limit { name: "arc_both_unwrap", said: None, program: arc_both_unwrap },
];

/// One owner changes the value and lets go of it; the other does `then` with it, sometimes after that.
fn beside_another_owner(then: fn(Arc<RaceCell<u32>>)) {
    let (mine, begun) = (Arc::new(RaceCell::named("value", 0)), Arc::new(AtomicBool::new(false)));
    let (other, begins) = (mine.clone(), begun.clone());
    let thread = thread::spawn(move || {
        // Relaxed: it is here so that the other thread may come before and after, and orders nothing.
        begins.store(true, Ordering::Relaxed);
        other.set(1);
    });
    // Relaxed: as above.
    if begun.load(Ordering::Relaxed) {
        then(mine);
    }
    thread.join().expect("it does not panic");
}

/// Who is alone with a value has seen what the others did before they let go of it.
fn arc_get_mut() {
    beside_another_owner(|mut mine| {
        if let Some(value) = Arc::get_mut(&mut mine) {
            value.set(2);
        }
    });
}

/// So has who gets it back.
fn arc_try_unwrap() {
    beside_another_owner(|mine| {
        if let Ok(value) = Arc::try_unwrap(mine) {
            value.set(2);
        }
    });
}

/// A value that is changed by its drop.
struct Changed(RaceCell<u32>);

impl Drop for Changed {
    fn drop(&mut self) {
        self.0.set(0);
    }
}

/// And who drops it.
fn arc_last_drop() {
    let mine = Arc::new(Changed(RaceCell::named("value", 1)));
    let other = mine.clone();
    let thread = thread::spawn(move || other.0.get());
    mine.0.get();
    drop(mine);
    thread.join().expect("it does not panic");
}

/// The value may still be there when the other one looks.
fn weak_upgrade() {
    let owner = Arc::new(7);
    let weak = Arc::downgrade(&owner);
    let thread = thread::spawn(move || weak.upgrade().is_some());
    drop(owner);
    assert!(!thread.join().expect("it does not panic"), "the value was still there");
}

/// Two owners who each want the value back may both be refused, because each still sees the other.
fn arc_both_unwrap() {
    let mine = Arc::new(7);
    let other = mine.clone();
    let thread = thread::spawn(move || Arc::try_unwrap(other).is_ok());
    let got = Arc::try_unwrap(mine).is_ok();
    assert!(got || thread.join().expect("it does not panic"), "nobody got the value");
}
