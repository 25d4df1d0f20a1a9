//! Counters and versioned cells.

use crate::models::{all, join, poll, spawn};
use crate::sync::cell::Value;
use crate::sync::event::Inside;
use crate::sync::{Counter, Version, Versioned};
use norace_check::linear::{Linear, Random, Sequential};
use norace_check::{Builder, Level, RaceCell};
use norace_prim::sync::Arc;
use norace_prim::thread;
use norace_prim::time::Duration;
use std::task::Poll;

#[test]
fn a_counter_is_exact_when_all_is_quiet_and_within_bounds_before() {
    all(|| {
        let counter = Arc::new(Counter::new());
        let threads = spawn(2, |number| {
            let counter = counter.clone();
            move || counter.add(i64::from(number) + 1)
        });
        let seen = counter.get();
        assert!((0..=3).contains(&seen), "{seen}");
        join(threads);
        assert_eq!(counter.get(), 3);
    });
}

#[test]
fn takes_and_the_rest_are_all_that_was_added() {
    all(|| {
        let counter = Arc::new(Counter::new());
        let adder = {
            let counter = counter.clone();
            thread::spawn(move || {
                counter.add(1);
                counter.sub(3);
            })
        };
        let taker = {
            let counter = counter.clone();
            thread::spawn(move || counter.take())
        };
        counter.add(5);
        let taken = counter.take() + taker.join().unwrap();
        adder.join().unwrap();
        assert_eq!(taken + counter.get(), 3);
    });
}

/// Two threads update, what each of them did before is seen with its version.
fn updates<T: Value + Send + Sync + 'static>(of: fn(usize) -> T, number: fn(T) -> usize)
where
    T::Cell: Send + Sync,
{
    let cell = Arc::new(Versioned::new(of(0)));
    let notes = Arc::new([RaceCell::new(0), RaceCell::new(0)]);
    let threads = spawn(2, |thread| {
        let (cell, notes) = (cell.clone(), notes.clone());
        move || {
            notes[thread as usize].set(1);
            cell.update(|seen| of(number(seen) | 1 << thread)).1
        }
    });
    let (seen, version) = cell.load();
    let seen = number(seen);
    assert_eq!(version.get(), 1 + u64::from(seen.count_ones()));
    for (place, note) in notes.iter().enumerate() {
        if seen & 1 << place != 0 {
            assert_eq!(note.get(), 1);
        }
    }
    let mut versions = join(threads);
    versions.sort_unstable();
    assert_eq!(versions.iter().map(|version| version.get()).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(number(cell.load().0), 3);
}

#[test]
fn no_update_is_lost_and_each_version_shows_what_led_to_it() {
    all(|| updates(|number| number, |value| value));
    all(|| updates(Arc::new, |value| *value));
}

/// One waits for a change, two threads set.
fn waits<T: Value + Send + Sync + 'static>(of: fn(usize) -> T)
where
    T::Cell: Send + Sync,
{
    let cell = Arc::new(Versioned::new(of(0)));
    let setters = spawn(2, |number| {
        let cell = cell.clone();
        move || cell.set(of(number as usize + 1))
    });
    let (_, second) = cell.changed_blocking(Version::FIRST);
    if second.get() == 2 {
        assert_eq!(cell.changed_blocking(second).1.get(), 3);
    }
    join(setters);
    assert_eq!(cell.event().places(), 0);
}

#[test]
fn who_waits_for_a_change_sees_every_last_one() {
    all(|| waits(|number| number));
    all(|| waits(Arc::new));
}

#[test]
fn a_wait_after_the_last_change_is_not_ended_by_it() {
    all(|| {
        let cell = Arc::new(Versioned::new(0));
        let mut other = cell.changed(Version::FIRST);
        let _ = poll(&mut other);
        let setter = {
            let cell = cell.clone();
            thread::spawn(move || cell.set(1))
        };
        let (value, version) = cell.load();
        if value == 1 {
            let mut wait = cell.changed(version);
            assert_eq!(poll(&mut wait), Poll::Pending);
            setter.join().unwrap();
            assert_eq!(poll(&mut wait), Poll::Pending);
        }
    });
}

/// A cell that one thread uses.
#[derive(Clone)]
struct Plain {
    value: u64,
    version: u64,
}

#[derive(Clone, Debug)]
enum Call {
    Load,
    Version,
    CompareSet(u64, u64),
    Add(u64),
}

impl Sequential for Plain {
    type Call = Call;
    type Answer = Result<(u64, u64), (u64, u64)>;

    fn apply(&mut self, call: &Call) -> Self::Answer {
        match *call {
            Call::Load => {}
            Call::Version => return Ok((0, self.version)),
            Call::CompareSet(version, _) if version != self.version => {
                return Err((self.value, self.version));
            }
            Call::CompareSet(_, new) => (self.value, self.version) = (new, self.version + 1),
            Call::Add(more) => {
                (self.value, self.version) = (self.value + more, self.version + 1);
            }
        }
        Ok((self.value, self.version))
    }
}

fn linear<T: Value + Send + Sync + 'static>(of: fn(u64) -> T, number: fn(&T) -> u64)
where
    T::Cell: Send + Sync,
{
    let builder = Builder::new().level(Level::Rt).budget(Duration::from_millis(150));
    let generate = |random: &mut Random| match random.below(6) {
        0 => Call::Load,
        1 => Call::Version,
        2..=3 => Call::CompareSet(1 + random.below(3), random.below(3)),
        _ => Call::Add(random.below(2)),
    };
    let make = move || Versioned::new(of(0));
    let call = move |cell: &Versioned<T>, call: &Call| {
        let plain = |(value, version): (T, Version)| (number(&value), version.get());
        match *call {
            Call::Load => Ok(plain(cell.load())),
            Call::Version => Ok((0, cell.version().get())),
            Call::CompareSet(version, new) => cell
                .compare_set(Version::new(version), of(new))
                .map(|version| (new, version.get()))
                .map_err(|stale| plain(stale.current)),
            Call::Add(more) => Ok(plain(cell.update(|value| of(number(&value) + more)))),
        }
    };
    let plain = Plain { value: 0, version: 1 };
    Linear::new(plain).programs(12).calls(3).explore_with(builder).check(generate, make, call);
}

#[test]
fn versioned_cells_are_linearizable() {
    linear(|number| number, |value| *value);
    linear(Arc::new, |value| **value);
}
