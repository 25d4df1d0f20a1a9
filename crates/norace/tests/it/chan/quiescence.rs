//! Nobody waits in vain: random plain and selecting senders and receivers come, go and give up; only who was woken is
//! polled; and whenever nobody is left to poll, nobody waits who could be served.
//!
//! This is what a lost wake-up cannot pass, whichever of the protocol's promises it slipped through.

use crate::support::WakeCount;
use norace::chan::{Receiver, Sender, bounded};
use norace::select;
use std::cell::RefCell;
use std::collections::HashSet;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

const CHANNELS: usize = 3;
const SEEDS: u64 = 400;
const STEPS: u64 = 400;
const MOST_ACTORS: usize = 10;

/// Marsaglia's xorshift64*, so that a failing seed can be run again.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let bits = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D);
        ((u128::from(bits) * bound as u128) >> 64) as usize
    }
}

#[derive(Default)]
struct Books {
    sent: HashSet<u32>,
    received: HashSet<u32>,
    /// Values of plain sends that were given up: a receiver may have taken them first.
    given_up: HashSet<u32>,
}

impl Books {
    fn receive(&mut self, value: u32) {
        assert!(self.received.insert(value), "{value} was received twice");
    }

    fn send(&mut self, value: u32) {
        assert!(self.sent.insert(value), "{value} was sent twice");
    }
}

struct Actor {
    body: Pin<Box<dyn Future<Output = ()>>>,
    sends: Vec<usize>,
    receives: Vec<usize>,
    /// Its value, when it is a plain send.
    plain: Option<u32>,
    wakes: Arc<WakeCount>,
    waker: Waker,
    seen: usize,
    polled: bool,
}

impl Actor {
    fn is_woken(&self) -> bool {
        !self.polled || self.wakes.get() > self.seen
    }
}

