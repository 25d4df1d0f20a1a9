//! A cell that lends its current value: reading takes no lock in the usual case and waits for no other reader, and a
//! value that was replaced is given back as soon as nobody reads it.
//!
//! The loans in slots are after the *debts* of the crate arc-swap, which are Maged Michael's hazard pointers (2004)
//! with one change: who retires a value does not wait until no slot names it, but takes each such slot's loan over as a
//! count. Other than there, slots belong to one cell, and what they name is a *node* of the cell, whose memory lives as
//! long as the cell does.
//!
//! # Protocol
//!
//! A node holds one value and counts its *owners*: the cell itself while the value is the current one, and each loan
//! that was taken over. A slot is empty or names the node that somebody is reading.
//!
//! *Reading*
//! 1. Look which node is current. This is a hint; nothing of the node is read yet.
//! 2. Claim an empty slot for it: empty -> node.
//! 3. Look again. If the node is still the current one, its value may be read until the loan ends.
//! 4. If not, withdraw the slot: node -> empty. Where the slot names the node no more, somebody has made the reader an
//!    owner, and it gives that up. Then begin again, a few times; after those, and when no slot is empty, become an
//!    owner under the publishers' lock.
//!
//! *Ending a loan*: withdraw the slot; where it names the node no more, give up the ownership instead.
//!
//! *Publishing*, under the lock
//! 1. Put the value in a vacant node, owned by the cell.
//! 2. Make that node current.
//! 3. For each slot that names the former node: add an owner to that node, then empty the slot: node -> empty. If the
//!    slot was withdrawn meanwhile, take the owner back.
//! 4. Give up the cell's own ownership of the former node.
//!
//! Who gives up the last ownership takes the value out, then marks the node vacant.
//!
//! **A value that is read is not taken out.** The claim of a slot comes before the second look in the one order of all
//! `SeqCst` operations, and the change of the current node before the publisher's look at the slot. So either the
//! reader sees that the node is no longer the current one, or the publisher sees the slot, and the cell's own ownership
//! is there until it has seen to it.
//!
//! **A slot may be withdrawn by another reader than the one who claimed it**, when the first one's loan was taken over
//! and a second claimed the slot for the same node. They owe the same: one slot and one ownership, and each ends one of
//! them. A node keeps its value as long as there is an ownership, so both speak of the same value.
//!
//! **A node that is found again** (current, replaced, vacant, and current once more between a reader's looks) is no
//! mistake: what the second look sees is current, with its value, and the slot names it.

use crate::config::Snapshot;
use norace_prim::atomic::{AtomicPtr, AtomicUsize, Ordering};
use norace_prim::cell::UnsafeCell;
use norace_prim::sync::{Mutex, lock};
use norace_prim::{model_or, thread_local};
use std::cell::Cell;
use std::ops::Deref;
use std::ptr::{self, NonNull};

/// Slots of a line; a thread that holds more loans of one cell becomes an owner under the lock.
const SLOTS: usize = model_or!(8, 1);
/// Lines of a cell; threads beyond that number share them.
const LINES: usize = model_or!(8, 1);
/// How often a reader begins again before it takes the lock.
const ATTEMPTS: usize = model_or!(4, 2);
/// In place of the number of owners: the node holds no value and may be given one.
const VACANT: usize = usize::MAX;

struct Node<T> {
    /// 0: whoever gave up the last ownership is taking the value out.
    owners: AtomicUsize,
    value: UnsafeCell<Option<Snapshot<T>>>,
}

impl<T> Node<T> {
    /// Looks at the value.
    ///
    /// # Safety
    ///
    /// There is one, this thread has seen it put in, and it is not taken out meanwhile.
    #[inline]
    unsafe fn read<R>(&self, look: impl FnOnce(&Snapshot<T>) -> R) -> R {
        self.value.with(|value| {
            // SAFETY: the caller's promise: nobody writes to the cell.
            let value = unsafe { &*value };
            // SAFETY: the caller's promise: there is a value.
            look(unsafe { value.as_ref().unwrap_unchecked() })
        })
    }

    /// Gives one ownership up; the last one gives the value out.
    fn give_up(&self) -> Option<Snapshot<T>> {
        // AcqRel: pairs with itself, so that whoever takes the value out does so after all who have read it.
        if self.owners.fetch_sub(1, Ordering::AcqRel) != 1 {
            return None;
        }
        let value = self.value.with_mut(|value| {
            // SAFETY: nobody owns the node, no slot that names it lends it, and nobody puts a value in before it is
            // marked vacant: this thread is the only one to touch the cell.
            let value = unsafe { &mut *value };
            value.take()
        });
        // Release: pairs with the Acquire in Nodes::put, so that the next value is put in after this one is out.
        self.owners.store(VACANT, Ordering::Release);
        value
    }
}

/// Every node of a cell. The list grows to the number of values that were read at one time, and two more.
struct Nodes<T>(Vec<NonNull<Node<T>>>);

