//! What the tests share: opening, appending, and what has to be found again.

use std::fmt;

use norace_journal::{
    AppendError, Journal, OpenError, Options, RecoveryReport, read_only, sim::SimStorage,
    storage::Storage,
};

/// A frame as a test appended or found it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) first_sequence: u64,
    pub(crate) count: u32,
    pub(crate) payload: Vec<u8>,
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{} ({} bytes)", self.first_sequence, self.count, self.payload.len())
    }
}

pub(crate) type Opened<S> = (Journal<S>, RecoveryReport, Vec<Frame>);

/// No callback of these tests fails.
pub(crate) type Never = std::convert::Infallible;

pub(crate) fn open<S: Storage>(
    storage: S,
    options: &Options,
) -> Result<Opened<S>, OpenError<Never>> {
    let mut frames = Vec::new();
    let (journal, report) = Journal::open(storage, options.clone(), |frame| {
        frames.push(Frame {
            first_sequence: frame.first_sequence,
            count: frame.count,
            payload: frame.payload.to_vec(),
        });
        Ok(())
    })?;
    assert_eq!(report.frames, frames.len() as u64);
    assert_eq!(journal.next_sequence(), report.last_sequence + 1);
    Ok((journal, report, frames))
}

/// Audits without opening; the frames before any damage.
pub(crate) fn audit<S: Storage>(storage: &S) -> (RecoveryReport, Vec<Frame>) {
    let mut frames = Vec::new();
    let report = read_only(storage, |frame| -> Result<(), Never> {
        frames.push(Frame {
            first_sequence: frame.first_sequence,
            count: frame.count,
            payload: frame.payload.to_vec(),
        });
        Ok(())
    });
    (report.expect("the journal can be read"), frames)
}

/// The frame a test appends at `first_sequence`: contents follow from sequence and size.
pub(crate) fn frame(first_sequence: u64, count: u32, bytes: usize) -> Frame {
    // No byte is zero, and a prime period puts other bytes at every page and sector.
    let period: Vec<u8> = (1..=251).collect();
    let start = (first_sequence * 31 % 251) as usize;
    let payload = period.repeat(bytes / 251 + 2)[start..start + bytes].to_vec();
    Frame { first_sequence, count, payload }
}

/// Appends the next frame.
pub(crate) fn append<S: Storage>(
    journal: &mut Journal<S>,
    count: u32,
    bytes: usize,
) -> Result<Frame, AppendError> {
    let frame = frame(journal.next_sequence(), count, bytes);
    journal.append(frame.first_sequence, count, &frame.payload).map(|()| frame)
}

/// The file of segment `index`.
pub(crate) fn segment_name(index: u64) -> String {
    format!("segment-{index:016x}")
}

/// Choices that follow from a seed: splitmix64.
pub(crate) struct Luck(u64);

impl Luck {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed ^ 0x5DEE_CE66_D1CE_4E5B)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % bound
    }
}

/// A closed or crashed journal of `frames` frames, of one page each, on a fresh disk.
pub(crate) fn written(options: &Options, frames: usize, seal: bool) -> (SimStorage, Vec<Frame>) {
    let disk = SimStorage::new(7);
    let (mut journal, ..) = open(disk.clone(), options).expect("a fresh disk");
    let frames =
        (0..frames).map(|_| append(&mut journal, 2, 900).expect("there is room")).collect();
    if seal {
        journal.seal().expect("the disk works");
    }
    drop(journal);
    disk.crash();
    (disk, frames)
}
