//! The ring itself: first in, first out.

use crate::StealError;
use crate::ring::{self, Owner, Thief};
use std::sync::Arc;

/// The most that the tests put in.
const RING: usize = 128;

#[derive(Debug)]
pub struct Worker<T> {
    owner: Owner<T, RING>,
    stealer: Stealer<T>,
    /// What st3 would have room for. The kit's ring has one size, and sends half of what it holds elsewhere when it is
    /// full; a push that would lead to that is refused before.
    capacity: usize,
}

#[derive(Debug)]
pub struct Stealer<T>(Arc<Thief<T, RING>>);

impl<T> std::fmt::Debug for Owner<T, RING> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Owner")
    }
}

impl<T> std::fmt::Debug for Thief<T, RING> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Thief")
    }
}

impl<T> Worker<T> {
    pub fn new(min_capacity: usize) -> Self {
        let capacity = min_capacity.next_power_of_two();
        assert!(capacity <= RING, "the tests ask for no more");
        let (owner, thief) = ring::new();
        Self { owner, stealer: Stealer(Arc::new(thief)), capacity }
    }

    pub fn stealer(&self) -> Stealer<T> {
        self.stealer.clone()
    }

    pub fn stealer_ref(&self) -> &Stealer<T> {
        &self.stealer
    }

    pub fn capacity(&self) -> usize {
        self.capacity
    }

    pub fn spare_capacity(&self) -> usize {
        self.capacity - self.stealer.0.len()
    }

    pub fn push(&self, item: T) -> Result<(), T> {
        if self.spare_capacity() == 0 {
            return Err(item);
        }
        // Where a thief holds the last places, the item alone comes back.
        self.owner.push(item).map_err(|mut rest| rest.pop().expect("what was pushed"))
    }

    pub fn extend(&self, items: impl IntoIterator<Item = T>) {
        let mut items = items.into_iter();
        while self.spare_capacity() > 0 {
            let Some(item) = items.next() else { return };
            if self.push(item).is_err() {
                return;
            }
        }
    }

    pub fn pop(&self) -> Option<T> {
        self.owner.pop()
    }

    pub fn drain(
        &self,
        _count: impl FnMut(usize) -> usize,
    ) -> Result<std::vec::IntoIter<T>, StealError> {
        panic!("the owner of the kit's ring takes one value at a time")
    }
}

impl<T> Stealer<T> {
    /// Takes half, rounded up, as the kit's ring does, however many are asked for.
    pub fn steal_and_pop(
        &self,
        dest: &Worker<T>,
        _count: impl FnMut(usize) -> usize,
    ) -> Result<(T, usize), StealError> {
        let mut stolen = Vec::new();
        self.0.steal_half(&mut stolen);
        let Some(last) = stolen.pop() else {
            let empty = self.0.len() == 0;
            return Err(if empty { StealError::Empty } else { StealError::Busy });
        };
        let moved = stolen.len();
        for item in stolen {
            assert!(dest.push(item).is_ok(), "the tests steal into rings with room");
        }
        Ok((last, moved))
    }
}

impl<T> Clone for Stealer<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> PartialEq for Stealer<T> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl<T> Eq for Stealer<T> {}