impl<T> Nodes<T> {
    /// Puts `value` in a vacant node, whose one owner is the caller.
    fn put(&mut self, value: Snapshot<T>) -> NonNull<Node<T>> {
        let vacant = self.0.iter().copied().find(|node| {
            // SAFETY: nodes live as long as the cell.
            let node = unsafe { node.as_ref() };
            // Acquire: pairs with the Release in Node::give_up.
            node.owners.load(Ordering::Acquire) == VACANT
        });
        let Some(place) = vacant else {
            let node = Node { owners: AtomicUsize::new(1), value: UnsafeCell::new(Some(value)) };
            let node = NonNull::from(Box::leak(Box::new(node)));
            self.0.push(node);
            return node;
        };
        // SAFETY: nodes live as long as the cell.
        let node = unsafe { place.as_ref() };
        node.value.with_mut(|cell| {
            // SAFETY: the node is vacant, and the list is behind the lock: nobody else touches the cell.
            let cell = unsafe { &mut *cell };
            *cell = Some(value);
        });
        // Relaxed: others learn of the node by way of `current`, or this lock.
        node.owners.store(1, Ordering::Relaxed);
        place
    }
}

impl<T> Drop for Nodes<T> {
    fn drop(&mut self) {
        for node in self.0.drain(..) {
            // SAFETY: the node was leaked from a box by `put`, and the cell, of which loans borrow, is going.
            drop(unsafe { Box::from_raw(node.as_ptr()) });
        }
    }
}

type Slot<T> = AtomicPtr<Node<T>>;

/// The slots that a thread tries first; two cache lines, which processors fetch in pairs.
#[repr(align(128))]
struct Line<T>([Slot<T>; SLOTS]);

/// The cell.
pub(crate) struct Lender<T> {
    current: AtomicPtr<Node<T>>,
    nodes: Mutex<Nodes<T>>,
    lines: [Line<T>; LINES],
}

// SAFETY: values go in on one thread, are read on several and are dropped on any of them, hence both bounds. Nodes are
// touched as the protocol says.
unsafe impl<T: Send + Sync> Send for Lender<T> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync> Sync for Lender<T> {}

thread_local! {
    /// The line of this thread, in every cell.
    static LINE: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Gives threads their lines in turn.
fn line() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let take = |place: &Cell<Option<usize>>| {
        place.get().unwrap_or_else(|| {
            // Relaxed: only the numbers matter.
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let line = number.checked_rem(LINES).unwrap_or(0);
            place.set(Some(line));
            line
        })
    };
    // While the thread ends any line will do.
    LINE.try_with(take).unwrap_or(0)
}

impl<T> Lender<T> {
    /// A cell with its first value.
    pub(crate) fn new(value: Snapshot<T>) -> Self {
        let mut nodes = Nodes(Vec::new());
        let current = nodes.put(value);
        Self {
            current: AtomicPtr::new(current.as_ptr()),
            nodes: Mutex::new(nodes),
            lines: std::array::from_fn(|_| {
                Line(std::array::from_fn(|_| AtomicPtr::new(ptr::null_mut())))
            }),
        }
    }

