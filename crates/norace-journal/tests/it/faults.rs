//! Bugs of real write-ahead logs, each as the behaviour that excludes it.

use std::io;

use norace_journal::{
    AppendError, Options, Prepare,
    sim::{Fault, OperationKind, SimStorage},
    storage::{Access, Storage},
};
use norace_prim::{
    sync::{self, Arc, Mutex},
    thread,
    time::Duration,
};

use crate::support::{append, audit, open, segment_name};

/// How often `kind` was asked for since operation `from`.
fn count(disk: &SimStorage, from: usize, kind: OperationKind) -> usize {
    disk.trace()[from..].iter().filter(|operation| operation.kind == kind).count()
}

#[test]
fn a_failed_write_is_not_made_good_by_a_later_sync() {
    // As in fjall once: the commit dropped the write error and the next sync succeeded without the data.
    let disk = SimStorage::new(1);
    let (mut journal, ..) = open(disk.clone(), &Options::small(16)).unwrap();
    let first = append(&mut journal, 1, 100).unwrap();
    disk.plan(0, Fault::ErrorAfter(0));
    let before = disk.operations();
    let failed = append(&mut journal, 1, 100);
    assert!(matches!(failed, Err(AppendError::Failed(_))), "{failed:?}");
    assert_eq!(count(&disk, before, OperationKind::Sync), 0, "there is nothing to sync");
    for _ in 0..3 {
        assert!(matches!(journal.seal(), Err(AppendError::Poisoned { .. })));
        assert!(matches!(append(&mut journal, 1, 1), Err(AppendError::Poisoned { .. })));
    }
    drop(journal);
    disk.kill();
    let (_, _, found) = open(disk, &Options::small(16)).unwrap();
    assert_eq!(found, [first]);
}

#[test]
fn a_good_frame_is_never_appended_behind_the_remains_of_a_failed_one() {
    // As in fjall once: an unterminated record stayed at the tail, the next batch went behind it, the reader stopped
    // before it.
    for torn in [0, 1, 87, 88, 511, 512, 4095, 4096, 5000, 8191] {
        for kill in [false, true] {
            let disk = SimStorage::new(torn);
            let (mut journal, ..) = open(disk.clone(), &Options::small(16)).unwrap();
            let first = append(&mut journal, 1, 100).unwrap();
            disk.plan(0, Fault::ErrorAfter(torn as usize));
            append(&mut journal, 1, 2 * 4096 - 88).unwrap_err();
            append(&mut journal, 1, 10).unwrap_err();
            drop(journal);
            if kill {
                disk.kill()
            } else {
                disk.crash()
            }
            let (mut journal, _, found) = open(disk.clone(), &Options::small(16)).unwrap();
            assert_eq!(found, std::slice::from_ref(&first), "torn at {torn}");
            let second = append(&mut journal, 3, 20).unwrap();
            drop(journal);
            disk.crash();
            let (_, report, found) = open(disk, &Options::small(16)).unwrap();
            assert_eq!(found, [first, second], "torn at {torn}");
            assert_eq!(report.torn_tail_bytes, 0, "torn at {torn}");
        }
    }
}

#[test]
fn success_means_that_the_sync_came_after_the_whole_write() {
    // As in stoolap once: a committer's bytes were carried by another, and its own sync came first.
    let disk = SimStorage::new(1);
    let (mut journal, ..) = open(disk.clone(), &Options::small(64)).unwrap();
    for bytes in [0, 1, 4008, 4009, 30_000] {
        let before = disk.operations();
        append(&mut journal, 1, bytes).unwrap();
        let trace = disk.trace().split_off(before);
        let kinds: Vec<_> = trace.iter().map(|operation| operation.kind).collect();
        assert_eq!(kinds, [OperationKind::Write, OperationKind::Sync], "one write and one sync");
        assert_eq!(trace[0].file, trace[1].file);
        assert_eq!((trace[0].offset % 4096, trace[0].bytes % 4096), (0, 0));
        assert!(trace[0].bytes >= bytes as u64 + 88);
        assert!(disk.is_settled());
    }
}

#[test]
fn an_append_does_not_return_while_its_sync_hangs() {
    let disk = SimStorage::new(1);
    let (mut journal, ..) = open(disk.clone(), &Options::small(16)).unwrap();
    disk.hold_syncs();
    let done = Arc::new(Mutex::new(false));
    let appender = thread::spawn({
        let done = Arc::clone(&done);
        move || {
            let appended = append(&mut journal, 1, 10);
            *sync::lock(&done) = true;
            appended
        }
    });
    disk.wait_held();
    assert!(!*sync::lock(&done), "acknowledged while the sync hangs");
    // Whoever loses power now has not been promised anything.
    let other = disk.fork(3);
    other.crash();
    assert!(audit(&other).1.len() <= 1);
    disk.release_syncs();
    let frame = appender.join().unwrap().unwrap();
    disk.crash();
    assert_eq!(audit(&disk).1, [frame]);
}

