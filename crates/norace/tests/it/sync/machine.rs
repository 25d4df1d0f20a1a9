//! State machines.

use crate::support::{WakeCount, poll, poll_with};
use norace::sync::{
    IllegalMove, MoveError, StateMachine, States, Transitions, Unreachable, Version,
};
use std::task::Poll;
use std::time::Duration;

norace::states! {
    /// The states of a payment order.
    pub(crate) enum Order {
        Pending => [Processing, Failed, Cancelled],
        Processing => [Confirmed, Failed, Cancelled],
        Confirmed => [],
        Failed => [],
        Cancelled => [],
    }
}

use Order::{Cancelled, Confirmed, Failed, Pending, Processing};

#[test]
fn every_pair_of_states_moves_as_the_table_says() {
    let allowed = [
        (Pending, Processing),
        (Pending, Failed),
        (Pending, Cancelled),
        (Processing, Confirmed),
        (Processing, Failed),
        (Processing, Cancelled),
    ];
    for &from in Order::ALL {
        for &to in Order::ALL {
            let order = StateMachine::with_version(from, Version::new(7));
            if allowed.contains(&(from, to)) {
                assert_eq!(order.move_to(to), Ok(Version::new(8)));
                assert_eq!(order.load(), (to, Version::new(8)));
            } else {
                let illegal = IllegalMove { from, to };
                assert_eq!(order.move_to(to), Err(illegal));
                let refused = order.compare_move(Version::new(7), to);
                assert_eq!(refused, Err(MoveError::Illegal(illegal)));
                assert_eq!(order.load(), (from, Version::new(7)), "a refused move changes nothing");
            }
        }
    }
}

#[test]
fn the_table_knows_what_leads_where() {
    assert!(Pending.leads_to(Confirmed) && !Pending.may_become(Confirmed));
    assert!(!Processing.leads_to(Pending) && !Pending.leads_to(Pending));
    assert!(Confirmed.is_final() && !Processing.is_final());
    let circle = Transitions::new(&[&[1], &[2], &[0]]);
    assert!((0..3).all(|from| (0..3).all(|to| circle.leads(from, to))));
    assert_eq!(circle.states(), 3);
}

#[test]
fn a_stale_version_is_told_before_an_illegal_move() {
    let order = StateMachine::new(Pending);
    let version = order.move_to(Cancelled).unwrap();
    let stale = MoveError::Stale { state: Cancelled, version };
    assert_eq!(order.compare_move(Version::FIRST, Pending), Err(stale));
    assert_eq!(stale.to_string(), "move of a version before 2, which is in Cancelled");
    let illegal = order.move_to(Pending).unwrap_err();
    assert_eq!(
        illegal.to_string(),
        "move from Cancelled to Pending, which the table does not allow"
    );
}

#[test]
fn only_those_are_woken_whose_state_has_come_or_cannot_come() {
    let order = StateMachine::new(Pending);
    let counts: Vec<_> = [Processing, Confirmed, Failed]
        .into_iter()
        .map(|state| {
            let (woken, waker) = WakeCount::new();
            let mut wait = order.wait_for(state);
            assert!(poll_with(&mut wait, &waker).is_pending());
            (woken, wait)
        })
        .collect();
    let woken = || counts.iter().map(|(woken, _)| woken.get()).collect::<Vec<_>>();
    order.move_to(Processing).unwrap();
    assert_eq!(woken(), [1, 0, 0]);
    order.move_to(Failed).unwrap();
    assert_eq!(woken(), [1, 1, 1]);
    let outcomes: Vec<_> = counts.into_iter().map(|(_, mut wait)| poll(&mut wait)).collect();
    let lost = Unreachable { state: Confirmed, current: Failed };
    assert_eq!(
        outcomes,
        [
            Poll::Ready(Ok(Version::new(2))),
            Poll::Ready(Err(lost)),
            Poll::Ready(Ok(Version::new(3)))
        ]
    );
    assert_eq!(lost.to_string(), "wait for Confirmed, to which no moves lead from Failed");
}

#[test]
fn a_state_that_is_there_needs_no_wait_and_one_that_cannot_come_neither() {
    let order = StateMachine::new(Processing);
    assert_eq!(order.wait_for_blocking(Processing), Ok(Version::FIRST));
    let lost = Unreachable { state: Pending, current: Processing };
    assert_eq!(order.wait_for_blocking(Pending), Err(lost));
    assert_eq!(order.wait_for_timeout(Confirmed, Duration::from_millis(1)), None);
}

#[test]
#[should_panic(expected = "each state stands at its index")]
fn a_hand_written_table_that_contradicts_itself_is_refused() {
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Wrong {
        A,
        B,
    }
    impl States for Wrong {
        const ALL: &'static [Self] = &[Self::B, Self::A];
        const TRANSITIONS: &'static Transitions = &Transitions::new(&[&[], &[]]);

        fn index(self) -> usize {
            self as usize
        }
    }
    let _ = StateMachine::new(Wrong::A);
}
