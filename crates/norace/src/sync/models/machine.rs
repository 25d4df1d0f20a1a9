//! State machines: moves that race, and waits for states that pass.

use crate::models::{all, join, poll, spawn};
use crate::sync::event::Inside;
use crate::sync::{MoveError, StateMachine, Version};
use norace_check::RaceCell;
use norace_prim::sync::Arc;
use norace_prim::thread;
use std::task::Poll;

crate::states! {
    enum Order {
        Pending => [Processing, Failed, Cancelled],
        Processing => [Confirmed, Failed, Cancelled],
        Confirmed => [],
        Failed => [],
        Cancelled => [],
    }
}

#[test]
fn of_two_final_moves_one_is_made() {
    all(|| {
        let order = Arc::new(StateMachine::new(Order::Processing));
        let moves = spawn(2, |number| {
            let order = order.clone();
            let to = [Order::Confirmed, Order::Cancelled][number as usize];
            move || order.move_to(to).map(|version| (to, version))
        });
        let made: Vec<_> = join(moves).into_iter().flatten().collect();
        assert_eq!(made.len(), 1);
        assert_eq!(made[0], order.load());
        assert_eq!(order.load().1.get(), 2);
    });
}

#[test]
fn a_move_of_a_version_that_was_is_stale_and_has_seen_why() {
    all(|| {
        let order = Arc::new(StateMachine::new(Order::Pending));
        let cell = Arc::new(RaceCell::new(0));
        let other = {
            let (order, cell) = (order.clone(), cell.clone());
            thread::spawn(move || {
                cell.set(1);
                order.compare_move(Version::FIRST, Order::Processing)
            })
        };
        let mine = order.compare_move(Version::FIRST, Order::Cancelled);
        match mine {
            Ok(version) => assert_eq!(version.get(), 2),
            Err(MoveError::Stale { state: Order::Processing, version }) => {
                assert_eq!((cell.get(), version.get()), (1, 2));
            }
            Err(other) => panic!("{other}"),
        }
        assert!(other.join().unwrap().is_ok() ^ mine.is_ok());
    });
}

#[test]
fn a_state_that_is_passed_through_ends_the_wait_for_it() {
    all(|| {
        let order = Arc::new(StateMachine::new(Order::Pending));
        let mut wait = order.wait_for(Order::Processing);
        assert_eq!(poll(&mut wait), Poll::Pending);
        let threads = spawn(2, |number| {
            let order = order.clone();
            move || match number {
                0 => order.move_to(Order::Processing).is_ok(),
                _ => order.state() == Order::Processing && order.move_to(Order::Confirmed).is_ok(),
            }
        });
        join(threads);
        let passed = poll(&mut wait).map(|outcome| outcome.map(Version::get));
        assert_eq!(passed, Poll::Ready(Ok(2)));
        drop(wait);
        assert_eq!(order.event().places(), 0);
    });
}

#[test]
fn a_wait_ends_with_its_state_or_when_that_cannot_come() {
    all(|| {
        let order = Arc::new(StateMachine::new(Order::Pending));
        let mover = {
            let order = order.clone();
            thread::spawn(move || {
                order.move_to(Order::Processing).unwrap();
                order.move_to(Order::Failed).unwrap();
            })
        };
        let failed = {
            let order = order.clone();
            thread::spawn(move || order.wait_for_blocking(Order::Failed))
        };
        let confirmed = order.wait_for_blocking(Order::Confirmed).unwrap_err();
        assert_eq!(confirmed.current, Order::Failed);
        assert_eq!(failed.join().unwrap().map(Version::get), Ok(3));
        mover.join().unwrap();
    });
}
