//! The objects of one execution and what the engine knows of each.

use std::panic::Location;

use crate::clock::{CHUNK, Row};
use crate::event::{Class, EventId, MessageId, ObjectId, ThreadId};
use crate::finding::{ObjectInfo, Place};
use crate::meta::{self, Meta};

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
    pub(crate) event: Option<EventId>,
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
    /// The last event that stored something new, this one included, where stores come in the order of execution.
    pub(crate) news: Option<EventId>,
}

impl Message {
    /// Makes it the store that follows it in the modification order, where that is the order of execution.
    #[inline]
    pub(crate) fn overwrite(&mut self, value: u64, event: EventId, release: Row, idle: bool) {
        if !idle {
            self.news = Some(event);
        }
        self.value = value;
        self.event = Some(event);
        self.release = release;
    }
}

/// An atomic: its stores in modification order, the initial value first; without kept events, the last one alone.
#[derive(Debug, Default)]
pub(crate) struct AtomicState {
    pub(crate) order: Vec<MessageId>,
    /// How many of them were read by a read-modify-write.
    pub(crate) taken: usize,
}

/// A lock.
#[derive(Debug, Default)]
pub(crate) struct MutexState {
    pub(crate) owner: Option<ThreadId>,
    /// Who has announced to take it.
    pub(crate) waiting: u64,
    /// What the last unlock published.
    pub(crate) release: Row,
}

/// A readers-writer lock.
#[derive(Debug, Default)]
pub(crate) struct RwLockState {
    pub(crate) writer: Option<ThreadId>,
    pub(crate) readers: Vec<ThreadId>,
    pub(crate) waiting_writers: u32,
    /// What the last write unlock published.
    pub(crate) write_release: Row,
    /// What the read unlocks since the last write lock published.
    pub(crate) read_release: Row,
}

impl RwLockState {
    /// Whether a reader gets it now.
    pub(crate) fn admits_readers(&self) -> bool {
        self.writer.is_none() && self.waiting_writers == 0
    }

    /// Whether a writer gets it now.
    pub(crate) fn is_free(&self) -> bool {
        self.writer.is_none() && self.readers.is_empty()
    }
}

/// A condition variable: who waits and was not notified.
#[derive(Debug, Default)]
pub(crate) struct CondvarState {
    pub(crate) waiters: Vec<ThreadId>,
    /// The last notification that found nobody.
    pub(crate) missed: Option<Place>,
}

/// A close of an object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Close {
    pub(crate) thread: ThreadId,
    /// The number of the thread's next event.
    pub(crate) next: u32,
    pub(crate) location: Place,
}

/// An object of a library, or one side of it.
#[derive(Debug, Default)]
pub(crate) struct MonitorState {
    /// What the last critical section published.
    pub(crate) release: Row,
    /// Its first close.
    pub(crate) closed: Option<Close>,
    /// Of a side: the object.
    pub(crate) side_of: Option<ObjectId>,
    /// Of a side: how many hold it.
    pub(crate) holders: u32,
    /// Of a side: whether anybody has let go of it.
    pub(crate) was_let_go: bool,
}

/// An access to plain data.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CellAccess {
    pub(crate) thread: ThreadId,
    pub(crate) number: u32,
    pub(crate) event: EventId,
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
    /// Of an atomic, the last store.
    last: Option<MessageId>,
    /// Where events are kept: the threads that have made any on it.
    users: u64,
    /// The last event that changed it; not of an atomic.
    news: Option<EventId>,
}

impl Object {
    fn new(meta: &'static Meta, created: &'static Location<'static>, state: u32) -> Self {
        Self { meta, created, state, last: None, users: 0, news: None }
    }
}

/// All objects of the execution.
#[derive(Debug)]
pub(crate) struct Objects {
    list: Vec<Object>,
    /// Per object, for so many threads, the last event of each, where events are kept.
    heads: Vec<Option<EventId>>,
    width: usize,
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
        #[inline]
        pub(crate) fn $get(&self, object: ObjectId) -> &$state {
            &self.$pool.items[self.list[object.index()].state as usize]
        }

        #[inline]
        pub(crate) fn $get_mut(&mut self, object: ObjectId) -> &mut $state {
            &mut self.$pool.items[self.list[object.index()].state as usize]
        }
    )*};
}

