//! Selects: the arm that is taken orders what its operation orders, the others order nothing.

use crate::go::Chan;
use norace::select_blocking;
use norace_check::RaceCell;
use norace_prim::sync::Arc;
use norace_prim::thread::scope;

races! {
    free no_race_select_1,
    free no_race_select_2,
    free no_race_select_3,
    free no_race_select_4,
    free no_race_select_5,
    racy select_1,
    racy select_2,
    racy select_3,
    racy select_4,
    racy select_5,
    racy flaky_default,
    racy select_read_write_async,
    racy select_read_write_sync,
    free no_race_select_read_write_async,
    free no_race_select_mutex,
    free no_race_blocked_select_send_sync,
}

/// Sends `value` unless something comes from `other`.
fn send_or<T>(c: &Chan<T>, value: T, other: &Chan<bool>) {
    select_blocking! {
        _ = c.sender().send(value) => {}
        _ = other.receiver().recv() => {}
    }
}

/// Receives from one of two.
fn recv_or<T>(c: &Chan<T>, other: &Chan<bool>) {
    select_blocking! {
        _ = c.receiver().recv() => {}
        _ = other.receiver().recv() => {}
    }
}

/// The send that was chosen happens before its receive is over.
fn no_race_select_1() {
    let (x, c, c1) = (RaceCell::named("x", 0), Chan::new(0), Chan::new(0));
    scope(|s| {
        s.spawn(|| {
            x.set(1);
            select_blocking! {
                _ = c.sender().send(true) => {}
                _ = c1.sender().send(true) => {}
            }
        });
        select_blocking! {
            _ = c.receiver().recv() => {}
            _ = c1.sender().send(true) => {}
        }
        x.set(2);
    });
}

/// The close happens before the receive that it ends.
fn no_race_select_2() {
    let (x, c, never) = (RaceCell::named("x", 0), Chan::<bool>::new(0), Chan::new(0));
    scope(|s| {
        s.spawn(|| {
            recv_or(&c, &never);
            x.set(1);
        });
        x.set(2);
        c.close();
    });
}

/// The send that was chosen happens before its receive is over, with a buffer as well.
fn no_race_select_3() {
    let (x, c, never) = (RaceCell::named("x", 0), Chan::new(10), Chan::new(0));
    scope(|s| {
        s.spawn(|| {
            x.set(1);
            send_or(&c, true, &never);
        });
        c.recv();
        x.set(2);
    });
}

/// The task goes through one select, its end comes back through another. (Go's worker is never told to end.)
fn no_race_select_4() {
    let x = RaceCell::named("x", 0);
    let queue = Chan::<(&RaceCell<i32>, Chan<bool>)>::new(0);
    let never = Chan::new(0);
    scope(|s| {
        s.spawn(|| {
            loop {
                select_blocking! {
                    task = queue.receiver().recv() => match task {
                        Ok((x, done)) => {
                            x.set(1);
                            done.send(true);
                        }
                        Err(_) => break,
                    }
                }
            }
        });
        let done = Chan::new(1);
        send_or(&queue, (&x, done.clone()), &never);
        recv_or(&done, &never);
        assert_eq!(x.get(), 1);
        queue.close();
    });
}

/// The send happens before its receive is over, whether either is in a select or not.
fn no_race_select_5() {
    for select in [true, false] {
        let (x, c, never) = (RaceCell::named("x", 0), Chan::new(0), Chan::new(0));
        scope(|s| {
            s.spawn(|| {
                x.set(1);
                if select { send_or(&c, true, &never) } else { c.send(true) }
            });
            s.spawn(|| {
                let other = if select { &never } else { &c };
                recv_or(&c, other);
                x.set(1);
            });
        });
    }
}

/// None: both sends have a receiver of their own.
fn select_1() {
    let (x, c, never) = (RaceCell::named("x", 0), Chan::new(0), Chan::new(0));
    let send = || {
        send_or(&c, true, &never);
        x.set(1);
    };
    scope(|s| {
        s.spawn(|| {
            c.recv();
            c.recv();
        });
        s.spawn(send);
        s.spawn(send);
    });
}

/// None: the close orders what comes before it, and the receive what comes after.
fn select_2() {
    let (x, c, never) = (RaceCell::named("x", 0), Chan::<bool>::new(0), Chan::new(0));
    scope(|s| {
        s.spawn(|| {
            x.set(1);
            recv_or(&c, &never);
        });
        c.close();
        x.set(2);
    });
}

