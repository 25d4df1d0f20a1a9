//! Vector clocks, kept as rows of one table.
//!
//! A row has one component per thread: the number of that thread's last event which is included. Rows are written once
//! and then shared by number, so that an event, a message and a thread can name the same clock without copying it. Only
//! the rows handed out by [`Clocks::zero`] for accumulation are joined into later.
//!
//! **Invariant:** row 0 is all zero and is never written.

use crate::event::ThreadId;

/// The number of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row(u32);

impl Row {
    /// The clock that includes nothing.
    pub(crate) const EMPTY: Self = Self(0);
}

/// The table.
#[derive(Debug)]
pub(crate) struct Clocks {
    width: usize,
    cells: Vec<u32>,
}

impl Clocks {
    pub(crate) fn new(width: usize) -> Self {
        Self { width, cells: vec![0; width] }
    }

    /// Forgets all rows but the empty one; keeps the memory.
    pub(crate) fn reset(&mut self) {
        self.cells.truncate(self.width);
    }

    /// Makes room for threads `0..width`; rows keep their numbers.
    pub(crate) fn widen(&mut self, width: usize) {
        assert!(width > self.width, "clocks never shrink");
        let rows = self.cells.len() / self.width;
        let mut cells = vec![0; rows * width];
        for row in 0..rows {
            let old = &self.cells[row * self.width..][..self.width];
            cells[row * width..][..self.width].copy_from_slice(old);
        }
        self.cells = cells;
        self.width = width;
    }

    fn start(&self, row: Row) -> usize {
        row.0 as usize * self.width
    }

    fn next(&self) -> Row {
        Row(u32::try_from(self.cells.len() / self.width).expect("the step bound keeps rows few"))
    }

    /// A new row that includes nothing yet.
    pub(crate) fn zero(&mut self) -> Row {
        let row = self.next();
        self.cells.resize(self.cells.len() + self.width, 0);
        row
    }

    /// A new row equal to `from`.
    pub(crate) fn copy(&mut self, from: Row) -> Row {
        let row = self.next();
        let start = self.start(from);
        self.cells.extend_from_within(start..start + self.width);
        row
    }

    /// Includes in `into` all that `from` includes.
    pub(crate) fn join(&mut self, into: Row, from: Row) {
        debug_assert!(into != Row::EMPTY, "the empty row is shared");
        let (into, from) = (self.start(into), self.start(from));
        for thread in 0..self.width {
            let theirs = self.cells[from + thread];
            let ours = &mut self.cells[into + thread];
            *ours = theirs.max(*ours);
        }
    }

    /// The last event of `thread` that `row` includes; 0 for none.
    pub(crate) fn get(&self, row: Row, thread: ThreadId) -> u32 {
        self.cells[self.start(row) + thread.index()]
    }

    pub(crate) fn set(&mut self, row: Row, thread: ThreadId, event: u32) {
        debug_assert!(row != Row::EMPTY, "the empty row is shared");
        let at = self.start(row) + thread.index();
        self.cells[at] = event;
    }
}
