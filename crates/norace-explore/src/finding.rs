//! What the explorer reports: one execution that should not exist, and why.

use std::fmt;
use std::panic::Location;
use std::sync::atomic::Ordering;

use crate::event::{Class, Kind, ThreadId};

/// A thread, as a report names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThreadInfo {
    /// Its number.
    pub id: ThreadId,
    /// Its name, when it was given one.
    pub name: Option<String>,
    /// Where it was spawned; none for the main thread.
    pub spawned_at: Option<&'static Location<'static>>,
}

/// One side of a data race.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Who.
    pub thread: ThreadInfo,
    /// Whether it wrote.
    pub write: bool,
    /// Where.
    pub location: &'static Location<'static>,
}

/// Why nothing orders two accesses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unordered {
    /// The later thread read something the earlier one stored after its access, but the pair does not synchronise.
    Unsynchronised {
        /// Where the store was, and its ordering.
        store: (&'static Location<'static>, Ordering),
        /// Where the load was, and its ordering.
        load: (&'static Location<'static>, Ordering),
    },
    /// The later thread learned nothing from the earlier one after its access.
    Nothing,
}

/// What a thread that cannot go on waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocked {
    /// Who.
    pub thread: ThreadInfo,
    /// The call it waits in.
    pub operation: Kind,
    /// Where it waits.
    pub location: &'static Location<'static>,
    /// What it waits for, and where that was created.
    pub object: (Class, &'static Location<'static>),
    /// Who holds it, where that is known.
    pub held_by: Vec<ThreadId>,
}

/// A defect that one execution shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Two accesses to plain data, at least one a write, with nothing to order them.
    DataRace {
        /// Where the cell was created.
        created: &'static Location<'static>,
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
    },
    /// An execution was longer than the step bound.
    TooLong {
        /// The bound.
        steps_max: u32,
    },
    /// A replayed choice was not there to choose, or a re-run of the same choices went another way: the model depends
    /// on something the explorer does not control.
    Diverged {
        /// The step.
        step: u32,
    },
}

struct Name<'a>(&'a ThreadInfo);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "thread {}", self.0.id.index())?;
        if let Some(name) = &self.0.name {
            write!(f, " \"{name}\"")?;
        }
        if let Some(at) = self.0.spawned_at {
            write!(f, " (spawned {at})")?;
        }
        Ok(())
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = if self.write { "write" } else { "read" };
        write!(f, "{verb} by {} at {}", Name(&self.thread), self.location)
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
                write!(f, "the second thread learned nothing from the first after its access")
            }
        }
    }
}

impl fmt::Display for Blocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (class, created) = self.object;
        write!(f, "{} waits at {}: ", Name(&self.thread), self.location)?;
        write!(f, "{:?} on {class:?} created at {created}", self.operation)?;
        for holder in &self.held_by {
            write!(f, ", held by thread {}", holder.index())?;
        }
        Ok(())
    }
}

fn list(f: &mut fmt::Formatter<'_>, blocked: &[Blocked]) -> fmt::Result {
    blocked.iter().try_for_each(|one| write!(f, "\n  {one}"))
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DataRace { created, first, second, why } => {
                write!(
                    f,
                    "data race on the cell created at {created}\n  {first}\n  {second}\n  {why}"
                )
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
            Self::Panic { thread, message } => write!(f, "panic in {}: {message}", Name(thread)),
            Self::TooLong { steps_max } => {
                write!(f, "an execution took more than {steps_max} steps")
            }
            Self::Diverged { step } => {
                write!(f, "the model did not repeat itself: choices diverged at step {step}")
            }
        }
    }
}
