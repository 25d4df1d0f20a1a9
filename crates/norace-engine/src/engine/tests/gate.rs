//! Nothing leaves before it is durable, and everything leaves in order once it is.

use norace_journal::sim::{Fault, SimStorage};
use norace_prim::atomic::{AtomicUsize, Ordering};
use norace_prim::sync::Arc;
use norace_prim::time::Duration;

use crate::engine::{EngineConfig, FailureKind, Found, Query, StopError, Unavailable};
use crate::model::{Action, Done, OrderState, Rejection, Request};
use crate::ports::Clock;
use crate::processor::ProcessorChoice;
use crate::testing::commands::{fund, id, open, open_bank, order, step};
use crate::testing::rig::{Rig, config, threaded};

fn begin(disk: &SimStorage, choice: ProcessorChoice) -> Rig {
    let mut rig = Rig::open(disk, choice).unwrap();
    for command in [open_bank(), open("a"), open("b"), fund("a", 100)] {
        rig.done(command).unwrap();
    }
    rig
}

#[test]
fn nothing_that_rests_on_a_batch_leaves_before_it_is_durable() {
    let disk = SimStorage::new(1);
    let mut rig = begin(&disk, ProcessorChoice::Ledger);
    let durable = rig.events().durable_sequence();
    let mut created = rig.execute(order("x", "a", "b", 60));
    let mut repeat = rig.execute(order("x", "a", "b", 60));
    let mut refusal = rig.execute(step("x", Action::Confirm));
    let mut read = rig.query(Query::Order(id("x")));
    let mut absent = rig.query(Query::Order(id("nobody")));
    let mut ended = rig.wait_final(&id("x"));
    let mut many = rig.execute_many(vec![order("y", "a", "b", 60).into()]);
    assert!(created.try_take().is_none());
    assert!(repeat.try_take().is_none());
    assert!(refusal.try_take().is_none());
    assert!(read.try_take().is_none());
    assert!(absent.try_take().is_none());
    assert!(ended.try_take().is_none());
    assert!(many.try_take().is_none());
    assert_eq!(rig.events().recorded_after(0).unwrap(), []);
    assert_eq!(rig.events().durable_sequence(), durable);

    rig.commit();
    let created = created.try_take().unwrap().unwrap();
    assert!(matches!(created.result, Ok(Done::Order { created: true, .. })));
    assert_eq!(created.sequence, durable + 3);
    let repeat = repeat.try_take().unwrap().unwrap();
    assert!(matches!(repeat.result, Ok(Done::Order { created: false, .. })));
    let state = OrderState::Confirmed;
    let refusal = refusal.try_take().unwrap().unwrap();
    assert_eq!(refusal.result, Err(Rejection::IllegalTransition { state }));
    assert!(matches!(read.try_take().unwrap().unwrap().result, Ok(Found::Order(_))));
    assert_eq!(absent.try_take().unwrap().unwrap().result, Err(Rejection::NotFound));
    assert_eq!(ended.try_take().unwrap().unwrap().result.unwrap().state, state);
    let many = many.try_take().unwrap().unwrap().result;
    let Ok(Done::Order { order: second, .. }) = &many[0] else { panic!("{many:?}") };
    assert_eq!(second.state, OrderState::Failed, "the first left too little");
    assert_eq!(rig.events().recorded_after(0).unwrap().len(), 5);
}

#[test]
fn a_read_that_rests_on_nothing_new_does_not_wait_for_the_journal() {
    let disk = SimStorage::new(1);
    let mut rig = begin(&disk, ProcessorChoice::Ledger);
    let mut read = rig.query(Query::Account(id("a")));
    assert!(read.try_take().is_some());
}

#[test]
fn a_sync_that_never_returns_lets_nothing_out() {
    let disk = SimStorage::new(2);
    let engine = threaded(&disk, config(ProcessorChoice::Ledger));
    let setup = [open_bank(), open("a")].map(Request::new).to_vec();
    engine.execute_many(setup).unwrap().wait().unwrap();
    disk.hold_syncs();
    let mut created = engine.execute(order("x", "bank", "a", 5).into()).unwrap();
    disk.wait_held();
    let mut repeat = engine.execute(order("x", "bank", "a", 5).into()).unwrap();
    let mut refusal = engine.execute(step("x", Action::Cancel).into()).unwrap();
    let mut read = engine.query(Query::Order(id("x"))).unwrap();
    let durable = engine.durable_sequence();
    assert!(created.wait_timeout(Duration::from_millis(50)).is_none());
    assert!(repeat.wait_timeout(Duration::from_millis(20)).is_none());
    assert!(refusal.wait_timeout(Duration::from_millis(20)).is_none());
    assert!(read.wait_timeout(Duration::from_millis(20)).is_none());
    assert!(engine.events().recorded_after(durable).unwrap().is_empty());
    assert_eq!(engine.stop(Duration::from_millis(20)), Err(StopError::TimedOut));

    // The power fails: everybody learns that nothing is known.
    disk.crash();
    assert_eq!(created.wait(), Err(Unavailable::OutcomeUnknown));
    assert_eq!(repeat.wait(), Err(Unavailable::OutcomeUnknown));
    assert_eq!(refusal.wait(), Err(Unavailable::OutcomeUnknown));
    assert_eq!(read.wait(), Err(Unavailable::OutcomeUnknown));
    assert!(engine.events().recorded_after(durable).unwrap().is_empty());
    assert!(matches!(engine.stop(Duration::from_secs(10)), Err(StopError::Failed(_))));
}

