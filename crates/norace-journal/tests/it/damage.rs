//! Damage to what is on disk: told from a torn write wherever something vouches for it, and named with its place.

use norace_journal::{Corruption, Damage, OpenError, Options, sim::SimStorage};

use crate::support::{Frame, audit, frame, open, segment_name, written};

const PAGE: u64 = 4096;

/// Segments of 8 pages hold 5 one-page frames and a roll frame in page 6. 12 frames: two such segments, and one with 2
/// frames, a seal if asked for, and zeros.
fn twelve(seal: bool) -> (SimStorage, Vec<Frame>) {
    written(&Options::small(8), 12, seal)
}

/// What becomes of a damaged journal.
#[derive(Debug)]
enum Outcome {
    /// So many frames are found, so many bytes are cut.
    Found {
        frames: usize,
        cut: u64,
    },
    Corrupt(u64, u64, Damage),
}

use Outcome::{Corrupt, Found};

/// Audits, opens, and compares; a refusal changes nothing on disk, an opened journal goes on.
#[track_caller]
fn check(disk: &SimStorage, frames: &[Frame], expected: &Outcome, context: &str) {
    let before: Vec<_> = disk.files().iter().map(|name| disk.contents(name)).collect();
    let (audited, seen) = audit(disk);
    let opened = open(disk.clone(), &Options::small(8));
    match *expected {
        Found { frames: count, cut } => {
            let (mut journal, report, found) =
                opened.unwrap_or_else(|error| panic!("{error}: {context}"));
            assert_eq!(found, &frames[..count], "{context}");
            assert_eq!(report.torn_tail_bytes, cut, "{context}");
            assert_eq!((audited, seen), (report, found.clone()), "{context}");
            let more = frame(journal.next_sequence(), 1, 50);
            journal.append(more.first_sequence, 1, &more.payload).unwrap();
            drop(journal);
            disk.crash();
            let (_, report, again) = open(disk.clone(), &Options::small(8)).unwrap();
            assert_eq!((again.len(), again.last()), (count + 1, Some(&more)), "{context}");
            assert_eq!(report.torn_tail_bytes, 0, "{context}");
        }
        Corrupt(segment, offset, what) => {
            let expected = Corruption { segment, offset, what };
            match opened {
                Err(OpenError::Corruption(corruption)) => {
                    assert_eq!(corruption, expected, "{context}");
                }
                other => panic!("{other:?} instead of {expected}: {context}"),
            }
            assert_eq!(audited.bad_frame, Some(expected), "{context}");
            assert!(frames.starts_with(&seen), "{context}");
            let after: Vec<_> = disk.files().iter().map(|name| disk.contents(name)).collect();
            assert!(before == after, "a refused journal is left as it is: {context}");
        }
    }
}

/// Flips a few bits in each of `bytes`, one at a time.
#[track_caller]
fn flips(seal: bool, segment: u64, bytes: std::ops::Range<u64>, expected: &Outcome) {
    let (disk, frames) = twelve(seal);
    let step = ((bytes.end - bytes.start) / 40).max(1);
    for (n, byte) in (0..).zip(bytes.step_by(usize::try_from(step).unwrap())) {
        let disk = disk.fork(n);
        disk.flip_bit(&segment_name(segment), byte * 8 + n % 8);
        check(&disk, &frames, expected, &format!("segment {segment}, byte {byte}"));
    }
}

#[test]
fn a_flip_in_a_segment_header_is_corruption() {
    for segment in 0..3 {
        flips(true, segment, 0..72, &Corrupt(segment, 0, Damage::SegmentHeader));
        flips(false, segment, 72..PAGE, &Found { frames: 12, cut: 0 });
    }
}

#[test]
fn the_header_of_the_first_segment_is_never_in_flight() {
    let (disk, frames) = written(&Options::small(8), 0, false);
    disk.flip_bit(&segment_name(0), 100);
    check(&disk, &frames, &Corrupt(0, 0, Damage::SegmentHeader), "an empty journal");
}

#[test]
fn a_flip_in_any_vouched_frame_is_corruption_at_its_offset() {
    for (segment, page) in [(0, 1), (0, 5), (1, 3), (2, 1)] {
        let at = page * PAGE;
        flips(false, segment, at..at + 88, &Corrupt(segment, at, Damage::FrameHeader));
        flips(false, segment, at + 88..at + 988, &Corrupt(segment, at, Damage::Payload));
        flips(false, segment, at + 988..at + PAGE, &Found { frames: 12, cut: 0 });
    }
}

#[test]
fn a_flip_in_a_roll_frame_is_corruption_since_the_next_segment_was_begun() {
    let at = 6 * PAGE;
    flips(false, 0, at..at + 88, &Corrupt(0, at, Damage::FrameHeader));
    flips(false, 0, at + 88..8 * PAGE, &Found { frames: 12, cut: 0 });
}

