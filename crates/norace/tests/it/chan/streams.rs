//! Channel ends as streams and sinks.

use crate::support::LiveCount;
use futures_core::Stream;
use futures_sink::Sink;
use norace::chan::{SendError, bounded, unbounded};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

fn next<S: Stream + Unpin>(stream: &mut S) -> Poll<Option<S::Item>> {
    Pin::new(stream).poll_next(&mut Context::from_waker(Waker::noop()))
}

fn flush<T, S: Sink<T> + Unpin>(sink: &mut S) -> Poll<Result<(), S::Error>> {
    Pin::new(sink).poll_flush(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn a_stream_gives_what_comes_and_then_ends() {
    let (tx, rx) = unbounded();
    let mut stream = rx.into_stream();
    assert_eq!(next(&mut stream), Poll::Pending);
    tx.try_send(1).unwrap();
    tx.try_send(2).unwrap();
    assert_eq!(next(&mut stream), Poll::Ready(Some(1)));
    drop(tx);
    assert_eq!(next(&mut stream), Poll::Ready(Some(2)));
    assert_eq!((next(&mut stream), next(&mut stream)), (Poll::Ready(None), Poll::Ready(None)));
}

#[test]
fn a_value_handed_to_a_stream_is_its_next_item_or_goes_on() {
    for dropped in [false, true] {
        let (tx, rx) = bounded(0);
        let mut stream = rx.clone().into_stream();
        assert_eq!(next(&mut stream), Poll::Pending);
        tx.try_send('a').unwrap();
        if dropped {
            let same = stream.into_inner();
            assert!(same.same_channel(&rx));
            assert_eq!(rx.try_recv(), Ok('a'));
        } else {
            assert!(rx.try_recv().is_err());
            assert_eq!(next(&mut stream), Poll::Ready(Some('a')));
        }
    }
}

#[test]
fn a_sink_sends_one_value_at_a_time_and_closes_with_its_sender() {
    let (tx, rx) = bounded(1);
    let mut sink = tx.into_sink();
    assert_eq!(flush(&mut sink), Poll::Ready(Ok(())));
    Pin::new(&mut sink).start_send(1).unwrap();
    assert_eq!(flush(&mut sink), Poll::Ready(Ok(())));
    Pin::new(&mut sink).start_send(2).unwrap();
    assert_eq!(flush(&mut sink), Poll::Pending);
    assert_eq!((rx.try_recv(), flush(&mut sink)), (Ok(1), Poll::Ready(Ok(()))));
    let mut cx = Context::from_waker(Waker::noop());
    assert_eq!(Pin::new(&mut sink).poll_close(&mut cx), Poll::Ready(Ok(())));
    assert!(rx.is_closed());
    assert_eq!(rx.iter().collect::<Vec<_>>(), [2]);
    assert_eq!(Pin::new(&mut sink).poll_close(&mut cx), Poll::Ready(Ok(())));
}

#[test]
fn a_sink_on_a_closed_channel_gives_its_value_back() {
    let (tx, rx) = bounded(0);
    let mut sink = tx.into_sink();
    Pin::new(&mut sink).start_send(1).unwrap();
    assert_eq!(flush(&mut sink), Poll::Pending);
    rx.close();
    assert_eq!(flush(&mut sink), Poll::Ready(Err(SendError(1))));
    assert_eq!(Pin::new(&mut sink).start_send(2), Err(SendError(2)));
}

#[test]
fn a_sink_that_is_dropped_drops_what_it_holds() {
    let live = LiveCount::default();
    let (tx, rx) = bounded(0);
    let mut sink = tx.clone().into_sink();
    assert!(Pin::new(&mut sink).start_send(live.value()).is_ok());
    assert!(flush(&mut sink).is_pending());
    drop(sink);
    assert_eq!(live.get(), 0);
    assert!(rx.try_recv().is_err() && !rx.is_closed());
}