#[test]
fn a_failed_write_ends_the_engine_once_and_for_all() {
    let disk = SimStorage::new(3);
    let failures = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&failures);
    let on_failure: crate::FailureHook = Arc::new(move |_| {
        // Relaxed: read after the threads were joined.
        counted.fetch_add(1, Ordering::Relaxed);
    });
    let config = EngineConfig { on_failure: Some(on_failure), ..config(ProcessorChoice::Manual) };
    let engine = threaded(&disk, config);
    let setup = [open_bank(), open("b"), order("x", "bank", "b", 1)].map(Request::new).to_vec();
    engine.execute_many(setup).unwrap().wait().unwrap();
    let waiter = engine.wait_final(id("x")).unwrap();
    disk.plan(0, Fault::Error);
    let outcome = engine.execute(open("a").into()).unwrap().wait();
    assert_eq!(outcome, Err(Unavailable::OutcomeUnknown));
    assert_eq!(engine.failure().map(|failure| failure.kind), Some(FailureKind::Journal));
    assert_eq!(waiter.wait(), Err(Unavailable::OutcomeUnknown), "nobody waits for ever");
    assert!(matches!(engine.stop(Duration::from_secs(10)), Err(StopError::Failed(_))));
    assert_eq!(engine.execute(open("b").into()).err(), Some(Unavailable::Stopping));
    // Relaxed: the threads were joined.
    assert_eq!(failures.load(Ordering::Relaxed), 1);
    disk.kill();
    let engine = threaded(&disk, self::config(ProcessorChoice::Ledger));
    let found = engine.query(Query::Account(id("bank"))).unwrap().wait().unwrap();
    assert!(found.result.is_ok(), "what was acknowledged is there");
    engine.stop(Duration::from_secs(10)).unwrap();
}

#[test]
fn callers_are_told_that_the_outcome_is_unknown_though_the_failure_hook_never_returns() {
    let disk = SimStorage::new(9);
    let (release, released) = norace::chan::bounded::<()>(0);
    let on_failure: crate::FailureHook = Arc::new(move |_| {
        let _ = released.recv_blocking();
    });
    let config = EngineConfig { on_failure: Some(on_failure), ..config(ProcessorChoice::Manual) };
    let engine = threaded(&disk, config);
    let setup = [open_bank(), open("b"), order("x", "bank", "b", 1)].map(Request::new).to_vec();
    engine.execute_many(setup).unwrap().wait().unwrap();
    let mut waiter = engine.wait_final(id("x")).unwrap();
    disk.plan(0, Fault::Error);
    let mut outcome = engine.execute(open("a").into()).unwrap();
    let patience = Duration::from_secs(10);
    assert_eq!(outcome.wait_timeout(patience), Some(Err(Unavailable::OutcomeUnknown)));
    assert_eq!(waiter.wait_timeout(patience), Some(Err(Unavailable::OutcomeUnknown)));
    release.close();
    assert!(matches!(engine.stop(patience), Err(StopError::Failed(_))));
}

/// A clock that breaks when it is told to.
#[derive(Default)]
struct BrittleClock(norace_prim::atomic::AtomicBool);

impl Clock for BrittleClock {
    fn now_us(&self) -> u64 {
        // Relaxed: set before the message that meets it is sent through a channel.
        assert!(!self.0.load(Ordering::Relaxed), "the clock broke");
        1
    }
}

#[test]
fn a_panic_in_the_core_ends_the_engine_and_loses_nothing_acknowledged() {
    let disk = SimStorage::new(4);
    let clock = Arc::new(BrittleClock::default());
    let (engine, _) = crate::Engine::open(
        config(ProcessorChoice::Ledger),
        disk.clone(),
        crate::testing::rig::options(),
        Arc::clone(&clock),
    )
    .unwrap();
    engine.execute(open_bank().into()).unwrap().wait().unwrap();
    // Relaxed: the channel orders it before the message.
    clock.0.store(true, Ordering::Relaxed);
    let outcome = engine.execute(open("a").into()).unwrap().wait();
    assert_eq!(outcome, Err(Unavailable::OutcomeUnknown));
    let Err(StopError::Failed(failure)) = engine.stop(Duration::from_secs(10)) else {
        panic!("the engine had failed");
    };
    assert_eq!(failure.kind, FailureKind::Panic);
    assert!(failure.cause.contains("the clock broke"), "{failure}");
    let report = crate::verify(&disk).unwrap();
    assert_eq!((report.ok, report.accounts), (true, 1));
}

