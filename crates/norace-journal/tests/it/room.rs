//! A full disk: refused before anything is written, no poison, and over when space comes back.

use norace_journal::{
    AppendError, NoRoom, Options, Prepare,
    sim::{Fault, SimStorage},
};
use norace_prim::{
    thread,
    time::{Duration, Instant},
};

use crate::support::{Luck, append, open, segment_name};

const PAGE: u64 = 4096;

/// A disk with room for `segments` segments of 8 pages.
fn disk(segments: u64) -> SimStorage {
    let disk = SimStorage::new(segments);
    disk.set_capacity(segments * 8 * PAGE + 2 * PAGE);
    disk
}

#[test]
fn a_full_disk_refuses_and_goes_on_when_space_comes_back() {
    let disk = disk(2);
    let (mut journal, ..) = open(disk.clone(), &Options::small(8)).unwrap();
    let mut frames = Vec::new();
    let refused = loop {
        match append(&mut journal, 1, 100) {
            Ok(frame) => frames.push(frame),
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, AppendError::StorageFull), "{refused:?}");
    assert_eq!(frames.len(), 10, "two segments of five");
    assert_eq!(journal.room_bytes(), 0);
    assert_eq!(journal.room().wait(1, 1), Err(NoRoom::StorageFull));
    let contents = disk.contents(&segment_name(1));
    assert!(matches!(append(&mut journal, 1, 0), Err(AppendError::StorageFull)));
    assert_eq!(disk.contents(&segment_name(1)), contents, "a refused frame has written nothing");
    assert_eq!(disk.files().len(), 2, "the unfinished segment gives its space back");
    journal.seal().expect("a seal always has its page");

    disk.set_capacity(u64::MAX);
    frames.push(append(&mut journal, 1, 100).unwrap());
    assert!(journal.room_bytes() > 0);
    drop(journal);
    disk.crash();
    let (_, report, found) = open(disk, &Options::small(8)).unwrap();
    assert_eq!(found, frames);
    assert_eq!(report.segments, 3);
}

#[test]
fn a_full_journal_opens_reads_and_seals() {
    let disk = disk(1);
    let (mut journal, ..) = open(disk.clone(), &Options::small(8)).unwrap();
    for _ in 0..5 {
        append(&mut journal, 1, 100).unwrap();
    }
    append(&mut journal, 1, 100).unwrap_err();
    drop(journal);
    for _ in 0..3 {
        disk.crash();
        let (mut journal, _, found) = open(disk.clone(), &Options::small(8)).unwrap();
        assert_eq!(found.len(), 5);
        assert!(matches!(append(&mut journal, 1, 100), Err(AppendError::StorageFull)));
        journal.close().unwrap();
    }
}

#[test]
fn every_way_of_running_full_while_making_a_segment_is_survived() {
    // Creating, writing, syncing and renaming may all say so; a failed sync of the directory is no matter of space.
    for after in 0..4 {
        let disk = SimStorage::new(after);
        let (mut journal, ..) = open(disk.clone(), &Options::small(8)).unwrap();
        append(&mut journal, 1, 100).unwrap();
        disk.plan(after as usize, Fault::Full);
        assert!(matches!(journal.make_room(), Err(AppendError::StorageFull)), "after {after}");
        journal.make_room().unwrap();
        let frames: Vec<_> = (0..8).map(|_| append(&mut journal, 1, 100).unwrap()).collect();
        drop(journal);
        disk.crash();
        let (_, _, found) = open(disk, &Options::small(8)).unwrap();
        assert_eq!(found[1..], frames);
    }
    let disk = SimStorage::new(9);
    let (mut journal, ..) = open(disk.clone(), &Options::small(8)).unwrap();
    disk.plan(4, Fault::Full);
    assert!(matches!(journal.make_room(), Err(AppendError::Poisoned { .. })));
}

#[test]
fn room_once_promised_is_there() {
    for seed in 0..400 {
        let mut luck = Luck::new(seed);
        let pages = 4 + luck.below(20);
        let disk = SimStorage::new(seed);
        disk.set_capacity(pages * PAGE * (1 + luck.below(4)) + luck.below(pages * PAGE));
        let (mut journal, ..) = open(disk, &Options::small(pages)).unwrap();
        let room = journal.room();
        let max = journal.options().max_frame_bytes;
        let mut refused = 0;
        while refused < 3 {
            let bytes = if luck.below(2) == 0 { luck.below(u64::from(max) + 1) } else { 1 };
            let frames = 1 + luck.below(4);
            let promised = room.frames(bytes as u32) >= frames;
            let next = room.bytes();
            if luck.below(2) == 0 {
                journal.seal().unwrap();
            }
            for n in 0..frames {
                let appended = append(&mut journal, 1, bytes as usize);
                match &appended {
                    Ok(_) => {}
                    Err(AppendError::StorageFull) => {
                        assert!(!promised, "frame {n} of {frames} with {bytes} bytes, seed {seed}");
                        assert!(n > 0 || next < bytes, "{next} promised, {bytes} refused");
                        refused += 1;
                    }
                    Err(error) => panic!("{error:?}, seed {seed}"),
                }
                if luck.below(2) == 0 {
                    journal.seal().unwrap();
                }
            }
        }
        assert_eq!(room.frames(max + 1), 0);
    }
}

