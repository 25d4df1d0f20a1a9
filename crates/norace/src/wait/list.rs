//! Nodes in a slab, linked into first-in first-out lists: those who wait.
//!
//! A node keeps its place (its [`Key`]) from the moment it is inserted until its owner removes it, whichever list it is
//! in or in none. Everything is constant time: joining, leaving from the middle, taking the first. Keys are
//! indices, so a future that is forgotten instead of dropped leaks its slot until the slab goes and nothing worse.
//!
//! Invariant: a node is in at most one list, and `List` methods are called with the slab its keys come from. That one
//! owner (a future, or the core on its behalf) uses a key and gives it up with [`Slab::remove`] is the caller's duty.

/// "No node".
const NIL: u32 = u32::MAX;

/// A slab that grew beyond this many slots gives its memory back when the last node leaves.
const KEEP_SLOTS: usize = norace_prim::model_or!(64, 2);

/// A node's place in its [`Slab`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key(u32);

#[derive(Debug)]
pub(crate) enum Slot<N> {
    Free { next: u32 },
    Used { node: N, prev: u32, next: u32 },
}

/// The nodes themselves.
#[derive(Debug)]
pub(crate) struct Slab<N> {
    slots: Vec<Slot<N>>,
    free: u32,
    used: usize,
}

impl<N> Slab<N> {
    pub(crate) const fn new() -> Self {
        Self { slots: Vec::new(), free: NIL, used: 0 }
    }

    /// Stores a node that is in no list yet.
    ///
    /// # Panics
    ///
    /// When 2^32 - 1 nodes are stored.
    pub(crate) fn insert(&mut self, node: N) -> Key {
        let used = Slot::Used { node, prev: NIL, next: NIL };
        let index = self.free;
        if index == NIL {
            let index = u32::try_from(self.slots.len()).ok().filter(|&index| index != NIL);
            self.slots.push(used);
            self.used += 1;
            return Key(index.expect("fewer than 2^32 - 1 nodes"));
        }
        match std::mem::replace(self.slot_mut(index), used) {
            Slot::Free { next } => self.free = next,
            Slot::Used { .. } => unreachable!("the free list holds free slots"),
        }
        self.used += 1;
        Key(index)
    }

    /// The node at `key`.
    pub(crate) fn get_mut(&mut self, key: Key) -> &mut N {
        match self.slot_mut(key.0) {
            Slot::Used { node, .. } => node,
            Slot::Free { .. } => unreachable!("a key is used until it is removed"),
        }
    }

    /// Takes out a node that is in no list.
    pub(crate) fn remove(&mut self, key: Key) -> N {
        let next = self.free;
        let Slot::Used { node, .. } = std::mem::replace(self.slot_mut(key.0), Slot::Free { next })
        else {
            unreachable!("a key is used until it is removed")
        };
        self.free = key.0;
        self.used -= 1;
        if self.used == 0 && self.slots.len() > KEEP_SLOTS {
            *self = Self::new();
        }
        node
    }

    /// Takes out everything; keys given out before name nothing any more.
    pub(crate) fn take(&mut self) -> Self {
        std::mem::replace(self, Self::new())
    }

    /// How many nodes are stored.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.used
    }

    fn slot_mut(&mut self, index: u32) -> &mut Slot<N> {
        &mut self.slots[index as usize]
    }

    fn links_mut(&mut self, index: u32) -> (&mut u32, &mut u32) {
        match self.slot_mut(index) {
            Slot::Used { prev, next, .. } => (prev, next),
            Slot::Free { .. } => unreachable!("links join used slots"),
        }
    }
}

impl<N> IntoIterator for Slab<N> {
    type Item = N;
    type IntoIter = std::iter::FilterMap<std::vec::IntoIter<Slot<N>>, fn(Slot<N>) -> Option<N>>;

    fn into_iter(self) -> Self::IntoIter {
        self.slots.into_iter().filter_map(|slot| match slot {
            Slot::Used { node, .. } => Some(node),
            Slot::Free { .. } => None,
        })
    }
}

/// A first-in first-out list of nodes of one [`Slab`].
#[derive(Debug)]
pub(crate) struct List {
    head: u32,
    tail: u32,
    len: u32,
}

impl List {
    pub(crate) const fn new() -> Self {
        Self { head: NIL, tail: NIL, len: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.len as usize
    }

    /// The first node.
    pub(crate) fn front(&self) -> Option<Key> {
        (self.head != NIL).then_some(Key(self.head))
    }

    /// The node after `key`, which is in this list.
    pub(crate) fn after<N>(&self, slab: &mut Slab<N>, key: Key) -> Option<Key> {
        let next = *slab.links_mut(key.0).1;
        (next != NIL).then_some(Key(next))
    }

    /// Puts a node that is in no list before all others.
    pub(crate) fn push_front<N>(&mut self, slab: &mut Slab<N>, key: Key) {
        let (prev, next) = slab.links_mut(key.0);
        (*prev, *next) = (NIL, self.head);
        match self.head {
            NIL => self.tail = key.0,
            head => *slab.links_mut(head).0 = key.0,
        }
        self.head = key.0;
        self.len += 1;
    }

    /// Appends a node that is in no list.
    pub(crate) fn push_back<N>(&mut self, slab: &mut Slab<N>, key: Key) {
        let (prev, next) = slab.links_mut(key.0);
        (*prev, *next) = (self.tail, NIL);
        match self.tail {
            NIL => self.head = key.0,
            tail => *slab.links_mut(tail).1 = key.0,
        }
        self.tail = key.0;
        self.len += 1;
    }

    /// Unlinks the first node; it stays in the slab.
    pub(crate) fn pop_front<N>(&mut self, slab: &mut Slab<N>) -> Option<Key> {
        if self.head == NIL {
            return None;
        }
        let key = Key(self.head);
        self.unlink(slab, key);
        Some(key)
    }

    /// Unlinks a node that is in this list; it stays in the slab.
    pub(crate) fn unlink<N>(&mut self, slab: &mut Slab<N>, key: Key) {
        let (prev, next) = slab.links_mut(key.0);
        let (before, after) = (*prev, *next);
        (*prev, *next) = (NIL, NIL);
        match before {
            NIL => self.head = after,
            before => *slab.links_mut(before).1 = after,
        }
        match after {
            NIL => self.tail = before,
            after => *slab.links_mut(after).0 = before,
        }
        self.len -= 1;
    }
}

#[cfg(test)]
mod tests;
