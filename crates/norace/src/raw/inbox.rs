//! An unbounded queue into which anybody puts values without waiting, and from which one at a time takes.
//!
//! Putting in is Treiber's stack ("Systems Programming: Coping with Parallelism", 1986). Nothing is popped from the
//! stack: it is taken as a whole, so an address that comes again does no harm. Whoever takes it turns it around and
//! appends it to a list, from which values come in the order in which they were put in.
//!
//! # Protocol
//!
//! - `top` is the last node put in, null, or `CLOSED`. *Put*: points the new node to `top` and makes it `top`, in one
//!   exchange, unless it is closed.
//! - `ready` is how many values the list holds, or `TAKING`: somebody has the right to touch the list.
//! - *Take*: exchanges `ready` for `TAKING`, or goes away if it is that already; exchanges `top` for null and appends
//!   those nodes; takes values; stores how many are left.
//! - *Close*, when nobody takes any more: exchanges `top` for `CLOSED`; takes the list, and what was in the stack.
//!
//! A node is the putter's until it is `top`, and then of the one who takes the stack with it. Nobody waits: neither a
//! putter for a taker, nor a taker for another one. Values do: what is in the list or comes behind it waits while the
//! taker is stopped in the middle.
//!
//! Who looks whether there is work ([`Inbox::has_work`]) is told no while somebody is taking. So a taker, after its
//! last store, **looks itself** whether there is work, and tells who may sleep. The store, the look, and the accesses
//! of those who go to sleep are all `SeqCst`; see P1' in `rt/idle.rs`.

use norace_prim::atomic::{AtomicPtr, AtomicUsize, Ordering, Tally};
use norace_prim::cell::UnsafeCell;
use std::{mem, ptr, vec};

/// What `ready` is while somebody is taking.
const TAKING: usize = usize::MAX;

/// Values that were put in together, at least one.
struct Batch<T> {
    /// The node put in before this one, while it is in the stack; the one put in after it, in the list.
    next: *mut Node<T>,
    first: Option<T>,
    rest: vec::IntoIter<T>,
}

struct Node<T>(UnsafeCell<Batch<T>>);

/// Nodes in the order in which they were put in.
struct List<T> {
    front: *mut Node<T>,
    back: *mut Node<T>,
    /// How many values they hold.
    len: usize,
    /// In models, nodes that are done with: if they were freed, the allocator, which the checker does not control,
    /// would decide whether an address comes again.
    #[cfg(norace)]
    kept: Vec<Box<Node<T>>>,
}

/// The queue.
pub(crate) struct Inbox<T> {
    top: AtomicPtr<Node<T>>,
    ready: AtomicUsize,
    list: UnsafeCell<List<T>>,
    put: Tally,
    taken: Tally,
}

// SAFETY: values go in on one thread and come out on another, hence `T: Send`. Nodes and the list are touched by one
// thread at a time, as the protocol above says, and nobody gets a reference to a value inside.
unsafe impl<T: Send> Sync for Inbox<T> {}

// SAFETY: the nodes belong to the queue, and go where it goes.
unsafe impl<T: Send> Send for Inbox<T> {}

impl<T> Batch<T> {
    fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.rest.len()
    }
}

/// What `top` is in a closed queue: no node's address.
fn closed<T>() -> *mut Node<T> {
    ptr::dangling_mut()
}

/// Does something with the batch in `node`.
///
/// # Safety
///
/// The node was made by `Inbox::put` and is the caller's alone.
unsafe fn with_batch<T, R>(node: *mut Node<T>, act: impl FnOnce(&mut Batch<T>) -> R) -> R {
    // SAFETY: the node has not been freed, since it is the caller's.
    let node = unsafe { &*node };
    node.0.with_mut(|batch| {
        // SAFETY: nobody else touches the node.
        act(unsafe { &mut *batch })
    })
}

/// Frees `node` and gives what was in it.
///
/// # Safety
///
/// As [`with_batch`], and the node is in no list any more.
unsafe fn free<T>(node: *mut Node<T>) -> Batch<T> {
    // SAFETY: it came from a box in `Inbox::put`, and is given up by its only owner.
    let node = unsafe { Box::from_raw(node) };
    node.0.into_inner()
}

