//! Where a panic began, told by a hook of the process; so each test of it has a process of its own.

use super::support::runtime;
use norace::context::Context;
use norace::group::Group;
use norace::task::{self, PanicOrigin, TaskError};
use std::future::{Future, pending};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::process::Command;
use std::task::Poll;

/// Runs `test`, whose name is given too, in a process of its own, with `RUST_BACKTRACE` as it is to be there.
#[track_caller]
fn apart(name: &str, backtrace: &str, test: impl FnOnce()) {
    const CHILD: &str = "NORACE_TEST_APART";
    if std::env::var_os(CHILD).is_some() {
        return test();
    }
    let output = Command::new(std::env::current_exe().expect("a program"))
        .args(["--exact", &format!("rt::origin::{name}")])
        .env(CHILD, "1")
        .env("RUST_BACKTRACE", backtrace)
        .env_remove("RUST_LIB_BACKTRACE")
        .output()
        .expect("it starts");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

/// The error says that the panic began at `line` of this file.
#[track_caller]
fn assert_began_at(error: &TaskError, line: u32) {
    let origin = error.panic_origin().expect("recorded");
    assert_eq!((origin.file(), origin.line()), (file!(), line));
    assert!(origin.column() > 0);
    let text = error.to_string();
    assert!(
        text.contains(&format!(" panicked at {}:{line}:{}", file!(), origin.column())),
        "{text}"
    );
}

#[test]
fn without_the_hook_nothing_is_told() {
    apart("without_the_hook_nothing_is_told", "0", || {
        let error =
            runtime(1).spawn(async { panic!("no luck") }).join_blocking().map(drop).unwrap_err();
        assert!(error.panic_origin().is_none() && error.to_string().ends_with("panicked: no luck"));
    });
}

#[test]
fn a_panic_in_a_poll_is_told_with_its_place() {
    apart("a_panic_in_a_poll_is_told_with_its_place", "0", || {
        task::record_panics();
        let runtime = runtime(1);
        let error =
            runtime.spawn(async { panic!("no luck") }).join_blocking().map(drop).unwrap_err();
        assert_began_at(&error, line!() - 1);
        assert!(error.to_string().ends_with(": no luck"));
        let origin = error.panic_origin().unwrap();
        assert!(origin.backtrace().is_none(), "nobody asked for one");
        // Inside what it calls, with a payload that is no text, in a blocking job, and in a task that is pinned.
        let error =
            runtime.spawn(async { "text".parse::<u32>().unwrap() }).join_blocking().unwrap_err();
        assert_began_at(&error, line!() - 1);
        let error = runtime.spawn(async { std::panic::panic_any(17u8) }).join_blocking();
        assert_began_at(&error.map(drop).unwrap_err(), line!() - 1);
        let error = runtime.handle().spawn_blocking(|| panic!("no luck")).join_blocking();
        assert_began_at(&error.map(drop).unwrap_err(), line!() - 1);
        let pinned = task::Builder::new().on(&runtime.handle());
        let pinned = pinned.spawn_pinned(|| async { panic!("no luck") }).unwrap();
        assert_began_at(&pinned.join_blocking().map(drop).unwrap_err(), line!() - 1);
    });
}

struct PanicsInDrop;

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        panic!("in drop");
    }
}

impl PanicsInDrop {
    const LINE: u32 = line!() - 5;
}

#[test]
fn a_panic_in_a_destructor_is_told_with_its_place() {
    apart("a_panic_in_a_destructor_is_told_with_its_place", "0", || {
        task::record_panics();
        let runtime = runtime(1);
        let bomb = PanicsInDrop;
        let cancelled = runtime.spawn(async move {
            let _bomb = bomb;
            pending::<()>().await;
        });
        cancelled.cancel();
        assert_began_at(&cancelled.join_blocking().unwrap_err(), PanicsInDrop::LINE);
        // Ready, and then dropped.
        struct Ready(PanicsInDrop);
        impl Future for Ready {
            type Output = ();
            fn poll(self: Pin<&mut Self>, _: &mut std::task::Context<'_>) -> Poll<()> {
                Poll::Ready(())
            }
        }
        let done = runtime.spawn(Ready(PanicsInDrop));
        assert_began_at(&done.join_blocking().unwrap_err(), PanicsInDrop::LINE);
    });
}

