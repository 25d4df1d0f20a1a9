//! What a report says.

use std::time::Duration;

use norace_check::{Builder, Finding, Fix};
use norace_explore::probe::{Alarm, Kind, Monitor, Site};
use norace_explore::sync::atomic::{AtomicU32, Ordering};
use norace_explore::sync::{Mutex, OnceLock};
use norace_explore::{thread, time::Instant};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use crate::models;

fn finding(model: impl Fn()) -> (Finding, String) {
    let outcome = Builder::new().direct().budget(Duration::from_secs(2)).run(model);
    let text = outcome.failure().expect("a failure");
    (outcome.finding.expect("a finding"), text)
}

/// The text has these parts in this order, wherever its lines are broken.
#[track_caller]
fn says(text: &str, parts: &[&str]) {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let whole = words(text);
    let mut rest = whole.as_str();
    for part in parts {
        let part = words(part);
        let at =
            rest.find(&part).unwrap_or_else(|| panic!("{part:?} is not there, in order:\n{text}"));
        rest = &rest[at + part.len()..];
    }
}

#[test]
fn a_race_is_told_with_both_sides_the_reason_a_fix_and_a_schedule() {
    let (_, text) = finding(|| models::hand_over(Ordering::Relaxed, Ordering::Relaxed));
    says(
        &text,
        &[
            "norace: DATA RACE on `slot.value` (u64, created at",
            "in reports::a_race_is_told",
            "write 42  by thread 1 \"producer\"",
            "it::models::Slot::put",
            "it::models::hand_over::{{closure}}",
            "read 42  by main",
            "it::models::Slot::get",
            "it::models::hand_over",
            "thread 1 \"producer\" was spawned at",
            "by it::models::hand_over",
            "why: main read at",
            "(Relaxed) what thread 1 \"producer\" stored at",
            "a Relaxed store publishes nothing",
            "a Relaxed load takes nothing over",
            "fix: Release instead of Relaxed at",
            "Acquire instead of Relaxed at",
            "tried: clean in all 2 executions",
            "not enough: Release at",
            "schedule (2 context switches",
            "write slot.value := 42  ** race with main",
            "read slot.value = 42  ** race with thread 1 \"producer\"",
            "replay: cargo norace replay nr1:reports::a_race_is_told",
        ],
    );
    assert!(!text.contains("norace_explore::"), "{text}");
    assert!(!text.contains("__rust"), "{text}");
}

#[test]
fn a_race_beside_a_messenger_is_told_with_the_whole_way() {
    let (finding, text) = finding(|| models::messenger(Ordering::Relaxed, Ordering::Release));
    says(
        &text,
        &[
            "why: main read at",
            "(Acquire) what thread 2 stored at",
            "(Release) after it read at",
            "(Relaxed) what thread 1 stored at",
            "(Release) after its access, but that orders nothing:",
            "the Relaxed load at",
            "takes nothing over of what was published.",
        ],
    );
    assert_eq!(finding.why.len(), 2);
    let (finding, text) = self::finding(|| models::messenger(Ordering::Acquire, Ordering::Relaxed));
    says(&text, &["the Relaxed store at", "publishes nothing of what came before it."]);
    assert_eq!(finding.why.len(), 2);
}

#[test]
fn one_side_that_is_strong_enough_is_left_alone() {
    let (finding, _) = finding(|| models::hand_over(Ordering::Release, Ordering::Relaxed));
    let Some(Fix::Found { changes, not_enough, complete, .. }) = finding.fix else {
        panic!("{:?}", finding.fix)
    };
    assert_eq!(changes.len(), 1);
    assert_eq!((changes[0].from.as_str(), changes[0].to.as_str()), ("Relaxed", "Acquire"));
    assert!(not_enough.is_empty() && complete);
    assert_eq!(finding.why.len(), 2);
}

#[test]
fn what_a_failed_exchange_lacks_is_told_of_its_failure() {
    let (_, text) = finding(models::lost_exchange);
    says(&text, &["fix: AcqRel, and Acquire on failure, instead of Release at", "tried: clean"]);
}

#[test]
fn what_only_seq_cst_mends_gets_seq_cst() {
    let (finding, text) = finding(|| models::both_missed(Ordering::AcqRel));
    let Some(Fix::Found { changes, .. }) = finding.fix else { panic!("{text}") };
    assert_eq!(changes.len(), 4);
    assert!(changes.iter().all(|change| change.to == "SeqCst"), "{text}");
    says(&text, &["PANIC in main: both missed the other", "panics  by main", "fix: SeqCst"]);
}