impl Objects {
    pub(crate) fn new() -> Self {
        let clock = Object::new(&meta::CLOCK, Location::caller(), NONE);
        Self {
            list: vec![clock],
            heads: Vec::new(),
            width: CHUNK,
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

    /// Forgets all objects but the clock.
    pub(crate) fn reset(&mut self) {
        self.list.truncate(1);
        (self.list[0].users, self.list[0].news) = (0, None);
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
        let mut heads = Vec::with_capacity(self.heads.len() / self.width * width);
        for object in self.heads.chunks(self.width) {
            heads.extend_from_slice(object);
            heads.resize(heads.len() + width - self.width, None);
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
            Class::Atomic => unreachable!("an atomic has a value of its own"),
            Class::Mutex => self.mutexes.take(),
            Class::RwLock => self.rwlocks.take(),
            Class::Condvar => self.condvars.take(),
            Class::Cell => self.cells.take(),
            Class::Monitor => self.monitors.take(),
        };
        let id = self.push(meta, created, state);
        match meta.class {
            Class::Clock | Class::Thread | Class::Atomic => {}
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

    /// Adds an object that has no state here.
    #[inline]
    pub(crate) fn add_plain(
        &mut self,
        meta: &'static Meta,
        created: &'static Location<'static>,
    ) -> ObjectId {
        self.push(meta, created, NONE)
    }

    #[inline]
    fn push(
        &mut self,
        meta: &'static Meta,
        created: &'static Location<'static>,
        state: u32,
    ) -> ObjectId {
        let id = ObjectId(u32::try_from(self.list.len()).expect("objects are few"));
        self.list.push(Object::new(meta, created, state));
        id
    }

    /// Adds an atomic that holds `value`; with its modification order, if it is to have a history.
    pub(crate) fn add_atomic(
        &mut self,
        meta: &'static Meta,
        value: u64,
        created: &'static Location<'static>,
        history: bool,
    ) -> ObjectId {
        let message = self.next_message();
        let state = if history { self.atomics.take() } else { NONE };
        let id = self.push(meta, created, state);
        if history {
            let AtomicState { order, taken } = self.atomic_mut(id);
            order.clear();
            order.push(message);
            *taken = 0;
        }
        self.list[id.index()].last = Some(message);
        let release = Row::EMPTY;
        self.messages.push(Message {
            value,
            event: None,
            born: 0,
            position: 0,
            release,
            taken: false,
            idle: false,
            news: None,
        });
        id
    }

    #[inline]
    pub(crate) fn next_message(&self) -> MessageId {
        MessageId::new(self.messages.len())
    }

    state! {
        atomic, atomic_mut, atomics, AtomicState;
        mutex, mutex_mut, mutexes, MutexState;
        rwlock, rwlock_mut, rwlocks, RwLockState;
        condvar, condvar_mut, condvars, CondvarState;
        cell, cell_mut, cells, CellState;
        monitor, monitor_mut, monitors, MonitorState;
    }

    #[inline]
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

    /// What reports say of an object; of a side they say it of the object.
    pub(crate) fn info(&self, object: ObjectId) -> ObjectInfo {
        let Object { meta, created, .. } = self.list[object.index()];
        if let Some(whole) = self.side_of(object) {
            return self.info(whole);
        }
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

    fn side_of(&self, object: ObjectId) -> Option<ObjectId> {
        if self.class(object) == Class::Monitor { self.monitor(object).side_of } else { None }
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    #[inline]
    pub(crate) fn message(&self, id: MessageId) -> &Message {
        &self.messages[id.index()]
    }

    #[inline]
    pub(crate) fn last_message(&self, object: ObjectId) -> MessageId {
        self.list[object.index()].last.expect("an atomic has its initial value")
    }

    /// The last event that changed `object`, which is no atomic.
    #[inline]
    pub(crate) fn news(&self, object: ObjectId) -> Option<EventId> {
        self.list[object.index()].news
    }

    #[inline]
    pub(crate) fn set_news(&mut self, object: ObjectId, event: EventId) {
        self.list[object.index()].news = Some(event);
    }

    /// The threads that may have made events on `object`.
    #[inline]
    pub(crate) fn users(&self, object: ObjectId) -> u64 {
        self.list[object.index()].users
    }

    /// The last event of `thread` on `object`.
    pub(crate) fn head(&self, object: ObjectId, thread: ThreadId) -> Option<EventId> {
        let at = object.index() * self.width + thread.index();
        self.heads.get(at).copied().flatten()
    }

    /// Sets the last event of `thread` on `object`; answers the one before.
    #[inline]
    pub(crate) fn replace_head(
        &mut self,
        object: ObjectId,
        thread: ThreadId,
        event: EventId,
    ) -> Option<EventId> {
        self.list[object.index()].users |= 1 << thread.index();
        let at = object.index() * self.width + thread.index();
        if at >= self.heads.len() {
            self.add_heads();
        }
        self.heads[at].replace(event)
    }

    /// Makes room for the heads of all objects there are.
    #[inline(never)]
    fn add_heads(&mut self) {
        self.heads.resize(self.list.len() * self.width, None);
    }

    /// Undoes [`Objects::replace_head`].
    pub(crate) fn restore_head(
        &mut self,
        object: ObjectId,
        thread: ThreadId,
        event: Option<EventId>,
    ) {
        self.heads[object.index() * self.width + thread.index()] = event;
    }

    /// Puts `message` into the modification order of `object`, at its position.
    #[inline(always)]
    pub(crate) fn insert(&mut self, object: ObjectId, message: Message) -> MessageId {
        let id = self.next_message();
        let at = message.position as usize;
        self.messages.push(message);
        let Object { state, last, .. } = &mut self.list[object.index()];
        let order = &mut self.atomics.items[*state as usize].order;
        if at == order.len() {
            order.push(id);
            *last = Some(id);
        } else {
            order.insert(at, id);
            for &later in &order[at + 1..] {
                self.messages[later.index()].position += 1;
            }
        }
        id
    }

    /// A read-modify-write has read `message`, a store of `object`: no other one will.
    #[inline]
    pub(crate) fn take(&mut self, object: ObjectId, message: MessageId) {
        self.messages[message.index()].taken = true;
        self.atomic_mut(object).taken += 1;
    }

    /// Undoes the last [`Objects::insert`].
    pub(crate) fn remove_last(&mut self, object: ObjectId) {
        let message = self.messages.pop().expect("there was an insertion");
        let Object { state, last, .. } = &mut self.list[object.index()];
        let order = &mut self.atomics.items[*state as usize].order;
        order.remove(message.position as usize);
        *last = order.last().copied();
        for &later in &order[message.position as usize..] {
            self.messages[later.index()].position -= 1;
        }
    }
}
