//! Following: fresh events, old ones, those lost for being slow, and the seams between them.

use std::future::Future as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Waker};

use norace_journal::sim::SimStorage;
use norace_prim::thread;

use super::*;
use crate::engine::EngineConfig;
use crate::model::{OrderState, Request};
use crate::processor::ProcessorChoice;
use crate::testing::commands::{open, open_bank, order};
use crate::testing::rig::{Rig, config, options, ready, threaded};

/// A ring that is soon left behind.
fn tight() -> EngineConfig {
    EngineConfig { events_max: 4, ..config(ProcessorChoice::Ledger) }
}

fn begin(disk: &SimStorage) -> Rig {
    let mut rig = Rig::open_with(disk, tight(), 1_000_000).unwrap();
    rig.done(open_bank()).unwrap();
    rig.done(open("a")).unwrap();
    rig
}

/// Three events.
fn pay(rig: &mut Rig, name: &str) {
    rig.done(order(name, "bank", "a", 1)).unwrap();
}

/// At least `count` events.
fn come(follower: &mut Follower, count: usize) -> Vec<OrderEvent> {
    let mut events = Vec::new();
    while events.len() < count {
        let came = follower.next_blocking(2, |event| events.push(event.clone())).unwrap();
        assert!((1..=2).contains(&came), "{came} of at most 2");
    }
    assert_eq!(events.last().unwrap().sequence, follower.position());
    events
}

fn has_nothing(follower: &mut Follower) -> bool {
    !follower.is_behind() && ready(follower).is_empty()
}

#[test]
fn fresh_events_come_from_the_bus_and_older_ones_from_the_journal() {
    let disk = SimStorage::new(1);
    let mut rig = begin(&disk);
    let now = rig.events().durable_sequence();
    let mut fresh = rig.events().follow_blocking(now).unwrap();
    let mut all = rig.events().follow_blocking(0).unwrap();
    assert!(!fresh.is_behind() && all.is_behind());
    assert!(has_nothing(&mut fresh));
    pay(&mut rig, "x");
    assert_eq!(come(&mut fresh, 3), come(&mut all, 3));
    assert!(has_nothing(&mut all) && has_nothing(&mut fresh));
    let mut late = rig.events().follow_blocking(now).unwrap();
    assert!(late.is_behind());
    pay(&mut rig, "y");
    let both = come(&mut late, 6);
    assert_eq!(both[3..], come(&mut fresh, 3));
    assert_eq!(both[3..], come(&mut all, 3));
    let states: Vec<_> = both.iter().map(|event| event.to).collect();
    let each = [OrderState::Pending, OrderState::Processing, OrderState::Confirmed];
    assert_eq!(states, [each, each].concat());
    assert_eq!(rig.events().followers(), 3);
    drop((fresh, late));
    assert_eq!((rig.events().followers(), rig.events().published()), (1, 6));
}

#[test]
fn who_is_left_behind_misses_nothing_and_gets_nothing_twice() {
    let disk = SimStorage::new(1);
    let mut rig = begin(&disk);
    let start = rig.events().durable_sequence();
    let mut followers: Vec<_> =
        (0..4).map(|_| rig.events().follow_blocking(start).unwrap()).collect();
    let mut seen = vec![Vec::new(); followers.len()];
    for n in 0_usize..40 {
        pay(&mut rig, &format!("o-{n}"));
        for (pace, follower) in followers.iter_mut().enumerate() {
            if n % (1 << (2 * pace)) == 0 {
                seen[pace].extend(come(follower, 1));
            }
        }
    }
    let recorded = rig.events().recorded_after(start).unwrap();
    assert_eq!(recorded.len(), 120);
    for (follower, mut seen) in followers.iter_mut().zip(seen) {
        let rest = recorded.len() - seen.len();
        seen.extend(come(follower, rest));
        assert_eq!(seen, recorded);
        assert!(has_nothing(follower));
    }
}

#[test]
fn records_without_events_are_passed_by() {
    let disk = SimStorage::new(1);
    let mut rig = begin(&disk);
    let mut follower = rig.events().follow_blocking(0).unwrap();
    for n in 0..200 {
        rig.done(open(&format!("account-{n}"))).unwrap();
    }
    pay(&mut rig, "x");
    assert_eq!(come(&mut follower, 3).len(), 3);
    assert_eq!(follower.position(), rig.events().durable_sequence());
}

#[test]
fn following_ends_with_the_engine_when_everything_has_come() {
    let disk = SimStorage::new(1);
    let engine = threaded(&disk, tight());
    let setup = [open_bank(), open("a")].map(Request::new).to_vec();
    engine.execute_many(setup).unwrap().wait().unwrap();
    let mut behind = engine.events().follow_blocking(0).unwrap();
    let mut waiting = engine.events().follow_blocking(engine.durable_sequence()).unwrap();
    let waiter = thread::spawn(move || {
        let events = come(&mut waiting, 60);
        assert_eq!(waiting.next_blocking(9, |event| panic!("{event:?}")), Ok(0));
        events
    });
    let orders = (0..20).map(|n| order(&format!("o-{n}"), "bank", "a", 1).into()).collect();
    engine.execute_many(orders).unwrap().wait().unwrap();
    engine.stop(norace_prim::time::Duration::from_secs(10)).unwrap();
    let events = waiter.join().unwrap();
    assert_eq!(events.len(), 60);
    assert_eq!(come(&mut behind, 60), events);
    assert_eq!(behind.next_blocking(9, |event| panic!("{event:?}")), Ok(0));
}

