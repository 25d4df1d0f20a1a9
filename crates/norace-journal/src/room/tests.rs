//! Waiting for room, step by step.

use norace_prim::thread;

use super::*;

fn handle() -> RoomHandle {
    let prepare = Prepare::Ahead { retry: Duration::from_secs(60) };
    RoomHandle(Arc::new(Room::new(&Options { prepare, ..Options::small(8) }, 1)))
}

#[test]
fn whoever_waits_for_room_gets_it_when_the_segment_is_ready() {
    let room = handle();
    room.0.want(false);
    assert_eq!(room.0.take_order(Duration::from_secs(60)), Some(1));
    assert_eq!(room.frames(1), 0, "nothing is certain while it is being made");
    let waiter = thread::spawn({
        let room = room.clone();
        move || room.wait(3, 1)
    });
    room.0.set_next(Next::Ready);
    assert_eq!(waiter.join().unwrap(), Ok(()));
    assert_eq!((room.frames(1), room.bytes()), (3, 5 * 4096 - 88));
}

#[test]
fn whoever_waits_for_room_learns_that_there_is_none() {
    for poison in [false, true] {
        let room = handle();
        room.0.want(false);
        let waiter = thread::spawn({
            let room = room.clone();
            move || room.wait(1, 1)
        });
        let expected = if poison {
            room.0.poison(&"broken");
            NoRoom::Poisoned { cause: "broken".into() }
        } else {
            room.0.set_next(Next::Full);
            NoRoom::StorageFull
        };
        assert_eq!(waiter.join().unwrap(), Err(expected));
    }
}

#[test]
fn more_than_there_can_be_is_refused_at_once() {
    let room = handle();
    room.0.set_next(Next::Ready);
    assert_eq!(room.wait(1, u32::MAX), Err(NoRoom::StorageFull));
    assert_eq!(room.wait(1000, 1), Err(NoRoom::StorageFull));
}

#[test]
fn the_first_poison_stays() {
    let room = handle();
    room.0.poison(&"first");
    room.0.poison(&"second");
    assert_eq!(room.0.poisoned().as_deref(), Some("first"));
    assert_eq!(room.0.take_order(Duration::from_secs(60)), None, "the helper ends");
}

#[test]
fn a_failed_attempt_is_repeated_only_when_asked_or_when_its_time_has_come() {
    let room = handle();
    room.0.set_next(Next::Full);
    room.0.want(false);
    assert_eq!(room.0.outcome(), Next::Full);
    room.0.want(true);
    assert_eq!(room.0.take_wanted(), Some(1));
    assert_eq!(room.0.take_wanted(), None);
    room.0.set_next(Next::Full);
    assert_eq!(room.0.take_order(Duration::from_millis(1)), Some(1));
    room.0.stop();
    assert_eq!(room.0.take_order(Duration::from_millis(1)), None);
}

#[test]
fn whoever_waits_asks_for_a_segment_that_nobody_asked_for() {
    let room = handle();
    let waiter = thread::spawn({
        let room = room.clone();
        move || room.wait(3, 1)
    });
    assert_eq!(room.0.take_order(Duration::from_secs(60)), Some(1));
    room.0.set_next(Next::Ready);
    assert_eq!(waiter.join().unwrap(), Ok(()));
}

#[test]
fn whoever_waits_for_an_order_that_the_helper_never_took_learns_that_it_is_over() {
    let room = handle();
    room.0.want(false);
    room.0.stop();
    assert_eq!(room.wait(1, 1), Err(NoRoom::Closed));
    assert_eq!(room.0.take_order(Duration::from_secs(60)), None);
}