#[test]
fn a_power_loss_while_a_sync_hangs_fails_the_append() {
    let disk = SimStorage::new(1);
    let (mut journal, ..) = open(disk.clone(), &Options::small(16)).unwrap();
    disk.hold_syncs();
    let appender = thread::spawn(move || append(&mut journal, 1, 10));
    disk.wait_held();
    disk.crash();
    let failed = appender.join().unwrap();
    assert!(matches!(failed, Err(AppendError::Failed(_))), "{failed:?}");
    open(disk, &Options::small(16)).unwrap();
}

#[test]
fn a_failed_sync_is_never_tried_again() {
    // As in rostam, and in PostgreSQL before 2018: the second sync succeeds and the data is gone.
    let disk = SimStorage::new(1);
    let (mut journal, ..) = open(disk.clone(), &Options::small(16)).unwrap();
    append(&mut journal, 1, 100).unwrap();
    disk.plan(1, Fault::Error);
    let failed = append(&mut journal, 1, 100);
    assert!(matches!(&failed, Err(AppendError::Failed(error)) if error.tried == "sync"));
    let before = disk.operations();
    journal.seal().unwrap_err();
    append(&mut journal, 1, 100).unwrap_err();
    journal.make_room().unwrap_err();
    assert_eq!(disk.operations(), before, "a poisoned journal touches nothing");
    assert_eq!(journal.room_bytes(), 0);
    assert_eq!(journal.room().frames(1), 0);
    drop(journal);
    assert_eq!(disk.operations(), before);
}

#[test]
fn a_frame_that_only_the_cache_shows_is_written_again_before_it_is_built_upon() {
    // The sync failed, the system shows the frame all the same, the process is started again without a reboot.
    let mut shown = 0;
    for seed in 0..200 {
        let disk = SimStorage::new(seed);
        let (mut journal, ..) = open(disk.clone(), &Options::small(16)).unwrap();
        append(&mut journal, 1, 100).unwrap();
        disk.plan(1, Fault::Error);
        append(&mut journal, 1, 3 * 4096).unwrap_err();
        drop(journal);
        disk.kill();
        let (mut journal, _, mut found) = open(disk.clone(), &Options::small(16)).unwrap();
        shown += found.len() - 1;
        found.push(append(&mut journal, 1, 10).unwrap());
        drop(journal);
        disk.crash();
        let (_, _, again) = open(disk, &Options::small(16)).unwrap();
        assert_eq!(again, found, "seed {seed}");
    }
    assert_eq!(shown, 200, "the cache shows what was written");
}

#[test]
fn a_frame_known_to_be_durable_is_not_put_in_flight_again() {
    let disk = SimStorage::new(1);
    let (mut journal, ..) = open(disk.clone(), &Options::small(16)).unwrap();
    append(&mut journal, 1, 100).unwrap();
    disk.plan(0, Fault::ErrorAfter(0));
    append(&mut journal, 1, 100).unwrap_err();
    drop(journal);
    disk.kill();
    let before = disk.operations();
    open(disk.clone(), &Options::small(16)).unwrap();
    let overwritten: Vec<_> = disk.trace()[before..]
        .iter()
        .filter(|done| done.kind == OperationKind::Write && done.file == segment_name(0))
        .map(|done| done.offset)
        .collect();
    assert_eq!(overwritten, [2 * 4096], "the zeros behind it alone are written again");
}

#[test]
fn a_failed_sync_at_the_next_start_is_not_forgotten_by_the_one_after() {
    for seed in 0..200 {
        let disk = SimStorage::new(seed);
        let (mut journal, ..) = open(disk.clone(), &Options::small(16)).unwrap();
        append(&mut journal, 1, 100).unwrap();
        let before = disk.operations();
        disk.plan(1, Fault::PowerOff);
        append(&mut journal, 1, 100).unwrap_err();
        drop(journal);
        disk.kill();
        assert_eq!(disk.operations() - before, 2);
        // The directory is synced first, then the segment that holds the unsynced frame.
        disk.plan(1, Fault::Error);
        open(disk.clone(), &Options::small(16)).unwrap_err();
        let (mut journal, _, mut found) = open(disk.clone(), &Options::small(16)).unwrap();
        assert_eq!(found.len(), 2);
        found.push(append(&mut journal, 1, 10).unwrap());
        drop(journal);
        disk.crash();
        let (_, _, again) = open(disk, &Options::small(16)).unwrap();
        assert_eq!(again, found, "seed {seed}");
    }
}

