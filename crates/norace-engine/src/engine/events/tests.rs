//! Reading, forgetting and waiting.

use std::pin::pin;
use std::task::Wake;

use norace_prim::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::model::OrderState;
use crate::testing::commands::id;

fn event(sequence: u64) -> OrderEvent {
    let (order, to) = (id("x"), OrderState::Pending);
    OrderEvent { sequence, order, from: None, to, version: 1, at: 0, reason: None }
}

fn append(log: &EventLog, sequences: std::ops::Range<u64>) {
    let last = sequences.end - 1;
    let mut events: Vec<_> = sequences.map(event).collect();
    log.append(&mut events, last);
}

fn sequences(log: &EventLog, after: u64, max: usize) -> Result<Vec<u64>, HistoryGone> {
    Ok(log.read_after(after, max)?.iter().map(|event| event.sequence).collect())
}

#[derive(Default)]
struct Counter(AtomicUsize);

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        // Relaxed: one thread.
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn readers_pull_by_position_and_learn_what_is_gone() {
    let log = EventLog::new(4);
    assert_eq!(sequences(&log, 0, 10), Ok(vec![]));
    append(&log, 1..4);
    assert_eq!(sequences(&log, 0, 10), Ok(vec![1, 2, 3]));
    assert_eq!(sequences(&log, 1, 1), Ok(vec![2]));
    assert_eq!(sequences(&log, 3, 10), Ok(vec![]));
    append(&log, 7..10);
    assert_eq!(sequences(&log, 1, 10), Err(HistoryGone { oldest: 2 }));
    assert_eq!(sequences(&log, 2, 10), Ok(vec![3, 7, 8, 9]), "from the oldest on without a gap");
    assert_eq!(sequences(&log, 5, 10), Ok(vec![7, 8, 9]), "positions without events are no gap");
    assert_eq!(log.durable_sequence(), 9);
}

#[test]
fn a_log_that_keeps_nothing_says_so() {
    let log = EventLog::new(0);
    append(&log, 1..3);
    assert_eq!(sequences(&log, 0, 10), Err(HistoryGone { oldest: 2 }));
    assert_eq!(sequences(&log, 2, 10), Ok(vec![]));
}

#[test]
fn waiters_are_woken_by_news_and_leave_nothing_behind() {
    let log = EventLog::new(4);
    let counter = Arc::new(Counter::default());
    let waker = Arc::clone(&counter).into();
    let mut context = Context::from_waker(&waker);
    {
        let mut waiting: Vec<_> = (0..100).map(|_| Box::pin(log.changed_after(0))).collect();
        for future in &mut waiting {
            assert!(future.as_mut().poll(&mut context).is_pending());
            assert!(
                future.as_mut().poll(&mut context).is_pending(),
                "a second poll keeps its slot"
            );
        }
        assert_eq!(sync::lock(&log.0).waiting.slots.len(), 100);
        waiting.truncate(60);
        append(&log, 1..2);
        // Relaxed: one thread.
        assert_eq!(counter.0.load(Ordering::Relaxed), 60, "those dropped are not woken");
        for future in &mut waiting {
            assert_eq!(future.as_mut().poll(&mut context), Poll::Ready(true));
        }
    }
    let mut later = pin!(log.changed_after(1));
    assert!(later.as_mut().poll(&mut context).is_pending(), "there is nothing after 1 yet");
    log.append(&mut Vec::new(), 5);
    // Relaxed: one thread.
    assert_eq!(counter.0.load(Ordering::Relaxed), 60, "a batch without events wakes nobody");
    log.end();
    assert_eq!(later.as_mut().poll(&mut context), Poll::Ready(false));
    let mut known = pin!(log.changed_after(0));
    assert_eq!(known.as_mut().poll(&mut context), Poll::Ready(true), "what is there can be read");
}
