//! Who waits for a change of the ring, and is woken by it: an event count.
//!
//! The flag `is_awaited` is true while somebody may be on the list; both change under the lock. Who waits enters the
//! list, and looks at the ring once more; who has changed the ring looks at the flag. Why one of them sees the other is
//! said at the head of `raw/bus.rs`, "Who waits".

use crate::wait::{Key, List, Slab, Wakes};
use norace_prim::atomic::{AtomicBool, Ordering, Tally, fence};
use norace_prim::sync::{Mutex, lock};
use std::task::Waker;

#[derive(Debug)]
struct Waiters {
    slab: Slab<Option<Waker>>,
    /// Those with a waker.
    list: List,
}

/// Apart from its neighbours, for it is looked at after every change.
#[derive(Debug)]
#[repr(align(128))]
pub(super) struct Bell {
    is_awaited: AtomicBool,
    waiters: Mutex<Waiters>,
    wakes: Tally,
}

impl Bell {
    pub(super) fn new() -> Self {
        let waiters = Waiters { slab: Slab::new(), list: List::new() };
        Self {
            is_awaited: AtomicBool::new(false),
            waiters: Mutex::new(waiters),
            wakes: Tally::new(),
        }
    }

    /// Wakes everybody, if somebody waits. To be called after each change; `ordered`: the change was a `SeqCst` access.
    #[inline]
    pub(super) fn ring(&self, ordered: bool) {
        if !ordered {
            // SeqCst: between the change and the look at the flag; pairs with the fence in wait.
            fence(Ordering::SeqCst);
        }
        // SeqCst: after the change, where that is SeqCst; pairs with the fence in wait.
        if self.is_awaited.load(Ordering::SeqCst) {
            self.wake_all();
        }
    }

    /// Wakes everybody.
    #[cold]
    pub(super) fn wake_all(&self) {
        let mut wakes = Wakes::new();
        let mut waiters = lock(&self.waiters);
        let Waiters { slab, list } = &mut *waiters;
        // Relaxed: as the list, it is changed under the lock.
        self.is_awaited.store(false, Ordering::Relaxed);
        self.wakes.add(list.len() as u64);
        while let Some(key) = list.pop_front(slab) {
            slab.get_mut(key).take().into_iter().for_each(|waker| wakes.push(waker));
        }
        drop(waiters);
        wakes.wake_all();
    }

    /// Makes `waker` wait for the next ring. The caller has to look once more after this.
    pub(super) fn wait(&self, key: &mut Option<Key>, waker: &Waker) {
        let mut wakes = Wakes::new();
        let mut waiters = lock(&self.waiters);
        let Waiters { slab, list } = &mut *waiters;
        let key = *key.get_or_insert_with(|| slab.insert(None));
        match slab.get_mut(key) {
            Some(former) => wakes.update(former, waker),
            none => {
                *none = Some(waker.clone());
                list.push_back(slab, key);
            }
        }
        // Relaxed: as the list, it is changed under the lock; and see the fence.
        self.is_awaited.store(true, Ordering::Relaxed);
        drop(waiters);
        // SeqCst: between the flag and the look that the caller takes now; pairs with what ring does.
        fence(Ordering::SeqCst);
    }

    /// Waits no more.
    pub(super) fn forget(&self, key: &mut Option<Key>) {
        let Some(key) = key.take() else { return };
        let mut waiters = lock(&self.waiters);
        let Waiters { slab, list } = &mut *waiters;
        if slab.get_mut(key).is_some() {
            list.unlink(slab, key);
        }
        let waker = slab.remove(key);
        drop(waiters);
        drop(waker);
    }

    /// How many have been woken.
    pub(super) fn wakes(&self) -> u64 {
        self.wakes.get()
    }
}
