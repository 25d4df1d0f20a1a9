//! Signals raised by the process itself. One test, because signals go to every subscriber of the process.

use super::support::{PATIENCE, runtime};
use norace::signal::{Signal, SignalKind};
use norace::{task, time};

fn raise(name: &str) {
    let me = std::process::id().to_string();
    let sent = std::process::Command::new("kill").args([&format!("-{name}"), &me]).status();
    assert!(sent.expect("run kill").success());
}

#[test]
fn every_subscriber_of_a_kind_gets_its_signals_and_no_others() {
    runtime(2).block_on(async {
        let mut first = Signal::new(SignalKind::Hangup).unwrap();
        let mut second = Signal::new(SignalKind::Hangup).unwrap();
        let mut interrupt = Signal::new(SignalKind::Interrupt).unwrap();
        let mut terminate = Signal::new(SignalKind::Terminate).unwrap();
        let waiting = task::spawn(async move {
            first.recv().await;
            first
        });
        raise("HUP");
        let mut first = time::timeout(PATIENCE, waiting).await.unwrap().unwrap();
        time::timeout(PATIENCE, second.recv()).await.unwrap();
        drop(second);
        raise("HUP");
        time::timeout(PATIENCE, first.recv()).await.unwrap();
        raise("TERM");
        time::timeout(PATIENCE, terminate.recv()).await.unwrap();
        raise("INT");
        time::timeout(PATIENCE, interrupt.recv()).await.unwrap();
        assert!(time::timeout(std::time::Duration::ZERO, terminate.recv()).await.is_err());
        assert_eq!(first.kind(), SignalKind::Hangup);
    });
    // On any executor.
    let mut plain = Signal::new(SignalKind::Hangup).unwrap();
    raise("HUP");
    norace::block_on(plain.recv());
}