struct World {
    random: Random,
    ends: Vec<(Sender<u32>, Receiver<u32>)>,
    actors: Vec<Actor>,
    books: Rc<RefCell<Books>>,
    next_value: u32,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        let ends = (0..CHANNELS).map(|_| bounded(random.below(3))).collect();
        Self { random, ends, actors: Vec::new(), books: Rc::default(), next_value: 0 }
    }

    fn value(&mut self) -> u32 {
        self.next_value += 1;
        self.next_value
    }

    fn ends(&mut self) -> (usize, Sender<u32>, Receiver<u32>) {
        let index = self.random.below(CHANNELS);
        let (tx, rx) = &self.ends[index];
        (index, tx.clone(), rx.clone())
    }

    fn add(&mut self) {
        let books = self.books.clone();
        let ((a, a_tx, a_rx), (b, b_tx, b_rx)) = (self.ends(), self.ends());
        let (x, y) = (self.value(), self.value());
        let sent = |books: &Rc<RefCell<Books>>, value: u32| books.borrow_mut().send(value);
        let got = |books: &Rc<RefCell<Books>>, value: u32| books.borrow_mut().receive(value);
        let (body, sends, receives, plain): (Pin<Box<dyn Future<Output = ()>>>, _, _, _) =
            match self.random.below(5) {
                0 => {
                    let body = async move {
                        a_tx.send(x).await.expect("nobody closes");
                        sent(&books, x);
                    };
                    (Box::pin(body), vec![a], vec![], Some(x))
                }
                1 => {
                    let body =
                        async move { got(&books, a_rx.recv().await.expect("nobody closes")) };
                    (Box::pin(body), vec![], vec![a], None)
                }
                2 => {
                    let body = async move {
                        select! {
                            result = a_tx.send(x) => { result.expect("open"); sent(&books, x) }
                            result = b_tx.send(y) => { result.expect("open"); sent(&books, y) }
                        }
                    };
                    (Box::pin(body), vec![a, b], vec![], None)
                }
                3 => {
                    let body = async move {
                        select! {
                            value = a_rx.recv() => got(&books, value.expect("open")),
                            value = b_rx.recv() => got(&books, value.expect("open")),
                        }
                    };
                    (Box::pin(body), vec![], vec![a, b], None)
                }
                _ => {
                    let body = async move {
                        select! {
                            result = a_tx.send(x) => { result.expect("open"); sent(&books, x) }
                            value = b_rx.recv() => got(&books, value.expect("open")),
                        }
                    };
                    (Box::pin(body), vec![a], vec![b], None)
                }
            };
        let (wakes, waker) = WakeCount::new();
        let (seen, polled) = (0, false);
        self.actors.push(Actor { body, sends, receives, plain, wakes, waker, seen, polled });
    }

    fn poll(&mut self, index: usize) {
        let actor = &mut self.actors[index];
        actor.polled = true;
        actor.seen = actor.wakes.get();
        if actor.body.as_mut().poll(&mut Context::from_waker(&actor.waker)) == Poll::Ready(()) {
            self.actors.swap_remove(index);
        }
    }

    fn give_up(&mut self, index: usize) {
        let actor = self.actors.swap_remove(index);
        self.books.borrow_mut().given_up.extend(actor.plain);
    }

    fn step(&mut self) {
        let count = self.actors.len();
        match self.random.below(8) {
            0..=2 if count < MOST_ACTORS => self.add(),
            3 if count > 0 => {
                let index = self.random.below(count);
                self.give_up(index);
            }
            4 if count > 0 => {
                // Nobody woke it: a spurious poll changes nothing.
                let index = self.random.below(count);
                self.poll(index);
            }
            5 => {
                let (_, _, rx) = self.ends();
                if let Ok(value) = rx.try_recv() {
                    self.books.borrow_mut().receive(value);
                }
            }
            6 => {
                let (value, (_, tx, _)) = (self.value(), self.ends());
                if tx.try_send(value).is_ok() {
                    self.books.borrow_mut().send(value);
                }
            }
            _ => self.poll_one_woken(),
        }
    }

    fn poll_one_woken(&mut self) {
        let woken: Vec<usize> =
            (0..self.actors.len()).filter(|&index| self.actors[index].is_woken()).collect();
        if !woken.is_empty() {
            let index = woken[self.random.below(woken.len())];
            self.poll(index);
        }
    }

    /// Polls whoever was woken until nobody is left, then looks for somebody who waits in vain.
    fn settle(&mut self) {
        for round in 0.. {
            if !self.actors.iter().any(Actor::is_woken) {
                break;
            }
            assert!(round < 10_000, "they wake each other for ever");
            self.poll_one_woken();
        }
        for (channel, (tx, _)) in self.ends.iter().enumerate() {
            let waiting = |ends: fn(&Actor) -> &Vec<usize>| {
                (0..self.actors.len())
                    .filter(|&index| ends(&self.actors[index]).contains(&channel))
                    .collect::<Vec<_>>()
            };
            let (senders, receivers) = (waiting(|a| &a.sends), waiting(|a| &a.receives));
            let full = tx.capacity().is_none_or(|capacity| tx.len() >= capacity);
            assert!(senders.is_empty() || full, "a sender waits beside room");
            assert!(receivers.is_empty() || tx.is_empty(), "a receiver waits beside a value");
            // A select that is on both sides of one channel does not meet itself.
            let alone = senders.iter().all(|sender| receivers.iter().all(|other| sender == other));
            assert!(alone, "a sender and a receiver wait for each other");
        }
    }

    fn close_the_books(mut self) {
        while !self.actors.is_empty() {
            self.give_up(0);
        }
        for (_, rx) in &self.ends {
            while let Ok(value) = rx.try_recv() {
                self.books.borrow_mut().receive(value);
            }
        }
        let books = self.books.borrow();
        assert!(books.sent.is_subset(&books.received), "a value was sent and lost");
        for value in books.received.difference(&books.sent) {
            assert!(books.given_up.contains(value), "{value} was delivered without its arm");
        }
    }
}

#[test]
fn nobody_waits_in_vain_and_every_value_is_accounted_for() {
    for seed in 1..=SEEDS {
        let run = std::panic::catch_unwind(|| {
            let mut world = World::new(seed);
            for step in 0..STEPS {
                world.step();
                if step % 5 == 0 {
                    world.settle();
                }
            }
            world.settle();
            world.close_the_books();
        });
        if let Err(panic) = run {
            // Not a message of its own: it goes with the panic's.
            eprintln!("seed {seed}");
            std::panic::resume_unwind(panic);
        }
    }
}