#[test]
fn a_wait_that_stronger_orderings_would_end_is_told_with_them() {
    let (sleeper, text) = finding(models::missed_sleeper);
    let Some(Fix::Found { changes, complete, .. }) = sleeper.fix else { panic!("{text}") };
    assert!(complete && changes.len() == 4, "{text}");
    says(&text, &["LEAK: 1 thread", "fix: SeqCst"]);
    let (forgotten, _) = finding(|| {
        AtomicU32::new(0).store(1, Ordering::Relaxed);
        models::leak();
    });
    assert_eq!(forgotten.fix, None);
}

#[test]
fn a_schedule_says_what_its_order_does_not_show() {
    let (_, text) = finding(|| models::both_missed(Ordering::AcqRel));
    says(&text, &["= false (Acquire), an older value"]);
    assert_eq!(text.matches("an older value").count(), 1, "the other one came first:\n{text}");
    let (_, text) = finding(|| {
        let state = AtomicU32::new(1);
        let (success, failure) = (Ordering::AcqRel, Ordering::Acquire);
        state.compare_exchange_weak(1, 2, success, failure).expect("nobody is in the way");
    });
    says(&text, &[" = 1, but the weak exchange fails (Acquire)"]);
}

#[test]
fn what_no_ordering_mends_gets_advice_or_nothing() {
    let (race, text) = finding(|| {
        let cell = Arc::new(norace_check::RaceCell::new(0));
        let other = cell.clone();
        let thread = thread::spawn(move || other.set(1));
        cell.set(2);
        thread.join().unwrap();
    });
    assert!(matches!(race.fix, Some(Fix::NoOrderingHelps { .. })));
    says(&text, &["why: Nothing that", "fix: no ordering helps: guard both accesses"]);
    let (panic, _) = finding(|| models::lost_update(2));
    assert_eq!(panic.fix, None);
}

#[test]
fn a_deadlock_is_told_with_who_holds_what() {
    let (finding, text) = finding(models::opposite_locks);
    says(
        &text,
        &[
            "norace: DEADLOCK: 2 threads wait for each other in a circle",
            "waits to lock the mutex (",
            "it::models::opposite_locks",
            "why: What",
            "is held by",
            "schedule (1 context switch",
            "waits to lock mutex@models.rs",
            "** for ever",
        ],
    );
    // Two locks of one line are told apart.
    assert!(text.contains("mutex@models.rs") && text.contains("#2"), "{text}");
    assert_eq!(finding.tasks.len(), 2);
}

#[test]
fn who_waits_for_what_it_holds_waits_for_itself() {
    let (_, text) = finding(|| {
        let lock = Mutex::new(0);
        let _first = lock.lock().unwrap();
        let _second = lock.lock().unwrap();
    });
    let why = "why: What main waits for it holds itself.";
    says(&text, &["norace: DEADLOCK: a thread waits for itself", "waits to lock the mutex", why]);
}

#[test]
fn a_second_read_lock_waits_for_the_writer_between() {
    let (_, text) = finding(models::read_in_read);
    says(
        &text,
        &[
            "waits to read-lock the rwlock",
            "why: What main waits for it holds itself; thread 1 \"writer\" waits to write",
            "What thread 1 \"writer\" waits for is held by main.",
        ],
    );
}

#[test]
fn who_looked_for_something_and_went_on_does_not_wait_for_it() {
    struct Box;
    impl Kind for Box {
        const WORD: &'static str = "letter box";
        type Holds = ();
    }
    let (_, text) = finding(|| {
        let letters: Monitor<Box> = Monitor::new();
        letters.waits("look into", Site::here());
        let lock = Mutex::new(0);
        let _first = lock.lock().unwrap();
        let _second = lock.lock().unwrap();
    });
    says(&text, &["waits to lock the mutex (i32", "waits to lock mutex@reports.rs", "for ever"]);
    assert!(!text.contains("letter box"), "{text}");
}

#[test]
fn a_leak_names_the_thread_and_a_lost_wake_up_the_notification() {
    let (_, text) = finding(models::leak);
    says(
        &text,
        &[
            "LEAK: 1 thread left waiting",
            "waits to be unparked  by thread 1 \"forgotten\"",
            "was spawned at",
        ],
    );
    let (_, text) = finding(models::lost_wake_up);
    says(
        &text,
        &["LOST WAKE-UP", "why: The notification at", "came before main waited, and was lost"],
    );
}

#[test]
fn a_panic_of_a_thread_that_was_joined_is_told_where_it_was() {
    let (_, text) = finding(|| {
        thread::spawn(models::fails).join().unwrap();
    });
    says(
        &text,
        &[
            "PANIC in main: called `Result::unwrap()`",
            "panics  by main",
            "panicked before  by thread 1  at",
            "models.rs",
            "it::models::fails",
            "thread 1 was spawned at",
            "why: thread 1 panicked first: this is why, at",
            "models.rs",
            "panics: this is why",
            "join thread 1",
            "panics: called `Result::unwrap()` on an `Err` value: Any… ** the panic",
            "replay:",
        ],
    );
}

