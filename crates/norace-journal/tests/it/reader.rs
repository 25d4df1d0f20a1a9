//! Finding acknowledged frames while the journal is being written.

use norace_journal::{Damage, FindError, Journal, Options, Reader, sim::SimStorage};

use crate::support::{Frame, append, open, segment_name};

/// The frame that the reader finds for `sequence`.
fn find(reader: &mut Reader<SimStorage>, sequence: u64) -> Result<Frame, FindError> {
    let frame = reader.find(sequence)?;
    Ok(Frame {
        first_sequence: frame.first_sequence,
        count: frame.count,
        payload: frame.payload.to_vec(),
    })
}

/// A journal of `frames` frames over several segments, with seals among them.
fn written(disk: &SimStorage, frames: u32) -> (Journal<SimStorage>, Vec<Frame>) {
    let (mut journal, ..) = open(disk.clone(), &Options::small(8)).unwrap();
    let appended = (0..frames)
        .map(|n| {
            if n % 3 == 2 {
                journal.seal().unwrap();
            }
            append(&mut journal, 1 + n % 4, n as usize * 997 % 12_000).unwrap()
        })
        .collect();
    (journal, appended)
}

fn sequences(frame: &Frame) -> std::ops::Range<u64> {
    frame.first_sequence..frame.first_sequence + u64::from(frame.count)
}

#[test]
fn every_sequence_is_found_forwards_backwards_and_at_random() {
    let disk = SimStorage::new(1);
    let (journal, appended) = written(&disk, 40);
    assert!(disk.files().len() > 10, "over many segments");
    let mut reader = journal.reader();
    for frame in &appended {
        for sequence in sequences(frame) {
            assert_eq!(find(&mut reader, sequence).unwrap(), *frame);
        }
    }
    for frame in appended.iter().rev() {
        assert_eq!(find(&mut reader, frame.first_sequence).unwrap(), *frame);
        reader.rest();
    }
    for step in 0..appended.len() {
        let frame = &appended[step * 17 % appended.len()];
        assert_eq!(find(&mut reader, sequences(frame).end - 1).unwrap(), *frame);
        assert_eq!(find(&mut journal.reader(), frame.first_sequence).unwrap(), *frame);
    }
}

#[test]
fn what_was_read_ahead_before_a_frame_came_does_not_hide_it() {
    let disk = SimStorage::new(1);
    let (mut journal, ..) = open(disk, &Options::small(8)).unwrap();
    let mut reader = journal.reader();
    for n in 0..60 {
        let frame = append(&mut journal, 1, n * 61 % 5000).unwrap();
        assert_eq!(find(&mut reader, frame.first_sequence).unwrap(), frame);
        if n % 5 == 0 {
            journal.seal().unwrap();
        }
    }
}

#[test]
fn a_journal_opened_again_is_read_like_before() {
    let disk = SimStorage::new(1);
    let (journal, mut appended) = written(&disk, 10);
    drop(journal);
    disk.crash();
    let (mut journal, ..) = open(disk.clone(), &Options::small(16)).unwrap();
    for _ in 0..10 {
        appended.push(append(&mut journal, 2, 3000).unwrap());
    }
    let mut reader = journal.reader();
    for frame in &appended {
        assert_eq!(find(&mut reader, frame.first_sequence).unwrap(), *frame);
    }
}

#[test]
fn what_is_older_than_the_oldest_segment_is_gone() {
    let disk = SimStorage::new(1);
    let (journal, appended) = written(&disk, 40);
    disk.delete(&segment_name(0));
    disk.delete(&segment_name(1));
    let mut reader = journal.reader();
    let gone = find(&mut reader, 1).unwrap_err();
    let FindError::Gone { oldest } = gone else { panic!("{gone}") };
    let first = appended.iter().position(|frame| frame.first_sequence == oldest);
    assert!(first.is_some_and(|at| at > 1), "{oldest} begins a frame");
    assert_eq!(find(&mut reader, oldest).unwrap(), appended[first.unwrap()]);
}

