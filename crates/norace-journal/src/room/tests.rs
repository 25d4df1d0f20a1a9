//! Waiting for room, step by step.

use norace_prim::thread;

use super::*;

fn handle() -> RoomHandle {
    RoomHandle(Arc::new(Room::new(8 * PAGE_BYTES, 5 * 4096 - 88)))
}

#[test]
fn whoever_waits_for_room_gets_it_when_the_segment_is_ready() {
    let room = handle();
    room.0.want(1, false);
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
        room.0.want(1, false);
        let waiter = thread::spawn({
            let room = room.clone();
            move || room.wait(1, 1)
        });
        let expected = if poison {
            room.0.poison(&"broken");
            NoRoom::Poisoned { cause: "broken".into() }
        } else {
            room.0.set_next(Next::Full(1));
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
    room.0.set_next(Next::Full(4));
    room.0.want(4, false);
    assert_eq!(room.0.outcome(), Next::Full(4));
    room.0.want(4, true);
    assert_eq!(room.0.take_wanted(), Some(4));
    assert_eq!(room.0.take_wanted(), None);
    room.0.set_next(Next::Full(4));
    assert_eq!(room.0.take_order(Duration::from_millis(1)), Some(4));
    room.0.stop();
    assert_eq!(room.0.take_order(Duration::from_millis(1)), None);
}
