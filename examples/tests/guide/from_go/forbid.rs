//! A close and a send that a protocol rules out.

use norace::chan::bounded;
use norace::prim::thread;
use norace_check::{Builder, Misuse};

#[test]
fn a_second_close_is_a_finding_where_it_is_forbidden() {
    let two_close = || {
        let (sender, _receiver) = bounded::<u32>(1);
        let other = sender.clone();
        let thread = thread::spawn(move || other.close());
        sender.close();
        thread.join().unwrap();
    };
    let outcome = Builder::new().forbid(Misuse::SecondClose).run(two_close);
    assert_eq!(outcome.finding.unwrap().kind, "second-close");
    // Unless it is forbidden it is an answer.
    assert!(Builder::new().run(two_close).finding.is_none());
}

#[test]
fn a_send_after_the_close_is_a_finding_where_it_is_forbidden() {
    let outcome = Builder::new().forbid(Misuse::SendAfterClose).run(|| {
        let (producer, consumer) = bounded(1);
        let thread = thread::spawn(move || producer.send_blocking(1).is_ok());
        // Too early, if the producer is late.
        consumer.close();
        thread.join().unwrap();
    });
    assert_eq!(outcome.finding.unwrap().kind, "send-after-close");
}