#[test]
fn segments_that_are_taken_away_under_a_reader_are_gone_and_no_failure() {
    let disk = SimStorage::new(1);
    let (journal, appended) = written(&disk, 40);
    let mut reader = journal.reader();
    find(&mut reader, 1).unwrap();
    disk.delete(&segment_name(0));
    disk.delete(&segment_name(1));
    let gone = find(&mut journal.reader(), 1).unwrap_err();
    let FindError::Gone { oldest } = gone else { panic!("{gone}") };
    // In segment 1, to which the reader comes by way of segment 0, which it has open.
    let gone = find(&mut reader, oldest - 1).unwrap_err();
    assert!(matches!(gone, FindError::Gone { oldest: again } if again == oldest), "{gone}");
    find(&mut reader, oldest).unwrap();
    // Only one in between is missing: that is no retention.
    disk.delete(&segment_name(4));
    let mut reader = journal.reader();
    let found = appended.iter().map(|frame| find(&mut reader, frame.first_sequence));
    assert!(found.into_iter().any(|found| matches!(found, Err(FindError::Io(_)))));
}

#[test]
fn a_damaged_oldest_segment_is_damage_and_not_gone() {
    let disk = SimStorage::new(1);
    let (journal, _) = written(&disk, 40);
    disk.flip_bit(&segment_name(0), 100);
    let found = find(&mut journal.reader(), 1).unwrap_err();
    let FindError::Corruption(corruption) = found else { panic!("{found}") };
    assert_eq!((corruption.segment, corruption.what), (0, Damage::SegmentHeader));
}

#[test]
fn damage_is_named_and_what_is_beside_it_is_found() {
    let disk = SimStorage::new(1);
    let (journal, appended) = written(&disk, 12);
    let mut reader = journal.reader();
    // The second frame begins on the page behind the first, which is empty; byte 88 is the payload's first.
    let (damaged, behind) = (&appended[1], &appended[3]);
    disk.flip_bit(&segment_name(0), (2 * 4096 + 88) * 8);
    let found = find(&mut reader, damaged.first_sequence).unwrap_err();
    let FindError::Corruption(corruption) = found else { panic!("{found}") };
    assert_eq!((corruption.segment, corruption.offset), (0, 2 * 4096));
    assert_eq!(corruption.what, Damage::Payload);
    assert_eq!(find(&mut reader, 1).unwrap(), appended[0]);
    assert_eq!(find(&mut reader, behind.first_sequence).unwrap(), *behind);
    // Nothing leads past a damaged header.
    disk.flip_bit(&segment_name(0), (2 * 4096 + 40) * 8);
    let found = find(&mut journal.reader(), damaged.first_sequence).unwrap_err();
    let FindError::Corruption(corruption) = found else { panic!("{found}") };
    assert_eq!(corruption.what, Damage::FrameHeader);
}

#[test]
fn a_segment_of_another_journal_is_not_read() {
    let (disk, other) = (SimStorage::new(1), SimStorage::new(2));
    let (journal, appended) = written(&disk, 40);
    drop(written(&other, 40));
    disk.put(&segment_name(1), &other.contents(&segment_name(1)).unwrap());
    let mut reader = journal.reader();
    let mut damage = None;
    for frame in &appended {
        match find(&mut reader, frame.first_sequence) {
            Ok(found) => assert_eq!(found, *frame),
            Err(FindError::Corruption(corruption)) => damage = damage.or(Some(corruption)),
            Err(other) => panic!("{other}"),
        }
    }
    let damage = damage.expect("the foreign segment is noticed");
    assert_eq!((damage.segment, damage.what), (1, Damage::ForeignSegment));
}

#[test]
fn a_disk_that_does_not_read_is_an_error_and_no_damage() {
    let disk = SimStorage::new(1);
    let (journal, appended) = written(&disk, 12);
    let mut reader = journal.reader();
    disk.fail_reads(true);
    let failed = find(&mut reader, 1).unwrap_err();
    assert!(matches!(failed, FindError::Io(_)), "{failed}");
    disk.fail_reads(false);
    assert_eq!(find(&mut reader, 1).unwrap(), appended[0]);
}

#[test]
fn a_sequence_that_was_never_appended_is_not_made_up() {
    let disk = SimStorage::new(1);
    let (journal, appended) = written(&disk, 12);
    let next = journal.next_sequence();
    let found = find(&mut journal.reader(), next).unwrap_err();
    assert!(matches!(found, FindError::Corruption(_)), "{found}");
    let found = find(&mut journal.reader(), 0).unwrap_err();
    assert!(matches!(found, FindError::Gone { oldest: 1 }), "{found}");
    assert_eq!(find(&mut journal.reader(), next - 1).unwrap(), appended[11]);
}
