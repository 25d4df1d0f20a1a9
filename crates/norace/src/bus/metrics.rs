//! What a bus says of itself.

use super::policy::Policy;

/// The state of a bus, for monitoring. Each number is exact; they are not all of the same instant.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BusMetrics {
    /// How many sequences were given out; the next one has this number.
    pub sequences: u64,
    /// How many of them are void: skipped because a reader held the slot, or left without a value.
    pub voids: u64,
    /// How often an attempt to publish met a full ring.
    pub refusals: u64,
    /// How many waiting subscribers and publishers were woken.
    pub wakes: u64,
    /// Those who read, in the order in which they came.
    pub subscribers: Vec<SubscriberMetrics>,
}

/// The state of one subscriber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SubscriberMetrics {
    /// What happens when it is slow.
    pub policy: Policy,
    /// The sequence it reads next.
    pub position: u64,
    /// How many sequences it is behind.
    pub depth: u64,
    /// How many sequences it has lost.
    pub missed: u64,
    /// How many void sequences it came by.
    pub skipped: u64,
    /// How often a publisher met a full ring because of it.
    pub stalls: u64,
}
