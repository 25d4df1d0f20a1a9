//! Order events, for whoever follows them: fresh ones from a bus, older ones from the journal.
//!
//! The journal thread publishes the events of a batch when it is durable. A follower subscribes to the bus with a
//! policy that never holds a publisher back. What it lost by being slow, and what came before it subscribed, it reads
//! from the journal: so everybody gets every event, in the journal's order, and nobody waits for anybody.
//!
//! **Where the two meet.** The journal thread, for each batch: 1. notes the batch's last position as durable, under a
//! lock, and lets the answers out; 2. publishes its events. A follower that joins: 1. subscribes, with the next event
//! to come; 2. reads the durable position, under the lock. An event that was published before step 1 of the follower
//! belongs to a batch whose position it reads in step 2: had it taken the lock before the journal thread did, its
//! subscription would have come before the event. So what is not on its bus is in the journal up to the position that
//! it read. Some events may be in both, and are passed over when they come a second time, by their positions.
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
use norace::task::{self, JoinHandle, TaskError};
use norace_prim::atomic::Tally;
use norace_prim::sync::{self, Arc, Mutex};

use crate::codec::{DecodeError, decode_frame_from};
use crate::model::OrderEvent;
use crate::ports::{FrameReader, History, HistoryError};

/// The most events that are in memory between the journal and a follower.
const READ_EVENTS: usize = 256;
/// The most bytes that are looked at for them in one go, give or take a frame.
const READ_BYTES: usize = 8 << 20;
/// What a frame costs at least.
const FRAME_BYTES: usize = norace_journal::PAGE_BYTES as usize;

/// Durable order events in the journal's order; clones share them.
#[derive(Clone)]
pub struct EventFeed(Arc<Feed>);

struct Feed {
    bus: Bus<OrderEvent>,
    /// The position of the last record known to be durable.
    durable: Mutex<u64>,
    published: Tally,
    history: Box<dyn History>,
}

impl EventFeed {
    /// A feed whose bus holds `events_max` events, behind a journal that is durable up to `durable`.
    pub(crate) fn new(events_max: usize, durable: u64, history: Box<dyn History>) -> Self {
        let bus = Bus::new(events_max.next_power_of_two());
        let (durable, published) = (Mutex::new(durable), Tally::new());
        Self(Arc::new(Feed { bus, durable, published, history }))
    }

    /// Follows the events after the journal position `after`, which is that of a durable record, or 0.
    ///
    /// Has the disk read, on the runtime's blocking pool, if there are records after that position.
    ///
    /// # Errors
    ///
    /// [`HistoryError::Gone`] when the journal no longer goes back so far; [`HistoryError::Busy`], and
    /// [`HistoryError::Unreadable`].
    ///
    /// # Panics
    ///
    /// Outside a runtime of [`norace`]. There, see [`follow_blocking`](Self::follow_blocking).
    pub async fn follow(&self, after: u64) -> Result<Follower, HistoryError> {
        let follower = Follower::join(self.clone(), after);
        if !follower.is_behind() {
            return Ok(follower);
        }
        settle(task::spawn_blocking(move || follower.opened()).await)
    }

    /// As [`follow`](Self::follow), with the disk read on this thread.
    ///
    /// # Errors
    ///
    /// As [`follow`](Self::follow).
    pub fn follow_blocking(&self, after: u64) -> Result<Follower, HistoryError> {
        Follower::join(self.clone(), after).opened()
    }

    /// Looks on at the events that are published from now on, for who may miss some and must not cost much, such as
    /// statistics: one who is a ring behind loses the oldest and is told how many sequences of the ring that were. It
    /// holds nobody up, and never has the journal read. What is drained must not be waited over, as
    /// [`Follower::next`] says of its `each`.
    pub fn watch(&self) -> Subscriber<OrderEvent> {
        self.0.bus.subscribe(Policy::DropOldest, Start::Tail)
    }

    /// The last journal position known to be durable.
    pub fn durable_sequence(&self) -> u64 {
        *sync::lock(&self.0.durable)
    }

