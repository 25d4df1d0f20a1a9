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

/// By thread: all bits of its component.
static LANES: [Chunk; CHUNK] = {
    let mut lanes = [[0; CHUNK]; CHUNK];
    let mut thread = 0;
    while thread < CHUNK {
        lanes[thread][thread] = u32::MAX;
        thread += 1;
    }
    lanes
};

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

    /// A new row equal to `from`, but for what it includes of `thread`.
    #[inline]
    pub(crate) fn copy_with(&mut self, from: Row, thread: ThreadId, event: u32) -> Row {
        if self.shift != 0 {
            let row = self.copy(from);
            self.set(row, thread, event);
            return row;
        }
        let row = self.next();
        let mut chunk = self.chunks[self.start(from)];
        // In registers: to read as a whole what was just written in part stalls.
        for (component, mask) in chunk.iter_mut().zip(LANES[thread.index() % CHUNK]) {
            *component = *component & !mask | event & mask;
        }
        self.chunks.push(chunk);
        row
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
        self.join_chunk(into, from);
        for at in 1..1 << self.shift {
            self.join_chunk(into + at, from + at);
        }
    }

    #[inline]
    fn join_chunk(&mut self, into: usize, from: usize) {
        let theirs = self.chunks[from];
        for (our, their) in self.chunks[into].iter_mut().zip(theirs) {
            *our = their.max(*our);
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
