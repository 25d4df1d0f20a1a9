//! What a subscriber asks for.

/// What happens when a subscriber is slower than the bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Policy {
    /// It loses nothing: publishers wait, or are refused, while it is a whole ring behind.
    Block,
    /// It loses what was overwritten, the oldest, and is told how much.
    DropOldest,
    /// When it is more than `keep` sequences behind, it gets the next `keep` and loses what came after them until then.
    ///
    /// The ring keeps nothing for it: should it fall a whole ring behind, it loses the oldest as well. So `keep` should
    /// be small beside the capacity.
    DropNewest {
        /// The length of its queue, so to speak: from 1 to the capacity.
        keep: usize,
    },
    /// It is ended when it finds itself overtaken.
    Disconnect,
}

/// Where a subscriber begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Start {
    /// With the oldest event that is still there. For a subscriber that blocks this is the oldest that no publisher has
    /// been given leave to overwrite; while nobody blocks, those are up to an eighth of the ring fewer.
    Oldest,
    /// With what is published from now on.
    Tail,
    /// With this sequence. What is no longer there is reported as lost first; what is still to come is waited
    /// for; what is more than 2^44 sequences away counts as being so far.
    At(u64),
}
