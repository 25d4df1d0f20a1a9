//! What a fickle pool finds in its users: tests that need luck, and objects that keep what they should not.

use crate::pool::{Pool, Reset};
use norace_check::{Builder, Finding};
use norace_prim::thread;

fn finds(model: impl Fn()) -> Finding {
    let outcome = Builder::new().executions(1_000).run(model);
    let extent = outcome.extent();
    outcome.finding.unwrap_or_else(|| panic!("nothing found after {extent}"))
}

/// A request whose reset forgets a field.
#[derive(Default)]
struct Request {
    body: Vec<u8>,
    user: Option<u32>,
}

impl Reset for Request {
    fn reset(&mut self) {
        self.body.clear();
    }
}

#[test]
fn what_survives_a_reset_is_found_however_unlikely_it_is_to_be_met() {
    // In production the second request gets another object than the first: the third one's, which is clean.
    let served = || {
        let pool = Pool::new(8, Request::default);
        let (mut alice, other) = (pool.try_get().unwrap(), pool.try_get().unwrap());
        alice.user = Some(7);
        alice.body.push(b'a');
        drop(alice);
        drop(other);
        let bob = pool.try_get().unwrap();
        assert!(bob.body.is_empty());
        assert_eq!(bob.user, None, "Bob is served as Alice");
    };
    let finding = finds(served);
    assert!(finding.to_text().contains("Bob is served as Alice"), "{}", finding.to_text());
}

#[test]
fn what_survives_a_reset_of_another_thread_is_found() {
    finds(|| {
        let pool = Pool::new(2, Request::default);
        let thread = {
            let pool = pool.clone();
            thread::spawn(move || pool.try_get().unwrap().user = Some(7))
        };
        let mine = pool.try_get().unwrap();
        assert_eq!(mine.user, None);
        drop(mine);
        thread.join().unwrap();
    });
}

#[test]
fn a_user_that_counts_on_its_own_object_is_found() {
    for wants_it_back in [true, false] {
        finds(move || {
            let pool = Pool::new(2, Vec::<u8>::new);
            pool.try_get().unwrap().reserve(100);
            assert_eq!(pool.try_get().unwrap().capacity() >= 100, wants_it_back);
        });
    }
}

/// A buffer with a length of its own.
struct Line {
    bytes: [u8; 4],
    len: usize,
}

impl Reset for Line {
    fn reset(&mut self) {
        self.len = 0;
    }

    fn poison(&mut self) {
        self.bytes = [0xA5; 4];
    }
}

#[test]
fn reading_behind_the_length_is_found_although_the_bytes_would_be_the_same() {
    let reads = |count: fn(&Line) -> usize| {
        move || {
            let pool = Pool::new(1, || Line { bytes: [0; 4], len: 0 });
            for _ in 0..2 {
                let mut line = pool.try_get().unwrap();
                line.bytes[..2].copy_from_slice(b"ok");
                line.len = 2;
                let count = count(&line);
                assert!(line.bytes[..count].iter().all(|byte| b"ok\0".contains(byte)));
            }
        }
    };
    norace_check::check(reads(|line| line.len));
    finds(reads(|_| 4));
}

/// An object that says when its reset forgot something.
#[derive(Default)]
struct Honest(u32);

impl Reset for Honest {
    fn reset(&mut self) {}

    fn is_fresh(&self) -> bool {
        self.0 == 0
    }
}

#[test]
fn an_object_that_is_not_fresh_after_its_reset_is_found() {
    let finding = finds(|| {
        let pool = Pool::new(1, Honest::default);
        pool.try_get().unwrap().0 = 1;
    });
    assert!(finding.to_text().contains("is not fresh after its reset"), "{}", finding.to_text());
}
