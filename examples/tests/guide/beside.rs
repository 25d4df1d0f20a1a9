//! What stands beside a channel is not protected by it.

use norace::chan::bounded;
use norace::prim::{sync::Arc, thread};
use norace_check::{Builder, RaceCell};

#[test]
fn a_counter_beside_a_channel_races() {
    let outcome = Builder::new().run(|| {
        let sent = Arc::new(RaceCell::new(0));
        let (sender, receiver) = bounded(2);
        for value in 0..2 {
            let (sender, sent) = (sender.clone(), Arc::clone(&sent));
            thread::spawn(move || {
                sender.send_blocking(value).unwrap();
                sent.update(|sent| sent + 1);
            });
        }
        drop(sender);
        while receiver.recv_blocking().is_ok() {}
    });
    assert_eq!(outcome.finding.unwrap().kind, "data-race");
}
