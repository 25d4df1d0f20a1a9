//! Subscribers as streams.

use crate::support::LiveCount;
use futures_core::Stream;
use norace::bus::{Bus, EventStream, Policy, RecvError, Start};
use norace_prim::thread;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

fn next<T: Clone>(stream: &mut EventStream<T>) -> Poll<Option<Result<T, RecvError>>> {
    Pin::new(stream).poll_next(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn a_stream_gives_events_tells_what_is_lost_and_ends_with_the_bus() {
    let bus = Bus::new(4);
    let mut stream = bus.subscribe(Policy::DropOldest, Start::Tail).into_stream();
    assert_eq!(next(&mut stream), Poll::Pending);
    bus.try_publish(0).expect("there is room");
    assert_eq!(next(&mut stream), Poll::Ready(Some(Ok(0))));
    for n in 1..=6 {
        bus.try_publish(n).expect("nobody blocks");
    }
    assert_eq!(next(&mut stream), Poll::Ready(Some(Err(RecvError::Lagged(2)))));
    assert_eq!(next(&mut stream), Poll::Ready(Some(Ok(3))));
    let mut stream = stream.into_inner().into_stream();
    assert_eq!(next(&mut stream), Poll::Ready(Some(Ok(4))));
    drop(bus);
    assert_eq!(next(&mut stream), Poll::Ready(Some(Ok(5))));
    assert_eq!(next(&mut stream), Poll::Ready(Some(Ok(6))));
    assert_eq!((next(&mut stream), next(&mut stream)), (Poll::Ready(None), Poll::Ready(None)));
}

#[test]
fn who_is_disconnected_is_told_once() {
    let bus = Bus::new(2);
    let mut stream = bus.subscribe(Policy::Disconnect, Start::Tail).into_stream();
    for n in 0..5 {
        bus.try_publish(n).expect("nobody blocks");
    }
    let told = next(&mut stream);
    assert!(matches!(told, Poll::Ready(Some(Err(RecvError::Disconnected(_))))), "{told:?}");
    assert_eq!((next(&mut stream), next(&mut stream)), (Poll::Ready(None), Poll::Ready(None)));
}

#[test]
fn a_stream_that_waits_is_woken_and_leaves_nothing_behind() {
    let live = LiveCount::default();
    let bus = Bus::new(2);
    let mut stream = bus.subscribe(Policy::Block, Start::Tail).into_stream();
    assert!(next(&mut stream).is_pending());
    thread::scope(|scope| {
        scope.spawn(|| bus.publish_blocking(live.value()).is_ok());
        let came = norace::block_on(poll_fn(|cx| Pin::new(&mut stream).poll_next(cx)));
        assert!(came.is_some_and(|event| event.is_ok()));
    });
    assert!(next(&mut stream).is_pending());
    drop(stream);
    assert_eq!(bus.subscriber_count(), 0);
    drop(bus);
    assert_eq!(live.get(), 0);
}
