//! Opening, using, stopping and opening again.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use norace_engine::{
    Account, Done, Engine, EngineConfig, Found, OpenError, OrderState, Query, SystemClock,
    dump_dir, verify_dir,
};

use super::{Folder, account, id, order, transfer};

const PATIENCE: Duration = Duration::from_secs(10);

fn open(folder: &Folder) -> Result<Engine, OpenError> {
    Engine::open_dir(EngineConfig::default(), &folder.0, SystemClock).map(|(engine, _)| engine)
}

fn read_account(engine: &Engine, name: &str) -> Account {
    let answer = engine.query(Query::Account(id(name))).unwrap().wait().unwrap();
    match answer.result.unwrap() {
        Found::Account(account) => account,
        other => panic!("not an account: {other:?}"),
    }
}

#[test]
fn what_one_process_acknowledged_the_next_one_finds() {
    let folder = Folder::new("reopen");
    let engine = open(&folder).unwrap();
    let requests = vec![
        account("bank", true),
        account("ann", false),
        account("shop", false),
        transfer("t1", "bank", "ann", 100),
        order("o1", "ann", "shop", 60),
        order("o2", "ann", "shop", 60),
    ];
    let answer = engine.execute_many(requests).unwrap().wait().unwrap();
    assert_eq!(answer.sequence, 4 + 3 + 2);
    let states = answer.result.iter().map(|outcome| match outcome {
        Ok(Done::Order { order, .. }) => Some(order.state),
        _ => None,
    });
    assert_eq!(states.flatten().collect::<Vec<_>>(), [OrderState::Confirmed, OrderState::Failed]);
    assert_eq!(open(&folder).err(), Some(OpenError::Locked), "one process at a time");
    engine.stop(PATIENCE).unwrap();
    drop(engine);

    let (engine, recovered) =
        Engine::open_dir(EngineConfig::default(), &folder.0, SystemClock).unwrap();
    assert_eq!((recovered.records, recovered.last_sequence), (9, 9));
    let ann = read_account(&engine, "ann");
    assert_eq!((ann.available(), ann.debits_posted), (40, 60));
    let mut follower = engine.events().follow_blocking(0).unwrap();
    let mut moves = Vec::new();
    follower.next_blocking(100, |event| moves.push((event.sequence, event.to.as_str()))).unwrap();
    assert_eq!(
        moves,
        [(5, "pending"), (6, "processing"), (7, "confirmed"), (8, "pending"), (9, "failed")]
    );
    let report = verify_dir(&folder.0).unwrap();
    assert_eq!((report.ok, report.orders, report.debits, report.credits), (true, 2, 160, 160));
    let mut kinds = Vec::new();
    dump_dir(&folder.0, |record| {
        kinds.push(record.kind);
        Ok::<(), Infallible>(())
    })
    .unwrap();
    assert_eq!(kinds[4..], ["create-order", "process", "confirm", "create-order", "fail"]);
    engine.stop(PATIENCE).unwrap();
}

#[test]
fn a_handle_that_is_dropped_leaves_a_sound_journal_and_lets_go_of_it() {
    let folder = Folder::new("drop");
    let engine = open(&folder).unwrap();
    let reply = engine.execute(account("bank", true)).unwrap();
    drop(engine);
    assert!(reply.wait().unwrap().result.is_ok(), "what was admitted is done");
    let deadline = Instant::now() + PATIENCE;
    let engine = loop {
        match open(&folder) {
            Ok(engine) => break engine,
            Err(OpenError::Locked) => assert!(Instant::now() < deadline, "it is never released"),
            Err(other) => panic!("{other}"),
        }
        std::thread::yield_now();
    };
    assert!(read_account(&engine, "bank").allow_overdraft);
    engine.stop(PATIENCE).unwrap();
}

#[test]
fn many_threads_pay_from_one_account_without_losing_a_cent() {
    let folder = Folder::new("hot");
    let engine = open(&folder).unwrap();
    let setup = [account("bank", true), account("hot", false), account("shop", false)];
    let setup: Vec<_> = setup.into_iter().chain([transfer("t", "bank", "hot", 500)]).collect();
    engine.execute_many(setup).unwrap().wait().unwrap();
    let confirmed: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|thread| {
                let engine = engine.clone();
                let pay = move |n| {
                    let order = order(&format!("o-{thread}-{n}"), "hot", "shop", 1);
                    let answer = engine.execute(order).unwrap().wait().unwrap();
                    match answer.result.unwrap() {
                        Done::Order { order, .. } => order.state == OrderState::Confirmed,
                        other => panic!("not an order: {other:?}"),
                    }
                };
                scope.spawn(move || (0..100).filter(|n| pay(*n)).count())
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(confirmed, 500, "as many as were funded, whoever came first");
    let hot = read_account(&engine, "hot");
    assert_eq!((hot.available(), hot.debits_posted, hot.debits_pending), (0, 500, 0));
    engine.stop(PATIENCE).unwrap();
    assert!(verify_dir(&folder.0).unwrap().ok);
}
