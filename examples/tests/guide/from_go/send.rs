//! A send that says what became of it.

use norace::chan::{TrySendError, bounded};

#[norace::test]
fn a_send_comes_to_one_of_three_things() {
    let (producer, consumer) = bounded(1);
    assert_eq!(producer.try_send("first"), Ok(()));
    // Full: the value is back, and may be sent later, elsewhere, or not at all.
    assert_eq!(producer.try_send("second"), Err(TrySendError::Full("second")));
    consumer.close();
    // Closed: the producer stops, and knows what was not delivered.
    assert_eq!(producer.try_send("third"), Err(TrySendError::Closed("third")));
    assert_eq!(producer.send_blocking("fourth").unwrap_err().into_inner(), "fourth");
    // What was accepted before is still there for who takes it.
    assert_eq!(consumer.recv_blocking(), Ok("first"));
}
