//! Takers that come, go and give up, over the real line, strict and with overtaking.

use crate::models::{all, join, poll, some, spawn};
use crate::sync::permits::{Permits, Place, QUEUED, Take, Use};
use crate::wait::{BlockedOn, block_on};
use norace_check::{RaceCell, choose};
use norace_prim::atomic::Ordering;
use norace_prim::probe::{Kind, Site};
use norace_prim::sync::Arc;
use norace_prim::thread;
use std::future::{Future, poll_fn};
use std::task::Poll;

struct Of<const OVERTAKEN_MAX: u32>;

impl<const OVERTAKEN_MAX: u32> Kind for Of<OVERTAKEN_MAX> {
    const WORD: &'static str = "permits";
    type Holds = ();
}

impl<const OVERTAKEN_MAX: u32> Use for Of<OVERTAKEN_MAX> {
    const ON: BlockedOn = BlockedOn::Permits;
    const TAKE: &'static str = "take from";
    const GIVE: &'static str = "give to";
    const OVERTAKEN_MAX: u32 = OVERTAKEN_MAX;
}

type Shared<const N: u32> = Arc<Permits<Of<N>>>;

/// A taker that leaves when it is dropped.
struct Taker<const N: u32>(Shared<N>, Place);

impl<const N: u32> Taker<N> {
    fn new(permits: &Shared<N>, need: usize) -> Self {
        Self(permits.clone(), Place::new(need, Site::here()))
    }

    fn taken(&mut self) -> impl Future<Output = bool> + Unpin {
        poll_fn(|cx| self.1.poll(&self.0, cx))
    }
}

impl<const N: u32> Drop for Taker<N> {
    fn drop(&mut self) {
        self.1.leave(&self.0);
    }
}

fn permits<const N: u32>(count: usize) -> Shared<N> {
    Arc::new(Permits::new(count))
}

fn take<const N: u32>(permits: &Shared<N>, need: usize) -> bool {
    block_on(Taker::new(permits, need).taken())
}

fn give<const N: u32>(permits: &Shared<N>, count: usize) {
    permits.give(count, Site::here());
}

/// Everything is where it was, and nobody waits.
fn at_rest<const N: u32>(permits: &Shared<N>, count: usize) {
    assert_eq!((permits.free(), permits.waiting()), (count, 0));
    // Relaxed: nobody else is left.
    let word = permits.word.load(Ordering::Relaxed);
    assert_eq!(word & QUEUED, 0, "a flag was left behind");
    assert_eq!(permits.try_take(count, Site::here()), Take::Taken);
}

/// Threads that take one of one permit, and look at what it protects.
fn one_at_a_time<const N: u32>(threads: u32, times: u32) {
    let permits = permits::<N>(1);
    let cell = Arc::new(RaceCell::new(0));
    join(spawn(threads, |_| {
        let (permits, cell) = (permits.clone(), cell.clone());
        move || {
            for _ in 0..times {
                assert!(take(&permits, 1));
                cell.update(|count| count + 1);
                give(&permits, 1);
            }
        }
    }));
    assert_eq!(cell.get(), threads * times);
    at_rest(&permits, 1);
}

#[test]
fn who_has_the_permit_is_alone_and_nobody_waits_for_ever() {
    all(|| one_at_a_time::<0>(2, 1));
    all(|| one_at_a_time::<1>(2, 1));
    all(|| one_at_a_time::<0>(2, 2));
    some(|| one_at_a_time::<1>(2, 2));
    some(|| one_at_a_time::<0>(3, 1));
    some(|| one_at_a_time::<1>(3, 1));
}

/// One waits and gives up, or takes what it got, while another waits and a third gives.
fn one_gives_up<const N: u32>() {
    let permits = permits::<N>(0);
    let mut quitter = Taker::new(&permits, 1);
    assert_eq!(poll(&mut quitter.taken()), Poll::Pending);
    let stays = {
        let permits = permits.clone();
        thread::spawn(move || assert!(take(&permits, 1)))
    };
    let giver = {
        let permits = permits.clone();
        thread::spawn(move || give(&permits, 1))
    };
    if choose(2) == 1 && poll(&mut quitter.taken()).is_ready() {
        give(&permits, 1);
    }
    drop(quitter);
    join([stays, giver]);
    give(&permits, 1);
    at_rest(&permits, 1);
}