    /// How many events were published since the engine was opened.
    pub fn published(&self) -> u64 {
        self.0.published.get()
    }

    /// How many follow or look on.
    pub fn followers(&self) -> usize {
        self.0.bus.subscriber_count()
    }

    /// Notes that the journal is durable up to there.
    pub(crate) fn note_durable(&self, durable: u64) {
        *sync::lock(&self.0.durable) = durable;
    }

    /// Takes over the events of a batch that was noted as durable.
    pub(crate) fn publish(&self, events: &mut VecDeque<OrderEvent>) {
        if events.is_empty() {
            return;
        }
        self.0.published.add_alone(events.len() as u64);
        // Waits only while each slot of the ring is being read just then. What `end` has closed takes nothing more.
        if self.0.bus.publish_many_blocking(events).is_err() {
            events.clear();
        }
    }

    /// The events after `after` that are durable now, as the journal has them.
    #[cfg(test)]
    pub(crate) fn recorded_after(&self, after: u64) -> Result<Vec<OrderEvent>, HistoryError> {
        let mut follower = Follower::join(self.clone(), after);
        let mut events = Vec::new();
        while follower.is_behind() {
            let reading = follower.reading();
            follower.take(reading.run()?);
            follower.hand_on(usize::MAX, &mut |event| events.push(event.clone()));
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

/// Where the disk is read.
#[derive(Clone, Copy)]
enum Where {
    /// On the runtime's pool for what blocks.
    InThePool,
    /// On the thread that asks.
    Here,
}

/// One who follows the events; see [`EventFeed::follow`].
pub struct Follower {
    feed: EventFeed,
    live: Subscriber<OrderEvent>,
    /// Up to here, everything that has not come yet is in the journal.
    through: u64,
    /// Up to here, everything has come.
    after: u64,
    /// What was read from the journal and has not come yet, and how far that goes.
    read: VecDeque<OrderEvent>,
    read_to: u64,
    /// While it is behind.
    reader: Option<Box<dyn FrameReader>>,
    /// A look into the journal that nobody waited for to its end: the next call does.
    job: Option<JoinHandle<Result<Read, HistoryError>>>,
}

impl Follower {
    /// Steps 1 and 2 of whoever joins.
    fn join(feed: EventFeed, after: u64) -> Self {
        let live = feed.0.bus.subscribe(Policy::DropOldest, Start::Tail);
        let through = feed.durable_sequence();
        let read = VecDeque::new();
        Self { feed, live, through, after, read, read_to: after, reader: None, job: None }
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

    /// Waits for events, and hands the first of them to `each`, at most `max`, which counts as 1 if it is 0; says how
    /// many. 0 when the engine has ended and everything has come.
    ///
    /// `each` must not wait: the event may be held in the ring meanwhile, and where followers hold the whole ring, the
    /// engine waits for them. An event has come, also where `each` panics.
    ///
    /// # Cancel safety
    ///
    /// `each` is called only in the poll that is ready. A look into the journal goes on and is waited for by the next
    /// call.
    ///
    /// # Errors
    ///
    /// [`HistoryError`], when what comes next can't be read. Asking again tries again.
    ///
    /// # Panics
    ///
    /// When it is behind, and outside a runtime of [`norace`]. There, see [`next_blocking`](Self::next_blocking).
    pub async fn next(
        &mut self,
        max: usize,
        each: impl FnMut(&OrderEvent),
    ) -> Result<usize, HistoryError> {
        self.advance(max, each, Where::InThePool).await
    }

    /// As [`next`](Self::next), but this thread waits, and reads the disk.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next).
    pub fn next_blocking(
        &mut self,
        max: usize,
        each: impl FnMut(&OrderEvent),
    ) -> Result<usize, HistoryError> {
        norace::block_on(self.advance(max, each, Where::Here))
    }

    async fn advance(
        &mut self,
        max: usize,
        mut each: impl FnMut(&OrderEvent),
        reading: Where,
    ) -> Result<usize, HistoryError> {
        let max = max.max(1);
        loop {
            let came = if self.is_behind() {
                if self.read_to == self.after {
                    let read = match reading {
                        Where::Here => self.reading().run()?,
                        Where::InThePool => self.look().await?,
                    };
                    self.take(read);
                }
                self.hand_on(max, &mut each)
            } else {
                let (mut count, after) = (0, &mut self.after);
                let each = |_, event: &OrderEvent| pass(event, after, &mut count, &mut each);
                let drained = self.live.drain(max, each).await;
                self.drained(drained, count)
            };
            if let Some(count) = came {
                return Ok(count);
            }
        }
    }

    /// Has the journal read where blocking is allowed.
    async fn look(&mut self) -> Result<Read, HistoryError> {
        if self.job.is_none() {
            let reading = self.reading();
            self.job = Some(task::spawn_blocking(move || reading.run()));
        }
        let job = self.job.as_mut().expect("it was put there");
        let done = job.await;
        self.job = None;
        settle(done)
    }

    /// A look to be made; one that was begun before is forgotten.
    fn reading(&mut self) -> Reading {
        self.job = None;
        Reading {
            reader: self.reader.take().unwrap_or_else(|| self.feed.0.history.reader()),
            after: self.after,
            through: self.through,
        }
    }

    fn take(&mut self, read: Read) {
        self.read_to = read.to;
        self.read = read.events;
        if read.to < self.through {
            self.reader = Some(read.reader);
        }
    }

    /// Hands on what was read; none when there was no event among it.
    fn hand_on(&mut self, max: usize, each: &mut impl FnMut(&OrderEvent)) -> Option<usize> {
        let mut count = 0;
        while count < max
            && let Some(event) = self.read.pop_front()
        {
            (self.after, count) = (event.sequence, count + 1);
            each(&event);
        }
        if self.read.is_empty() {
            self.after = self.read_to;
        }
        Some(count).filter(|count| *count > 0)
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
}

/// What it found.
struct Read {
    reader: Box<dyn FrameReader>,
    events: VecDeque<OrderEvent>,
    /// The last record looked at.
    to: u64,
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
    /// What comes before a failure is found; the failure is met again by the next look.
    fn run(self) -> Result<Read, HistoryError> {
        let mut read = Read { reader: self.reader, events: VecDeque::new(), to: self.after };
        let mut bytes = 0;
        while read.to < self.through && read.events.len() < READ_EVENTS && bytes < READ_BYTES {
            match read.frame(self.through) {
                Ok(more) => bytes += more,
                Err(error) if read.to == self.after => return Err(error),
                Err(_) => break,
            }
        }
        read.reader.rest();
        Ok(read)
    }
}

impl Read {
    /// Looks at the next frame, up to `through` at most; how many bytes that were.
    fn frame(&mut self, through: u64) -> Result<usize, HistoryError> {
        let frame = self.reader.find(self.to + 1)?;
        let (events, to) = (&mut self.events, &mut self.to);
        let skip = *to + 1 - frame.first_sequence;
        let decoded = decode_frame_from(frame.payload, frame.count, skip, |record| {
            if *to == through || events.len() == READ_EVENTS {
                return Err(Stop::Enough);
            }
            *to = record.change.sequence;
            events.extend(record.change.event(&record.command));
            Ok(())
        });
        match decoded {
            Ok(()) | Err(Stop::Enough) => Ok(frame.payload.len().max(FRAME_BYTES)),
            Err(Stop::Bad(error)) => {
                let cause = format!("the record after {to} does not decode: {error}");
                Err(HistoryError::Unreadable(cause))
            }
        }
    }
}

/// What came of a blocking job.
fn settle<T>(done: Result<Result<T, HistoryError>, TaskError>) -> Result<T, HistoryError> {
    done.unwrap_or_else(|error| {
        // It was refused, or the runtime stops; its panic goes on here.
        drop(error.resume_panic());
        Err(HistoryError::Busy)
    })
}