#[test]
fn what_a_killed_process_left_unsynced_is_synced_before_it_is_believed() {
    for seed in 0..100 {
        let disk = SimStorage::new(seed);
        let (mut journal, ..) = open(disk.clone(), &Options::small(16)).unwrap();
        disk.plan(1, Fault::PowerOff);
        append(&mut journal, 1, 5000).unwrap_err();
        disk.kill();
        let (_, _, found) = open(disk.clone(), &Options::small(16)).unwrap();
        assert_eq!(found.len(), 1, "the cache has it");
        disk.crash();
        assert_eq!(audit(&disk).1, found, "seed {seed}");
    }
}

#[test]
fn a_failure_while_making_the_next_segment_poisons_but_takes_nothing_back() {
    for after in 2..7 {
        let disk = SimStorage::new(after);
        let (mut journal, ..) = open(disk.clone(), &Options::small(16)).unwrap();
        let mut frames = vec![append(&mut journal, 1, 100).unwrap()];
        // The append that passes a quarter of the segment makes the next: write, sync; create, write, sync, rename,
        // sync.
        disk.plan(after as usize, Fault::Error);
        frames.push(append(&mut journal, 1, 3 * 4096).unwrap());
        frames.extend(append(&mut journal, 1, 3 * 4096).ok());
        let made = count(&disk, 0, OperationKind::Rename);
        assert!(made <= 2, "{made}");
        assert_eq!(frames.len(), 2, "poisoned from then on");
        drop(journal);
        disk.kill();
        let (_, _, found) = open(disk.clone(), &Options::small(16)).unwrap();
        assert_eq!(found, frames);
        let left: Vec<_> = disk.files().into_iter().filter(|name| name.ends_with(".tmp")).collect();
        assert_eq!(left, Vec::<String>::new());
    }
}

#[test]
fn a_helper_that_fails_poisons_the_appender() {
    let disk = SimStorage::new(1);
    let options = Options {
        prepare: Prepare::Ahead { retry: Duration::from_secs(60) },
        ..Options::small(16)
    };
    let (mut journal, ..) = open(disk.clone(), &options).unwrap();
    append(&mut journal, 1, 100).unwrap();
    disk.plan(0, Fault::Error);
    let failed = journal.make_room();
    assert!(matches!(failed, Err(AppendError::Poisoned { .. })), "{failed:?}");
    assert!(matches!(append(&mut journal, 1, 1), Err(AppendError::Poisoned { .. })));
}

/// A disk whose driver panics when a file is created.
struct Panics(SimStorage);

impl Storage for Panics {
    type File = <SimStorage as Storage>::File;
    type Lock = <SimStorage as Storage>::Lock;

    fn lock(&self, name: &str) -> io::Result<Option<Self::Lock>> {
        self.0.lock(name)
    }
    fn list(&self) -> io::Result<Vec<String>> {
        self.0.list()
    }
    fn create(&self, name: &str) -> io::Result<Self::File> {
        panic!("asked to create {name}")
    }
    fn open(&self, name: &str, access: Access) -> io::Result<Self::File> {
        self.0.open(name, access)
    }
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.0.rename(from, to)
    }
    fn remove(&self, name: &str) -> io::Result<()> {
        self.0.remove(name)
    }
    fn sync_dir(&self) -> io::Result<()> {
        self.0.sync_dir()
    }
    fn fresh_id(&self) -> u64 {
        self.0.fresh_id()
    }
}

#[test]
fn a_helper_that_panics_poisons_instead_of_keeping_the_appender_waiting() {
    let disk = SimStorage::new(1);
    drop(open(disk.clone(), &Options::small(16)).unwrap());
    let options = Options {
        prepare: Prepare::Ahead { retry: Duration::from_secs(60) },
        ..Options::small(16)
    };
    let (mut journal, ..) = open(Panics(disk), &options).unwrap();
    append(&mut journal, 1, 100).unwrap();
    let failed = journal.make_room().unwrap_err();
    assert_eq!(failed.to_string(), "the journal failed earlier: the helper thread panicked");
}

#[test]
fn an_unreadable_segment_is_an_error_and_no_torn_tail() {
    let disk = SimStorage::new(1);
    let (mut journal, ..) = open(disk.clone(), &Options::small(16)).unwrap();
    let frame = append(&mut journal, 1, 100).unwrap();
    drop(journal);
    disk.fail_reads(true);
    let opened = open(disk.clone(), &Options::small(16)).map(drop).unwrap_err();
    assert_eq!(
        opened.to_string(),
        format!("cannot read {}: simulated input/output error", segment_name(0))
    );
    disk.fail_reads(false);
    let (_, _, found) = open(disk, &Options::small(16)).unwrap();
    assert_eq!(found, [frame]);
}