/// None: both writes come before the two meet.
fn select_3() {
    let (x, c, never) = (RaceCell::named("x", 0), Chan::new(0), Chan::new(0));
    scope(|s| {
        s.spawn(|| {
            x.set(1);
            send_or(&c, true, &never);
        });
        x.set(2);
        select_blocking! {
            _ = c.receiver().recv() => {}
        }
    });
}

/// None: a select that does not wait orders nothing.
fn select_4() {
    let (x, never) = (RaceCell::named("x", 0), Chan::<bool>::new(0));
    scope(|s| {
        s.spawn(|| {
            select_blocking! {
                _ = never.receiver().recv() => {}
                default => x.set(2),
            }
        });
        x.get();
    });
}

/// None: neither arm has anything to do with the reader.
fn select_5() {
    let (x, y) = (RaceCell::named("x", 0), RaceCell::named("y", 0));
    let (c1, c2) = (Chan::new(1), Chan::new(0));
    scope(|s| {
        s.spawn(|| {
            select_blocking! {
                _ = c1.sender().send(true) => x.set(1),
                _ = c2.sender().send(true) => y.set(1),
            }
        });
        x.get();
        y.get();
    });
}

/// None, when the default is taken: Go leaves this one out, because there it depends on the schedule.
fn flaky_default() {
    let (x, c) = (RaceCell::named("x", 0), Chan::new(1));
    scope(|s| {
        s.spawn(|| {
            select_blocking! {
                _ = c.receiver().recv() => x.set(2),
                default => x.set(3),
            }
        });
        x.set(1);
        c.send(true);
    });
}

/// None: the arms that are taken are of two channels. What an arm would send is read whether it is taken or not.
fn select_read_write_async() {
    let (x, c1, c2) = (RaceCell::named("x", 0), Chan::new(10), Chan::new(10));
    let c3 = Chan::new(0);
    c2.send(1);
    scope(|s| {
        s.spawn(|| {
            select_blocking! {
                _ = c1.sender().send(x.get()) => {}
                _ = c3.sender().send(1) => {}
            }
        });
        select_blocking! {
            value = c2.receiver().recv() => x.set(value.expect("nobody closes")),
            _ = c3.sender().send(1) => {}
        }
    });
}

/// None: as above, without buffers.
fn select_read_write_sync() {
    let (x, c1, c2) = (RaceCell::named("x", 0), Chan::new(0), Chan::new(0));
    let c3 = Chan::new(0);
    scope(|s| {
        s.spawn(|| c1.recv());
        s.spawn(|| c2.send(1));
        s.spawn(|| {
            select_blocking! {
                _ = c1.sender().send(x.get()) => {}
                _ = c3.sender().send(1) => {}
            }
        });
        select_blocking! {
            value = c2.receiver().recv() => x.set(value.expect("nobody closes")),
            _ = c3.sender().send(1) => {}
        }
    });
}

/// The value is read before its send, and the send happens before the receive is over.
fn no_race_select_read_write_async() {
    let (x, c1, c2) = (RaceCell::named("x", 0), Chan::new(0), Chan::new(0));
    scope(|s| {
        s.spawn(|| {
            select_blocking! {
                _ = c1.sender().send(x.get()) => {}
                _ = c2.sender().send(1) => {}
            }
        });
        select_blocking! {
            value = c1.receiver().recv() => x.set(value.expect("nobody closes")),
            _ = c2.sender().send(1) => {}
        }
    });
}

/// A channel of one place is a lock, in selects as well.
fn no_race_select_mutex() {
    let (data, lock, never) = (RaceCell::named("data", 0), Chan::new(1), Chan::new(0));
    let add = || {
        send_or(&lock, (), &never);
        data.set(42);
        recv_or(&lock, &never);
    };
    scope(|s| {
        s.spawn(add);
        add();
    });
}

/// A send that had to wait for room happens before its receive in a select is over.
fn no_race_blocked_select_send_sync() {
    let (c, never) = (Chan::new(1), Chan::<i32>::new(0));
    c.send(None);
    scope(|s| {
        s.spawn(|| {
            let value = Arc::new(RaceCell::named("i", 0));
            value.set(42);
            c.send(Some(value));
        });
        c.recv();
        select_blocking! {
            value = c.receiver().recv() => {
                let value = value.ok().flatten().expect("the second one");
                assert_eq!(value.get(), 42);
            }
            _ = never.receiver().recv() => {}
        }
    });
}
