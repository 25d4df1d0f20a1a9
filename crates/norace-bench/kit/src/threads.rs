//! What threads do, one pass each.

use std::thread;

use crate::channels::ThreadChannel;

const MESSAGES: u64 = 50_000;

/// Messages from `senders` to `receivers`, each of which is seen once.
pub fn flow<C: ThreadChannel>(senders: u64, receivers: u64, capacity: Option<usize>) -> u64 {
    let each = MESSAGES / senders;
    let (sender, receiver) = C::new(capacity);
    let sending: Vec<_> = (0..senders)
        .map(|number| {
            let sender = sender.clone();
            thread::spawn(move || {
                (number * each..(number + 1) * each).for_each(|value| C::send(&sender, value));
            })
        })
        .collect();
    drop(sender);
    let others: Vec<_> = (1..receivers).map(|_| C::another(&receiver)).collect();
    let receiving: Vec<_> = others
        .into_iter()
        .chain([receiver])
        .map(|receiver| {
            thread::spawn(move || {
                let (mut count, mut sum) = (0, 0);
                while let Some(value) = C::recv(&receiver) {
                    (count, sum) = (count + 1, sum + value);
                }
                (count, sum)
            })
        })
        .collect();
    sending.into_iter().for_each(|thread| thread.join().expect("it does not panic"));
    let (mut count, mut sum) = (0, 0);
    for thread in receiving {
        let part: (u64, u64) = thread.join().expect("it does not panic");
        (count, sum) = (count + part.0, sum + part.1);
    }
    let all = each * senders;
    assert_eq!((count, sum), (all, all * (all - 1) / 2), "each message comes once");
    all
}
