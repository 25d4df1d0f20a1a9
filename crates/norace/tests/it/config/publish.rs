//! Publishing, reading, and how long values live: one thread.

use crate::support::LiveCount;
use norace::config::{CompareError, Hot, RollbackError, Stale};
use std::panic::{AssertUnwindSafe, catch_unwind};

#[test]
fn versions_count_publications() {
    let hot = Hot::new("a");
    assert_eq!((hot.version(), *hot.load()), (1, "a"));
    assert_eq!(hot.publish("b"), Ok(2));
    assert_eq!(hot.publish("c"), Ok(3));
    let snapshot = hot.snapshot();
    assert_eq!(hot.publish("d"), Ok(4));
    assert_eq!((snapshot.version(), *snapshot), (3, "c"));
    assert_eq!((hot.load().version(), *hot.load()), (4, "d"));
}

#[test]
fn a_reader_follows_and_its_clone_begins_where_it_is() {
    let hot = Hot::new(1);
    let mut reader = hot.reader();
    assert_eq!((*reader.get(), reader.version()), (1, 1));
    assert_eq!(hot.publish(2), Ok(2));
    assert_eq!(reader.version(), 1, "it has not read");
    let mut clone = reader.clone();
    assert_eq!((*reader.get(), *clone.get()), (2, 2));
    drop(hot);
    assert_eq!((*reader.get(), reader.version()), (2, 2));
}

#[test]
fn a_stale_writer_is_told_which_version_is_in_force() {
    let hot = Hot::new(0);
    assert_eq!(hot.compare_publish(1, 10), Ok(2));
    let error = hot.compare_publish(1, 20).unwrap_err();
    assert_eq!(error, CompareError::Stale(Stale { expected: 1, current: 2 }));
    assert_eq!(error.to_string(), "version 1 was expected, 2 is in force");
    assert_eq!((*hot.load(), hot.version()), (10, 2));
}

#[test]
fn a_refused_value_changes_nothing() {
    let hot = Hot::builder(5)
        .validate(|old, new| if new >= old { Ok(()) } else { Err(format!("{new} < {old}")) })
        .history(2)
        .build();
    let refused = || "4 < 5".to_owned();
    assert_eq!(hot.check(&4), Err(refused()));
    assert_eq!(hot.publish(4), Err(refused()));
    assert_eq!(hot.compare_publish(1, 4), Err(CompareError::Invalid(refused())));
    assert_eq!(hot.update(|old| old - 1), Err(refused()));
    assert_eq!((*hot.load(), hot.version(), hot.history().len()), (5, 1, 0));
    assert_eq!(hot.check(&6), Ok(()));
    assert_eq!(hot.version(), 1, "a check publishes nothing");
    assert_eq!(hot.update(|old| old + 1), Ok(2));
    assert_eq!(hot.rollback(1), Err(RollbackError::Invalid("5 < 6".to_owned())));
}

#[test]
fn a_panic_of_the_validator_changes_nothing() {
    let hot = Hot::builder(1)
        .validate(|_, new| if *new == 13 { panic!("unlucky") } else { Ok::<_, ()>(()) })
        .build();
    assert!(catch_unwind(AssertUnwindSafe(|| hot.publish(13))).is_err());
    assert_eq!((*hot.load(), hot.version()), (1, 1));
    assert_eq!(hot.publish(14), Ok(2));
}

#[test]
fn the_history_is_bounded_and_a_rollback_is_a_version_of_its_own() {
    let hot = Hot::builder(1).history(2).build();
    for value in 2..=5 {
        assert_eq!(hot.publish(value), Ok(value));
    }
    let kept: Vec<_> = hot.history().iter().map(|old| (old.version(), **old)).collect();
    assert_eq!(kept, [(4, 4), (3, 3)]);
    assert_eq!(hot.rollback(2), Err(RollbackError::Gone { version: 2 }));
    assert_eq!(hot.rollback(9), Err(RollbackError::Gone { version: 9 }));
    assert_eq!(hot.rollback(3), Ok(6));
    assert_eq!((*hot.load(), hot.history()[0].version()), (3, 5));
}

#[test]
fn a_former_value_lives_as_long_as_somebody_holds_it() {
    let live = LiveCount::default();
    let hot = Hot::new(live.value());
    let mut readers = [hot.reader(), hot.reader()];
    let loaded = hot.load();
    let Ok(_) = hot.publish(live.value());
    assert_eq!(live.get(), 2, "a loan and two readers hold the first");
    drop(loaded);
    assert_eq!(live.get(), 2);
    readers[0].get();
    assert_eq!(live.get(), 2);
    readers[1].get();
    assert_eq!(live.get(), 1, "nobody holds the first");
    let snapshot = hot.snapshot();
    for _ in 0..10 {
        let Ok(_) = hot.publish(live.value());
    }
    // The snapshot and the readers have the second; those between are gone.
    assert_eq!(live.get(), 2);
    drop(snapshot);
    readers[0].get();
    assert_eq!(live.get(), 2, "one former version for a reader that has not read");
    drop(readers);
    assert_eq!(live.get(), 1);
    drop(hot);
    assert_eq!(live.get(), 0);
}

#[test]
fn each_reader_holds_one_former_version_at_most() {
    let live = LiveCount::default();
    let hot = Hot::new(live.value());
    let mut readers: Vec<_> = (0..5)
        .map(|_| {
            let reader = hot.reader();
            let Ok(_) = hot.publish(live.value());
            reader
        })
        .collect();
    for _ in 0..20 {
        let Ok(_) = hot.publish(live.value());
        assert_eq!(live.get(), 1 + readers.len());
    }
    while let Some(mut reader) = readers.pop() {
        reader.get();
        assert_eq!(live.get(), 1 + readers.len());
    }
}

#[test]
fn more_loans_than_slots_are_loans_all_the_same() {
    let live = LiveCount::default();
    let hot = Hot::new(live.value());
    let loans: Vec<_> = (0..100).map(|_| hot.load()).collect();
    let Ok(_) = hot.publish(live.value());
    assert_eq!(live.get(), 2);
    assert!(loans.iter().all(|loan| loan.version() == 1));
    drop(loans);
    assert_eq!(live.get(), 1);
    assert_eq!(hot.load().version(), 2);
}

#[test]
fn a_value_may_publish_when_it_is_dropped() {
    struct Last(Hot<u32>);
    impl Drop for Last {
        fn drop(&mut self) {
            let Ok(_) = self.0.update(|count| count + 1);
        }
    }
    let count = Hot::new(0);
    let hot = Hot::new(Last(count.clone()));
    let Ok(_) = hot.publish(Last(count.clone()));
    assert_eq!(*count.load(), 1);
    drop(hot);
    assert_eq!(*count.load(), 2);
}
