//! Last in, first out: the kit has no such ring, so none is made. A worker's `runnext` is one place.

use crate::{StealError, fifo};

#[derive(Debug)]
pub struct Worker<T>(fifo::Worker<T>, Stealer<T>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stealer<T>(fifo::Stealer<T>);

impl<T> Worker<T> {
    pub fn new(_min_capacity: usize) -> Self {
        panic!("the kit has no queue that is last in, first out")
    }

    pub fn stealer(&self) -> Stealer<T> {
        Stealer(self.0.stealer())
    }

    pub fn stealer_ref(&self) -> &Stealer<T> {
        &self.1
    }

    pub fn capacity(&self) -> usize {
        self.0.capacity()
    }

    pub fn spare_capacity(&self) -> usize {
        self.0.spare_capacity()
    }

    pub fn push(&self, item: T) -> Result<(), T> {
        self.0.push(item)
    }

    pub fn extend(&self, items: impl IntoIterator<Item = T>) {
        self.0.extend(items);
    }

    pub fn pop(&self) -> Option<T> {
        self.0.pop()
    }

    pub fn drain(
        &self,
        count: impl FnMut(usize) -> usize,
    ) -> Result<std::vec::IntoIter<T>, StealError> {
        self.0.drain(count)
    }
}

impl<T> Stealer<T> {
    pub fn steal_and_pop(
        &self,
        dest: &Worker<T>,
        count: impl FnMut(usize) -> usize,
    ) -> Result<(T, usize), StealError> {
        self.0.steal_and_pop(&dest.0, count)
    }
}