#[test]
fn a_disk_that_does_not_read_loses_nothing() {
    let disk = SimStorage::new(1);
    let mut rig = begin(&disk);
    pay(&mut rig, "x");
    let mut follower = rig.events().follow_blocking(0).unwrap();
    disk.fail_reads(true);
    for _ in 0..2 {
        let failed = follower.next_blocking(9, |event| panic!("{event:?}"));
        assert!(matches!(failed, Err(HistoryError::Unreadable(_))), "{failed:?}");
    }
    assert!(rig.events().follow_blocking(0).is_err());
    disk.fail_reads(false);
    assert_eq!(come(&mut follower, 3), rig.events().recorded_after(0).unwrap());
}

#[test]
fn what_the_journal_no_longer_holds_is_gone() {
    let disk = SimStorage::new(1);
    let mut rig = begin(&disk);
    let mut name = 0;
    let segments = |disk: &SimStorage| {
        let mut files = disk.files();
        files.retain(|name| name.starts_with("segment-"));
        files.sort();
        files
    };
    while segments(&disk).len() < 4 {
        pay(&mut rig, &format!("o-{name}"));
        name += 1;
    }
    let recorded = rig.events().recorded_after(0).unwrap();
    disk.delete(&segments(&disk)[0]);
    let gone = rig.events().follow_blocking(1).map(|_| ()).unwrap_err();
    let HistoryError::Gone { oldest } = gone else { panic!("{gone}") };
    assert!(oldest > 1, "{oldest}");
    assert!(rig.events().follow_blocking(oldest - 1).is_err());
    let mut follower = rig.events().follow_blocking(oldest).unwrap();
    let rest: Vec<_> = recorded.into_iter().filter(|event| event.sequence > oldest).collect();
    assert_eq!(come(&mut follower, rest.len()), rest);
}

#[test]
fn on_a_runtime_the_journal_is_read_beside_the_workers() {
    let disk = SimStorage::new(1);
    let mut rig = begin(&disk);
    pay(&mut rig, "x");
    let feed = rig.events().clone();
    let mut events = Vec::new();
    norace::rt::Runtime::new().unwrap().block_on(async {
        let mut follower = feed.follow(0).await.unwrap();
        while events.len() < 3 {
            follower.next(2, |event| events.push(event.clone())).await.unwrap();
        }
    });
    assert_eq!(events, rig.events().recorded_after(0).unwrap());
}

#[test]
fn a_ring_beyond_all_memory_is_refused() {
    let config = EngineConfig { events_max: usize::MAX, ..tight() };
    let clock = crate::ports::SystemClock;
    let refused = crate::Engine::open(config, SimStorage::new(1), options(), clock);
    assert!(refused.is_err_and(|error| error.to_string().contains("events_max")));
}

#[test]
fn a_wait_that_is_given_up_in_the_middle_of_a_read_loses_nothing() {
    let disk = SimStorage::new(1);
    let mut rig = begin(&disk);
    for n in 0..200 {
        pay(&mut rig, &format!("o-{n}"));
    }
    let feed = rig.events().clone();
    let mut events = Vec::new();
    norace::rt::Runtime::new().unwrap().block_on(async {
        let mut follower = feed.follow(0).await.unwrap();
        let mut given_up = 0;
        while events.len() < 600 {
            let polled = {
                let next = pin!(follower.next(7, |event| events.push(event.clone())));
                next.poll(&mut Context::from_waker(Waker::noop()))
            };
            if polled.is_ready() {
                continue;
            }
            given_up += 1;
            if given_up % 2 == 1 {
                follower.next(0, |event| events.push(event.clone())).await.unwrap();
            }
        }
        assert!(given_up > 0, "a read takes its time");
    });
    assert_eq!(events, rig.events().recorded_after(0).unwrap());
}

#[test]
fn an_event_whose_handling_panics_has_come_and_the_others_come_after_it() {
    let disk = SimStorage::new(1);
    let mut rig = begin(&disk);
    pay(&mut rig, "x");
    let mut follower = rig.events().follow_blocking(0).unwrap();
    pay(&mut rig, "y");
    let mut events = Vec::new();
    for _ in 0..6 {
        let panics = || {
            follower.next_blocking(9, |event| {
                events.push(event.clone());
                panic!("while handling it");
            })
        };
        assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
    }
    assert_eq!(events, rig.events().recorded_after(0).unwrap());
}

#[test]
fn what_comes_before_damage_is_told_before_it() {
    let disk = SimStorage::new(1);
    let mut rig = begin(&disk);
    for name in ["x", "y", "z"] {
        pay(&mut rig, name);
    }
    let mut follower = rig.events().follow_blocking(0).unwrap();
    let last = rig.events().recorded_after(0).unwrap();
    // Each batch is a frame of one page, with a seal behind it: bank, a, x, y, z.
    disk.flip_bit("segment-0000000000000000", (9 * 4096 + 100) * 8);
    assert_eq!(come(&mut follower, 6), last[..6]);
    let failed = follower.next_blocking(9, |event| panic!("{event:?}"));
    assert!(matches!(failed, Err(HistoryError::Unreadable(_))), "{failed:?}");
    disk.flip_bit("segment-0000000000000000", (9 * 4096 + 100) * 8);
    assert_eq!(come(&mut follower, 3), last[6..]);
}
