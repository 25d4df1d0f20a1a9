//! The whole engine: callers, inbox, core, journal thread and simulated disk.

use norace::config::Hot;
use norace_check::choose;
use norace_journal::sim::{Fault, SimStorage};
use norace_prim::thread;
use norace_prim::time::Duration;

use crate::engine::{
    Engine, EngineConfig, EngineSettings, Found, NewOrders, Query, SettingsSource, StopError,
    Unavailable,
};
use crate::model::{Done, Id, OrderState, Request};
use crate::processor::ProcessorChoice;
use crate::testing::commands::{open, open_bank, order};
use crate::testing::rig::{config, threaded};

fn small() -> EngineConfig {
    EngineConfig {
        queue_messages: 2,
        events_max: 8,
        settings: EngineSettings { waiters_max: 2, ..EngineSettings::default() }.into(),
        ..config(ProcessorChoice::Ledger)
    }
}

/// What a caller learned of its order, and the position that rests on.
fn pay(engine: &Engine, name: &str) -> Option<u64> {
    loop {
        return match engine
            .execute(Request::new(order(name, "bank", "a", 1)))
            .map(crate::Reply::wait)
        {
            Ok(Ok(answer)) => match answer.result {
                Ok(Done::Order { .. }) => Some(answer.sequence),
                other => panic!("a new order: {other:?}"),
            },
            Err(Unavailable::Overloaded) => {
                thread::yield_now();
                continue;
            }
            Err(_) | Ok(Err(_)) => None,
        };
    }
}

/// Stops it, however long that takes: time may pass at any moment in a model.
fn stop(engine: &Engine) -> Result<(), StopError> {
    loop {
        match engine.stop(Duration::from_secs(9)) {
            Err(StopError::TimedOut) => {}
            ended => return ended,
        }
    }
}

fn opened(disk: &SimStorage) -> Engine {
    let engine = threaded(disk, small());
    let setup = [open_bank(), open("a")].map(Request::new).to_vec();
    engine.execute_many(setup).unwrap().wait().unwrap();
    engine
}

#[norace::test(model_only, budget_ms = 4000)]
fn callers_are_answered_and_the_engine_stops() {
    let disk = SimStorage::new(1);
    let engine = opened(&disk);
    let caller = {
        let engine = engine.clone();
        thread::spawn(move || pay(&engine, "o-1"))
    };
    let own = pay(&engine, "o-2").expect("nobody stops it");
    let other = caller.join().unwrap().expect("nobody stops it");
    assert_ne!(own, other, "each order has its own position");
    stop(&engine).unwrap();
}

#[norace::test(model_only, budget_ms = 4000)]
fn stopping_answers_or_refuses_everybody() {
    let disk = SimStorage::new(1);
    let engine = opened(&disk);
    let caller = {
        let engine = engine.clone();
        thread::spawn(move || pay(&engine, "o-1"))
    };
    stop(&engine).unwrap();
    let told = caller.join().unwrap();
    drop(engine);
    recovered(disk, told.map(|at| ("o-1", at)));
}

#[norace::test(model_only, budget_ms = 4000)]
fn what_was_answered_survives_a_power_loss() {
    let disk = SimStorage::new(1);
    let engine = opened(&disk);
    answers_survive(disk, engine);
}

#[cfg(norace)]
#[norace::test(budget_ms = 20000)]
#[should_panic(expected = "engine::models::handoff::recovered ")]
fn mutant_an_answer_before_its_sync_is_gone_or_missed_after_a_power_loss() {
    // With other luck what was not synced is there all the same.
    let disk = SimStorage::new(choose(8) as u64);
    let engine = opened(&disk);
    disk.lie_about_syncs(true);
    answers_survive(disk, engine);
}

fn answers_survive(disk: SimStorage, engine: Engine) {
    disk.plan(choose(6), Fault::PowerOff);
    let caller = {
        let engine = engine.clone();
        thread::spawn(move || pay(&engine, "o-1"))
    };
    let own = pay(&engine, "o-2").map(|at| ("o-2", at));
    let other = caller.join().unwrap().map(|at| ("o-1", at));
    // It may or may not have come to the failure.
    drop(stop(&engine));
    drop(engine);
    disk.crash();
    recovered(disk, own.into_iter().chain(other));
}

/// Who drives an order is settled by what was in force when it was handed in, whatever others send meanwhile.
#[norace::test(model_only, budget_ms = 4000)]
fn a_message_is_handled_by_the_settings_that_came_before_it() {
    let disk = SimStorage::new(1);
    let hot = Hot::new(NewOrders::AsOpened);
    let read = hot.clone();
    let settings = SettingsSource::new(move || EngineSettings {
        new_orders: *read.load(),
        ..EngineSettings::default()
    });
    let engine = threaded(&disk, EngineConfig { settings, ..small() });
    let setup = [open_bank(), open("a")].map(Request::new).to_vec();
    engine.execute_many(setup).unwrap().wait().unwrap();
    let other = {
        let engine = engine.clone();
        thread::spawn(move || pay(&engine, "o-1"))
    };
    let Ok(_) = hot.publish(NewOrders::Manual);
    engine.settings_changed();
    pay(&engine, "o-2").expect("nobody stops it");
    let waited = engine.query(Query::Order(Id::new("o-2").unwrap())).unwrap().wait().unwrap();
    assert!(
        matches!(&waited.result, Ok(Found::Order(order)) if order.state == OrderState::Pending),
        "{waited:?}"
    );
    other.join().unwrap().expect("nobody stops it");
    stop(&engine).unwrap();
}

/// Everything told is there after a restart.
fn recovered<'a>(disk: SimStorage, told: impl IntoIterator<Item = (&'a str, u64)>) {
    let engine = threaded(&disk, small());
    for (name, at) in told {
        let found = engine.query(Query::Order(Id::new(name).unwrap())).unwrap().wait().unwrap();
        assert!(found.result.is_ok(), "{name} was told and is gone");
        assert!(found.sequence >= at, "the journal ends before {name}");
    }
    stop(&engine).unwrap();
}
