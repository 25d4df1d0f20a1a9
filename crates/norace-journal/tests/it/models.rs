//! Models: the appender, the helper that makes the next segment, and who waits for room.

use norace_check::{Builder, check, choose};
use norace_journal::sim::{Fault, SimStorage};
use norace_journal::{Journal, NoRoom, Options, Prepare, RoomHandle, read_only};
use norace_prim::atomic::{AtomicU64, Ordering};
use norace_prim::sync::Arc;
use norace_prim::thread;
use norace_prim::time::Duration;
use std::convert::Infallible;

const PAYLOAD: [u8; 8] = [7; 8];
const PAYLOAD_BYTES: u32 = 8;

/// Segments that certainly take two frames after whatever was appended, made by the helper.
fn options() -> Options {
    Options { prepare: Prepare::Ahead { retry: Duration::from_secs(1) }, ..Options::small(6) }
}

fn open(disk: &SimStorage) -> Journal<SimStorage> {
    Journal::open(disk.clone(), options(), |_| Ok::<(), Infallible>(())).unwrap().0
}

fn recovered(disk: &SimStorage) -> u64 {
    disk.crash();
    let mut last = 0;
    read_only(disk, |frame| {
        last = frame.first_sequence + u64::from(frame.count) - 1;
        Ok::<(), Infallible>(())
    })
    .unwrap();
    last
}

/// No promise will follow.
const NO_MORE: u64 = u64::MAX;

/// How many frames more than those under way room is asked for.
const ONE_MORE: u64 = 1;

/// Asks for room for `more` frames than are under way, one at most, until there is none or `frames` are promised.
fn promise(room: &RoomHandle, [promised, appended]: [&AtomicU64; 2], frames: u64, more: u64) {
    for frame in 1..=frames {
        // Acquire: an append counted here has used its room up.
        let mut outstanding = frame - 1 - appended.load(Ordering::Acquire);
        while outstanding > 1 {
            thread::yield_now();
            // Acquire: as above.
            outstanding = frame - 1 - appended.load(Ordering::Acquire);
        }
        if room.wait(outstanding + more, PAYLOAD_BYTES).is_err() {
            // Release: as below.
            promised.store(NO_MORE, Ordering::Release);
            return;
        }
        // Release: the promise is there before the append that needs it.
        promised.store(frame, Ordering::Release);
    }
}

/// A decider that asks for room and an appender that uses it, with the helper between them; how many frames that led
/// to.
fn promises_are_kept(disk: &SimStorage, frames: u64, more: u64) -> u64 {
    let mut journal = open(disk);
    let room = journal.room();
    let shared = Arc::new([AtomicU64::new(0), AtomicU64::new(0)]);
    let asked = Arc::clone(&shared);
    let decider = thread::spawn(move || promise(&room, asked.each_ref(), frames, more));
    let mut sequence = 0;
    while sequence < frames {
        // Acquire: see `promise`.
        let promised = shared[0].load(Ordering::Acquire);
        if promised == NO_MORE {
            break;
        }
        if promised == sequence {
            thread::yield_now();
            continue;
        }
        match journal.append(sequence + 1, 1, &PAYLOAD) {
            Ok(()) => sequence += 1,
            Err(error) => panic!("a promise was not kept: {error}"),
        }
        // Release: see `promise`.
        shared[1].store(sequence, Ordering::Release);
    }
    decider.join().unwrap();
    drop(journal);
    sequence
}

#[test]
fn what_was_promised_is_taken_and_stays() {
    Builder::new().budget(Duration::from_secs(5)).check(|| {
        let disk = SimStorage::new(1);
        assert_eq!(promises_are_kept(&disk, 4, ONE_MORE), 4, "there is space for all of it");
        assert_eq!(recovered(&disk), 4);
    });
}

/// On a disk that is too small.
fn promises_end(more: u64) {
    let disk = SimStorage::new(1);
    disk.set_capacity(3 * options().segment_bytes);
    let appended = promises_are_kept(&disk, 30, more);
    assert!(appended < 30, "the disk is too small");
    assert_eq!(recovered(&disk), appended);
}

#[test]
fn without_space_promises_end_and_none_is_broken() {
    Builder::new().budget(Duration::from_secs(5)).check(|| promises_end(ONE_MORE));
}

#[test]
fn mutant_a_promise_that_is_not_asked_for_is_broken() {
    finds("a promise was not kept", || promises_end(0));
}

fn acknowledged_is_kept(disk: &SimStorage) {
    disk.plan(choose(12), if choose(2) == 0 { Fault::Error } else { Fault::PowerOff });
    // It may fail while it is opened, too.
    let opened = Journal::open(disk.clone(), options(), |_| Ok::<(), Infallible>(()));
    let mut acknowledged = 0;
    if let Ok((mut journal, _)) = opened {
        let room = journal.room();
        let waiter = thread::spawn(move || room.wait(2, PAYLOAD_BYTES));
        while acknowledged < 4 && journal.append(acknowledged + 1, 1, &PAYLOAD).is_ok() {
            acknowledged += 1;
        }
        // It is told, whatever happened.
        let told = waiter.join().unwrap();
        assert!(matches!(told, Ok(()) | Err(NoRoom::Poisoned { .. } | NoRoom::Closed)));
    }
    assert!(acknowledged == 0 || recovered(disk) >= acknowledged, "something acknowledged is gone");
}

#[test]
fn a_fault_of_the_helper_or_the_appender_loses_nothing_acknowledged() {
    let builder = Builder::new().budget(Duration::from_secs(5));
    builder.check(|| acknowledged_is_kept(&SimStorage::new(1)));
}

#[test]
fn mutant_what_is_acknowledged_by_a_disk_that_lies_is_gone() {
    finds("something acknowledged is gone", || {
        // With other luck what was not synced is there all the same.
        let disk = SimStorage::new(choose(8) as u64);
        open(&disk);
        disk.lie_about_syncs(true);
        acknowledged_is_kept(&disk);
    });
}

/// Explores what is known to be wrong until it shows `what`.
#[track_caller]
fn finds(what: &str, mutant: impl Fn()) {
    let outcome = Builder::new().budget(Duration::from_secs(20)).run(mutant);
    let finding = outcome.finding.expect("the mutant is found");
    assert!(finding.kind == "panic" && finding.title.contains(what), "{}", finding.to_text());
}

#[test]
fn whoever_waits_learns_that_the_journal_is_gone() {
    check(|| {
        let disk = SimStorage::new(1);
        let mut journal = open(&disk);
        let room = journal.room();
        let waiter = thread::spawn(move || room.wait(2, PAYLOAD_BYTES));
        journal.append(1, 1, &PAYLOAD).unwrap();
        drop(journal);
        let told = waiter.join().unwrap();
        assert!(matches!(told, Ok(()) | Err(NoRoom::Closed)), "{told:?}");
    });
}
