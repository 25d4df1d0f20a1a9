//! The inbox on real threads.

use super::Inbox;
use norace_prim::thread;

const EACH: u64 = 20_000;
const PUTTERS: u64 = 3;

#[test]
fn each_value_comes_out_once_and_each_putters_in_order() {
    let inbox = Inbox::new();
    let all = EACH * PUTTERS;
    let taken: Vec<Vec<u64>> = thread::scope(|scope| {
        for putter in 0..PUTTERS {
            let inbox = &inbox;
            scope.spawn(move || {
                let mut from = 0;
                while from < EACH {
                    let to = (from + 1 + from % 3).min(EACH);
                    let batch = (from..to).map(|number| putter * EACH + number);
                    assert!(inbox.put(batch).is_ok(), "it is open");
                    from = to;
                }
            });
        }
        let takers = [(), ()].map(|()| {
            scope.spawn(|| {
                let mut taken = Vec::new();
                // Both together take all; the last one to take leaves nothing.
                while inbox.taken.get() < all {
                    inbox.take(|len| len.min(7), &mut taken);
                    thread::yield_now();
                }
                taken
            })
        });
        takers.map(|taker| taker.join().expect("no panic")).into()
    });
    for taken in &taken {
        for putter in 0..PUTTERS {
            let own = taken.iter().filter(|number| **number / EACH == putter);
            assert!(own.is_sorted(), "what one put in came out of order");
        }
    }
    let mut taken: Vec<u64> = taken.into_iter().flatten().collect();
    taken.sort_unstable();
    assert!(taken.into_iter().eq(0..all), "each comes out once");
    assert!(!inbox.has_work() && inbox.len() == 0);
}

#[test]
fn a_closed_inbox_gives_everything_and_takes_nothing() {
    let inbox = Inbox::new();
    assert!(inbox.put([1, 2, 3].into_iter()).is_ok());
    let mut taken = Vec::new();
    inbox.take(|_| 1, &mut taken);
    assert!(inbox.put(std::iter::once(4)).is_ok());
    assert_eq!((taken, inbox.len()), (vec![1], 3));
    assert_eq!(inbox.close(), [2, 3, 4]);
    assert_eq!(inbox.put([5, 6].into_iter()), Err(vec![5, 6]));
    assert_eq!(inbox.close(), []);
    assert!(!inbox.has_work() && inbox.len() == 0);
}
