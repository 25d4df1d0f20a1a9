//! The bus through its public interface.

mod policies;
mod publish;
#[cfg(feature = "futures")]
mod stream;
mod stress;
mod waits;

use norace::bus::{RecvError, Subscriber, TryRecvError};

/// What can be received now.
fn received<T: Clone>(subscriber: &mut Subscriber<T>) -> Vec<T> {
    std::iter::from_fn(|| subscriber.try_recv().ok()).collect()
}

/// Receives to the end, asserting that the books are exact; the sequences and values, and what was lost.
fn receive_all(mut subscriber: Subscriber<u64>) -> (Vec<(u64, u64)>, u64) {
    let start = subscriber.position() - subscriber.missed();
    let (mut events, mut lost) = (Vec::new(), 0);
    loop {
        match subscriber.drain_blocking(64, |sequence, &value| events.push((sequence, value))) {
            Ok(count) => assert!((1..=64).contains(&count)),
            Err(RecvError::Lagged(missed)) => lost += missed,
            Err(RecvError::Closed) => break,
            Err(RecvError::Disconnected(_)) => return (events, subscriber.missed()),
        }
    }
    assert_eq!(lost, subscriber.missed(), "what is reported is what is counted");
    let books = events.len() as u64 + lost + subscriber.skipped();
    assert_eq!(subscriber.position() - start, books, "each is received, missed or skipped");
    assert!(events.is_sorted_by(|a, b| a.0 < b.0));
    assert_eq!(subscriber.try_recv(), Err(TryRecvError::Closed));
    (events, lost)
}