    /// Lends the current value: the one published last, or one published since the call began.
    #[inline]
    pub(crate) fn load(&self) -> Loan<'_, T> {
        self.try_load().unwrap_or_else(|| self.load_locked())
    }

    /// Lends the current value by a slot.
    ///
    /// Inlined for certain: a loan that comes back through memory costs more than all the rest.
    #[inline(always)]
    fn try_load(&self) -> Option<Loan<'_, T>> {
        let line = &self.lines[line()].0;
        for _ in 0..ATTEMPTS {
            // Relaxed: a hint, which the second look confirms.
            let node = self.current.load(Ordering::Relaxed);
            let slot = line.iter().find(|slot| claim(slot, node))?;
            // SeqCst: after the claim, in the one order in which a publisher looks at the slot after its change.
            // Acquire, which it implies, pairs with the swap in publish, so that the value is seen.
            if self.current.load(Ordering::SeqCst) == node {
                // SAFETY: what is current is a node, which lives as long as the cell.
                let node = unsafe { &*node };
                // SAFETY: the node is current, and the slot that was claimed names it.
                return Some(unsafe { Loan::new(node, Some(slot)) });
            }
            // Relaxed: nothing was read. Acquire: as in Loan::drop.
            if slot
                .compare_exchange(node, ptr::null_mut(), Ordering::Relaxed, Ordering::Acquire)
                .is_err()
            {
                // SAFETY: nodes live as long as the cell, and a publisher has made this reader an owner of this one.
                drop(unsafe { &*node }.give_up());
            }
        }
        None
    }

    /// Lends the current value by becoming an owner of its node.
    #[cold]
    fn load_locked(&self) -> Loan<'_, T> {
        let nodes = lock(&self.nodes);
        // Relaxed: it is changed under this lock alone.
        let node = self.current.load(Ordering::Relaxed);
        // SAFETY: nodes live as long as the cell, and the current one is never null.
        let node = unsafe { &*node };
        // Relaxed: the cell itself owns the node while the lock is held.
        node.owners.fetch_add(1, Ordering::Relaxed);
        drop(nodes);
        // SAFETY: the owner just added is this loan's.
        unsafe { Loan::new(node, None) }
    }

    /// Replaces the current value; gives the former one if nobody reads it. It is to be dropped outside of any lock.
    pub(crate) fn publish(&self, value: Snapshot<T>) -> Option<Snapshot<T>> {
        let mut nodes = lock(&self.nodes);
        let place = nodes.put(value);
        // SeqCst: before the looks at the slots, in the one order in which a reader claims before it looks again.
        // Release, which it implies, pairs with the second look in try_load, so that the value is seen.
        let former = self.current.swap(place.as_ptr(), Ordering::SeqCst);
        // SAFETY: nodes live as long as the cell, and the current one is never null.
        let node = unsafe { &*former };
        for slot in self.lines.iter().flat_map(|line| &line.0) {
            // SeqCst: after the swap, as above. Acquire, which it implies, pairs with the Release in Loan::drop, so
            // that the value is taken out after it was read.
            if slot.load(Ordering::SeqCst) != former {
                continue;
            }
            // Relaxed: the cell's own ownership is there; the exchange below hands this one on.
            node.owners.fetch_add(1, Ordering::Relaxed);
            // Release: pairs with the Acquire of who finds the slot changed, so that the owner has been added before it
            // is given up. (In a model without load buffering, as the checker's is, this follows from reading alone.)
            // Acquire: pairs with the Release in Loan::drop, as above.
            if slot
                .compare_exchange(former, ptr::null_mut(), Ordering::Release, Ordering::Acquire)
                .is_err()
            {
                // Relaxed: not the last one, for the cell's own is there.
                node.owners.fetch_sub(1, Ordering::Relaxed);
            }
        }
        node.give_up()
    }

    #[cfg(all(test, norace))]
    /// How many values there are: the current one, and former ones that are still read.
    pub(crate) fn live(&self) -> usize {
        let nodes = lock(&self.nodes);
        let holds = |place: &&NonNull<Node<T>>| {
            // SAFETY: nodes live as long as the cell.
            let node = unsafe { place.as_ref() };
            // Relaxed: a number that is old by the time it is looked at.
            !matches!(node.owners.load(Ordering::Relaxed), 0 | VACANT)
        };
        nodes.0.iter().filter(holds).count()
    }
}

/// Makes an empty slot name `node`.
#[inline]
fn claim<T>(slot: &Slot<T>, node: *mut Node<T>) -> bool {
    // Relaxed: a hint; the exchange decides.
    if !slot.load(Ordering::Relaxed).is_null() {
        return false;
    }
    // SeqCst: before the second look in try_load. Relaxed: who fails has read nothing.
    slot.compare_exchange(ptr::null_mut(), node, Ordering::SeqCst, Ordering::Relaxed).is_ok()
}

/// A value that is lent; it lives as long as this does.
pub(crate) struct Loan<'a, T> {
    node: &'a Node<T>,
    /// Where the loan is written down; without it, or when the slot names the node no more, the loan is an owner.
    slot: Option<&'a Slot<T>>,
    value: NonNull<T>,
    version: u64,
}

// SAFETY: a loan is a shared reference to the value, and its end may drop the value: both bounds. Slots are not bound
// to threads.
unsafe impl<T: Send + Sync> Send for Loan<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync> Sync for Loan<'_, T> {}

impl<'a, T> Loan<'a, T> {
    /// # Safety
    ///
    /// The node holds a value that this thread has seen published and that is not taken out before the loan's end.
    #[inline]
    unsafe fn new(node: &'a Node<T>, slot: Option<&'a Slot<T>>) -> Self {
        // SAFETY: the caller's promise.
        let (value, version) =
            unsafe { node.read(|snapshot| (NonNull::from(&**snapshot), snapshot.version())) };
        Self { node, slot, value, version }
    }

    /// Its version.
    #[inline]
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// The value for keeps.
    pub(crate) fn snapshot(&self) -> Snapshot<T> {
        // SAFETY: while the loan lasts there is a value.
        unsafe { self.node.read(Snapshot::clone) }
    }
}

impl<T> Deref for Loan<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the value is in an `Arc` that the node holds while the loan lasts.
        unsafe { self.value.as_ref() }
    }
}

impl<T> Drop for Loan<'_, T> {
    #[inline]
    fn drop(&mut self) {
        if let Some(slot) = self.slot {
            let node = ptr::from_ref(self.node).cast_mut();
            // Release: pairs with the Acquire in publish, so that the value is taken out after it was read; others may
            // have changed the slot since, but by exchanges, which keep the pairing.
            // Acquire: pairs with the Release in publish, so that the owner has been added, and with the Release here
            // of a reader who withdrew the slot in this one's place: what is given up may be the last ownership.
            let withdrawn =
                slot.compare_exchange(node, ptr::null_mut(), Ordering::Release, Ordering::Acquire);
            if withdrawn.is_ok() {
                return;
            }
        }
        drop(self.node.give_up());
    }
}

#[cfg(all(test, norace))]
mod models;
