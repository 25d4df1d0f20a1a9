//! The seam between bus and journal, under every schedule.

use norace_check::{Builder, Outcome};
use norace_journal::RecoveredFrame;
use norace_prim::thread;

use super::*;
use crate::codec::encode_record;
use crate::model::{Action, Handling, OrderState};
use crate::state::{Change, Input, OrderStep, Subject};
use crate::testing::commands::step;

/// A journal in memory, one record in each frame.
#[derive(Clone, Default)]
struct Frames(Arc<Mutex<Vec<Vec<u8>>>>);

impl Frames {
    /// Makes the next record durable; its event.
    fn append(&self) -> OrderEvent {
        let mut frames = sync::lock(&self.0);
        let sequence = frames.len() as u64 + 1;
        let command = step("x", Action::Process);
        let change = Change {
            sequence,
            now: 0,
            subject: Subject::Order(0),
            version: 2,
            order: Some(OrderStep { from: Some(OrderState::Pending), to: OrderState::Processing }),
            leg: None,
        };
        let mut payload = Vec::new();
        let input = Input { now: 0, command: &command, key: None, handling: Handling::Manual };
        encode_record(&mut payload, &input, &change);
        frames.push(payload);
        change.event(&command).unwrap()
    }
}

impl History for Frames {
    fn reader(&self) -> Box<dyn FrameReader> {
        Box::new(FramesReader { frames: self.clone(), found: Vec::new() })
    }
}

struct FramesReader {
    frames: Frames,
    found: Vec<u8>,
}

impl FrameReader for FramesReader {
    fn find(&mut self, sequence: u64) -> Result<RecoveredFrame<'_>, HistoryError> {
        let at = usize::try_from(sequence).unwrap() - 1;
        self.found.clone_from(&sync::lock(&self.frames.0)[at]);
        Ok(RecoveredFrame { first_sequence: sequence, count: 1, payload: &self.found })
    }

    fn rest(&mut self) {}
}

/// Publishes `batches` of events beside whoever follows.
fn publish(feed: &EventFeed, frames: &Frames, batches: &[u64]) {
    let mut last = 0;
    for batch in batches {
        let mut events: VecDeque<_> = (0..*batch).map(|_| frames.append()).collect();
        last += batch;
        feed.note_durable(last);
        feed.publish(&mut events);
    }
    feed.end();
}

fn sequences(mut follower: Follower) -> Vec<u64> {
    let mut sequences = Vec::new();
    while follower.next_blocking(2, |event| sequences.push(event.sequence)).unwrap() > 0 {}
    sequences
}

#[norace::test(model_only, budget_ms = 4000)]
fn who_joins_at_any_moment_gets_every_event_once() {
    let frames = Frames::default();
    let feed = EventFeed::new(2, 0, Box::new(frames.clone()));
    let publisher = {
        let (feed, frames) = (feed.clone(), frames);
        thread::spawn(move || publish(&feed, &frames, &[2, 1]))
    };
    assert_eq!(sequences(feed.follow_blocking(0).unwrap()), [1, 2, 3]);
    publisher.join().unwrap();
}

#[norace::test(model_only, budget_ms = 4000)]
fn who_is_overtaken_at_any_moment_gets_every_event_once() {
    let frames = Frames::default();
    let feed = EventFeed::new(1, 0, Box::new(frames.clone()));
    let follower = feed.follow_blocking(0).unwrap();
    let publisher = thread::spawn(move || publish(&feed, &frames, &[1, 2]));
    assert_eq!(sequences(follower), [1, 2, 3]);
    publisher.join().unwrap();
}

/// The two steps of joining the other way round.
#[test]
fn reading_the_position_before_subscribing_loses_an_event() {
    let outcome: Outcome = Builder::new().run(|| {
        let frames = Frames::default();
        let feed = EventFeed::new(4, 0, Box::new(frames.clone()));
        let publisher = {
            let (feed, frames) = (feed.clone(), frames);
            thread::spawn(move || publish(&feed, &frames, &[1, 1]))
        };
        let through = feed.durable_sequence();
        let live = feed.0.bus.subscribe(Policy::DropOldest, Start::Tail);
        let follower = Follower { live, through, ..Follower::join(feed, 0) };
        assert_eq!(sequences(follower), [1, 2]);
        publisher.join().unwrap();
    });
    assert_eq!(outcome.finding.expect("an event is lost").kind, "panic");
}
