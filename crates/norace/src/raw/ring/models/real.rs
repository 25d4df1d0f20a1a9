//! The ring itself: an owner and thieves, on rings so small that they wrap around and overflow.

use crate::models::{all, join, spawn};
use crate::raw::ring::{self, Owner, Thief};
use norace_check::RaceCell;
use norace_prim::sync::Arc;

/// A value that knows whether it is used once and by who may see it.
struct Value {
    number: u32,
    made: RaceCell<u32>,
    _whole: Arc<()>,
}

/// A ring with what was put into it.
struct Test<const N: usize> {
    owner: Owner<Value, N>,
    thief: Arc<Thief<Value, N>>,
    /// Held by each value.
    whole: Arc<()>,
    pushed: u32,
    taken: Vec<u32>,
}

impl<const N: usize> Test<N> {
    fn new() -> Self {
        let (owner, thief) = ring::new();
        Self { owner, thief: Arc::new(thief), whole: Arc::new(()), pushed: 0, taken: Vec::new() }
    }

    fn filled(count: u32) -> Self {
        let mut test = Self::new();
        (0..count).for_each(|_| test.push());
        test
    }

    fn push(&mut self) {
        let value =
            Value { number: self.pushed, made: RaceCell::new(0), _whole: self.whole.clone() };
        value.made.set(1);
        self.pushed += 1;
        if let Err(rest) = self.owner.push(value) {
            assert!(rest.len() == 1 || rest.len() == N / 2 + 1, "{} overflow", rest.len());
            self.taken.extend(see(rest));
        }
    }

    fn pop(&mut self) {
        self.taken.extend(see(self.owner.pop().into_iter().collect()));
    }

    fn steps(&mut self, steps: &str) {
        for step in steps.chars() {
            match step {
                '+' => self.push(),
                _ => self.pop(),
            }
        }
    }

    fn thieves(&self, count: u32, steals: u32) -> Vec<norace_prim::thread::JoinHandle<Vec<u32>>> {
        spawn(count, |_| {
            let thief = self.thief.clone();
            move || {
                let mut stolen = Vec::new();
                (0..steals).for_each(|_| thief.steal_half(&mut stolen));
                see(stolen)
            }
        })
    }

    /// Each value came out once, also the rest, and is gone.
    fn end(mut self, stolen: Vec<Vec<u32>>) {
        for stolen in stolen {
            assert!(stolen.is_sorted(), "{stolen:?}");
            self.taken.extend(stolen);
        }
        let len = self.thief.len();
        let before = self.taken.len();
        while !self.owner.is_empty() {
            self.pop();
        }
        assert!(self.owner.pop().is_none());
        assert_eq!(self.taken.len() - before, len, "the length is that of the ring");
        self.taken.sort_unstable();
        assert_eq!(self.taken, (0..self.pushed).collect::<Vec<_>>(), "each comes out once");
        assert_eq!(Arc::strong_count(&self.whole), 1, "each value is dropped once");
    }
}

/// The numbers of values, which are seen as they were made.
fn see(values: Vec<Value>) -> Vec<u32> {
    let see = |value: Value| {
        assert_eq!(value.made.replace(2), 1);
        value.number
    };
    values.into_iter().map(see).collect()
}

#[test]
fn an_owner_that_pushes_and_pops_against_a_thief() {
    all(|| {
        let mut test = Test::<4>::new();
        let thieves = test.thieves(1, 1);
        test.steps("++-+-");
        test.end(join(thieves));
    });
}

#[test]
fn an_owner_against_a_thief_that_comes_twice() {
    all(|| {
        let mut test = Test::<4>::filled(3);
        let thieves = test.thieves(1, 2);
        test.steps("-+");
        test.end(join(thieves));
    });
}

#[test]
fn an_owner_against_two_thieves() {
    all(|| {
        let mut test = Test::<4>::filled(2);
        let thieves = test.thieves(2, 1);
        test.steps("+-");
        test.end(join(thieves));
    });
}

#[test]
fn a_ring_that_wraps_around_while_it_is_stolen_from() {
    all(|| {
        let mut test = Test::<2>::filled(2);
        let thieves = test.thieves(1, 1);
        test.steps("-+-+-+");
        test.end(join(thieves));
    });
}

#[test]
fn a_full_ring_that_is_pushed_to_while_it_is_stolen_from() {
    all(|| {
        let mut test = Test::<2>::filled(2);
        let thieves = test.thieves(1, 1);
        test.steps("++-+");
        test.end(join(thieves));
    });
    all(|| {
        let mut test = Test::<4>::filled(4);
        let thieves = test.thieves(1, 1);
        test.steps("+-+");
        test.end(join(thieves));
    });
}

#[test]
fn a_full_ring_that_is_pushed_to_while_two_steal_from_it() {
    all(|| {
        let mut test = Test::<2>::filled(2);
        let thieves = test.thieves(2, 1);
        test.steps("+");
        test.end(join(thieves));
    });
}

#[test]
fn what_is_left_in_a_ring_goes_with_it() {
    all(|| {
        let test = Test::<4>::filled(3);
        let thieves = test.thieves(1, 1);
        let stolen = join(thieves);
        assert_eq!(stolen[0].len(), 2);
        let Test { owner, thief, whole, .. } = test;
        drop((owner, thief));
        assert_eq!(Arc::strong_count(&whole), 1);
    });
}
