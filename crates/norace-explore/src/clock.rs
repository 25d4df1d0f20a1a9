//! Vector clocks, kept as rows of one table.
//!
//! A row has one component per thread: the number of that thread's last event which is included. Rows are written once
//! and then shared by number, so that an event, a message and a thread can name the same clock without copying it. Only
//! the rows handed out by [`Clocks::zero`] for accumulation are joined into later.
//!
//! A row is a power of two of chunks, one for up to eight threads: a chunk is copied and joined as a value, without a
//! call or a check per component.
//!
//! **Invariant:** row 0 is all zero and is never written.

use crate::event::ThreadId;

/// The components of a chunk.
pub(crate) const CHUNK: usize = 8;

type Chunk = [u32; CHUNK];

/// The number of a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Row(u32);

impl Row {
    /// The clock that includes nothing.
    pub(crate) const EMPTY: Self = Self(0);
}

/// The table.
#[derive(Debug)]
pub(crate) struct Clocks {
    chunks: Vec<Chunk>,
    /// The binary logarithm of the number of chunks of a row.
    shift: u32,
}

impl Clocks {
    /// A table for the threads of one chunk.
    pub(crate) fn new() -> Self {
        Self { chunks: vec![[0; CHUNK]], shift: 0 }
    }

    /// For how many threads a row has components.
    pub(crate) fn width(&self) -> usize {
        CHUNK << self.shift
    }

    /// Forgets all rows but the empty one; keeps the memory.
    pub(crate) fn reset(&mut self) {
        self.chunks.truncate(1 << self.shift);
    }

    /// Makes room for twice as many threads; rows keep their numbers.
    pub(crate) fn widen(&mut self) {
        let old = 1 << self.shift;
        let mut chunks = Vec::with_capacity(self.chunks.len() * 2);
        for row in self.chunks.chunks(old) {
            chunks.extend_from_slice(row);
            chunks.resize(chunks.len() + old, [0; CHUNK]);
        }
        self.chunks = chunks;
        self.shift += 1;
    }

    #[inline]
    fn start(&self, row: Row) -> usize {
        (row.0 as usize) << self.shift
    }

    #[inline]
    fn next(&self) -> Row {
        let row = self.chunks.len() >> self.shift;
        Row(u32::try_from(row).expect("the step bound keeps rows few"))
    }

    /// A new row that includes nothing yet.
    pub(crate) fn zero(&mut self) -> Row {
        self.copy(Row::EMPTY)
    }

    /// A new row equal to `from`.
    #[inline]
    pub(crate) fn copy(&mut self, from: Row) -> Row {
        let row = self.next();
        let start = self.start(from);
        if self.shift == 0 {
            self.chunks.push(self.chunks[start]);
        } else {
            self.chunks.extend_from_within(start..start + (1 << self.shift));
        }
        row
    }

    /// Includes in `into` all that `from` includes.
    #[inline]
    pub(crate) fn join(&mut self, into: Row, from: Row) {
        debug_assert!(into != Row::EMPTY, "the empty row is shared");
        let (into, from) = (self.start(into), self.start(from));
        for at in 0..1 << self.shift {
            let theirs = self.chunks[from + at];
            let ours = &mut self.chunks[into + at];
            for (our, their) in ours.iter_mut().zip(theirs) {
                *our = their.max(*our);
            }
        }
    }

    #[inline]
    fn chunk(&self, row: Row, thread: ThreadId) -> usize {
        self.start(row) + thread.index() / CHUNK
    }

    /// The last event of `thread` that `row` includes; 0 for none.
    #[inline]
    pub(crate) fn get(&self, row: Row, thread: ThreadId) -> u32 {
        self.chunks[self.chunk(row, thread)][thread.index() % CHUNK]
    }

    #[inline]
    pub(crate) fn set(&mut self, row: Row, thread: ThreadId, event: u32) {
        debug_assert!(row != Row::EMPTY, "the empty row is shared");
        let chunk = self.chunk(row, thread);
        self.chunks[chunk][thread.index() % CHUNK] = event;
    }
}
