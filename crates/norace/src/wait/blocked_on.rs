//! What there is to wait for.

use std::fmt;

/// What an operation waits for.
#[cfg_attr(not(feature = "rt"), expect(unreachable_pub, reason = "reports are of the runtime"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BlockedOn {
    /// A value from a channel.
    Receive,
    /// Room in a channel, or somebody who takes the value.
    Send,
    /// The answer of a `oneshot` channel.
    Answer,
    /// The end of a task; the place is where that one was spawned.
    #[cfg(feature = "rt")]
    Join,
    /// An instant.
    Sleep,
    /// The end of a context.
    Context,
    /// An object of a pool.
    Pool,
    /// A socket.
    #[cfg(feature = "rt")]
    Socket,
    /// A mutex.
    Lock,
    /// Permits of a semaphore.
    Permits,
    /// The value of a once cell, which somebody else makes.
    Init,
    /// A latch.
    Latch,
    /// A gate.
    Gate,
    /// The members of a wait group.
    Members,
    /// A change of a versioned cell.
    Change,
    /// A state of a state machine.
    State,
}

impl fmt::Display for BlockedOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Receive => "to receive from the channel",
            Self::Send => "to send to the channel",
            Self::Answer => "for an answer",
            #[cfg(feature = "rt")]
            Self::Join => "for the end of the task spawned",
            Self::Sleep => "in a sleep",
            Self::Context => "for the end of a context",
            Self::Pool => "for an object of the pool",
            #[cfg(feature = "rt")]
            Self::Socket => "for a socket",
            Self::Lock => "to lock the mutex",
            Self::Permits => "for permits of the semaphore",
            Self::Init => "for the value of the once cell",
            Self::Latch => "for the latch",
            Self::Gate => "for the gate",
            Self::Members => "for the members of the wait group",
            Self::Change => "for a change of the versioned cell",
            Self::State => "for a state of the state machine",
        })
    }
}
