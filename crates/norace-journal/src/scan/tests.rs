//! What a walk may hold in memory.

use std::convert::Infallible;

use super::*;
use crate::{Journal, Options, names::Listing, sim::SimStorage};

#[test]
fn a_walk_over_a_long_journal_holds_one_window() {
    let disk = SimStorage::new(1);
    let options = Options::small(1024);
    let (mut journal, _) =
        Journal::open(disk.clone(), options, |_| Ok::<(), Infallible>(())).unwrap();
    for n in 0..200 {
        journal.append(1 + n, 1, &[7; 50_000]).unwrap();
    }
    let listing = Listing::read(&disk).unwrap();
    let mut scan = Scan::new(&disk, Access::Read);
    scan.run(&listing.segments, |frame| -> Result<(), Infallible> {
        assert_eq!(frame.payload, [7; 50_000]);
        Ok(())
    })
    .unwrap();
    assert_eq!(scan.report.frames, 200);
    assert_eq!(scan.window.buffer.len() as u64, crate::window::WINDOW_BYTES);
    journal.append(201, 1, &[7; 1_000_000]).unwrap();
    let mut scan = Scan::new(&disk, Access::Read);
    scan.run(&listing.segments, |_| Ok::<(), Infallible>(())).unwrap();
    assert_eq!(scan.report.frames, 201);
    assert_eq!(scan.window.buffer.len() as u64, format::frame_bytes(1_000_000));
}

#[test]
fn a_caller_that_refuses_a_frame_ends_the_walk() {
    let disk = SimStorage::new(1);
    let options = Options::small(16);
    let open = |refused: u64| {
        Journal::open(disk.clone(), options.clone(), |frame| {
            if frame.first_sequence == refused { Err(refused) } else { Ok(()) }
        })
    };
    let (mut journal, _) = open(0).unwrap();
    for n in 1..5 {
        journal.append(n, 1, b"x").unwrap();
    }
    drop(journal);
    let refused = open(3).map(drop);
    assert!(matches!(refused, Err(crate::OpenError::Caller(3))), "{refused:?}");
    assert_eq!(open(0).unwrap().0.next_sequence(), 5, "the lock was released");
}
