//! What the tests share: opening, appending, and what has to be found again.

use norace_journal::{
    AppendError, Journal, OpenError, Options, RecoveryReport, read_only, storage::Storage,
};

/// A frame as a test appended or found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) first_sequence: u64,
    pub(crate) count: u32,
    pub(crate) payload: Vec<u8>,
}

pub(crate) type Opened<S> = (Journal<S>, RecoveryReport, Vec<Frame>);

/// No callback of these tests fails.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Never {}

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
    let payload = (0..bytes)
        .map(|at| (first_sequence.wrapping_mul(31).wrapping_add(at as u64) % 251) as u8 + 1)
        .collect();
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
