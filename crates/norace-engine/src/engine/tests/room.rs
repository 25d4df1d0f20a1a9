//! A disk without space: refused before anything is decided, and nothing is lost.

use norace_journal::Options;
use norace_journal::sim::SimStorage;
use norace_prim::time::Duration;

use crate::codec::{DecodeError, decode_frame};
use crate::engine::{Engine, EngineConfig, Query, Unavailable};
use crate::model::{Command, Done, Metadata, Request};
use crate::ports::SystemClock;
use crate::processor::ProcessorChoice;
use crate::testing::commands::{amount, given, id, open, open_bank, order};
use crate::testing::rig::{Rig, config};

fn big_order(n: usize) -> Request {
    Request::new(Command::CreateOrder {
        id: given(&format!("big-{n}")),
        payer: id("bank"),
        payee: id("a"),
        amount: amount(1),
        metadata: Metadata::new([("k", "v".repeat(4000))]).unwrap(),
    })
}

#[test]
fn a_full_disk_refuses_loses_nothing_and_recovers() {
    let disk = SimStorage::new(1);
    let mut rig = Rig::open(&disk, ProcessorChoice::Ledger).unwrap();
    for command in [open_bank(), open("a")] {
        rig.done(command).unwrap();
    }
    disk.set_capacity(1 << 20);
    let mut done = 0;
    let refused = loop {
        let mut reply = rig.execute(big_order(done));
        rig.commit();
        match reply.try_take().unwrap() {
            Ok(answer) => answer.result.map(|_| done += 1).unwrap(),
            Err(unavailable) => break unavailable,
        }
        assert!(done < 10_000, "the disk never filled");
    };
    assert_eq!(refused, Unavailable::StorageFull);
    assert!(done > 10, "only {done} orders fitted");
    let before = rig.stats().sequence;
    let mut many = rig.execute_many((0..9).map(|n| big_order(done + n)).collect());
    rig.commit();
    assert_eq!(many.try_take(), Some(Err(Unavailable::StorageFull)), "an array is refused whole");
    assert_eq!(rig.stats().sequence, before, "nothing was decided");
    assert!(!rig.ended, "a full disk is no failure");

    disk.set_capacity(64 << 20);
    let mut asked_for_room = rig.execute(big_order(done));
    rig.commit();
    let _ = asked_for_room.try_take();
    assert!(matches!(rig.done(big_order(done)), Ok(Done::Order { .. })), "there is room again");
    let confirmed = rig.stats().orders[2];
    drop(rig);
    disk.crash();
    let report = crate::verify(&disk).unwrap();
    assert_eq!((report.ok, report.orders), (true, confirmed));
    assert_eq!(confirmed, done as u64 + 1);
}

#[test]
fn an_array_larger_than_a_batch_goes_into_several_and_is_answered_once() {
    let disk = SimStorage::new(2);
    let config = config(ProcessorChoice::Ledger);
    let bound = config.batch_bytes_max as u64;
    let options = Options::small(400);
    let engine = Engine::open(config, disk.clone(), options, SystemClock).unwrap().0;
    for command in [open_bank(), open("a")] {
        engine.execute(command.into()).unwrap().wait().unwrap().result.unwrap();
    }
    let many = engine.execute_many((0..30).map(big_order).collect()).unwrap();
    let answer = many.wait().unwrap();
    assert!(answer.result.iter().all(|outcome| matches!(outcome, Ok(Done::Order { .. }))));
    assert_eq!(answer.sequence, 2 + 30 * 3);
    let mut largest = 0;
    norace_journal::read_only(&disk, |frame| {
        largest = largest.max(frame.payload.len() as u64);
        Ok::<(), std::convert::Infallible>(())
    })
    .unwrap();
    assert!(largest > bound / 2 && largest <= bound, "{largest} bytes in a frame");
    engine.stop(Duration::from_secs(10)).unwrap();
}

#[test]
fn an_array_that_no_segment_could_promise_to_take_is_refused_whole() {
    let disk = SimStorage::new(4);
    let mut rig = Rig::open(&disk, ProcessorChoice::Ledger).unwrap();
    rig.done(open_bank()).unwrap();
    rig.done(open("a")).unwrap();
    let mut many = rig.execute_many((0..60).map(big_order).collect());
    assert_eq!(many.try_take(), Some(Err(Unavailable::Overloaded)));
    assert_eq!(rig.stats().sequence, 2);
}

#[test]
fn a_frame_holds_whole_ledger_orders() {
    let disk = SimStorage::new(5);
    let config = EngineConfig { batch_records_max: 16, ..config(ProcessorChoice::Ledger) };
    let options = Options::small(800);
    let engine = Engine::open(config, disk.clone(), options, SystemClock).unwrap().0;
    let setup = [open_bank(), open("a")].map(Request::new).to_vec();
    engine.execute_many(setup).unwrap().wait().unwrap();
    let make = |n| Request::new(order(&format!("o{n}"), "bank", "a", 1));
    engine.execute_many((0..100).map(make).collect()).unwrap().wait().unwrap();
    engine.stop(Duration::from_secs(10)).unwrap();
    let mut frames = 0;
    norace_journal::read_only(&disk, |frame| {
        let mut open = 0;
        decode_frame(frame.payload, frame.count, |record| {
            if let Some(step) = record.change.order {
                open += i32::from(step.from.is_none()) - i32::from(step.to.is_final());
            }
            Ok::<(), DecodeError>(())
        })?;
        assert_eq!(open, 0, "the frame at {} parts an order", frame.first_sequence);
        frames += 1;
        Ok::<(), DecodeError>(())
    })
    .unwrap();
    assert!(frames > 100 * 3 / 16, "{frames} frames");
}

#[test]
fn the_largest_request_has_room_in_a_batch() {
    let mut entries: Vec<(String, String)> = vec![(String::new(), String::new())];
    entries.extend((0u8..128).map(|b| (char::from(b).to_string(), String::new())));
    let mut left = 4096 - 128;
    let mut code = 0x80u32;
    while left >= 2 {
        entries.push((char::from_u32(code).unwrap().to_string(), String::new()));
        (code, left) = (code + 1, left - 2);
        if code == 0x800 {
            break;
        }
    }
    while left >= 3 {
        entries.push((char::from_u32(code).unwrap().to_string(), String::new()));
        (code, left) = (code + 1, left - 3);
    }
    let metadata = Metadata::new(entries).unwrap();
    let long = "x".repeat(64);
    let command = Command::CreateOrder {
        id: given(&long),
        payer: id(&long),
        payee: id(&long),
        amount: amount(1),
        metadata,
    };
    let text = "k".repeat(255);
    let key = crate::IdempotencyKey::new(&text, &text).unwrap();
    let bytes = crate::engine::request_bytes_max(&command, Some(&key));
    assert!(bytes > 12_000 && bytes <= crate::engine::REQUEST_BYTES_MAX, "{bytes}");
}

#[test]
fn a_reading_engine_needs_no_room() {
    let disk = SimStorage::new(3);
    let mut rig = Rig::open(&disk, ProcessorChoice::Ledger).unwrap();
    rig.done(open_bank()).unwrap();
    disk.set_capacity(0);
    let mut reply = rig.query(Query::Account(id("bank")));
    assert!(reply.try_take().unwrap().unwrap().result.is_ok());
    drop(rig.execute(order("x", "bank", "a", 1)));
}