#[test]
fn what_is_under_way_when_the_core_panics_is_not_released() {
    let disk = SimStorage::new(8);
    let clock = Arc::new(BrittleClock::default());
    let (engine, _) = crate::Engine::open(
        config(ProcessorChoice::Ledger),
        disk.clone(),
        crate::testing::rig::options(),
        Arc::clone(&clock),
    )
    .unwrap();
    disk.hold_syncs();
    let under_way = engine.execute(open_bank().into()).unwrap();
    disk.wait_held();
    // Relaxed: the channel orders it before the message.
    clock.0.store(true, Ordering::Relaxed);
    let outcome = engine.execute(open("a").into()).unwrap().wait();
    assert_eq!(outcome, Err(Unavailable::OutcomeUnknown));
    while engine.failure().is_none() {
        norace_prim::thread::yield_now();
    }
    disk.release_syncs();
    assert_eq!(
        under_way.wait(),
        Err(Unavailable::OutcomeUnknown),
        "its state is not to be trusted"
    );
    assert_eq!(engine.durable_sequence(), 0);
    assert!(matches!(engine.stop(Duration::from_secs(10)), Err(StopError::Failed(_))));
}

#[test]
fn a_full_queue_refuses_at_once_and_loses_nothing_admitted() {
    let disk = SimStorage::new(5);
    let small = EngineConfig {
        queue_messages: 8,
        batch_records_max: 16,
        ..config(ProcessorChoice::Ledger)
    };
    let engine = threaded(&disk, small);
    engine.execute(open_bank().into()).unwrap().wait().unwrap();
    disk.hold_syncs();
    let mut admitted = vec![engine.execute(open("n0").into()).unwrap()];
    disk.wait_held();
    let mut refused = 0;
    for n in 1..3000 {
        match engine.execute(open(&format!("n{n}")).into()) {
            Ok(reply) => admitted.push(reply),
            Err(unavailable) => {
                assert_eq!(unavailable, Unavailable::Overloaded);
                refused += 1;
                // The core may have its turn: what it could take it would take.
                norace_prim::thread::yield_now();
            }
        }
    }
    assert!(refused > 0, "the queue is bounded");
    // In flight, open, in the core's hands, a round of messages, the queue.
    assert!(admitted.len() < 3 * 16 + 64 + 8, "{} were admitted", admitted.len());
    disk.release_syncs();
    for reply in admitted {
        assert!(matches!(reply.wait().unwrap().result, Ok(Done::Account { created: true, .. })));
    }
    engine.stop(Duration::from_secs(10)).unwrap();
}

#[test]
fn stopping_answers_what_was_admitted_and_tells_waiters_and_newcomers() {
    let disk = SimStorage::new(6);
    let engine = threaded(&disk, config(ProcessorChoice::Manual));
    let setup = [open_bank(), open("a"), order("x", "bank", "a", 5)].map(Request::new).to_vec();
    let setup = engine.execute_many(setup).unwrap();
    let waiter = engine.wait_final(id("x")).unwrap();
    let last = engine.execute(step("x", Action::Process).into()).unwrap();
    engine.stop(Duration::from_secs(10)).unwrap();
    assert!(setup.wait().unwrap().result.iter().all(Result::is_ok));
    assert!(last.wait().unwrap().result.is_ok());
    assert_eq!(waiter.wait(), Err(Unavailable::Stopping));
    assert_eq!(engine.query(Query::Stats).err(), Some(Unavailable::Stopping));
    assert_eq!(engine.stop(Duration::from_secs(10)), Ok(()), "a second stop is no error");
    let report =
        norace_journal::read_only(&disk, |_| Ok::<(), std::convert::Infallible>(())).unwrap();
    assert!(report.sealed, "a clean stop seals the journal");
}

#[test]
fn the_last_frame_is_sealed_when_nothing_comes() {
    let disk = SimStorage::new(7);
    let engine = threaded(&disk, config(ProcessorChoice::Ledger));
    engine.execute(open_bank().into()).unwrap().wait().unwrap();
    let sealed = || {
        let none = |_: norace_journal::RecoveredFrame<'_>| Ok::<(), std::convert::Infallible>(());
        norace_journal::read_only(&disk, none).unwrap().sealed
    };
    let deadline = crate::engine::Instant::now() + Duration::from_secs(10);
    while !sealed() {
        assert!(crate::engine::Instant::now() < deadline, "no seal came");
        norace_prim::thread::yield_now();
    }
    engine.stop(Duration::from_secs(10)).unwrap();
}
