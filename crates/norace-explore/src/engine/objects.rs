//! The objects of one execution and what the engine knows of each.

use std::panic::Location;

use crate::clock::Row;
use crate::event::{Class, MessageId, ObjectId, ThreadId};
use crate::finding::{ObjectInfo, Place};
use crate::meta::Meta;

const NONE: u32 = u32::MAX;

/// Values that are cleared and used again instead of being dropped.
#[derive(Debug)]
pub(crate) struct Pool<T> {
    items: Vec<T>,
    used: usize,
}

impl<T: Default> Pool<T> {
    fn new() -> Self {
        Self { items: Vec::new(), used: 0 }
    }

    /// The position of an item in whatever state its last user left it.
    fn take(&mut self) -> u32 {
        if self.used == self.items.len() {
            self.items.push(T::default());
        }
        self.used += 1;
        u32::try_from(self.used - 1).expect("objects are few")
    }
}

/// A store.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Message {
    pub(crate) value: u64,
    /// The event that stored it; none for the initial value.
    pub(crate) event: Option<u32>,
    /// One more than the step that stored it; 0 for the initial value.
    pub(crate) born: u32,
    /// The position in the modification order.
    pub(crate) position: u32,
    /// What a load that synchronises with it learns.
    pub(crate) release: Row,
    /// Whether a read-modify-write read it.
    pub(crate) taken: bool,
    /// Whether it is a read-modify-write that left the value as it was: no news for who spins.
    pub(crate) idle: bool,
}

/// An atomic: its stores in modification order, the initial value first.
#[derive(Debug, Default)]
pub(crate) struct AtomicState {
    pub(crate) order: Vec<MessageId>,
}

/// A lock.
#[derive(Debug, Default)]
pub(crate) struct MutexState {
    pub(crate) owner: Option<ThreadId>,
    /// What the last unlock published.
    pub(crate) release: Option<Row>,
}

/// A readers-writer lock.
#[derive(Debug, Default)]
pub(crate) struct RwLockState {
    pub(crate) writer: Option<ThreadId>,
    pub(crate) readers: Vec<ThreadId>,
    pub(crate) waiting_writers: u32,
    /// What the last write unlock published.
    pub(crate) write_release: Option<Row>,
    /// What the read unlocks since the last write lock published.
    pub(crate) read_release: Option<Row>,
}

/// A condition variable: who waits and was not notified.
#[derive(Debug, Default)]
pub(crate) struct CondvarState {
    pub(crate) waiters: Vec<ThreadId>,
    /// The last notification that found nobody.
    pub(crate) missed: Option<Place>,
}

/// An object of a library.
#[derive(Debug, Default)]
pub(crate) struct MonitorState {
    /// What the last critical section published.
    pub(crate) release: Option<Row>,
    /// Who closed it first, and where.
    pub(crate) closed: Option<(ThreadId, Place)>,
}

/// An access to plain data.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CellAccess {
    pub(crate) thread: ThreadId,
    pub(crate) number: u32,
    pub(crate) location: &'static Location<'static>,
}

/// Plain data: the last write, and the last read of each thread since.
#[derive(Debug, Default)]
pub(crate) struct CellState {
    pub(crate) write: Option<CellAccess>,
    pub(crate) reads: Vec<CellAccess>,
    /// A race on it was reported.
    pub(crate) reported: bool,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Object {
    meta: &'static Meta,
    created: &'static Location<'static>,
    state: u32,
}

/// All objects of the execution.
#[derive(Debug)]
pub(crate) struct Objects {
    list: Vec<Object>,
    width: usize,
    /// Per object and thread the last event.
    heads: Vec<u32>,
    pub(crate) messages: Vec<Message>,
    atomics: Pool<AtomicState>,
    mutexes: Pool<MutexState>,
    rwlocks: Pool<RwLockState>,
    condvars: Pool<CondvarState>,
    cells: Pool<CellState>,
    monitors: Pool<MonitorState>,
    names: Vec<(ObjectId, &'static str)>,
}

macro_rules! state {
    ($($get:ident, $get_mut:ident, $pool:ident, $state:ty;)*) => {$(
        pub(crate) fn $get(&self, object: ObjectId) -> &$state {
            &self.$pool.items[self.list[object.index()].state as usize]
        }

        pub(crate) fn $get_mut(&mut self, object: ObjectId) -> &mut $state {
            &mut self.$pool.items[self.list[object.index()].state as usize]
        }
    )*};
}

impl Objects {
    pub(crate) fn new(width: usize) -> Self {
        Self {
            list: Vec::new(),
            width,
            heads: Vec::new(),
            messages: Vec::new(),
            atomics: Pool::new(),
            mutexes: Pool::new(),
            rwlocks: Pool::new(),
            condvars: Pool::new(),
            cells: Pool::new(),
            monitors: Pool::new(),
            names: Vec::new(),
        }
    }

    pub(crate) fn reset(&mut self) {
        self.list.clear();
        self.heads.clear();
        self.messages.clear();
        self.atomics.used = 0;
        self.mutexes.used = 0;
        self.rwlocks.used = 0;
        self.condvars.used = 0;
        self.cells.used = 0;
        self.monitors.used = 0;
        self.names.clear();
    }

    pub(crate) fn widen(&mut self, width: usize) {
        let mut heads = vec![NONE; self.list.len() * width];
        for object in 0..self.list.len() {
            let old = &self.heads[object * self.width..][..self.width];
            heads[object * width..][..self.width].copy_from_slice(old);
        }
        self.heads = heads;
        self.width = width;
    }