impl<T> List<T> {
    const fn new() -> Self {
        Self {
            front: ptr::null_mut(),
            back: ptr::null_mut(),
            len: 0,
            #[cfg(norace)]
            kept: Vec::new(),
        }
    }

    /// Appends a stack, the last node first.
    ///
    /// # Safety
    ///
    /// `top` and the nodes that it leads to are the caller's alone.
    unsafe fn append(&mut self, top: *mut Node<T>) {
        let (mut node, mut after) = (top, ptr::null_mut());
        while !node.is_null() {
            // SAFETY: the caller's, by its promise.
            let (before, len) = unsafe {
                with_batch(node, |batch| (mem::replace(&mut batch.next, after), batch.len()))
            };
            self.len += len;
            (after, node) = (node, before);
        }
        if self.front.is_null() {
            self.front = after;
        } else if !top.is_null() {
            // SAFETY: nodes of the list belong to it.
            unsafe { with_batch(self.back, |batch| batch.next = after) };
        }
        if !top.is_null() {
            self.back = top;
        }
    }

    fn pop(&mut self) -> Option<T> {
        while !self.front.is_null() {
            // SAFETY: nodes of the list belong to it.
            let value = unsafe {
                with_batch(self.front, |batch| batch.first.take().or_else(|| batch.rest.next()))
            };
            if value.is_some() {
                self.len -= 1;
                return value;
            }
            // SAFETY: as above; the list goes on with the next one.
            self.front = unsafe { self.done_with(self.front) };
        }
        None
    }

    /// Frees a node that holds nothing any more; the one after it.
    ///
    /// # Safety
    ///
    /// It belongs to the list, which gives it up.
    #[cfg(not(norace))]
    #[expect(clippy::unused_self, reason = "in models the list keeps it")]
    unsafe fn done_with(&mut self, node: *mut Node<T>) -> *mut Node<T> {
        // SAFETY: by the caller's promise.
        unsafe { free(node) }.next
    }

    #[cfg(norace)]
    unsafe fn done_with(&mut self, node: *mut Node<T>) -> *mut Node<T> {
        // SAFETY: by the caller's promise.
        let mut node = unsafe { Box::from_raw(node) };
        let next = node.0.get_mut().next;
        self.kept.push(node);
        next
    }
}

/// Frees `node` and all that it leads to, with what is in them.
///
/// # Safety
///
/// They were made by `Inbox::put`, and nobody else has the queue any more.
unsafe fn free_all<T>(node: *mut Node<T>) {
    let mut node = node;
    while !node.is_null() {
        // SAFETY: the caller's, by its promise, and freed once.
        node = unsafe { free(node) }.next;
    }
}

impl<T> Drop for List<T> {
    fn drop(&mut self) {
        // SAFETY: nodes of the list belong to it.
        unsafe { free_all(self.front) };
    }
}

impl<T> Drop for Inbox<T> {
    fn drop(&mut self) {
        let top = *self.top.get_mut();
        if top != closed() {
            // SAFETY: nobody else has the queue any more.
            unsafe { free_all(top) };
        }
    }
}

impl<T> Inbox<T> {
    /// A queue with nothing in it.
    pub(crate) fn new() -> Self {
        Self {
            top: AtomicPtr::new(ptr::null_mut()),
            ready: AtomicUsize::new(0),
            list: UnsafeCell::new(List::new()),
            put: Tally::new(),
            taken: Tally::new(),
        }
    }

    /// How many values there are, for statistics.
    pub(crate) fn len(&self) -> usize {
        let taken = self.taken.get();
        usize::try_from(self.put.get().saturating_sub(taken)).unwrap_or(usize::MAX)
    }

    /// Whether there is something to take and nobody is taking.
    pub(crate) fn has_work(&self) -> bool {
        // SeqCst: S2 of the sleep protocol in rt/idle.rs.
        let ready = self.ready.load(Ordering::SeqCst);
        if ready != 0 {
            return ready != TAKING;
        }
        // SeqCst: as above.
        let top = self.top.load(Ordering::SeqCst);
        !top.is_null() && top != closed()
    }