#[test]
fn a_schedule_ends_with_the_panic() {
    let (finding, text) = finding(|| {
        let count = Arc::new(AtomicU32::new(0));
        let other = Arc::clone(&count);
        thread::spawn(move || {
            for _ in 0..3 {
                other.fetch_add(1, Ordering::Relaxed);
            }
        });
        struct Counts(Arc<AtomicU32>);
        impl Drop for Counts {
            fn drop(&mut self) {
                self.0.fetch_add(10, Ordering::Relaxed);
            }
        }
        let _counts = Counts(Arc::clone(&count));
        assert_ne!(count.load(Ordering::Relaxed), 1, "one\nand no more");
    });
    let last = finding.schedule.last().unwrap();
    let (mark, task) = (last.mark.as_deref(), last.task);
    assert_eq!((mark, task), (Some("the panic"), 0), "{text}");
    assert_eq!(last.text, "panics: assertion `left != right` failed: one…", "{text}");
    assert!(!text.contains("2 -> 3"), "{text}");
    assert_eq!(finding.schedule.iter().filter(|row| row.mark.is_some()).count(), 1, "{text}");
}

#[test]
fn a_panic_that_was_caught_is_a_row_and_no_cause() {
    let (_, text) = finding(|| {
        let thread = thread::spawn(|| {
            _ = std::panic::catch_unwind(|| panic!("caught"));
            thread::park();
        });
        drop(thread);
    });
    says(&text, &["LEAK", "panics: caught", "waits to be unparked", "** for ever"]);
    assert!(!text.contains("panicked first"), "{text}");
}

#[test]
fn what_is_done_once_is_waited_for_by_that_name() {
    let (_, text) = finding(|| {
        let cell = Arc::new(OnceLock::new());
        let other = Arc::clone(&cell);
        let thread = thread::spawn(move || _ = *other.get_or_init(|| 2));
        cell.get_or_init(|| {
            thread.join().unwrap();
            1
        });
    });
    says(&text, &["waits for the once (created at", "to be done", "lock once@reports.rs"]);
    assert!(!text.contains("mutex"), "{text}");
}

#[test]
fn a_page_holds_everything_and_nothing_else() {
    let (finding, _) = finding(|| models::hand_over(Ordering::Relaxed, Ordering::Relaxed));
    let page = finding.to_html();
    for part in
        ["<!doctype html>", "DATA RACE on `slot.value`", "producer", "write 42", &finding.token]
    {
        let part = part.replace("write 42", "write <code>42</code>");
        assert!(page.contains(&part), "{part}");
    }
    for outside in ["http:", "https:", "src=", "href=", "<script", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn markup_in_messages_is_text_on_the_page() {
    let (finding, _) = finding(|| panic!("<script>alert(1)</script> & \"more\""));
    let page = finding.to_html();
    assert!(!page.contains("<script>"));
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;more&quot;"));
}

#[test]
fn of_a_long_schedule_the_switches_and_the_end_are_shown() {
    let (finding, text) = finding(|| {
        let count = Arc::new(AtomicU32::new(0));
        let lock = Arc::new((Mutex::new(()), Mutex::new(())));
        for _ in 0..200 {
            count.fetch_add(1, Ordering::Relaxed);
        }
        let other = (Arc::clone(&count), Arc::clone(&lock));
        let thread = thread::spawn(move || {
            let _held = other.1.0.lock().unwrap();
            other.0.store(999, Ordering::Relaxed);
            drop(other.1.1.lock().unwrap());
        });
        let _held = lock.1.lock().unwrap();
        drop(lock.0.lock().unwrap());
        thread.join().unwrap();
    });
    assert!(finding.rows_left_out > 100, "{text}");
    assert!(finding.schedule.len() < 100, "{text}");
    let total = finding.schedule.len() + finding.rows_left_out;
    assert_eq!(finding.schedule.last().unwrap().number, total, "the end is shown");
    says(
        &text,
        &[
            "DEADLOCK",
            "    1  ",
            "0 -> 1",
            "not shown …",
            ":= 999",
            "waits to lock",
            "for ever",
            "replay:",
        ],
    );
}

/// Goes off again and again.
fn ticks(alarms: Rc<RefCell<Vec<Alarm>>>) {
    let again = alarms.clone();
    let next = Alarm::set(Instant::now() + Duration::from_millis(1), || ticks(again));
    if let Ok(alarm) = next {
        alarms.borrow_mut().push(alarm);
    }
}

#[test]
fn timers_that_help_nobody_are_not_told() {
    let (finding, text) = finding(|| {
        ticks(Rc::default());
        thread::park();
    });
    assert_eq!(finding.kind, "deadlock", "{text}");
    assert_eq!(finding.switches[0], 0, "{text}");
    assert!(finding.schedule.iter().all(|row| row.task == 0), "{text}");
    assert_eq!(finding.rows_left_out, 0, "{text}");
}
