//! The ring itself: producers and readers of all kinds on rings of two slots.

use crate::bus::{Policy, Start};
use crate::models::{all, join, spawn};
use crate::raw::bus::{Bells, Look, Reader, Refusal, Ring, Seat};
use norace_check::RaceCell;
use norace_prim::sync::Arc;
use std::panic::{AssertUnwindSafe, catch_unwind};

impl Bells for () {
    fn published(&self, _: bool) {}
    fn freed(&self, _: bool) {}
    fn closed(&self) {}
}

/// A value that knows which sequence it is for, and by who may see it.
struct Value {
    made: RaceCell<u64>,
    _whole: Arc<()>,
}

type TestRing = Ring<Value, ()>;

fn ring(capacity: usize) -> (Arc<TestRing>, Arc<()>) {
    (Ring::new(capacity, ()), Arc::new(()))
}

/// Publishes a value that holds its own sequence; `None` when there is no room.
fn publish(ring: &TestRing, whole: &Arc<()>) -> Option<u64> {
    let mut value = Some(Value { made: RaceCell::new(0), _whole: whole.clone() });
    loop {
        let next = ring.next();
        let mut claim = ring.claim(1).ok()?;
        let filled = claim.fill(|slot| {
            let value = value.take();
            value.iter().for_each(|value| value.made.set(next));
            std::mem::replace(slot, value)
        });
        if let Ok((sequence, _)) = filled {
            return Some(sequence);
        }
    }
}

/// Looks `times` times; the books are exact.
fn read(reader: &mut Reader<Value, ()>, times: u32) -> Vec<u64> {
    let left_out = |seat: &Seat| seat.missed.get() + seat.skipped.get();
    let before = reader.position() - left_out(&reader.seat);
    let mut seen = Vec::new();
    for _ in 0..times {
        match reader.look() {
            Look::Value => {
                reader.get().made.get();
                seen.push(reader.position());
                reader.release(false);
            }
            Look::Void => reader.pass(),
            Look::Empty | Look::Closed => break,
            Look::Overtaken => {
                assert!(!reader.seat.gates(), "a gating reader is overtaken");
                let oldest = reader.oldest();
                assert!(reader.skip_to(oldest) > 0, "overtaken by nobody");
            }
        }
    }
    let after = reader.position() - left_out(&reader.seat);
    assert_eq!(after - before, seen.len() as u64, "each is received, missed or skipped");
    assert!(seen.is_sorted(), "{seen:?}");
    seen
}

/// Producers that publish `times` each, and readers of `policies` that look as often.
fn all_kinds(policies: &'static [Policy], producers: u32, times: u32, looks: u32) {
    all(move || {
        let (ring, whole) = ring(2);
        let readers: Vec<_> =
            policies.iter().map(|&policy| ring.join(policy, Start::Tail).0).collect();
        let producers = spawn(producers, |_| {
            let (ring, whole) = (ring.clone(), whole.clone());
            move || (0..times).filter(|_| publish(&ring, &whole).is_some()).count()
        });
        let mut readers = readers.into_iter();
        let mut own = readers.next().expect("one reader");
        let others = readers
            .map(|mut reader| norace_prim::thread::spawn(move || _ = read(&mut reader, looks)));
        let others: Vec<_> = others.collect();
        read(&mut own, looks);
        join(others);
        let published: usize = join(producers).into_iter().sum();
        read(&mut own, u32::MAX);
        assert_eq!(own.position(), ring.next());
        assert_eq!(ring.next(), published as u64 + ring.voids(), "a value each, or a void");
        drop((own, ring));
        assert_eq!(Arc::strong_count(&whole), 1, "each value is dropped once");
    });
}

#[test]
fn a_gating_reader_sees_everything() {
    all_kinds(&[Policy::Block], 1, 3, 2);
    all_kinds(&[Policy::Block], 2, 1, 1);
}

#[test]
fn a_lossy_reader_is_overtaken_and_counts_right() {
    all_kinds(&[Policy::DropOldest], 1, 3, 2);
}

#[test]
fn a_gating_and_a_lossy_reader_see_the_same_ring() {
    all_kinds(&[Policy::Block, Policy::DropOldest], 1, 2, 1);
}

#[test]
fn readers_come_and_go_while_values_are_published() {
    for policy in [Policy::Block, Policy::DropOldest] {
        for start in [Start::Oldest, Start::Tail, Start::At(0)] {
            all(move || {
                let (ring, whole) = ring(2);
                publish(&ring, &whole);
                let producer = spawn(1, |_| {
                    let (ring, whole) = (ring.clone(), whole.clone());
                    move || (0..2).for_each(|_| _ = publish(&ring, &whole))
                });
                let (mut reader, missed) = ring.join(policy, start);
                assert_eq!(reader.seat.missed.get(), missed);
                read(&mut reader, 2);
                drop(reader);
                join(producer);
                assert!(publish(&ring, &whole).is_some(), "nobody is in the way any more");
            });
        }
    }
}

#[test]
fn a_panic_while_filling_leaves_a_void_and_nothing_else() {
    for policy in [Policy::Block, Policy::DropOldest] {
        all(move || {
            let (ring, whole) = ring(2);
            let (mut reader, _) = ring.join(policy, Start::Tail);
            let producer = spawn(1, |_| {
                let (ring, whole) = (ring.clone(), whole.clone());
                move || {
                    let panic = catch_unwind(AssertUnwindSafe(|| {
                        let mut claim = ring.claim(2).expect("there is room");
                        let boom = claim.fill(|_| std::panic::panic_any("boom"));
                        boom.is_ok()
                    }));
                    assert!(panic.is_err());
                    publish(&ring, &whole)
                }
            });
            read(&mut reader, 2);
            let published = join(producer).remove(0);
            read(&mut reader, u32::MAX);
            assert_eq!(reader.position(), ring.next());
            assert!(reader.seat.skipped.get() + reader.seat.missed.get() >= 2);
            assert!(published.is_some() || policy == Policy::Block);
        });
    }
}

#[test]
fn nothing_is_claimed_after_the_close() {
    all(|| {
        let (ring, whole) = ring(2);
        let (mut reader, _) = ring.join(Policy::Block, Start::Tail);
        let producer = spawn(1, |_| {
            let (ring, whole) = (ring.clone(), whole.clone());
            move || publish(&ring, &whole)
        });
        assert!(ring.close() && !ring.close());
        let seen = read(&mut reader, u32::MAX);
        let closed = reader.look() == Look::Closed;
        let published = join(producer).remove(0);
        let seen = [seen, read(&mut reader, u32::MAX)].concat();
        assert_eq!(seen.len(), usize::from(published.is_some()));
        assert!(!closed || seen.len() == usize::from(published.is_some()));
        assert_eq!(reader.look(), Look::Closed);
        assert_eq!(ring.claim(1).err(), Some(Refusal::Closed));
    });
}
