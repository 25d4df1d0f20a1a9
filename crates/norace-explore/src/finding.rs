//! What the explorer reports: one execution that should not exist, and why.

use std::fmt::{self, Write as _};
use std::panic::Location;
use std::sync::atomic::Ordering;

use crate::config::{Misuse, THREADS_MAX};
use crate::event::{Class, Kind, ObjectId, ThreadId};

/// A place in the program.
pub type Place = &'static Location<'static>;

/// A thread, as a report names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThreadInfo {
    /// Its number; from [`THREADS_MAX`] on, that of one whose place another had before.
    pub id: ThreadId,
    /// Its name, when it was given one.
    pub name: Option<String>,
    /// Where it was spawned; none for the main thread.
    pub spawned_at: Option<Place>,
    /// Whether it is a timer of a library, not a thread of the program.
    pub is_timer: bool,
}

/// An object, as a report names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectInfo {
    /// Its number.
    pub id: ObjectId,
    /// What it is to the explorer.
    pub class: Class,
    /// What it is to people: the class, or the word of the library that made it.
    pub word: &'static str,
    /// The type of what is inside, where that is known.
    pub type_name: Option<&'static str>,
    /// The name it was given.
    pub name: Option<&'static str>,
    /// Where it was created.
    pub created: Place,
}

/// One side of a data race.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Who.
    pub thread: ThreadInfo,
    /// Whether it wrote.
    pub write: bool,
    /// Where.
    pub location: Place,
    /// Which event of the trace it is.
    pub event: u32,
}

/// Why nothing orders two accesses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unordered {
    /// The later thread read something the earlier one stored after its access, but the pair does not synchronise.
    Unsynchronised {
        /// Where the store was, and its ordering.
        store: (Place, Ordering),
        /// Where the load was, and its ordering.
        load: (Place, Ordering),
    },
    /// The later thread learned nothing from the earlier one after its access.
    Nothing,
}

/// One of the things that a thread waits for, in the words of the library that makes it wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waits {
    /// What it would do: `receive from`, say.
    pub what: &'static str,
    /// The object.
    pub object: ObjectInfo,
    /// Where the program asked for it.
    pub location: Place,
}

/// What a thread that cannot go on waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocked {
    /// Who.
    pub thread: ThreadInfo,
    /// The call it waits in.
    pub operation: Kind,
    /// Where it waits.
    pub location: Place,
    /// What it waits for.
    pub object: ObjectInfo,
    /// Who holds it, where that is known.
    pub held_by: Vec<ThreadId>,
    /// What a library says it waits for.
    pub waits: Vec<Waits>,
    /// A notification that found nobody waiting, made before this wait began.
    pub missed: Option<Place>,
}

/// A lock that a thread took while it held another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nested {
    /// Who.
    pub thread: ThreadInfo,
    /// The lock it held, and where it had taken it.
    pub held: (ObjectInfo, Place),
    /// The lock it took, and where.
    pub taken: (ObjectInfo, Place),
    /// The event that took it.
    pub event: u32,
}

