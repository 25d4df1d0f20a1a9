//! The ring on real threads.

use super::{Owner, Thief, new};
use norace_prim::sync::Arc;
use norace_prim::thread;

/// Rounds of a few pushes and pops each, while thieves do nothing but steal.
const ROUNDS: u64 = 20_000;

fn owner_and_thieves<const N: usize>(thieves: usize) {
    let (owner, thief): (Owner<Box<u64>, N>, Thief<Box<u64>, N>) = new();
    let (thief, done) = (Arc::new(thief), Arc::new(()));
    let (mut next, mut taken) = (0, Vec::new());
    let stolen: Vec<Vec<Box<u64>>> = thread::scope(|scope| {
        let threads: Vec<_> = (0..thieves)
            .map(|_| {
                let (thief, done) = (thief.clone(), done.clone());
                scope.spawn(move || {
                    let mut stolen = Vec::new();
                    // The owner gives up its own count at the end.
                    while Arc::strong_count(&done) > thieves || thief.len() > 0 {
                        thief.steal_half(&mut stolen);
                    }
                    stolen
                })
            })
            .collect();
        for round in 0..ROUNDS {
            for _ in 0..=round % 5 {
                if let Err(overflow) = owner.push(Box::new(next)) {
                    taken.extend(overflow);
                }
                next += 1;
            }
            taken.extend((0..round % 3).filter_map(|_| owner.pop()));
        }
        drop(done);
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    taken.extend(stolen.into_iter().flatten());
    taken.extend(std::iter::from_fn(|| owner.pop()));
    taken.sort_unstable();
    assert!(taken.iter().map(|value| **value).eq(0..next), "each comes out once");
}

#[test]
fn each_value_comes_out_once_however_many_steal() {
    owner_and_thieves::<2>(1);
    owner_and_thieves::<4>(3);
    owner_and_thieves::<256>(2);
}

#[test]
fn the_front_half_of_a_full_ring_stays_where_it_is() {
    let (owner, thief) = new::<u32, 4>();
    (0..4).for_each(|value| assert!(owner.push(value).is_ok()));
    assert_eq!(owner.pop(), Some(0));
    assert!(owner.push(4).is_ok(), "there is room for one");
    assert_eq!(owner.push(5), Err(vec![3, 4, 5]));
    assert_eq!(thief.len(), 2);
    assert!(owner.push(6).is_ok());
    assert_eq!(std::iter::from_fn(|| owner.pop()).collect::<Vec<_>>(), [1, 2, 6]);
}