#[test]
fn a_panic_that_was_caught_and_another_that_goes_on_are_told_apart() {
    apart("a_panic_that_was_caught_and_another_that_goes_on_are_told_apart", "0", || {
        task::record_panics();
        let runtime = runtime(1);
        // It began where no hook of this task saw it.
        let stale = runtime.spawn(async {
            assert!(catch_unwind(|| panic!("caught")).is_err());
            resume_unwind(Box::new("of somebody else"))
        });
        let error = stale.join_blocking().map(drop).unwrap_err();
        assert!(error.is_panic() && error.panic_origin().is_none(), "{error}");
        // The one that was caught goes on.
        let resumed = runtime.spawn(async {
            let payload =
                catch_unwind(AssertUnwindSafe(|| panic!("caught"))).map(drop).unwrap_err();
            resume_unwind(payload)
        });
        assert_began_at(&resumed.join_blocking().map(drop).unwrap_err(), line!() - 3);
        // A panic outside tasks is not kept, and one of a task that was taken is gone.
        assert!(catch_unwind(|| panic!("outside")).is_err());
        let other = runtime.spawn(async { resume_unwind(Box::new("outside")) });
        assert!(other.join_blocking().map(drop).unwrap_err().panic_origin().is_none());
    });
}

#[test]
fn outcomes_of_groups_tell_it_too() {
    apart("outcomes_of_groups_tell_it_too", "0", || {
        task::record_panics();
        let outcomes = runtime(2).block_on(async {
            let group = Group::isolate(&Context::new());
            for n in 0..8 {
                group.spawn(async move { assert!(n % 2 == 0, "{n} is odd") }).await;
            }
            group.join().await
        });
        let line = line!() - 4;
        for (n, outcome) in outcomes.iter().enumerate() {
            match outcome {
                Ok(()) => assert!(n % 2 == 0),
                Err(error) => assert_began_at(error, line),
            }
        }
    });
}

#[test]
fn the_hook_is_installed_once_and_calls_the_one_before_it() {
    apart("the_hook_is_installed_once_and_calls_the_one_before_it", "0", || {
        let (called, calls) = std::sync::mpsc::channel();
        let called = std::sync::Mutex::new(called);
        std::panic::set_hook(Box::new(move |info| {
            let line = info.location().map(std::panic::Location::line);
            called.lock().unwrap().send(line).unwrap();
        }));
        let threads = [(); 4].map(|()| std::thread::spawn(task::record_panics));
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        task::record_panics();
        let error =
            runtime(1).spawn(async { panic!("no luck") }).join_blocking().map(drop).unwrap_err();
        let line = line!() - 1;
        assert_began_at(&error, line);
        assert_eq!(calls.try_iter().collect::<Vec<_>>(), [Some(line)]);
    });
}

#[inline(never)]
fn a_function_with_a_name() {
    panic!("no luck");
}

#[test]
fn the_backtrace_is_there_when_the_environment_asks_for_it() {
    apart("the_backtrace_is_there_when_the_environment_asks_for_it", "1", || {
        task::record_panics();
        let error =
            runtime(1).spawn(async { a_function_with_a_name() }).join_blocking().unwrap_err();
        let trace = error.panic_origin().and_then(PanicOrigin::backtrace).expect("asked for");
        assert!(trace.to_string().contains("a_function_with_a_name"), "{trace}");
    });
}

/// Tasks that panic at the same time on several workers are told each its own place.
#[test]
fn each_thread_keeps_its_own() {
    apart("each_thread_keeps_its_own", "0", || {
        task::record_panics();
        let runtime = runtime(4);
        let here = line!();
        let one = || panic!("no luck");
        let two = || panic!("no luck");
        let three = || panic!("no luck");
        let kinds: [fn(); 3] = [one, two, three];
        let spawn = |n: usize| runtime.spawn(async move { kinds[n % 3]() });
        let tasks: Vec<_> = (0..300).map(spawn).collect();
        for (n, task) in tasks.into_iter().enumerate() {
            let error = task.join_blocking().unwrap_err();
            assert_began_at(&error, here + 1 + u32::try_from(n % 3).unwrap());
        }
    });
}