#[test]
fn a_flip_in_the_last_frame_is_a_torn_write_unless_a_seal_vouches_for_it() {
    let at = 2 * PAGE;
    flips(false, 2, at..at + 988, &Found { frames: 11, cut: PAGE });
    flips(true, 2, at..at + 88, &Corrupt(2, at, Damage::FrameHeader));
    flips(true, 2, at + 88..at + 988, &Corrupt(2, at, Damage::Payload));
}

#[test]
fn a_flip_in_the_seal_loses_no_frame() {
    flips(true, 2, 3 * PAGE..3 * PAGE + 88, &Found { frames: 12, cut: PAGE });
}

#[test]
fn noise_where_nothing_was_written_is_cut() {
    flips(true, 2, 4 * PAGE..5 * PAGE, &Found { frames: 12, cut: PAGE });
    flips(true, 2, 7 * PAGE..8 * PAGE, &Found { frames: 12, cut: 4 * PAGE });
}

#[test]
fn noise_in_a_segment_made_ahead_replaces_it() {
    let (disk, frames) = twelve(true);
    let (mut journal, ..) = open(disk.clone(), &Options::small(8)).unwrap();
    journal.make_room().unwrap();
    drop(journal);
    for byte in [0, 100, PAGE, 8 * PAGE - 1] {
        let disk = disk.fork(byte);
        disk.flip_bit(&segment_name(3), byte * 8);
        check(&disk, &frames, &Found { frames: 12, cut: 0 }, &format!("byte {byte}"));
    }
}

#[test]
fn a_frame_behind_the_end_of_a_torn_one_is_corruption() {
    // The last frame is damaged in its payload, and noise stands where the one write in flight cannot have put it.
    let (disk, frames) = twelve(false);
    disk.flip_bit(&segment_name(2), (2 * PAGE + 500) * 8);
    disk.flip_bit(&segment_name(2), (4 * PAGE + 500) * 8);
    check(&disk, &frames, &Corrupt(2, 2 * PAGE, Damage::Payload), "");
}

#[test]
fn a_missing_segment_is_corruption_the_last_one_included() {
    for segment in 0..3 {
        let (disk, frames) = twelve(false);
        disk.delete(&segment_name(segment));
        check(&disk, &frames, &Corrupt(segment, 0, Damage::MissingSegment), "");
    }
}

#[test]
fn a_missing_segment_that_was_only_made_ahead_is_made_again() {
    let (disk, frames) = twelve(false);
    let (mut journal, ..) = open(disk.clone(), &Options::small(8)).unwrap();
    journal.make_room().unwrap();
    drop(journal);
    disk.delete(&segment_name(3));
    check(&disk, &frames, &Found { frames: 12, cut: 0 }, "");
}

#[test]
fn a_segment_that_was_not_begun_may_have_any_length() {
    for bytes in [PAGE, 3 * PAGE, 5 * PAGE + 100, 20 * PAGE] {
        let (disk, frames) = twelve(false);
        disk.put(&segment_name(2), &vec![0; bytes as usize]);
        check(&disk, &frames, &Found { frames: 10, cut: 0 }, &format!("{bytes} bytes"));
    }
}

#[test]
fn a_second_segment_made_ahead_shows_that_the_first_was_begun_and_lost() {
    let (disk, frames) = twelve(false);
    for segment in [3, 4] {
        disk.put(&segment_name(segment), &[0; 8 * PAGE as usize]);
    }
    check(&disk, &frames, &Corrupt(2, 3 * PAGE, Damage::MissingRoll), "");
}

#[test]
fn a_segment_cut_short_is_corruption() {
    for segment in 0..3 {
        for bytes in [0, 40, PAGE, 2 * PAGE + 77, 7 * PAGE, 8 * PAGE - 1] {
            let (disk, frames) = twelve(true);
            disk.truncate(&segment_name(segment), bytes);
            let expected = if bytes < PAGE { 0 } else { 8 * PAGE };
            let at = if bytes < PAGE { 0 } else { bytes };
            let what = Damage::WrongLength { expected, found: bytes };
            check(&disk, &frames, &Corrupt(segment, at, what), &format!("{segment} at {bytes}"));
        }
    }
}

#[test]
fn swapped_and_renumbered_segments_are_corruption() {
    let (disk, frames) = twelve(false);
    let contents: Vec<_> = (0..3).map(|n| disk.contents(&segment_name(n)).unwrap()).collect();
    for (a, b) in [(0, 1), (1, 2), (0, 2)] {
        let disk = disk.fork(1);
        disk.put(&segment_name(a as u64), &contents[b]);
        disk.put(&segment_name(b as u64), &contents[a]);
        let what = Damage::Renumbered { found: b as u64 };
        check(&disk, &frames, &Corrupt(a as u64, 0, what), &format!("{a} and {b}"));
    }
    disk.put(&segment_name(3), &contents[1]);
    check(&disk, &frames, &Corrupt(2, 3 * PAGE, Damage::MissingRoll), "an old one at the end");
}

