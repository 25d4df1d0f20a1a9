//! Wait groups: what is done before `done` happens before `wait` returns. Those who are done are not ordered.

use crate::go::{Chan, WaitGroup, sleep};
use crate::races::recover;
use norace_check::RaceCell;
use norace_prim::thread::scope;

races! {
    free no_race_wait_group,
    racy wait_group,
    free no_race_wait_group_2,
    racy wait_group_as_mutex,
    racy wait_group_wrong_wait,
    free wait_group_wrong_add,
    free no_race_wait_group_multiple_wait,
    free no_race_wait_group_multiple_wait_2,
    free no_race_wait_group_multiple_wait_3,
    racy wait_group_2,
    free no_race_wait_group_panic_recover,
    free no_race_wait_group_panic_recover_2,
    free no_race_wait_group_transitive,
    free no_race_wait_group_reuse,
    free no_race_wait_group_reuse_2,
    free wait_group_reuse,
    racy wait_group_reuse_late,
    free no_race_wait_group_concurrent_add,
}

/// Who waits for `threads` goroutines that set a variable.
fn wait_for(threads: i32) {
    let (x, group) = (RaceCell::named("x", 0), WaitGroup::new());
    scope(|s| {
        for thread in 0..threads {
            group.add(1);
            let (x, group) = (&x, &group);
            s.spawn(move || {
                x.set(thread);
                group.done();
            });
        }
        group.wait();
        x.set(2);
    });
}

/// The end of the only goroutine happens before the wait is over.
fn no_race_wait_group() {
    wait_for(1);
}

/// None between two that are waited for.
fn wait_group() {
    wait_for(2);
}

/// `done` happens before the wait is over.
fn no_race_wait_group_2() {
    let (x, group) = (RaceCell::named("x", 0), WaitGroup::new());
    group.add(1);
    scope(|s| {
        s.spawn(|| {
            x.set(1);
            group.done();
        });
        group.wait();
        x.set(2);
    });
}

/// None: both may have waited before either adds.
fn wait_group_as_mutex() {
    let (x, group) = (RaceCell::named("x", 0), WaitGroup::new());
    let add = || {
        group.wait();
        sleep(1);
        group.add(1);
        x.set(1);
        group.done();
    };
    scope(|s| {
        s.spawn(add);
        s.spawn(add);
    });
}

/// None: the goroutines add themselves.
fn wait_group_wrong_wait() {
    let (x, group) = (RaceCell::named("x", 0), WaitGroup::new());
    let set = || {
        group.add(1);
        x.set(1);
        group.done();
    };
    scope(|s| {
        s.spawn(set);
        s.spawn(set);
        group.wait();
    });
}

/// No plain data at all. Go reports the first add beside a wait; here a group is made of atomics.
fn wait_group_wrong_add() {
    let group = WaitGroup::new();
    let stay = || {
        group.add(1);
        group.done();
    };
    scope(|s| {
        s.spawn(stay);
        s.spawn(stay);
        group.wait();
    });
}

/// Waiting for nobody disturbs nobody.
fn no_race_wait_group_multiple_wait() {
    let group = WaitGroup::new();
    scope(|s| {
        s.spawn(|| group.wait());
        s.spawn(|| group.wait());
        group.wait();
    });
}

/// Who is done may wait for the others.
fn no_race_wait_group_multiple_wait_2() {
    let group = WaitGroup::new();
    group.add(2);
    let meet = || {
        group.done();
        group.wait();
    };
    scope(|s| {
        s.spawn(meet);
        s.spawn(meet);
        group.wait();
    });
}

/// All that is done happens before each of several waits is over.
fn no_race_wait_group_multiple_wait_3() {
    let (data, group): ([RaceCell<i32>; 2], _) = (Default::default(), WaitGroup::new());
    group.add(2);
    scope(|s| {
        for datum in &data {
            let group = &group;
            s.spawn(move || {
                datum.set(42);
                group.done();
            });
        }
        for _ in 0..2 {
            s.spawn(|| {
                group.wait();
                assert!(data.iter().all(|datum| datum.get() == 42));
            });
        }
    });
}

