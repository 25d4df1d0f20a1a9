//! Random operation sequences.

use std::panic::{AssertUnwindSafe, catch_unwind};

use norace_check::Builder;
use norace_check::linear::{Linear, Random, Sequential};
use norace_explore::sync::Mutex;
use norace_explore::sync::atomic::{AtomicU32, Ordering};

/// A counter: every call adds one and answers what was there.
#[derive(Clone, Default)]
struct Counter(u32);

#[derive(Clone, Debug)]
enum Call {
    Add,
    Get,
}

impl Sequential for Counter {
    type Call = Call;
    type Answer = u32;

    fn apply(&mut self, call: &Call) -> u32 {
        let before = self.0;
        if let Call::Add = call {
            self.0 += 1;
        }
        before
    }
}

fn call(random: &mut Random) -> Call {
    if random.below(3) == 0 { Call::Get } else { Call::Add }
}

fn linear() -> Linear<Counter> {
    let builder = Builder::new().direct().without_regressions();
    Linear::new(Counter::default()).programs(12).explore_with(builder)
}

#[test]
fn an_atomic_counter_is_linearizable() {
    linear().check(
        call,
        || AtomicU32::new(0),
        |counter, call| match call {
            Call::Add => counter.fetch_add(1, Ordering::AcqRel),
            Call::Get => counter.load(Ordering::Acquire),
        },
    );
}

#[test]
fn a_counter_that_loses_updates_is_not_and_the_program_is_small() {
    let check = || {
        linear().threads(3).check(
            call,
            || Mutex::new(0),
            |counter, call| {
                let before = *counter.lock().unwrap();
                if let Call::Add = call {
                    *counter.lock().unwrap() = before + 1;
                }
                before
            },
        );
    };
    let payload = catch_unwind(AssertUnwindSafe(check)).unwrap_err();
    let text = payload.downcast_ref::<String>().unwrap();
    assert!(text.contains("not linearizable: no order of these calls explains"), "{text}");
    // Two additions are enough, and each call of the smallest program is needed.
    let calls =
        text.lines().filter(|line| line.contains("->") && line.contains("    thread")).count();
    assert!((2..=3).contains(&calls), "{text}");
    assert!(
        text.contains("replay: cargo norace replay nr1:linear::a_counter_that_loses"),
        "{text}"
    );
}

#[test]
fn the_end_comes_after_everything() {
    // A counter whose value is forgotten when all threads have ended.
    let check = || {
        linear().calls(1).check(
            call,
            || AtomicU32::new(0),
            |counter, call| {
                if norace_explore::thread::current().model_id().unwrap().index() == 0 {
                    return 0;
                }
                match call {
                    Call::Add => counter.fetch_add(1, Ordering::Relaxed),
                    Call::Get => counter.load(Ordering::Relaxed),
                }
            },
        );
    };
    assert!(catch_unwind(AssertUnwindSafe(check)).is_err());
}
