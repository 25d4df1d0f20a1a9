//! The list against a `VecDeque`, and the slab's memory.

use super::{KEEP_SLOTS, Key, List, Slab};
use norace_prim::rand::below;
use std::collections::VecDeque;

fn index(len: usize) -> usize {
    usize::try_from(below(len as u64)).unwrap()
}

#[test]
fn random_joins_and_leaves_keep_the_order_of_a_queue() {
    let mut slab = Slab::new();
    let mut list = List::new();
    let mut model: VecDeque<(Key, u32)> = VecDeque::new();
    for step in 0..20_000u32 {
        match below(6) {
            5 => {
                let key = slab.insert(step);
                list.push_front(&mut slab, key);
                model.push_front((key, step));
            }
            0..=1 => {
                let key = slab.insert(step);
                list.push_back(&mut slab, key);
                model.push_back((key, step));
            }
            2 => {
                let popped = list.pop_front(&mut slab).map(|key| slab.remove(key));
                assert_eq!(popped, model.pop_front().map(|(_, value)| value));
            }
            _ if !model.is_empty() => {
                let (key, value) = model.remove(index(model.len())).unwrap();
                list.unlink(&mut slab, key);
                assert_eq!(*slab.get_mut(key), value);
                assert_eq!(slab.remove(key), value);
            }
            _ => {}
        }
        assert_eq!((list.len(), slab.len()), (model.len(), model.len()));
        assert_eq!(list.front(), model.front().map(|(key, _)| *key));
        if step % 64 == 0 {
            let mut key = list.front();
            for (expected, _) in &model {
                assert_eq!(key, Some(*expected));
                key = key.and_then(|key| list.after(&mut slab, key));
            }
            assert_eq!(key, None);
        }
    }
}

#[test]
fn a_burst_of_waiters_gives_its_memory_back() {
    let mut slab = Slab::new();
    let keys: Vec<Key> = (0..10 * KEEP_SLOTS).map(|n| slab.insert(n)).collect();
    for key in keys {
        slab.remove(key);
    }
    assert_eq!(slab.slots.capacity(), 0);
}

#[test]
fn a_slot_is_used_again() {
    let mut slab = Slab::new();
    for n in 0..1_000 {
        let key = slab.insert(n);
        assert_eq!(slab.remove(key), n);
    }
    assert_eq!(slab.slots.len(), 1);
}

#[test]
fn take_leaves_an_empty_slab() {
    let mut slab = Slab::new();
    let keys: Vec<Key> = (0..4).map(|n| slab.insert(n)).collect();
    slab.remove(keys[1]);
    let mut taken = slab.take();
    assert_eq!((slab.len(), taken.len()), (0, 3));
    assert_eq!(taken.remove(keys[2]), 2);
}
