//! Streams and sinks: what they hold when they are polled no more is lost for nobody.

use crate::chan::bounded;
use crate::chan::models::passes_its_room_on;
use crate::models::all;
use crate::wait::block_on;
use futures_core::Stream;
use futures_sink::Sink;
use norace_prim::thread;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

#[test]
fn a_sink_feeds_a_stream_in_order() {
    for capacity in [0, 1] {
        all(|| {
            let (tx, rx) = bounded(capacity);
            let feeding = thread::spawn(move || {
                let mut sink = tx.into_sink();
                for n in 1..=2 {
                    block_on(poll_fn(|cx| Pin::new(&mut sink).poll_ready(cx))).unwrap();
                    Pin::new(&mut sink).start_send(n).unwrap();
                }
                block_on(poll_fn(|cx| Pin::new(&mut sink).poll_close(cx))).unwrap();
            });
            let mut stream = rx.into_stream();
            let mut got = Vec::new();
            while let Some(n) = block_on(poll_fn(|cx| Pin::new(&mut stream).poll_next(cx))) {
                got.push(n);
            }
            assert_eq!(got, [1, 2]);
            feeding.join().unwrap();
        });
    }
}

#[test]
fn a_stream_that_is_dropped_gives_its_value_to_one_that_waits() {
    all(|| {
        let (tx, rx) = bounded(0);
        let quitter = {
            let mut stream = rx.clone().into_stream();
            thread::spawn(move || {
                let mut cx = Context::from_waker(Waker::noop());
                match Pin::new(&mut stream).poll_next(&mut cx) {
                    Poll::Ready(value) => value,
                    Poll::Pending => None,
                }
            })
        };
        let sender = thread::spawn(move || tx.send_blocking('a').unwrap());
        let mine = rx.recv_blocking().ok();
        sender.join().unwrap();
        assert_eq!(mine.xor(quitter.join().unwrap()), Some('a'));
    });
}

#[test]
fn a_sink_that_is_dropped_delivers_what_it_holds_or_not_and_passes_its_room_on() {
    all(|| {
        let (tx, rx) = bounded(1);
        tx.try_send('z').unwrap();
        let mut sink = tx.clone().into_sink();
        Pin::new(&mut sink).start_send('a').unwrap();
        assert!(
            Pin::new(&mut sink).poll_flush(&mut Context::from_waker(Waker::noop())).is_pending()
        );
        assert_eq!(passes_its_room_on((&tx, &rx), || drop(sink)), 'z');
    });
}