    /// Puts values in, behind all others.
    ///
    /// # Errors
    ///
    /// Gives them back when the queue is closed.
    pub(crate) fn put(&self, mut values: impl Iterator<Item = T>) -> Result<(), Vec<T>> {
        let Some(first) = values.next() else { return Ok(()) };
        let rest = values.collect::<Vec<T>>().into_iter();
        let batch = Batch { next: ptr::null_mut(), first: Some(first), rest };
        self.put.add(batch.len() as u64);
        let node = Box::into_raw(Box::new(Node(UnsafeCell::new(batch))));
        // Relaxed: the exchange decides, and nothing behind the pointer is read.
        let mut top = self.top.load(Ordering::Relaxed);
        while top != closed() {
            // SAFETY: it was made above, and nobody else has seen it.
            unsafe { with_batch(node, |batch| batch.next = top) };
            // SeqCst: P1 of the sleep protocol in rt/idle.rs; and as a release it pairs with the Acquire in take_all,
            // so that who takes the stack sees the node. Later puts are exchanges and carry it on. Relaxed: as above.
            match self.top.compare_exchange(top, node, Ordering::SeqCst, Ordering::Relaxed) {
                Ok(_) => return Ok(()),
                Err(now) => top = now,
            }
        }
        // SAFETY: as above; it never was put in.
        let batch = unsafe { free(node) };
        let Batch { first, rest, .. } = batch;
        let back: Vec<T> = first.into_iter().chain(rest).collect();
        self.taken.add(back.len() as u64);
        Err(back)
    }

    /// Moves as many values as `share` makes of their number to `taken`; false, and none, when somebody else is taking.
    /// The caller has to look at [`has_work`](Self::has_work) next.
    pub(crate) fn take(&self, share: impl FnOnce(usize) -> usize, taken: &mut Vec<T>) -> bool {
        // Acquire: pairs with the store below, so that the list is as it was left.
        if self.ready.swap(TAKING, Ordering::Acquire) == TAKING {
            return false;
        }
        let left = self.list.with_mut(|list| {
            // SAFETY: the list belongs to whoever has exchanged `ready`.
            let list = unsafe { &mut *list };
            // SAFETY: what was taken off the stack is the taker's alone.
            unsafe { list.append(self.take_all()) };
            let (count, before) = (share(list.len), taken.len());
            taken.extend(std::iter::from_fn(|| list.pop()).take(count));
            self.taken.add((taken.len() - before) as u64);
            list.len
        });
        // SeqCst: P1' of the sleep protocol in rt/idle.rs; and as a release it pairs with the swap above.
        self.ready.store(left, Ordering::SeqCst);
        true
    }

    /// Takes the stack; null when it is empty or closed.
    fn take_all(&self) -> *mut Node<T> {
        // Relaxed: the exchange decides.
        let mut top = self.top.load(Ordering::Relaxed);
        while !top.is_null() && top != closed() {
            let none = ptr::null_mut();
            // Acquire: pairs with the SeqCst in put, so that the nodes are seen. Relaxed: as above.
            match self.top.compare_exchange(top, none, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return top,
                Err(now) => top = now,
            }
        }
        ptr::null_mut()
    }

    /// Takes no further values, and gives those that are left.
    ///
    /// # Panics
    ///
    /// When somebody is taking: nobody may from here on.
    pub(crate) fn close(&self) -> Vec<T> {
        // Acquire: pairs with the SeqCst in put, so that the nodes are seen.
        let top = self.top.swap(closed(), Ordering::Acquire);
        let mut rest = Vec::new();
        assert!(self.take(|len| len, &mut rest), "who closes is the last one to take");
        let mut list = List::new();
        if top != closed() {
            // SAFETY: what was taken off the stack is the caller's alone.
            unsafe { list.append(top) };
        }
        self.taken.add(list.len as u64);
        rest.extend(std::iter::from_fn(|| list.pop()));
        rest
    }
}

#[cfg(all(test, norace))]
mod models;
#[cfg(test)]
mod tests;
