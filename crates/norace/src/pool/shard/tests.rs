//! Shards as queues: the cases of Go's `TestPoolDequeue` and `TestPoolChain`, written anew.

use super::super::entry::{Entry, Licence, Record};
use super::Shard;
use norace_prim::atomic::{AtomicU64, Ordering};
use norace_prim::sync::Arc;
use norace_prim::thread;

fn entry(value: u64) -> Box<Entry<u64>> {
    let licence = Licence(Arc::new(Record::new(0)));
    Box::new(Entry { value, licence, since: 0 })
}

fn put(shard: &Shard<u64>, value: u64) {
    if let Some(former) = shard.replace(entry(value)) {
        assert!(shard.push(former).is_ok(), "there is room for all");
    }
}

fn take(shard: &Shard<u64>) -> Option<u64> {
    shard.take_spare().or_else(|| shard.pop()).map(|entry| entry.value)
}

/// One puts, and sometimes takes; ten steal into shards of their own. Each value comes out once.
#[test]
fn one_puts_many_steal_and_each_comes_out_once() {
    const COUNT: u64 = 50_000;
    const THIEVES: usize = 10;
    let shards: Vec<Shard<u64>> = (0..=THIEVES).map(|_| Shard::new(50_001)).collect();
    let (first, stolen) = (&shards[0], AtomicU64::new(0));
    let mut all: Vec<u64> = thread::scope(|scope| {
        let thieves: Vec<_> = shards[1..]
            .iter()
            .map(|own| {
                let stolen = &stolen;
                scope.spawn(move || {
                    let mut taken = Vec::new();
                    // Relaxed: a count; the values come by the shards.
                    while stolen.load(Ordering::Relaxed) < COUNT {
                        match take(own).or_else(|| own.steal(first).map(|entry| entry.value)) {
                            Some(value) => {
                                taken.push(value);
                                // Relaxed: as above.
                                stolen.fetch_add(1, Ordering::Relaxed);
                            }
                            None => thread::yield_now(),
                        }
                    }
                    taken
                })
            })
            .collect();
        let mut taken = Vec::new();
        for value in 0..COUNT {
            put(first, value);
            if value % 10 == 0
                && let Some(value) = take(first)
            {
                taken.push(value);
                // Relaxed: as above.
                stolen.fetch_add(1, Ordering::Relaxed);
            }
        }
        thieves.into_iter().for_each(|thief| taken.extend(thief.join().expect("no panic")));
        taken
    });
    all.sort_unstable();
    assert!(all.into_iter().eq(0..COUNT), "each comes out once");
    assert!(shards.iter().all(|shard| shard.len() == 0));
}

#[test]
fn a_thief_takes_the_newest_and_moves_half_of_the_others() {
    let (mine, theirs) = (Shard::new(3), Shard::new(100));
    (0..9).for_each(|value| put(&theirs, value));
    // 8 is spare; 7 is on top of the stack.
    let stolen = |mine: &Shard<u64>| mine.steal(&theirs).map(|entry| entry.value);
    assert_eq!((stolen(&mine), mine.len()), (Some(7), if cfg!(norace) { 1 } else { 2 }));
    assert_eq!(take(&mine), Some(6), "what was moved keeps its order");
    let rest: Vec<_> = std::iter::from_fn(|| stolen(&Shard::new(1))).collect();
    assert_eq!(rest.len(), theirs.room.min(9) - if cfg!(norace) { 2 } else { 3 });
    assert_eq!(rest.last(), Some(&8), "the spare one is the last to be stolen");
}

#[test]
fn a_full_shard_gives_back_what_it_has_no_room_for() {
    let shard = Shard::new(2);
    assert!(shard.offer(entry(0)).is_ok() && shard.offer(entry(1)).is_ok());
    assert_eq!(shard.offer(entry(2)).err().map(|entry| entry.value), Some(2));
    assert_eq!(shard.push(entry(3)).err().map(|entry| entry.value), Some(3));
    assert_eq!((shard.len(), shard.has_room()), (2, false));
}

#[test]
fn the_memory_of_the_stack_comes_back() {
    let shard = Shard::new(10_000);
    (0..10_000).for_each(|value| put(&shard, value));
    let room = |shard: &Shard<u64>| norace_prim::sync::lock(&shard.stack).capacity();
    assert!(room(&shard) >= 9_999);
    let mut old = Vec::new();
    shard.age(|entry| entry.value < 9_990, &mut old);
    assert_eq!((old.len(), shard.len()), (9_990, 10));
    assert!(room(&shard) <= 64);
}
