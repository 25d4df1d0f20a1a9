//! The task's word, transition by transition.

use super::{TaskState, Turns};

/// A task that its maker is about to queue.
fn scheduled() -> Turns<(), ()> {
    Turns::new((), ())
}

/// Polls it once, and does `meanwhile`; true when it is to be queued.
fn poll(task: &Turns<(), ()>, meanwhile: impl FnOnce()) -> bool {
    let turn = task.start();
    assert!(!turn.is_cancelled());
    meanwhile();
    turn.pause()
}

#[test]
fn a_new_task_is_queued_once_by_its_creator() {
    let task = scheduled();
    assert!(!task.head().wake(), "it is in a queue already");
    assert_eq!(task.head().snapshot(), TaskState::Runnable);
    let turn = task.start();
    assert!(!turn.is_cancelled());
    assert_eq!(task.head().snapshot(), TaskState::Running);
}

#[test]
fn of_two_wakes_of_an_idle_task_one_queues_it() {
    let task = scheduled();
    assert!(!poll(&task, || {}));
    assert_eq!(task.head().snapshot(), TaskState::Waiting);
    assert!(task.head().wake());
    assert!(!task.head().wake());
}

#[test]
fn a_wake_during_a_poll_queues_the_task_when_the_poll_ends() {
    let task = scheduled();
    assert!(poll(&task, || assert!(!task.head().wake())));
    assert!(!poll(&task, || {}), "the wake was used up");
}

#[test]
fn a_wake_during_a_look_queues_the_task_when_the_look_ends() {
    let task = scheduled();
    assert!(task.look(|(), _| ()).is_none(), "it does not wait");
    poll(&task, || assert!(task.look(|(), _| ()).is_none(), "it runs"));
    let seen = task.look(|(), _| {
        assert_eq!(task.head().snapshot(), TaskState::Waiting);
        assert!(task.look(|(), _| ()).is_none(), "somebody looks");
        assert!(!task.head().wake());
    });
    assert!(seen.is_some_and(|((), woken)| woken));
    assert!(!poll(&task, || {}), "the wake was used up");
    assert!(task.look(|(), _| ()).is_some_and(|((), woken)| !woken));
}

#[test]
fn a_cancelled_task_is_not_polled_again() {
    for cancel_while_running in [false, true] {
        let task = scheduled();
        if cancel_while_running {
            assert!(poll(&task, || assert!(!task.head().cancel())));
        } else {
            assert!(!poll(&task, || {}));
            assert!(task.head().cancel());
        }
        assert!(task.start().is_cancelled());
    }
}

#[test]
fn a_task_cancelled_before_its_first_poll_is_never_polled() {
    let task = scheduled();
    assert!(!task.head().cancel());
    assert!(task.start().is_cancelled());
}

#[test]
fn nothing_queues_a_task_that_is_done() {
    let task = scheduled();
    let turn = task.start();
    assert!(!task.head().wake());
    turn.finish();
    assert!(!task.head().wake());
    assert!(!task.head().cancel());
    assert!(task.look(|(), _| ()).is_none());
    assert!(task.head().is_done());
    assert_eq!(task.head().snapshot(), TaskState::Done);
}

#[test]
#[should_panic(expected = "a task that is run was queued")]
fn a_task_that_runs_is_not_run_by_another_worker() {
    let task = scheduled();
    let _turn = task.start();
    task.start();
}
