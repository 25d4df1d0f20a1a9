//! What threads do: operations as announced, events as executed, and which of them depend on each other.

use std::num::NonZeroU32;
use std::ops::{Index, IndexMut};
use std::panic::Location;
use std::sync::atomic::Ordering;

use crate::clock::Row;
use crate::engine::Wide;

/// A model thread, numbered in the order of spawning; the main thread is 0. Beyond
/// [`THREADS_MAX`](crate::THREADS_MAX) numbers are used again; traces and findings have others for those who got
/// one so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ThreadId(pub(crate) u16);

impl ThreadId {
    /// The thread that runs the model's closure.
    pub const MAIN: Self = Self(0);

    /// The number.
    #[inline]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }

    #[inline]
    pub(crate) fn new(index: usize) -> Self {
        Self(u16::try_from(index).expect("at most 64 threads"))
    }
}

/// An instrumented object, numbered in the order of first use within an execution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId(pub(crate) u32);

impl ObjectId {
    /// The virtual clock and fences, which have no object of their own.
    pub(crate) const CLOCK: Self = Self(0);

    /// The position in the order of first use.
    #[inline]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A position from 1, so that an optional one takes no more room.
#[inline]
fn from_one(index: usize) -> NonZeroU32 {
    let number = u32::try_from(index + 1).ok().and_then(NonZeroU32::new);
    number.expect("the step bound keeps events and stores few")
}

/// A store in the modification order of an atomic, numbered in the order of execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(NonZeroU32);

impl MessageId {
    #[inline]
    pub(crate) fn new(index: usize) -> Self {
        Self(from_one(index))
    }

    #[inline]
    pub(crate) fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

/// An event, numbered in the order of execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct EventId(NonZeroU32);

impl EventId {
    #[inline]
    pub(crate) fn new(index: usize) -> Self {
        Self(from_one(index))
    }

    #[inline]
    pub(crate) fn index(self) -> usize {
        self.0.get() as usize - 1
    }

    /// The position in the trace.
    #[inline]
    pub(crate) fn short(self) -> u32 {
        self.0.get() - 1
    }
}

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// The virtual clock.
    Clock,
    /// An atomic of any width.
    Atomic,
    /// Plain data.
    Cell,
    /// A mutual exclusion lock.
    Mutex,
    /// A readers-writer lock.
    RwLock,
    /// A condition variable.
    Condvar,
    /// A thread's park token.
    Thread,
    /// An object of a library, each of whose critical sections is one step: a channel, say.
    Monitor,
}

/// The change a read-modify-write makes: old value and operand to new value, each in the low bits or, where it is too
/// large for that, a number.
pub(crate) type Apply = fn(&mut Wide, u64, u64) -> u64;

/// An operation as announced: everything the scheduler has to know before it happens.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    Load {
        order: Ordering,
    },
    Store {
        value: u64,
        order: Ordering,
    },
    Rmw {
        apply: Apply,
        operand: u64,
        order: Ordering,
    },
    CompareExchange {
        expected: u64,
        new: u64,
        success: Ordering,
        failure: Ordering,
        weak: bool,
    },
    Fence {
        order: Ordering,
    },
    Lock,
    TryLock,
    Unlock,
    Read,
    TryRead,
    ReadUnlock,
    WriteRegister,
    Write,
    TryWrite,
    WriteUnlock,
    Enqueue,
    Wake {
        timer: bool,
    },
    NotifyOne,
    NotifyAll,
    Join {
        target: ThreadId,
    },
    /// Whether a thread has finished.
    IsFinished {
        target: ThreadId,
    },
    Park {
        timer: bool,
    },
    Unpark,
    Yield,
    TimerBegin {
        after_ns: u64,
    },
    TimerFire,
    Now,
    /// A critical section of a monitor, by what it does.
    Enter {
        what: &'static str,
    },
    /// One that may come to nothing.
    Attempt {
        what: &'static str,
    },
    /// One of those who hold a side of a monitor lets go of it.
    LetGo {
        what: &'static str,
    },
    Choose {
        bound: u16,
    },
    AlarmFire,
    AlarmLook,
    AlarmCancel,
}