#[test]
fn a_segment_of_another_journal_is_corruption() {
    let (disk, frames) = twelve(false);
    let (other, ..) = written_with_seed(99);
    for segment in 1..3 {
        let disk = disk.fork(1);
        disk.put(&segment_name(segment), &other.contents(&segment_name(segment)).unwrap());
        check(&disk, &frames, &Corrupt(segment, 0, Damage::ForeignSegment), "");
    }
}

#[test]
fn a_segment_of_another_history_of_the_same_journal_is_corruption() {
    // Two copies of one journal went on separately, as after restoring a backup.
    let (disk, mut frames) = written(&Options::small(8), 4, false);
    let copies = [disk.fork(1), disk.fork(2)];
    for (copy, bytes) in copies.iter().zip([10, 11]) {
        let (mut journal, ..) = open(copy.clone(), &Options::small(8)).unwrap();
        for _ in 0..3 {
            let more = frame(journal.next_sequence(), 2, bytes);
            journal.append(more.first_sequence, 2, &more.payload).unwrap();
            if bytes == 10 {
                frames.push(more);
            }
        }
    }
    let mixed = copies[0].fork(3);
    mixed.put(&segment_name(1), &copies[1].contents(&segment_name(1)).unwrap());
    check(&mixed, &frames, &Corrupt(1, 0, Damage::Discontinued), "a segment");

    let mixed = copies[0].fork(3);
    let (ours, theirs) =
        (copies[0].contents(&segment_name(0)), copies[1].contents(&segment_name(0)));
    let page = 5 * PAGE as usize..6 * PAGE as usize;
    let mut contents = ours.unwrap();
    contents[page.clone()].copy_from_slice(&theirs.unwrap()[page]);
    mixed.put(&segment_name(0), &contents);
    frames[4] = frame(frames[4].first_sequence, 2, 11);
    check(&mixed, &frames, &Corrupt(0, 6 * PAGE, Damage::Chain), "the frame before a roll");
}

#[test]
fn frames_of_another_journal_are_neither_read_nor_do_they_vouch() {
    let (disk, frames) = twelve(false);
    let (other, ..) = written_with_seed(99);
    let stale = other.contents(&segment_name(2)).unwrap();
    let page = |n: u64| (n * PAGE) as usize..((n + 1) * PAGE) as usize;
    let mut contents = disk.contents(&segment_name(2)).unwrap();
    // Their second frame continues at the right offset and sequence, in the wrong journal.
    contents[page(3)].copy_from_slice(&stale[page(2)]);
    disk.put(&segment_name(2), &contents);
    check(&disk, &frames, &Found { frames: 12, cut: PAGE }, "");
}

#[test]
fn a_frame_of_ours_in_another_place_is_corruption() {
    let (disk, frames) = twelve(false);
    let page = |n: u64| (n * PAGE) as usize..((n + 1) * PAGE) as usize;
    let mut contents = disk.contents(&segment_name(2)).unwrap();
    contents.copy_within(page(1), page(3).start);
    disk.put(&segment_name(2), &contents);
    check(&disk, &frames, &Corrupt(2, 3 * PAGE, Damage::Misplaced), "");
}

#[test]
fn lost_writes_in_the_middle_are_corruption() {
    // A drive that acknowledged and dropped them: zeros, with frames behind.
    for page in 1..6 {
        let (disk, frames) = twelve(false);
        let mut contents = disk.contents(&segment_name(1)).unwrap();
        contents[(page * PAGE) as usize..((page + 1) * PAGE) as usize].fill(0);
        disk.put(&segment_name(1), &contents);
        check(&disk, &frames, &Corrupt(1, page * PAGE, Damage::FrameHeader), "");
    }
    let (disk, frames) = twelve(false);
    let mut contents = disk.contents(&segment_name(1)).unwrap();
    contents[(4 * PAGE) as usize..].fill(0);
    disk.put(&segment_name(1), &contents);
    check(&disk, &frames, &Corrupt(1, 4 * PAGE, Damage::MissingRoll), "all to the end");
    disk.put(&segment_name(1), &[0; 8 * PAGE as usize]);
    check(&disk, &frames, &Corrupt(1, 0, Damage::SegmentHeader), "a whole segment");
}

#[test]
fn an_unknown_format_version_is_named() {
    let (disk, frames) = twelve(false);
    let mut contents = disk.contents(&segment_name(0)).unwrap();
    contents[8] = 2;
    let checksum = xxhash_rust::xxh3::xxh3_64(&contents[..64]);
    contents[64..72].copy_from_slice(&checksum.to_le_bytes());
    disk.put(&segment_name(0), &contents);
    check(&disk, &frames, &Corrupt(0, 0, Damage::Version { found: 2 }), "");
}

fn written_with_seed(seed: u64) -> (SimStorage, Vec<Frame>) {
    let disk = SimStorage::new(seed);
    let (mut journal, ..) = open(disk.clone(), &Options::small(8)).unwrap();
    let frames = (0..12).map(|_| crate::support::append(&mut journal, 2, 900).unwrap()).collect();
    (disk, frames)
}