/// None between two that are waited for.
fn wait_group_2() {
    let (x, group) = (RaceCell::named("x", 0), WaitGroup::new());
    group.add(2);
    scope(|s| {
        s.spawn(|| {
            x.set(1);
            group.done();
        });
        s.spawn(|| {
            x.set(2);
            group.done();
        });
        group.wait();
    });
}

/// One thread, which goes on after a panic.
fn no_race_wait_group_panic_recover() {
    let (x, group) = (RaceCell::named("x", 0), WaitGroup::new());
    x.set(1);
    let negative = recover(|| group.add(-1));
    x.set(2);
    assert_eq!(negative, Err("negative WaitGroup counter".to_owned()));
}

/// What comes before a panic happens before what is started after it.
fn no_race_wait_group_panic_recover_2() {
    let (x, group, done) = (RaceCell::named("x", 0), WaitGroup::new(), Chan::new(1));
    scope(|s| {
        s.spawn(|| {
            x.set(1);
            assert!(recover(|| group.add(-1)).is_err());
            s.spawn(|| {
                x.set(2);
                done.send(true);
            });
        });
        done.recv();
    });
}

/// The wait is after all who are done, not only the last.
fn no_race_wait_group_transitive() {
    let (x, y, group) = (RaceCell::named("x", 0), RaceCell::named("y", 0), WaitGroup::new());
    group.add(2);
    scope(|s| {
        s.spawn(|| {
            x.set(42);
            group.done();
        });
        s.spawn(|| {
            sleep(1);
            y.set(42);
            group.done();
        });
        group.wait();
        assert_eq!((x.get(), y.get()), (42, 42));
    });
}

/// A group may be used again once all have been waited for.
fn no_race_wait_group_reuse() {
    let (data, group): ([RaceCell<i32>; 2], _) = (Default::default(), WaitGroup::new());
    scope(|s| {
        for _ in 0..2 {
            group.add(2);
            for datum in &data {
                let group = &group;
                s.spawn(move || {
                    datum.update(|n| n + 1);
                    group.done();
                });
            }
            group.wait();
            data.iter().for_each(|datum| datum.update(|n| n + 1));
        }
    });
}

/// As above, where somebody else waits the first time, too, and is waited for.
fn no_race_wait_group_reuse_2() {
    let (x, group, done) = (RaceCell::named("x", 0), WaitGroup::new(), Chan::new(0));
    let add = || x.update(|n| n + 1);
    scope(|s| {
        for first in [true, false] {
            group.add(1);
            s.spawn(|| {
                add();
                group.done();
            });
            if first {
                s.spawn(|| {
                    group.wait();
                    add();
                    done.send(true);
                });
            }
            group.wait();
            if first {
                done.recv();
            }
            add();
        }
    });
}

/// `done` happens before a wait that is over late, too. Go reports the next add beside it.
fn wait_group_reuse() {
    let (data, group): ([RaceCell<i32>; 2], _) = (Default::default(), WaitGroup::new());
    scope(|s| {
        for datum in &data {
            group.add(1);
            let group = &group;
            s.spawn(move || {
                datum.update(|n| n + 1);
                group.done();
            });
            s.spawn(move || {
                group.wait();
                datum.update(|n| n + 1);
            });
            group.wait();
        }
    });
}

/// None between two who wait for the same.
fn wait_group_reuse_late() {
    let (x, group) = (RaceCell::named("x", 0), WaitGroup::new());
    scope(|s| {
        group.add(1);
        s.spawn(|| group.done());
        s.spawn(|| {
            group.wait();
            x.update(|n| n + 1);
        });
        group.wait();
        x.update(|n| n + 1);
    });
}

/// Who waits has heard of every add.
fn no_race_wait_group_concurrent_add() {
    let (x, group, waiting) = (RaceCell::named("x", 0), WaitGroup::new(), Chan::new(2));
    scope(|s| {
        for last in [false, true] {
            let (x, group, waiting) = (&x, &group, &waiting);
            s.spawn(move || {
                group.add(1);
                waiting.send(true);
                if last {
                    x.set(1);
                }
                group.done();
            });
        }
        waiting.recv();
        waiting.recv();
        group.wait();
        x.set(2);
    });
}