/// An event's kind: an operation together with how it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is named as the call of the standard library it stands for")]
pub enum Kind {
    Load,
    Store,
    /// A read-modify-write that took effect.
    Rmw,
    /// A compare-exchange that did not find its value, or failed spuriously.
    FailedCompareExchange,
    Fence,
    CellRead,
    CellWrite,
    Lock,
    TryLock,
    FailedTryLock,
    Unlock,
    Read,
    TryRead,
    FailedTryRead,
    ReadUnlock,
    /// A writer joined the queue of a readers-writer lock; from here on new readers wait.
    WriteRegister,
    Write,
    TryWrite,
    FailedTryWrite,
    WriteUnlock,
    /// A wait on a condition variable began.
    Enqueue,
    /// A wait without time limit ended by a notification.
    Wake,
    /// A wait with a time limit ended by a notification.
    TimedWake,
    /// A wait ended by its time limit.
    WaitTimeout,
    NotifyOne,
    NotifyAll,
    Spawn,
    Join,
    /// A look at whether a thread has finished.
    IsFinished,
    Finish,
    /// A park without time limit ended.
    Park,
    /// A park with a time limit ended by an unpark.
    TimedPark,
    /// A park ended by its time limit.
    ParkTimeout,
    Unpark,
    Yield,
    TimerBegin,
    TimerFire,
    Now,
    /// A critical section of a monitor.
    Enter,
    /// A critical section of a monitor that changed nothing.
    Look,
    /// One of several who held a side of a monitor let go of it.
    LetGo,
    /// The last one who held a side of a monitor let go of it.
    LastLetGo,
    /// A free choice of the model.
    Choose,
    AlarmFire,
    AlarmLook,
    AlarmCancel,
}

impl Op {
    /// Whether it accesses an atomic.
    #[inline]
    pub(crate) fn is_access(&self) -> bool {
        matches!(
            self,
            Self::Load { .. }
                | Self::Store { .. }
                | Self::Rmw { .. }
                | Self::CompareExchange { .. }
        )
    }

    /// Whether it is one of the frequent operations that can happen at once, whatever others do, unless they repeat.
    #[inline]
    pub(crate) fn goes_on_at_once(&self) -> bool {
        self.is_access() || matches!(self, Self::Unlock)
    }

    /// Whether its step may decide something besides the thread, whatever the memory.
    #[inline]
    pub(crate) fn leaves_open(&self) -> bool {
        let open = matches!(
            self,
            Self::NotifyOne | Self::Choose { .. } | Self::Wake { .. } | Self::Park { .. }
        );
        open || matches!(self, Self::CompareExchange { weak: true, .. })
    }

    /// Whether it reads an atomic.
    pub(crate) fn reads(self) -> bool {
        matches!(self, Self::Load { .. } | Self::Rmw { .. } | Self::CompareExchange { .. })
    }

    /// Whether it may change nothing, so that who repeats it in a loop waits for others.
    pub(crate) fn polls(self) -> bool {
        let tries = matches!(self, Self::TryLock | Self::TryRead | Self::TryWrite);
        let looks =
            matches!(self, Self::Attempt { .. } | Self::IsFinished { .. } | Self::AlarmLook);
        self.reads() || tries || looks
    }

    /// The kind this becomes when it changes nothing, of those that may.
    pub(crate) fn kind_in_vain(self) -> Kind {
        match self {
            Self::CompareExchange { .. } => Kind::FailedCompareExchange,
            Self::TryLock => Kind::FailedTryLock,
            Self::TryRead => Kind::FailedTryRead,
            Self::TryWrite => Kind::FailedTryWrite,
            Self::Attempt { .. } => Kind::Look,
            op => op.kind(),
        }
    }