/// A defect that one execution shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Two accesses to plain data, at least one a write, with nothing to order them.
    DataRace {
        /// The data.
        object: ObjectInfo,
        /// The access that came first in this execution.
        first: Access,
        /// The other one.
        second: Access,
        /// Why they are not ordered.
        why: Unordered,
    },
    /// The main thread waits and nothing can run.
    Deadlock {
        /// All that wait.
        blocked: Vec<Blocked>,
        /// The threads that wait for each other in a circle, when locks or joins close one.
        cycle: Vec<ThreadId>,
    },
    /// The main thread is done and the others wait for ever.
    Leak {
        /// All that wait.
        blocked: Vec<Blocked>,
    },
    /// Threads run for ever and none changes anything.
    Livelock {
        /// All that spin or wait.
        blocked: Vec<Blocked>,
    },
    /// A panic that nobody takes: of the main thread, or of one that was not joined.
    Panic {
        /// Who.
        thread: ThreadInfo,
        /// The message, where it is text.
        message: String,
        /// Where, unless the panic was resumed.
        location: Option<String>,
    },
    /// A value that the program wants to be gone at the end is not.
    LeakedValue {
        /// Its type.
        type_name: &'static str,
        /// Where it was made.
        created: Place,
        /// By whom.
        thread: ThreadInfo,
        /// The event before which it was made.
        event: u32,
    },
    /// Something that was forbidden for this exploration.
    Misused {
        /// What.
        misuse: Misuse,
        /// On what.
        object: ObjectInfo,
        /// Who.
        thread: ThreadInfo,
        /// Where.
        location: Place,
        /// Who closed it first, and where.
        closed: (ThreadInfo, Place),
        /// The event that did it.
        event: u32,
    },
    /// Threads took locks in orders that make a circle, and nothing kept them from doing so at the same time.
    LockOrder {
        /// Each thread with the lock it held and the one it took.
        cycle: Vec<Nested>,
    },
    /// A compare-exchange found the value its thread had loaded, but in between it had been another one.
    Aba {
        /// The atomic.
        object: ObjectInfo,
        /// Who.
        thread: ThreadInfo,
        /// Where the value was loaded.
        loaded: Place,
        /// Where it was exchanged.
        exchanged: Place,
        /// The value.
        value: u128,
        /// The exchange.
        event: u32,
    },
    /// An execution was longer than the step bound.
    TooLong {
        /// The bound.
        steps_max: u32,
    },
    /// More threads and timers, at once or unknown to who spawned another, than a model may have.
    TooManyThreads {
        /// Who spawned one more.
        thread: ThreadInfo,
        /// Where.
        spawned_at: Place,
    },
    /// A replayed choice was not there to choose, or a re-run of the same choices went another way: the model depends
    /// on something the explorer does not control.
    Diverged {
        /// The step.
        step: u32,
    },
}

impl Finding {
    /// A word for its kind that does not change between versions.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::DataRace { .. } => "data-race",
            Self::Deadlock { blocked, .. } | Self::Leak { blocked } if is_lost(blocked) => {
                "lost-wakeup"
            }
            Self::Deadlock { .. } => "deadlock",
            Self::Leak { .. } => "leak",
            Self::Livelock { .. } => "livelock",
            Self::Panic { .. } => "panic",
            Self::LeakedValue { .. } => "leaked-value",
            Self::Misused { misuse: Misuse::SecondClose, .. } => "second-close",
            Self::Misused { misuse: Misuse::SendAfterClose, .. } => "send-after-close",
            Self::LockOrder { .. } => "lock-order",
            Self::Aba { .. } => "aba",
            Self::TooLong { .. } => "too-long",
            Self::TooManyThreads { .. } => "too-many-threads",
            Self::Diverged { .. } => "diverged",
        }
    }

    /// The same text for what is the same defect of the program, in whichever execution it shows.
    pub fn signature(&self) -> String {
        let mut text = self.kind().to_owned();
        let mut add = |part: &dyn fmt::Display| {
            write!(text, " {part}").expect("writing to a string does not fail");
        };
        match self {
            Self::DataRace { object, first, second, .. } => {
                let mut sides = [side(first), side(second)];
                sides.sort();
                add(&object.created);
                sides.iter().for_each(|side| add(side));
            }
            Self::Deadlock { blocked, .. }
            | Self::Leak { blocked }
            | Self::Livelock { blocked } => {
                let mut all: Vec<String> = blocked.iter().map(waiting).collect();
                all.sort();
                all.dedup();
                all.iter().for_each(|one| add(one));
            }
            Self::Panic { location, message, .. } => add(location.as_ref().unwrap_or(message)),
            Self::LeakedValue { created, .. } => add(created),
            Self::Misused { location, .. } => add(location),
            Self::LockOrder { cycle } => {
                let mut sides: Vec<_> = cycle.iter().map(|edge| edge.taken.1.to_string()).collect();
                sides.sort();
                sides.iter().for_each(|side| add(side));
            }
            Self::Aba { exchanged, .. } => add(exchanged),
            Self::TooManyThreads { spawned_at, .. } => add(spawned_at),
            Self::TooLong { .. } | Self::Diverged { .. } => {}
        }
        text
    }
}

fn side(access: &Access) -> String {
    format!("{}{}", if access.write { 'w' } else { 'r' }, access.location)
}

fn waiting(blocked: &Blocked) -> String {
    let mut text = format!("{:?}@{}", blocked.operation, blocked.location);
    for wait in &blocked.waits {
        write!(text, "+{}@{}", wait.what, wait.location).expect("writing to a string");
    }
    text
}

/// Whether somebody waits for a notification that was made before, and all others wait for locks and threads.
fn is_lost(blocked: &[Blocked]) -> bool {
    blocked.iter().any(|one| one.missed.is_some())
        && blocked
            .iter()
            .all(|one| one.missed.is_some() || matches!(one.operation, Kind::Join | Kind::Lock))
}

