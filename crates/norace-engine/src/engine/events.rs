//! Order events, for whoever follows them: fresh ones from a bus, older ones from the journal.
//!
//! The journal thread publishes the events of a batch when it is durable. A follower subscribes to the bus with a
//! policy that never holds a publisher back. What it lost by being slow, and what came before it subscribed, it reads
//! from the journal: so everybody gets every event, in the journal's order, and nobody waits for anybody.
//!
//! **Where the two meet.** The journal thread, for each batch: 1. notes the batch's last position as durable, under a
//! lock; 2. publishes its events. A follower that joins: 1. subscribes, with the next event to come; 2. reads the
//! durable position, under the lock. An event that was published before step 1 of the follower belongs to a batch whose
//! position it reads in step 2: had it taken the lock before the journal thread did, its subscription would have come
//! before the event. So what is not on its bus is in the journal up to the position that it read. Some events may be in
//! both, and are passed over when they come a second time, by their positions.
//!
//! **Invariant:** everything that a follower gets is durable.

#[cfg(test)]
#[cfg(norace)]
mod models;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::fmt;

use norace::bus::{Bus, Policy, RecvError, Start, Subscriber};
use norace::task;
use norace_prim::sync::{self, Arc, Mutex};

use crate::codec::{DecodeError, decode_frame_from};
use crate::model::OrderEvent;
use crate::ports::{FrameReader, History, HistoryError};

/// The most events that are in memory between the journal and a follower.
const READ_EVENTS: usize = 1024;
/// The most records that are looked at for them in one go.
const READ_RECORDS: u64 = 1 << 16;

/// Durable order events in the journal's order; clones share them.
#[derive(Clone)]
pub struct EventFeed(Arc<Feed>);

struct Feed {
    bus: Bus<OrderEvent>,
    /// The position of the last record known to be durable.
    durable: Mutex<u64>,
    history: Box<dyn History>,
}

impl EventFeed {
    /// A feed whose bus holds `events_max` events, behind a journal that is durable up to `durable`.
    pub(crate) fn new(events_max: usize, durable: u64, history: Box<dyn History>) -> Self {
        let bus = Bus::new(events_max.next_power_of_two());
        Self(Arc::new(Feed { bus, durable: Mutex::new(durable), history }))
    }

    /// Follows the events after the journal position `after`, which is that of a durable record, or 0.
    ///
    /// Has the disk read, on the runtime's blocking pool, if there are records after that position.
    ///
    /// # Errors
    ///
    /// [`HistoryError::Gone`] when the journal no longer goes back so far.
    ///
    /// # Panics
    ///
    /// Outside a runtime of [`norace`]. There, see [`follow_blocking`](Self::follow_blocking).
    pub async fn follow(&self, after: u64) -> Result<Follower, HistoryError> {
        let follower = Follower::join(self.clone(), after);
        if !follower.is_behind() {
            return Ok(follower);
        }
        blocking(move || follower.opened()).await
    }

    /// As [`follow`](Self::follow), with the disk read on this thread.
    ///
    /// # Errors
    ///
    /// As [`follow`](Self::follow).
    pub fn follow_blocking(&self, after: u64) -> Result<Follower, HistoryError> {
        Follower::join(self.clone(), after).opened()
    }

    /// The last journal position known to be durable.
    pub fn durable_sequence(&self) -> u64 {
        *sync::lock(&self.0.durable)
    }

    /// How many events were published since the engine was opened.
    pub fn published(&self) -> u64 {
        self.0.bus.next_sequence()
    }

    /// How many follow.
    pub fn followers(&self) -> usize {
        self.0.bus.subscriber_count()
    }

    /// Takes over the events of a durable batch that ends at `durable`.
    pub(crate) fn publish(&self, events: &mut VecDeque<OrderEvent>, durable: u64) {
        *sync::lock(&self.0.durable) = durable;
        if !events.is_empty() {
            // Waits for nobody: there is room wherever no follower is reading just then. What `end` has closed takes
            // nothing more.
            if self.0.bus.publish_many_blocking(events).is_err() {
                events.clear();
            }
        }
    }

    /// The events after `after` that are durable now, as the journal has them.
    #[cfg(test)]
    pub(crate) fn recorded_after(&self, after: u64) -> Result<Vec<OrderEvent>, HistoryError> {
        let mut follower = Follower::join(self.clone(), after);
        let mut events = Vec::new();
        while follower.is_behind() {
            let read = follower.reading(READ_EVENTS).run()?;
            follower.take(read, &mut |event| events.push(event.clone()));
        }
        Ok(events)
    }

    /// There will be no further events.
    pub(crate) fn end(&self) {
        self.0.bus.close();
    }
}

impl fmt::Debug for EventFeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventFeed")
            .field("durable_sequence", &self.durable_sequence())
            .field("bus", &self.0.bus)
            .finish_non_exhaustive()
    }
}

/// One who follows the events; see [`EventFeed::follow`].
pub struct Follower {
    feed: EventFeed,
    live: Subscriber<OrderEvent>,
    /// Up to here, everything that has not come yet is in the journal.
    through: u64,
    /// The position of the last event that came, or up to which there is none.
    after: u64,
    /// While it is behind.
    reader: Option<Box<dyn FrameReader>>,
}

impl Follower {
    /// Steps 1 and 2 of whoever joins.
    fn join(feed: EventFeed, after: u64) -> Self {
        let live = feed.0.bus.subscribe(Policy::DropOldest, Start::Tail);
        let through = feed.durable_sequence();
        Self { feed, live, through, after, reader: None }
    }

