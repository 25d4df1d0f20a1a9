//! Appending and finding again, while the disk behaves.

use norace_journal::{AppendError, OpenError, Options, ReadError, read_only, sim::SimStorage};

use crate::support::{Never, append, audit, open};

#[test]
fn what_was_appended_is_found_again_in_order_over_many_segments() {
    let disk = SimStorage::new(1);
    let options = Options::small(8);
    let mut appended = Vec::new();
    for round in 0..20 {
        let (mut journal, report, found) = open(disk.clone(), &options).unwrap();
        assert_eq!(found, appended);
        assert_eq!(report.records, report.last_sequence);
        assert_eq!(report.sealed, round % 2 == 0, "round {round}");
        for size in 0..7 {
            appended.push(append(&mut journal, 1 + size, size as usize * 2000).unwrap());
        }
        if round % 2 == 1 {
            journal.close().unwrap();
        }
    }
    let (report, found) = audit(&disk);
    assert_eq!(found, appended);
    assert!(report.segments > 20, "{report:?}");
    assert_eq!(report.bad_frame, None);
}

#[test]
fn an_empty_directory_becomes_an_empty_journal() {
    let disk = SimStorage::new(1);
    let audited = read_only(&disk, |_| -> Result<(), Never> { panic!("nothing is here") });
    assert!(matches!(audited, Err(ReadError::NoJournal)), "{audited:?}");
    let (mut journal, report, _) = open(disk.clone(), &Options::small(8)).unwrap();
    assert_eq!((report.last_sequence, report.segments, report.sealed), (0, 1, true));
    journal.seal().unwrap();
    assert_eq!(audit(&disk).0.frames, 0);
}

#[test]
fn a_second_opener_is_told_that_the_journal_is_locked() {
    let disk = SimStorage::new(1);
    let (journal, ..) = open(disk.clone(), &Options::small(8)).unwrap();
    assert!(matches!(open(disk.clone(), &Options::small(8)), Err(OpenError::Locked)));
    drop(journal);
    open(disk, &Options::small(8)).unwrap();
}

#[test]
fn frames_out_of_order_or_too_large_are_refused_and_change_nothing() {
    let disk = SimStorage::new(1);
    let (mut journal, ..) = open(disk.clone(), &Options::small(4)).unwrap();
    let operations = disk.operations();
    for (first, count) in [(0, 1), (2, 1), (1, 0), (u64::MAX, 1)] {
        let refused = journal.append(first, count, b"x");
        assert!(matches!(refused, Err(AppendError::OutOfOrder { expected: 1, .. })), "{refused:?}");
    }
    let max = journal.options().max_frame_bytes;
    let refused = journal.append(1, 1, &vec![0; max as usize + 1]);
    assert!(matches!(refused, Err(AppendError::TooLarge { .. })), "{refused:?}");
    assert_eq!(disk.operations(), operations);
    append(&mut journal, 1, max as usize).unwrap();
}
