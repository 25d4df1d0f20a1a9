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
    /// Room for rows, of which the first are in use.
    chunks: Vec<Chunk>,
    used: usize,
    /// The binary logarithm of the number of chunks of a row.
    shift: u32,
}

impl Clocks {
    /// A table for the threads of one chunk.
    pub(crate) fn new() -> Self {
        Self { chunks: vec![[0; CHUNK]], used: 1, shift: 0 }
    }

    /// For how many threads a row has components.
    pub(crate) fn width(&self) -> usize {
        CHUNK << self.shift
    }

    /// Forgets all rows but the empty one; keeps the memory.
    pub(crate) fn reset(&mut self) {
        self.used = 1 << self.shift;
    }

    /// Makes room for twice as many threads; rows keep their numbers.
    pub(crate) fn widen(&mut self) {
        let old = 1 << self.shift;
        let mut chunks = Vec::with_capacity(self.used * 2);
        for row in self.chunks[..self.used].chunks(old) {
            chunks.extend_from_slice(row);
            chunks.resize(chunks.len() + old, [0; CHUNK]);
        }
        self.used = chunks.len();
        self.chunks = chunks;
        self.shift += 1;
    }

    #[inline]
    fn start(&self, row: Row) -> usize {
        (row.0 as usize) << self.shift
    }

    /// Makes a new row of what is in the first chunk and, for long rows, of the other chunks of `from`.
    #[inline(always)]
    fn add(&mut self, first: Chunk, from: usize) -> Row {
        let start = self.used;
        self.used += 1 << self.shift;
        if self.used > self.chunks.len() {
            self.grow();
        }
        self.chunks[start] = first;
        if self.shift != 0 {
            self.chunks.copy_within(from + 1..from + (1 << self.shift), start + 1);
        }
        Row(u32::try_from(start >> self.shift).expect("the step bound keeps rows few"))
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self) {
        self.chunks.resize(self.used * 2, [0; CHUNK]);
    }

    /// A new row that includes nothing yet.
    pub(crate) fn zero(&mut self) -> Row {
        self.copy(Row::EMPTY)
    }

    /// Includes in `all`, which is made if there is nothing in it yet, all that `from` includes.
    pub(crate) fn gather(&mut self, all: &mut Row, from: Row) {
        if from == Row::EMPTY {
            return;
        }
        if *all == Row::EMPTY {
            *all = self.zero();
        }
        self.join(*all, from);
    }

    /// A new row equal to `from`.
    #[inline]
    pub(crate) fn copy(&mut self, from: Row) -> Row {
        let from = self.start(from);
        self.add(self.chunks[from], from)
    }

    /// A new row equal to `from`, but for what it includes of `thread`.
    #[inline(always)]
    pub(crate) fn copy_with(&mut self, from: Row, thread: ThreadId, event: u32) -> Row {
        let from = self.start(from);
        if thread.index() >= CHUNK {
            return self.copy_with_late(from, thread, event);
        }
        // In registers: to read as a whole what was just written in part stalls.
        let mut first = self.chunks[from];
        for (component, lane) in first.iter_mut().zip(LANES[thread.index() % CHUNK]) {
            *component = *component & !lane | event & lane;
        }
        self.add(first, from)
    }

    #[inline(never)]
    fn copy_with_late(&mut self, from: usize, thread: ThreadId, event: u32) -> Row {
        let row = self.add(self.chunks[from], from);
        self.set(row, thread, event);
        row
    }

    /// Includes in `into` all that `from` includes.
    #[inline]
    pub(crate) fn join(&mut self, into: Row, from: Row) {
        debug_assert!(into != Row::EMPTY, "the empty row is shared");
        let (into, from) = (self.start(into), self.start(from));
        self.join_chunk(into, from);
        if self.shift != 0 {
            self.join_rest(into, from);
        }
    }

    #[inline(never)]
    fn join_rest(&mut self, into: usize, from: usize) {
        for at in 1..1 << self.shift {
            self.join_chunk(into + at, from + at);
        }
    }

    #[inline(always)]
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

#[cfg(test)]
mod tests;