    /// Adds an object without a value of its own.
    pub(crate) fn add(
        &mut self,
        meta: &'static Meta,
        created: &'static Location<'static>,
    ) -> ObjectId {
        let state = match meta.class {
            Class::Clock | Class::Thread => NONE,
            Class::Atomic => self.atomics.take(),
            Class::Mutex => self.mutexes.take(),
            Class::RwLock => self.rwlocks.take(),
            Class::Condvar => self.condvars.take(),
            Class::Cell => self.cells.take(),
            Class::Monitor => self.monitors.take(),
        };
        let id = ObjectId(u32::try_from(self.list.len()).expect("objects are few"));
        self.list.push(Object { meta, created, state });
        self.heads.resize(self.heads.len() + self.width, NONE);
        match meta.class {
            Class::Clock | Class::Thread => {}
            Class::Atomic => self.atomic_mut(id).order.clear(),
            Class::Mutex => *self.mutex_mut(id) = MutexState::default(),
            Class::RwLock => {
                let lock = self.rwlock_mut(id);
                let mut readers = std::mem::take(&mut lock.readers);
                readers.clear();
                *lock = RwLockState { readers, ..RwLockState::default() };
            }
            Class::Condvar => {
                let condvar = self.condvar_mut(id);
                condvar.waiters.clear();
                condvar.missed = None;
            }
            Class::Cell => {
                let cell = self.cell_mut(id);
                cell.write = None;
                cell.reported = false;
                cell.reads.clear();
            }
            Class::Monitor => *self.monitor_mut(id) = MonitorState::default(),
        }
        id
    }

    /// Adds an atomic that holds `value`.
    pub(crate) fn add_atomic(
        &mut self,
        meta: &'static Meta,
        value: u64,
        created: &'static Location<'static>,
    ) -> ObjectId {
        let id = self.add(meta, created);
        let message = self.next_message();
        let release = Row::EMPTY;
        self.messages.push(Message {
            value,
            event: None,
            born: 0,
            position: 0,
            release,
            taken: false,
            idle: false,
        });
        self.atomic_mut(id).order.push(message);
        id
    }

    pub(crate) fn next_message(&self) -> MessageId {
        MessageId(u32::try_from(self.messages.len()).expect("the step bound keeps stores few"))
    }

    state! {
        atomic, atomic_mut, atomics, AtomicState;
        mutex, mutex_mut, mutexes, MutexState;
        rwlock, rwlock_mut, rwlocks, RwLockState;
        condvar, condvar_mut, condvars, CondvarState;
        cell, cell_mut, cells, CellState;
        monitor, monitor_mut, monitors, MonitorState;
    }

    pub(crate) fn class(&self, object: ObjectId) -> Class {
        self.list[object.index()].meta.class
    }

    pub(crate) fn created(&self, object: ObjectId) -> Place {
        self.list[object.index()].created
    }

    /// Whether an atomic's values are numbers of values of 128 bits.
    pub(crate) fn is_wide(&self, object: ObjectId) -> bool {
        self.list[object.index()].meta.wide
    }

    /// Gives the object a name, unless it has one.
    pub(crate) fn name(&mut self, object: ObjectId, name: &'static str) {
        if self.names.iter().all(|(named, _)| *named != object) {
            self.names.push((object, name));
        }
    }

    pub(crate) fn info(&self, object: ObjectId) -> ObjectInfo {
        let Object { meta, created, .. } = self.list[object.index()];
        let name = self.names.iter().find(|(named, _)| *named == object);
        ObjectInfo {
            id: object,
            class: meta.class,
            word: meta.word,
            type_name: meta.type_name.map(|type_name| type_name()),
            name: name.map(|(_, name)| *name),
            created,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    pub(crate) fn message(&self, id: MessageId) -> &Message {
        &self.messages[id.index()]
    }

    pub(crate) fn last_message(&self, object: ObjectId) -> MessageId {
        *self.atomic(object).order.last().expect("an atomic has its initial value")
    }

    /// The last event of `thread` on `object`.
    pub(crate) fn head(&self, object: ObjectId, thread: ThreadId) -> Option<u32> {
        let head = self.heads[object.index() * self.width + thread.index()];
        (head != NONE).then_some(head)
    }

    /// Sets the last event of `thread` on `object`; answers the one before.
    pub(crate) fn replace_head(
        &mut self,
        object: ObjectId,
        thread: ThreadId,
        event: u32,
    ) -> Option<u32> {
        let head = &mut self.heads[object.index() * self.width + thread.index()];
        let before = std::mem::replace(head, event);
        (before != NONE).then_some(before)
    }

    /// Undoes [`Objects::replace_head`].
    pub(crate) fn restore_head(&mut self, object: ObjectId, thread: ThreadId, event: Option<u32>) {
        self.heads[object.index() * self.width + thread.index()] = event.unwrap_or(NONE);
    }

    /// Puts `message` into the modification order of `object`, right after the position of `after`.
    pub(crate) fn insert(
        &mut self,
        object: ObjectId,
        after: MessageId,
        message: Message,
    ) -> MessageId {
        let id = self.next_message();
        let at = self.message(after).position + 1;
        self.messages.push(Message { position: at, ..message });
        let state = self.list[object.index()].state as usize;
        let order = &mut self.atomics.items[state].order;
        order.insert(at as usize, id);
        for &later in &order[at as usize + 1..] {
            self.messages[later.index()].position += 1;
        }
        id
    }

    /// Undoes the last [`Objects::insert`].
    pub(crate) fn remove_last(&mut self, object: ObjectId) {
        let message = self.messages.pop().expect("there was an insertion");
        let state = self.list[object.index()].state as usize;
        let order = &mut self.atomics.items[state].order;
        order.remove(message.position as usize);
        for &later in &order[message.position as usize..] {
            self.messages[later.index()].position -= 1;
        }
    }
}