    /// The kind this becomes when it succeeds.
    pub(crate) fn kind(self) -> Kind {
        match self {
            Self::Load { .. } => Kind::Load,
            Self::Store { .. } => Kind::Store,
            Self::Rmw { .. } | Self::CompareExchange { .. } => Kind::Rmw,
            Self::Fence { .. } => Kind::Fence,
            Self::Lock => Kind::Lock,
            Self::TryLock => Kind::TryLock,
            Self::Unlock => Kind::Unlock,
            Self::Read => Kind::Read,
            Self::TryRead => Kind::TryRead,
            Self::ReadUnlock => Kind::ReadUnlock,
            Self::WriteRegister => Kind::WriteRegister,
            Self::Write => Kind::Write,
            Self::TryWrite => Kind::TryWrite,
            Self::WriteUnlock => Kind::WriteUnlock,
            Self::Enqueue => Kind::Enqueue,
            Self::Wake { timer: false } => Kind::Wake,
            Self::Wake { timer: true } => Kind::TimedWake,
            Self::NotifyOne => Kind::NotifyOne,
            Self::NotifyAll => Kind::NotifyAll,
            Self::Join { .. } => Kind::Join,
            Self::IsFinished { .. } => Kind::IsFinished,
            Self::Park { timer: false } => Kind::Park,
            Self::Park { timer: true } => Kind::TimedPark,
            Self::Unpark => Kind::Unpark,
            Self::Yield => Kind::Yield,
            Self::TimerBegin { .. } => Kind::TimerBegin,
            Self::TimerFire => Kind::TimerFire,
            Self::Now => Kind::Now,
            Self::Enter { .. } | Self::Attempt { .. } => Kind::Enter,
            Self::LetGo { .. } => Kind::LetGo,
            Self::Choose { .. } => Kind::Choose,
            Self::AlarmLook => Kind::AlarmLook,
            Self::AlarmFire => Kind::AlarmFire,
            Self::AlarmCancel => Kind::AlarmCancel,
        }
    }
}

impl Kind {
    pub(crate) fn reads(self) -> bool {
        matches!(self, Self::Load | Self::Rmw | Self::FailedCompareExchange)
    }

    pub(crate) fn writes(self) -> bool {
        matches!(self, Self::Store | Self::Rmw)
    }

    /// Whether it accesses plain data, which orders nothing.
    #[inline]
    pub(crate) fn is_plain(self) -> bool {
        matches!(self, Self::CellRead | Self::CellWrite)
    }

    /// Whether it has changed nothing: looks commute with each other, and order nothing.
    #[inline]
    pub(crate) fn is_look(self) -> bool {
        matches!(
            self,
            Self::FailedTryLock
                | Self::FailedTryRead
                | Self::FailedTryWrite
                | Self::Look
                | Self::IsFinished
                | Self::AlarmLook
        )
    }

    /// Whether it is part of a step that time made possible.
    #[inline]
    pub(crate) fn is_of_time_out(self) -> bool {
        matches!(self, Self::WaitTimeout | Self::ParkTimeout | Self::AlarmFire | Self::TimerFire)
    }

    fn is_try(self) -> bool {
        matches!(
            self,
            Self::TryLock
                | Self::FailedTryLock
                | Self::TryRead
                | Self::FailedTryRead
                | Self::TryWrite
                | Self::FailedTryWrite
        )
    }

    fn enters_shared(self) -> bool {
        matches!(self, Self::Read | Self::TryRead | Self::FailedTryRead)
    }

    fn is_shared(self) -> bool {
        matches!(self, Self::Read | Self::TryRead | Self::FailedTryRead | Self::ReadUnlock)
    }
}