    /// With its place in the journal found, if it needs one.
    fn opened(mut self) -> Result<Self, HistoryError> {
        if self.is_behind() {
            let mut reader = self.feed.0.history.reader();
            reader.find(self.after + 1)?;
            reader.rest();
            self.reader = Some(reader);
        }
        Ok(self)
    }

    /// The journal position it has come to: following from there goes on without a gap.
    pub fn position(&self) -> u64 {
        self.after
    }

    /// Whether what comes next is read from the journal.
    pub fn is_behind(&self) -> bool {
        self.after < self.through
    }

    /// Waits for events, and hands the first of them to `each`, at most `max`; says how many. 0 when the engine has
    /// ended and everything has come.
    ///
    /// # Cancel safety
    ///
    /// `each` is called only in the poll that is ready.
    ///
    /// # Errors
    ///
    /// [`HistoryError`]. Asking again tries again.
    ///
    /// # Panics
    ///
    /// When it is behind, and outside a runtime of [`norace`]. There, see [`next_blocking`](Self::next_blocking).
    pub async fn next(
        &mut self,
        max: usize,
        mut each: impl FnMut(&OrderEvent),
    ) -> Result<usize, HistoryError> {
        loop {
            let came = if self.is_behind() {
                let reading = self.reading(max);
                let read = blocking(move || reading.run()).await?;
                self.take(read, &mut each)
            } else {
                let (mut count, after) = (0, &mut self.after);
                let drain =
                    self.live.drain(max, |_, event| pass(event, after, &mut count, &mut each));
                let drained = drain.await;
                self.drained(drained, count)
            };
            if let Some(count) = came {
                return Ok(count);
            }
        }
    }

    /// As [`next`](Self::next), but this thread waits, and reads the disk.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next).
    pub fn next_blocking(
        &mut self,
        max: usize,
        mut each: impl FnMut(&OrderEvent),
    ) -> Result<usize, HistoryError> {
        loop {
            let came = if self.is_behind() {
                let read = self.reading(max).run()?;
                self.take(read, &mut each)
            } else {
                let (mut count, after) = (0, &mut self.after);
                let each = |_, event: &OrderEvent| pass(event, after, &mut count, &mut each);
                let drained = self.live.drain_blocking(max, each);
                self.drained(drained, count)
            };
            if let Some(count) = came {
                return Ok(count);
            }
        }
    }

    fn reading(&mut self, max: usize) -> Reading {
        Reading {
            reader: self.reader.take().unwrap_or_else(|| self.feed.0.history.reader()),
            after: self.after,
            through: self.through,
            max: max.min(READ_EVENTS),
        }
    }

    /// What came from the journal; none when there was no event among it.
    fn take(&mut self, read: Read, each: &mut impl FnMut(&OrderEvent)) -> Option<usize> {
        self.after = read.after;
        if self.is_behind() {
            self.reader = Some(read.reader);
        }
        read.events.iter().for_each(each);
        Some(read.events.len()).filter(|count| *count > 0)
    }

    /// What came from the bus: `count` events that had not come before, or its end.
    fn drained(&mut self, drained: Result<usize, RecvError>, count: usize) -> Option<usize> {
        match drained {
            Ok(_) => Some(count).filter(|count| *count > 0),
            Err(RecvError::Closed) => Some(0),
            Err(RecvError::Lagged(_) | RecvError::Disconnected(_)) => {
                *self = Self::join(self.feed.clone(), self.after);
                None
            }
        }
    }
}

/// Hands on an event from the bus, unless it has come from the journal already.
fn pass(
    event: &OrderEvent,
    after: &mut u64,
    count: &mut usize,
    each: &mut impl FnMut(&OrderEvent),
) {
    if event.sequence > *after {
        *after = event.sequence;
        *count += 1;
        each(event);
    }
}

impl fmt::Debug for Follower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follower")
            .field("position", &self.after)
            .field("is_behind", &self.is_behind())
            .finish_non_exhaustive()
    }
}

/// A look into the journal, to be made where blocking is allowed.
struct Reading {
    reader: Box<dyn FrameReader>,
    after: u64,
    through: u64,
    max: usize,
}

/// What it found.
struct Read {
    reader: Box<dyn FrameReader>,
    events: Vec<OrderEvent>,
    /// The last record looked at.
    after: u64,
}

/// Why no further record is looked at.
enum Stop {
    Enough,
    Bad(DecodeError),
}

impl From<DecodeError> for Stop {
    fn from(error: DecodeError) -> Self {
        Self::Bad(error)
    }
}

impl Reading {
    fn run(mut self) -> Result<Read, HistoryError> {
        let (mut events, mut after) = (Vec::new(), self.after);
        let end = self.through.min(after.saturating_add(READ_RECORDS));
        while after < end && events.len() < self.max {
            let frame = self.reader.find(after + 1)?;
            let skip = after + 1 - frame.first_sequence;
            let decoded = decode_frame_from(frame.payload, frame.count, skip, |record| {
                if after == end || events.len() == self.max {
                    return Err(Stop::Enough);
                }
                after = record.change.sequence;
                events.extend(record.change.event(&record.command));
                Ok(())
            });
            if let Err(Stop::Bad(error)) = decoded {
                let cause = format!("the record after {after} does not decode: {error}");
                return Err(HistoryError::Unreadable(cause));
            }
        }
        self.reader.rest();
        Ok(Read { reader: self.reader, events, after })
    }
}

/// Runs `job` where blocking is allowed.
async fn blocking<T: Send + 'static>(
    job: impl FnOnce() -> Result<T, HistoryError> + Send + 'static,
) -> Result<T, HistoryError> {
    let done = task::spawn_blocking(job).await;
    done.unwrap_or_else(|error| Err(HistoryError::Unreadable(error.resume_panic().to_string())))
}
