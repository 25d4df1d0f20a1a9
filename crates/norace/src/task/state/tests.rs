//! The task's word, transition by transition.

use super::{Start, State, TaskState};

#[test]
fn a_new_task_is_queued_once_by_its_creator() {
    let state = State::scheduled();
    assert!(!state.wake(), "it is in a queue already");
    assert_eq!(state.snapshot(), TaskState::Runnable);
    assert_eq!(state.start(), Start::Poll);
    assert_eq!(state.snapshot(), TaskState::Running);
}

#[test]
fn of_two_wakes_of_an_idle_task_one_queues_it() {
    let state = State::scheduled();
    state.start();
    assert!(!state.pause());
    assert_eq!(state.snapshot(), TaskState::Waiting);
    assert!(state.wake());
    assert!(!state.wake());
}

#[test]
fn a_wake_during_a_poll_queues_the_task_when_the_poll_ends() {
    let state = State::scheduled();
    state.start();
    assert!(!state.wake());
    assert!(state.pause());
    assert_eq!(state.start(), Start::Poll);
    assert!(!state.pause(), "the wake was used up");
}

#[test]
fn a_cancelled_task_is_not_polled_again() {
    for cancel_while_running in [false, true] {
        let state = State::scheduled();
        state.start();
        if cancel_while_running {
            assert!(!state.cancel());
            assert!(state.pause());
        } else {
            assert!(!state.pause());
            assert!(state.cancel());
        }
        assert_eq!(state.start(), Start::Cancel);
    }
}

#[test]
fn a_task_cancelled_before_its_first_poll_is_never_polled() {
    let state = State::scheduled();
    assert!(!state.cancel());
    assert_eq!(state.start(), Start::Cancel);
}

#[test]
fn nothing_queues_a_task_that_is_done() {
    let state = State::scheduled();
    state.start();
    assert!(!state.wake());
    state.finish();
    assert!(!state.wake());
    assert!(!state.cancel());
    assert!(state.is_done());
    assert_eq!(state.snapshot(), TaskState::Done);
}