/// Whether two events on one object, `first` executed before `second`, are in causal order.
///
/// Not asked for weak atomics: there the order is `rf`.
pub(crate) fn ordered(class: Class, first: Kind, second: Kind) -> bool {
    if first.is_look() && second.is_look() {
        return false;
    }
    match class {
        Class::Atomic => first.writes() || second.writes(),
        Class::Cell => false,
        Class::Mutex => true,
        Class::RwLock if first == Kind::WriteRegister => second.enters_shared(),
        Class::RwLock if second == Kind::WriteRegister => first.enters_shared(),
        Class::RwLock => !(first.is_shared() && second.is_shared()),
        // The notification that ends a wait is known, and is before the wake by itself.
        Class::Condvar => {
            let other = if is_notify(first) { second } else { first };
            (is_notify(first) || is_notify(second))
                && !matches!(other, Kind::Wake | Kind::TimedWake)
        }
        // All that matters is who is the last.
        Class::Monitor => !(first == Kind::LetGo && second == Kind::LetGo),
        // Unparks commute with each other; so does all that touches the clock without moving it.
        Class::Thread => matches!(
            (first, second),
            (Kind::Park | Kind::TimedPark | Kind::ParkTimeout, Kind::Unpark)
                | (Kind::Unpark, Kind::Park | Kind::TimedPark | Kind::ParkTimeout)
                | (Kind::Finish, Kind::IsFinished)
                | (Kind::IsFinished, Kind::Finish)
                | (Kind::AlarmFire, Kind::AlarmCancel | Kind::AlarmLook)
                | (Kind::AlarmCancel | Kind::AlarmLook, Kind::AlarmFire)
        ),
        Class::Clock => (first == Kind::TimerFire) != (second == Kind::TimerFire),
    }
}

fn is_notify(kind: Kind) -> bool {
    matches!(kind, Kind::NotifyOne | Kind::NotifyAll)
}

/// Whether two dependent events of different threads can come in the other order as well, so that the explorer must
/// try it; the rest of [`ordered`] only enables.
pub(crate) fn reversible(class: Class, first: Kind, second: Kind) -> bool {
    if !ordered(class, first, second) {
        return false;
    }
    match class {
        Class::Mutex if second.is_try() => true,
        Class::Mutex => match first {
            Kind::Lock | Kind::TryLock => second == Kind::Lock,
            Kind::FailedTryLock => second == Kind::Unlock,
            _ => false,
        },
        Class::RwLock if second.is_try() => true,
        // A reader and a writer that registered are in conflict over the registration, not over the lock.
        Class::RwLock => !matches!(
            (first, second),
            (Kind::ReadUnlock | Kind::WriteUnlock, _)
                | (Kind::Read | Kind::TryRead, Kind::Write)
                | (Kind::Write, Kind::Read)
        ),
        _ => true,
    }
}

/// An executed operation; a cache line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event {
    pub(crate) thread: ThreadId,
    pub(crate) kind: Kind,
    pub(crate) order: Ordering,
    pub(crate) object: ObjectId,
    pub(crate) location: &'static Location<'static>,
    /// The position among the thread's events, from 1.
    pub(crate) number: u32,
    /// The scheduling step that executed it.
    pub(crate) frame: u32,
    /// The value read.
    pub(crate) read: u64,
    /// The value written; of a failed compare-exchange, the value it wanted to find.
    pub(crate) written: u64,
    /// The store it read.
    pub(crate) rf: Option<MessageId>,
    /// The store it is.
    pub(crate) message: Option<MessageId>,
    /// The thread's event before this one on the same object.
    pub(crate) previous: Option<EventId>,
    /// The causal past, this event included.
    pub(crate) causal: Row,
    /// The causal past without what it read from or was enabled by: that of the thread's event before it.
    pub(crate) before: Row,
    /// What happens before the next event of the thread, this event included.
    pub(crate) hb: Row,
}

/// The events of an execution, in order.
#[derive(Debug, Default)]
pub(crate) struct Events(Vec<Event>);

impl Events {
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn push(&mut self, event: Event) {
        self.0.push(event);
    }

    pub(crate) fn pop(&mut self) -> Option<Event> {
        self.0.pop()
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Event> {
        self.0.iter()
    }
}

impl Index<EventId> for Events {
    type Output = Event;

    #[inline]
    fn index(&self, event: EventId) -> &Event {
        &self.0[event.index()]
    }
}

impl IndexMut<EventId> for Events {
    #[inline]
    fn index_mut(&mut self, event: EventId) -> &mut Event {
        &mut self.0[event.index()]
    }
}

const _: () = assert!(size_of::<Event>() == 64, "an event fits a cache line");
