//! What Go answers with a panic and the kit with a value: a finding where a model forbids it, and nowhere else.

use crate::chan::{SendError, bounded};
use norace_check::{Builder, Level, Misuse};
use norace_prim::thread;

/// The finding's kind in a model that forbids `misuse`, and in one that does not.
fn kinds(misuse: Misuse, model: fn()) -> [Option<&'static str>; 2] {
    let allowed = Builder::new().level(Level::App).require_complete();
    let forbidden = allowed.clone().forbid(misuse);
    [forbidden, allowed].map(|builder| {
        let outcome = builder.run(model);
        assert!(outcome.finding.is_some() || outcome.is_ok(), "{}", outcome.extent());
        outcome.finding.map(|finding| finding.kind)
    })
}

fn two_who_close() {
    let (tx, rx) = bounded::<u32>(1);
    let other = thread::spawn(move || tx.close());
    let first = rx.close();
    assert_ne!(first, other.join().expect("no panic"), "one of them is the first");
}

fn a_close_beside_a_send() {
    let (tx, rx) = bounded(1);
    let sender = thread::spawn(move || tx.send_blocking(7));
    rx.close();
    let sent = sender.join().expect("no panic");
    assert!(matches!(sent, Ok(()) | Err(SendError(7))), "{sent:?}");
}

#[test]
fn a_second_close_is_told_where_it_is_forbidden() {
    assert_eq!(kinds(Misuse::SecondClose, two_who_close), [Some("second-close"), None]);
    assert_eq!(kinds(Misuse::SendAfterClose, two_who_close), [None, None]);
}

#[test]
fn a_send_after_the_close_is_told_where_it_is_forbidden() {
    let expected = [Some("send-after-close"), None];
    assert_eq!(kinds(Misuse::SendAfterClose, a_close_beside_a_send), expected);
    assert_eq!(kinds(Misuse::SecondClose, a_close_beside_a_send), [None, None]);
}
