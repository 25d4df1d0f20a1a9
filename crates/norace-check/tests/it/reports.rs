//! What a report says.

use std::time::Duration;

use norace_check::{Builder, Finding, Fix};
use norace_explore::sync::atomic::{AtomicU32, Ordering};
use norace_explore::thread;

use crate::models;

fn finding(model: impl Fn()) -> (Finding, String) {
    let outcome = Builder::new().direct().budget(Duration::from_secs(2)).run(model);
    let text = outcome.failure().expect("a failure");
    (outcome.finding.expect("a finding"), text)
}

#[track_caller]
fn says(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        let at =
            rest.find(part).unwrap_or_else(|| panic!("{part:?} is not there, in order:\n{text}"));
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
            "schedule (1 context switch",
            "write slot.value := 42  ** race with main",
            "read slot.value = 42  ** race with thread 1 \"producer\"",
            "replay: cargo norace replay nr1:reports::a_race_is_told",
        ],
    );
    assert!(!text.contains("norace_explore::"), "{text}");
    assert!(!text.contains("__rust"), "{text}");
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
fn what_only_seq_cst_mends_gets_seq_cst() {
    let (finding, text) = finding(|| models::both_missed(Ordering::AcqRel));
    let Some(Fix::Found { changes, .. }) = finding.fix else { panic!("{text}") };
    assert_eq!(changes.len(), 4);
    assert!(changes.iter().all(|change| change.to == "SeqCst"), "{text}");
    says(&text, &["PANIC in main: both missed the other", "panics  by main", "fix: SeqCst"]);
}

#[test]
fn what_no_ordering_mends_gets_advice_or_nothing() {
    let (race, text) = finding(|| {
        let cell = std::sync::Arc::new(norace_check::RaceCell::new(0));
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
fn a_schedule_is_told_to_its_end_and_only_its_middle_is_left_out() {
    for (steps, left_out) in [(40, false), (400, true)] {
        let (finding, _) = finding(|| {
            let last = std::sync::Arc::new(AtomicU32::new(0));
            let other = last.clone();
            // Relaxed: one thread at a time.
            (0..steps).for_each(|n| last.store(n, Ordering::Relaxed));
            let thread = thread::spawn(move || other.store(1_000, Ordering::Relaxed));
            thread.join().unwrap();
            assert_eq!(last.load(Ordering::Relaxed), 0, "it is not");
        });
        assert_eq!(finding.rows_left_out > 0, left_out);
        let last = finding.schedule.last().expect("there are steps");
        assert!(last.text.contains("= 1000"), "{last:?}");
    }
}
