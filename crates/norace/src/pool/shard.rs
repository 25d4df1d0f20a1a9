//! Where idle objects lie: a place for one that costs one atomic step, and a stack behind a lock for the others.

use super::entry::Entry;
use crate::raw::spare::Spare;
use norace_prim::atomic::{AtomicUsize, Ordering};
use norace_prim::sync::{Mutex, MutexGuard, lock};

/// How many objects a thief takes at once, at most.
const HAUL: usize = norace_prim::model_or!(32, 2);

/// A stack that has room for more than this gives memory back when three quarters of it are unused.
const KEEP_ROOM: usize = norace_prim::model_or!(64, 2);

/// The store of the threads that are seated here; others come to steal, and to leave what has no room elsewhere.
///
/// The alignment keeps two shards off one cache line, and off the pair of lines that processors fetch together.
#[repr(align(128))]
pub(super) struct Shard<T> {
    /// The object that came back last.
    spare: Spare<Entry<T>>,
    /// How many are in the stack: written under its lock, read by who wants to spare himself the lock.
    len: AtomicUsize,
    /// How many the stack takes.
    room: usize,
    /// The one on top came back last.
    stack: Mutex<Vec<Box<Entry<T>>>>,
}

impl<T> Shard<T> {
    /// A store of `max` objects, of which there is at least one.
    pub(super) fn new(max: usize) -> Self {
        Self {
            spare: Spare::new(),
            len: AtomicUsize::new(0),
            room: max - 1,
            stack: Mutex::new(Vec::new()),
        }
    }

    fn stacked(&self) -> usize {
        // Relaxed: a hint. Who must not be mistaken takes the lock.
        self.len.load(Ordering::Relaxed)
    }

    /// To be called before the lock is released, when the stack has changed.
    fn note_len(&self, stack: &MutexGuard<'_, Vec<Box<Entry<T>>>>) {
        // Relaxed: a hint, as above.
        self.len.store(stack.len(), Ordering::Relaxed);
    }

    /// How many lie here, about.
    pub(super) fn len(&self) -> usize {
        self.stacked() + usize::from(self.spare.is_full())
    }

    /// Whether one more finds room here, as it seems.
    pub(super) fn has_room(&self) -> bool {
        self.len() <= self.room
    }

    /// Puts `entry` where it is found first, and hands out the one that lay there.
    #[inline]
    pub(super) fn replace(&self, entry: Box<Entry<T>>) -> Option<Box<Entry<T>>> {
        self.spare.replace(entry)
    }

    /// Takes the object that came back last, unless that needs a lock.
    #[inline]
    pub(super) fn take_spare(&self) -> Option<Box<Entry<T>>> {
        self.spare.take()
    }

    /// Takes from the stack, if there seems to be anything.
    pub(super) fn pop(&self) -> Option<Box<Entry<T>>> {
        if self.stacked() == 0 { None } else { self.pop_surely() }
    }

    fn pop_surely(&self) -> Option<Box<Entry<T>>> {
        let mut stack = lock(&self.stack);
        let entry = stack.pop();
        self.note_len(&stack);
        entry
    }

    /// Takes whatever there is, relying on no hint.
    pub(super) fn take_surely(&self) -> Option<Box<Entry<T>>> {
        self.take_spare().or_else(|| self.pop_surely())
    }

    /// Puts `entry` on the stack.
    ///
    /// # Errors
    ///
    /// Gives it back when the stack is full.
    pub(super) fn push(&self, entry: Box<Entry<T>>) -> Result<(), Box<Entry<T>>> {
        if self.stacked() >= self.room {
            return Err(entry);
        }
        let mut stack = lock(&self.stack);
        if stack.len() >= self.room {
            return Err(entry);
        }
        stack.push(entry);
        self.note_len(&stack);
        Ok(())
    }

    /// Puts `entry` where there is room.
    ///
    /// # Errors
    ///
    /// Gives it back when there is none.
    pub(super) fn offer(&self, entry: Box<Entry<T>>) -> Result<(), Box<Entry<T>>> {
        if self.spare.is_full() {
            return self.push(entry);
        }
        self.spare.offer(entry).or_else(|entry| self.push(entry))
    }

    /// Takes one object of `from`, and moves more of them here: half of what lies there, up to [`HAUL`].
    ///
    /// Nothing is in between meanwhile: both stacks are locked, in the order of their addresses.
    pub(super) fn steal(&self, from: &Self) -> Option<Box<Entry<T>>> {
        if from.stacked() == 0 {
            return from.take_spare();
        }
        let (mut mine, mut theirs);
        if std::ptr::from_ref(self) < std::ptr::from_ref(from) {
            mine = lock(&self.stack);
            theirs = lock(&from.stack);
        } else {
            theirs = lock(&from.stack);
            mine = lock(&self.stack);
        }
        let taken = theirs.pop();
        let room = self.room.saturating_sub(mine.len());
        let more = (theirs.len() / 2).min(HAUL - 1).min(room);
        let rest = theirs.len() - more;
        mine.extend(theirs.drain(rest..));
        self.note_len(&mine);
        from.note_len(&theirs);
        drop((mine, theirs));
        taken.or_else(|| from.take_spare())
    }

    /// Moves all objects that `is_old` into `old`, and gives unused memory back.
    ///
    /// The stack is ordered by age but for objects that were moved or overtaken, so the look ends at the first that is
    /// young: an object may stay longer than it has to, never shorter, and when all are old all go.
    pub(super) fn age(&self, is_old: impl Fn(&Entry<T>) -> bool, old: &mut Vec<Box<Entry<T>>>) {
        if let Some(entry) = self.take_spare() {
            let young = if is_old(&entry) { Err(entry) } else { self.offer(entry) };
            old.extend(young.err());
        }
        let mut stack = lock(&self.stack);
        let count = stack.iter().take_while(|entry| is_old(entry)).count();
        old.extend(stack.drain(..count));
        if stack.capacity() > KEEP_ROOM && stack.capacity() / 4 > stack.len() {
            let room = 2 * stack.len();
            stack.shrink_to(room);
        }
        self.note_len(&stack);
    }
}

#[cfg(test)]
mod tests;
