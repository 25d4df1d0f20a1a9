//! Readiness, event by event.

use super::{Direction, End, Readiness};
use norace_prim::sync::Arc;
use norace_prim::sync::{Mutex, lock};
use std::task::{Context, Poll, Wake, Waker};

#[derive(Default)]
struct Wakes(Mutex<u32>);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        *lock(&self.0) += 1;
    }
}

struct Fixture {
    readiness: Readiness,
    wakes: Arc<Wakes>,
}

impl Fixture {
    fn new() -> Self {
        Self { readiness: Readiness::default(), wakes: Arc::default() }
    }

    fn poll(&self) -> Poll<u32> {
        let waker = Waker::from(self.wakes.clone());
        let polled = self.readiness.poll_ready(Direction::Read, &mut Context::from_waker(&waker));
        polled.map(|seen| seen.expect("the runtime is there"))
    }

    /// As the netpoller does.
    fn event(&self, closed: bool) {
        let waker = self.readiness.side(Direction::Read).event(closed);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn wakes(&self) -> u32 {
        *lock(&self.wakes.0)
    }
}

#[test]
fn a_new_source_is_tried_and_waits_once_it_would_block() {
    let fixture = Fixture::new();
    let Poll::Ready(seen) = fixture.poll() else { panic!("not tried") };
    fixture.readiness.exhausted(Direction::Read, seen, End::WouldBlock);
    assert!(fixture.poll().is_pending());
    fixture.event(false);
    assert_eq!(fixture.wakes(), 1);
    assert!(fixture.poll().is_ready());
}

#[test]
fn an_event_between_the_operation_and_its_report_is_not_lost() {
    let fixture = Fixture::new();
    let Poll::Ready(seen) = fixture.poll() else { panic!("not tried") };
    fixture.event(false);
    fixture.readiness.exhausted(Direction::Read, seen, End::WouldBlock);
    assert!(fixture.poll().is_ready(), "it has to be tried again");
}

#[test]
fn a_close_outlives_a_short_read_but_not_an_operation_that_would_block() {
    let fixture = Fixture::new();
    fixture.event(true);
    let Poll::Ready(seen) = fixture.poll() else { panic!("not tried") };
    fixture.readiness.exhausted(Direction::Read, seen, End::Short);
    assert!(fixture.poll().is_ready(), "the end is still to be read");
    fixture.readiness.exhausted(Direction::Read, seen, End::WouldBlock);
    assert!(fixture.poll().is_pending(), "nobody spins on stale news");
}

#[test]
fn the_two_directions_do_not_wake_each_other() {
    let fixture = Fixture::new();
    let Poll::Ready(seen) = fixture.poll() else { panic!("not tried") };
    fixture.readiness.exhausted(Direction::Read, seen, End::WouldBlock);
    assert!(fixture.poll().is_pending());
    assert!(fixture.readiness.side(Direction::Write).event(false).is_none());
    assert_eq!(fixture.wakes(), 0);
    assert!(fixture.poll().is_pending());
}

#[test]
fn who_waits_when_the_runtime_ends_is_woken_and_told() {
    let fixture = Fixture::new();
    let Poll::Ready(seen) = fixture.poll() else { panic!("not tried") };
    fixture.readiness.exhausted(Direction::Read, seen, End::WouldBlock);
    assert!(fixture.poll().is_pending());
    fixture.readiness.close();
    assert_eq!(fixture.wakes(), 1);
    let mut cx = Context::from_waker(Waker::noop());
    let Poll::Ready(Err(error)) = fixture.readiness.poll_ready(Direction::Read, &mut cx) else {
        panic!("still waiting")
    };
    assert!(error.to_string().contains("shut down"), "{error}");
}