#[test]
fn who_gives_up_passes_on_what_it_got() {
    all(one_gives_up::<0>);
    all(one_gives_up::<1>);
}

#[test]
fn who_gives_up_lets_those_behind_it_have_what_did_not_do_for_it() {
    all(|| {
        let permits = permits::<0>(1);
        let mut wants_two = Taker::new(&permits, 2);
        assert_eq!(poll(&mut wants_two.taken()), Poll::Pending);
        let wants_one = {
            let permits = permits.clone();
            thread::spawn(move || assert!(take(&permits, 1)))
        };
        drop(wants_two);
        join([wants_one]);
        assert_eq!(permits.free(), 0);
    });
}

#[test]
fn permits_for_two_come_from_two() {
    all(|| {
        let permits = permits::<0>(0);
        let threads = spawn(2, |_| {
            let permits = permits.clone();
            move || give(&permits, 1)
        });
        assert!(take(&permits, 2));
        join(threads);
        assert_eq!(permits.free(), 0);
    });
}

#[test]
fn heavy_takers_are_not_passed_by_light_ones() {
    all(|| {
        let permits = permits::<0>(1);
        let mut heavy = Taker::new(&permits, 2);
        assert_eq!(poll(&mut heavy.taken()), Poll::Pending);
        let light = {
            let permits = permits.clone();
            thread::spawn(move || permits.try_take(1, Site::here()))
        };
        give(&permits, 1);
        assert_eq!(poll(&mut heavy.taken()), Poll::Ready(true), "it was granted at once");
        assert_eq!(light.join().unwrap(), Take::Short);
    });
}

#[test]
fn closing_refuses_who_waits_and_who_comes_and_loses_no_permit() {
    all(|| {
        let permits = permits::<0>(0);
        let cell = Arc::new(RaceCell::new(0));
        let closer = {
            let (permits, cell) = (permits.clone(), cell.clone());
            thread::spawn(move || {
                cell.set(1);
                assert!(permits.close(Site::here()));
            })
        };
        let giver = {
            let permits = permits.clone();
            thread::spawn(move || give(&permits, 1))
        };
        if take(&permits, 1) {
            give(&permits, 1);
        } else {
            assert_eq!(cell.get(), 1, "who is refused has seen what came before the closing");
        }
        join([closer, giver]);
        assert_eq!((permits.free(), permits.waiting()), (1, 0));
        assert_eq!(permits.try_take(1, Site::here()), Take::Closed);
        assert!(!permits.close(Site::here()));
    });
}

#[test]
fn the_first_in_line_is_overtaken_so_often_and_no_more() {
    all(|| {
        let permits = permits::<1>(0);
        let mut first = Taker::new(&permits, 1);
        assert_eq!(poll(&mut first.taken()), Poll::Pending);
        let hog = {
            let permits = permits.clone();
            thread::spawn(move || {
                let mut overtook = 0;
                give(&permits, 1);
                while permits.try_take(1, Site::here()) == Take::Taken {
                    overtook += 1;
                    give(&permits, 1);
                }
                overtook
            })
        };
        assert_eq!(hog.join().unwrap(), 1);
        assert_eq!(poll(&mut first.taken()), Poll::Ready(true));
    });
}

#[test]
fn who_is_invited_and_gives_up_invites_the_next() {
    all(|| {
        let permits = permits::<1>(0);
        let mut first = Taker::new(&permits, 1);
        assert_eq!(poll(&mut first.taken()), Poll::Pending);
        let second = {
            let permits = permits.clone();
            thread::spawn(move || {
                assert!(take(&permits, 1));
                give(&permits, 1);
            })
        };
        give(&permits, 1);
        drop(first);
        join([second]);
        at_rest(&permits, 1);
    });
}