#[test]
fn room_is_there_at_every_sync_of_an_append_that_goes_on_in_the_next_segment() {
    let disk = SimStorage::new(1);
    let (mut journal, ..) = open(disk.clone(), &Options::small(8)).unwrap();
    let room = journal.room();
    let mut begun = 1;
    while begun < 4 {
        // Inline, so that making the next segment does not hang beside the append.
        journal.make_room().unwrap();
        disk.hold_syncs();
        let appender = thread::spawn(move || (append(&mut journal, 1, 100).map(drop), journal));
        while !appender.is_finished() {
            if disk.wait_held_for(Duration::from_millis(20)) {
                // One is the frame in flight.
                room.wait(2, 100).unwrap();
                disk.release_held();
            }
        }
        disk.release_syncs();
        let appended;
        (appended, journal) = appender.join().unwrap();
        appended.unwrap();
        begun = disk.files().iter().filter(|name| name.starts_with("segment-")).count();
    }
}

fn ahead(retry: Duration) -> Options {
    Options { prepare: Prepare::Ahead { retry }, ..Options::small(8) }
}

#[test]
fn the_helper_makes_the_next_segment_while_the_appender_goes_on() {
    let disk = SimStorage::new(1);
    let (mut journal, ..) = open(disk.clone(), &ahead(Duration::from_secs(60))).unwrap();
    let frames: Vec<_> = (0..60).map(|_| append(&mut journal, 1, 100).unwrap()).collect();
    drop(journal);
    disk.crash();
    let (_, report, found) = open(disk, &Options::small(8)).unwrap();
    assert_eq!(found, frames);
    assert_eq!(report.segments, 12);
}

#[test]
fn the_helper_tries_again_by_itself_when_the_disk_was_full() {
    let disk = disk(1);
    let (mut journal, ..) = open(disk.clone(), &ahead(Duration::from_millis(1))).unwrap();
    while append(&mut journal, 1, 100).is_ok() {}
    let room = journal.room();
    assert_eq!(room.bytes(), 0);
    disk.set_capacity(u64::MAX);
    let begun = Instant::now();
    while room.wait(1, 100).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(20), "the helper gave up");
        thread::yield_now();
    }
    append(&mut journal, 1, 100).unwrap();
}

#[test]
fn asking_for_room_tries_again_at_once() {
    let disk = disk(1);
    let (mut journal, ..) = open(disk.clone(), &ahead(Duration::from_secs(3600))).unwrap();
    while append(&mut journal, 1, 100).is_ok() {}
    assert!(matches!(journal.make_room(), Err(AppendError::StorageFull)));
    disk.set_capacity(u64::MAX);
    journal.make_room().unwrap();
    append(&mut journal, 1, 100).unwrap();
}

#[test]
fn a_journal_can_be_dropped_while_its_disk_is_full() {
    let disk = disk(1);
    let (mut journal, ..) = open(disk.clone(), &ahead(Duration::from_secs(3600))).unwrap();
    while append(&mut journal, 1, 100).is_ok() {}
    drop(journal);
    open(disk, &Options::small(8)).unwrap();
}

#[test]
fn segments_of_another_size_are_kept_and_new_ones_follow_the_options() {
    let disk = SimStorage::new(1);
    let mut frames = Vec::new();
    for pages in [8, 32, 4, 16, 5] {
        let (mut journal, _, found) = open(disk.clone(), &Options::small(pages)).unwrap();
        assert_eq!(found, frames);
        let max = journal.options().max_frame_bytes;
        frames.extend((0..4).map(|_| append(&mut journal, 1, max as usize).unwrap()));
        assert_eq!(journal.room().frames(max + 1), 0);
        drop(journal);
        disk.crash();
    }
}

#[test]
fn options_that_contradict_each_other_are_refused_and_touch_nothing() {
    let good = Options::small(8);
    for bad in [
        Options { segment_bytes: 8 * PAGE - 1, ..good.clone() },
        Options { max_frame_bytes: good.max_frame_bytes + 1, ..good.clone() },
        Options { max_frame_bytes: 0, ..good.clone() },
        Options { segment_bytes: 0, ..good },
    ] {
        let disk = SimStorage::new(1);
        assert!(matches!(open(disk.clone(), &bad), Err(norace_journal::OpenError::Options(_))));
        assert_eq!(disk.operations(), 0);
    }
}
