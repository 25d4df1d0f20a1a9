//! Real threads on a simulated disk whose power fails at some moment.

use norace_journal::sim::{Fault, SimStorage};
use norace_prim::thread;
use norace_prim::time::Duration;

use crate::codec::{Record, ReplayError, decode_frame};
use crate::engine::{Engine, EngineConfig, OpenError};
use crate::model::{Done, Order, OrderState, Request};
use crate::ports::SystemClock;
use crate::processor::ProcessorChoice;
use crate::state::State;
use crate::testing::Seeded;
use crate::testing::commands::{open, open_bank, order};
use crate::testing::rig::{config, options, threaded};

/// One client after the other's answer, until the engine is gone; what it was told, and what that rests on.
fn pay(engine: &Engine, client: usize) -> Vec<(u64, Order)> {
    let mut told = Vec::new();
    for n in 0..1000 {
        let request = Request::new(order(&format!("o-{client}-{n}"), "bank", "a", 1));
        let Ok(Ok(answer)) = engine.execute(request).map(crate::Reply::wait) else { break };
        let Ok(Done::Order { order, .. }) = answer.result else { panic!("a new order") };
        told.push((answer.sequence, order));
    }
    told
}

#[test]
fn what_concurrent_clients_were_told_survives_a_power_loss() {
    let mut answers = 0;
    for seed in 0..60 {
        let mut random = Seeded::new(seed);
        let disk = SimStorage::new(seed);
        let engine = threaded(&disk, config(ProcessorChoice::Ledger));
        let setup = [open_bank(), open("a")].map(Request::new).to_vec();
        engine.execute_many(setup).unwrap().wait().unwrap();
        disk.plan(random.below(80) as usize, Fault::PowerOff);
        let mut told: Vec<(u64, Order)> = thread::scope(|scope| {
            let clients: Vec<_> = (0..4)
                .map(|client| {
                    let engine = engine.clone();
                    scope.spawn(move || pay(&engine, client))
                })
                .collect();
            clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
        });
        assert!(engine.failure().is_some(), "seed {seed}: the power failed");
        drop(engine.stop(Duration::from_secs(10)));
        disk.crash();
        told.sort_by_key(|(sequence, _)| *sequence);
        answers += told.len();
        check(&disk, &told, seed);
    }
    assert!(answers > 500, "{answers} answers");
}

/// Finds every order told in the journal, exactly as it was told, at the position it rests on.
fn check(disk: &SimStorage, told: &[(u64, Order)], seed: u64) {
    let engine = threaded(disk, config(ProcessorChoice::Ledger));
    engine.stop(Duration::from_secs(10)).unwrap();
    let mut state = State::new();
    let mut told = told.iter().peekable();
    norace_journal::read_only(disk, |frame| {
        decode_frame(frame.payload, frame.count, |record: &Record| {
            record.replay(&mut state)?;
            while let Some((_, order)) = told.next_if(|(at, _)| *at == state.sequence()) {
                let found = state.order(state.find_order(&order.id).unwrap());
                assert_eq!(&found, order, "seed {seed}");
                assert_eq!(order.state, OrderState::Confirmed);
            }
            Ok::<(), ReplayError>(())
        })
    })
    .unwrap();
    assert_eq!(told.count(), 0, "seed {seed}: answers rest on something lost");
    assert!(crate::verify(disk).unwrap().ok, "seed {seed}");
}

#[test]
fn bounds_that_cannot_work_are_refused() {
    let ledger = || config(ProcessorChoice::Ledger);
    let refused = [
        EngineConfig { queue_messages: 0, ..ledger() },
        EngineConfig { batch_records_max: 1, ..ledger() },
        EngineConfig { batch_bytes_max: 1024, ..ledger() },
        EngineConfig { batch_bytes_max: 1 << 30, ..ledger() },
        EngineConfig { batch_bytes_max: 256 << 10, ..ledger() },
    ];
    for config in refused {
        let text = format!("{config:?}");
        let opened = Engine::open(config, SimStorage::new(1), options(), SystemClock);
        assert!(matches!(opened, Err(OpenError::Config(_))), "{text}");
    }
}