impl fmt::Display for ThreadInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_timer { "timer " } else { "thread " })?;
        write!(f, "{}", self.id.index())?;
        if let Some(name) = &self.name {
            write!(f, " \"{name}\"")?;
        }
        if let Some(at) = self.spawned_at {
            write!(f, " (spawned {at})")?;
        }
        Ok(())
    }
}

impl fmt::Display for ObjectInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word)?;
        if let Some(name) = self.name {
            write!(f, " `{name}`")?;
        }
        if let Some(type_name) = self.type_name {
            write!(f, " of {type_name}")?;
        }
        write!(f, " created at {}", self.created)
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = if self.write { "write" } else { "read" };
        write!(f, "{verb} by {} at {}", self.thread, self.location)
    }
}

impl fmt::Display for Unordered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsynchronised { store, load } => write!(
                f,
                "the load at {} ({:?}) read what the store at {} ({:?}) wrote, but they do not synchronise",
                load.0, load.1, store.0, store.1
            ),
            Self::Nothing => {
                f.write_str("the second thread learned nothing from the first after its access")
            }
        }
    }
}

impl fmt::Display for Blocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} waits at {}: ", self.thread, self.location)?;
        for wait in &self.waits {
            write!(f, "to {} the {} at {}; ", wait.what, wait.object, wait.location)?;
        }
        write!(f, "{:?} on {}", self.operation, self.object)?;
        for holder in &self.held_by {
            write!(f, ", held by thread {}", holder.index())?;
        }
        if let Some(at) = self.missed {
            write!(f, ", after the notification at {at} found nobody waiting")?;
        }
        Ok(())
    }
}

impl fmt::Display for Nested {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} took the {} at {}", self.thread, self.taken.0, self.taken.1)?;
        write!(f, ", holding the {} since {}", self.held.0, self.held.1)
    }
}

fn list(f: &mut fmt::Formatter<'_>, blocked: &[Blocked]) -> fmt::Result {
    blocked.iter().try_for_each(|one| write!(f, "\n  {one}"))
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DataRace { object, first, second, why } => {
                write!(f, "data race on the {object}\n  {first}\n  {second}\n  {why}")
            }
            Self::Deadlock { blocked, cycle } => {
                f.write_str("deadlock")?;
                if !cycle.is_empty() {
                    f.write_str(", a cycle of threads")?;
                    cycle.iter().try_for_each(|thread| write!(f, " {}", thread.index()))?;
                }
                list(f, blocked)
            }
            Self::Leak { blocked } => {
                f.write_str("threads left waiting when the main thread was done")?;
                list(f, blocked)
            }
            Self::Livelock { blocked } => {
                f.write_str("livelock: threads run and nothing changes")?;
                list(f, blocked)
            }
            Self::Panic { thread, message, location } => {
                write!(f, "panic in {thread}: {message}")?;
                location.as_ref().map_or(Ok(()), |location| write!(f, ", at {location}"))
            }
            Self::LeakedValue { type_name, created, thread, .. } => {
                write!(f, "a {type_name} made at {created} by {thread} was never dropped")
            }
            Self::Misused { misuse, object, thread, location, closed, .. } => {
                let what = match misuse {
                    Misuse::SecondClose => "a second close",
                    Misuse::SendAfterClose => "a send after the close",
                };
                write!(f, "{what} of the {object}\n  {thread} at {location}")?;
                write!(f, "\n  closed by {} at {}", closed.0, closed.1)
            }
            Self::LockOrder { cycle } => {
                f.write_str("locks taken in opposite orders")?;
                cycle.iter().try_for_each(|edge| write!(f, "\n  {edge}"))
            }
            Self::Aba { object, thread, loaded, exchanged, value, .. } => write!(
                f,
                "the value {value} of the {object} changed and came back between its load at {loaded} and the \
                 exchange at {exchanged} by {thread}"
            ),
            Self::TooLong { steps_max } => {
                write!(f, "an execution took more than {steps_max} steps")
            }
            Self::TooManyThreads { thread, spawned_at } => write!(
                f,
                "a model may have at most {THREADS_MAX} threads at once, timers included, and {thread} spawned another \
                 at {spawned_at}"
            ),
            Self::Diverged { step } => {
                write!(f, "the model did not repeat itself: choices diverged at step {step}")
            }
        }
    }
}
