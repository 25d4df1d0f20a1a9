//! A list that grows without moving what it holds.
//!
//! Objects are never removed, and there are millions of them: a plain `Vec` would copy them all each time it doubles,
//! which is a pause of tens of milliseconds in the one thread that decides everything.

use std::ops::{Index, IndexMut};

const CHUNK_BITS: u32 = norace_prim::model_or!(12, 1);
const CHUNK: usize = 1 << CHUNK_BITS;

/// An append-only list in chunks of fixed size, indexed by ordinal.
#[derive(Debug)]
pub(crate) struct Chunks<T> {
    chunks: Vec<Vec<T>>,
    len: u32,
}

impl<T> Chunks<T> {
    pub(crate) const fn new() -> Self {
        Self { chunks: Vec::new(), len: 0 }
    }

    pub(crate) fn len(&self) -> u32 {
        self.len
    }

    /// Adds `value` and returns its ordinal. The caller has checked that the list is not full.
    pub(crate) fn push(&mut self, value: T) -> u32 {
        let ordinal = self.len;
        assert!(ordinal < u32::MAX, "a list of objects is full");
        match self.chunks.last_mut() {
            Some(last) if last.len() < CHUNK => last.push(value),
            _ => {
                let mut chunk = Vec::with_capacity(CHUNK);
                chunk.push(value);
                self.chunks.push(chunk);
            }
        }
        self.len += 1;
        ordinal
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.chunks.iter().flatten()
    }
}

impl<T> Index<u32> for Chunks<T> {
    type Output = T;

    fn index(&self, ordinal: u32) -> &T {
        &self.chunks[(ordinal >> CHUNK_BITS) as usize][ordinal as usize & (CHUNK - 1)]
    }
}

impl<T> IndexMut<u32> for Chunks<T> {
    fn index_mut(&mut self, ordinal: u32) -> &mut T {
        &mut self.chunks[(ordinal >> CHUNK_BITS) as usize][ordinal as usize & (CHUNK - 1)]
    }
}
