//! Channels: what a send, a receive and a close order, and what they leave open.

use crate::go::Chan;
use crate::races::recover;
use norace::select_blocking;
use norace_check::RaceCell;
use norace_prim::sync::Arc;
use norace_prim::thread::scope;

races! {
    free no_race_chan_sync,
    free no_race_chan_sync_rev,
    free no_race_chan_async,
    racy chan_async_rev,
    free no_race_chan_async_close_recv,
    free no_race_chan_async_close_recv_2,
    free no_race_chan_async_close_recv_3,
    free no_race_chan_sync_close_recv,
    free no_race_chan_sync_close_recv_2,
    free no_race_chan_sync_close_recv_3,
    free chan_sync_close_send,
    racy chan_sync_close_send_late,
    free chan_async_close_send,
    free chan_close_close,
    racy chan_close_close_late,
    loose chan_send_len,
    racy chan_send_len_late,
    loose chan_recv_len,
    racy chan_recv_len_late,
    loose chan_send_send,
    racy chan_send_send_late,
    free no_race_chan_ptr,
    racy chan_wrong_send,
    racy chan_wrong_close,
    free chan_send_close,
    free chan_send_select_close,
    racy chan_read_write_async,
    racy chan_read_write_sync,
    free no_race_chan_read_write_async,
    free no_race_producer_consumer_unbuffered,
    racy chan_itself_send,
    racy chan_itself_recv,
    racy chan_itself_nil,
    racy chan_itself_close,
    racy chan_itself_len,
    racy chan_itself_cap,
    racy chan_close_len,
    free chan_close_send,
    free no_race_chan_mutex,
    racy chan_sem,
    free no_race_chan_wait_group,
    free no_race_blocked_send_sync,
}

/// A send happens before its receive is over.
fn no_race_chan_sync() {
    let (v, c) = (RaceCell::named("v", 0), Chan::new(0));
    scope(|s| {
        s.spawn(|| {
            v.set(1);
            c.send(0);
        });
        c.recv();
        v.set(2);
    });
}

/// A receive without buffer happens before its send is over.
fn no_race_chan_sync_rev() {
    let (v, c) = (RaceCell::named("v", 0), Chan::new(0));
    scope(|s| {
        s.spawn(|| {
            c.send(0);
            v.set(2);
        });
        v.set(1);
        c.recv();
    });
}

/// A send happens before its receive is over, with a buffer as well.
fn no_race_chan_async() {
    let (v, c) = (RaceCell::named("v", 0), Chan::new(10));
    scope(|s| {
        s.spawn(|| {
            v.set(1);
            c.send(0);
        });
        c.recv();
        v.set(2);
    });
}

/// None: with a buffer the send may be over before the receive begins.
fn chan_async_rev() {
    let (v, c) = (RaceCell::named("v", 0), Chan::new(10));
    scope(|s| {
        s.spawn(|| {
            c.send(0);
            v.set(1);
        });
        v.set(2);
        c.recv();
    });
}

/// A close happens before the receives that it ends; here in a call that may panic.
fn close_recovered(capacity: usize) {
    let (v, c) = (RaceCell::named("v", 0), Chan::<i32>::new(capacity));
    scope(|s| {
        s.spawn(|| {
            v.set(1);
            c.close();
        });
        let received = recover(|| c.recv());
        v.set(2);
        assert_eq!(received, Ok(None));
    });
}

/// A close happens before the receives that it ends.
fn close_recv(capacity: usize) {
    let (v, c) = (RaceCell::named("v", 0), Chan::<i32>::new(capacity));
    scope(|s| {
        s.spawn(|| {
            v.set(1);
            c.close();
        });
        assert_eq!(c.recv(), None);
        v.set(2);
    });
}

/// A close happens before the receives that it ends, the last of a loop among them.
fn close_range(capacity: usize) {
    let (v, c) = (RaceCell::named("v", 0), Chan::<i32>::new(capacity));
    scope(|s| {
        s.spawn(|| {
            v.set(1);
            c.close();
        });
        while c.recv().is_some() {}
        v.set(2);
    });
}

/// The close.
fn no_race_chan_async_close_recv() {
    close_recovered(10);
}

/// The close.
fn no_race_chan_async_close_recv_2() {
    close_recv(10);
}

/// The close.
fn no_race_chan_async_close_recv_3() {
    close_range(10);
}

/// The close.
fn no_race_chan_sync_close_recv() {
    close_recovered(0);
}

/// The close.
fn no_race_chan_sync_close_recv_2() {
    close_recv(0);
}

/// The close.
fn no_race_chan_sync_close_recv_3() {
    close_range(0);
}

/// A close happens before the sends that it refuses: not so in Go.
fn chan_sync_close_send() {
    let (v, c) = (RaceCell::named("v", 0), Chan::new(0));
    scope(|s| {
        s.spawn(|| {
            v.set(1);
            c.close();
        });
        assert!(recover(|| c.send(0)).is_err());
        v.set(2);
    });
}

/// None: the write comes after the close.
fn chan_sync_close_send_late() {
    let (v, c) = (RaceCell::named("v", 0), Chan::new(0));
    scope(|s| {
        s.spawn(|| {
            c.close();
            v.set(1);
        });
        assert!(recover(|| c.send(0)).is_err());
        v.set(2);
    });
}

/// A close happens before the sends that it refuses: not so in Go.
fn chan_async_close_send() {
    let (v, c) = (RaceCell::named("v", 0), Chan::new(2));
    scope(|s| {
        s.spawn(|| {
            v.set(1);
            c.close();
        });
        let all = || {
            loop {
                c.send(0);
            }
        };
        assert!(recover::<()>(all).is_err());
        v.set(2);
    });
}

/// The first close happens before the one that it makes fail: not so in Go.
fn chan_close_close() {
    let (v1, v2) = (RaceCell::named("v1", 0), RaceCell::named("v2", 0));
    let c = Chan::<i32>::new(0);
    scope(|s| {
        s.spawn(|| {
            v1.set(1);
            if recover(|| c.close()).is_err() {
                v2.set(2);
            }
        });
        s.spawn(|| {
            v2.set(1);
            if recover(|| c.close()).is_err() {
                v1.set(2);
            }
        });
    });
}

/// None: the writes come after the closes.
fn chan_close_close_late() {
    let (v, c) = (RaceCell::named("v", 0), Chan::<i32>::new(0));
    let close = || {
        let _ = recover(|| c.close());
        v.set(1);
    };
    scope(|s| {
        s.spawn(close);
        s.spawn(close);
    });
}

/// None: who sees a value in the buffer has not received it. (Go's program waits for it in a loop.)
fn chan_send_len() {
    let (v, c) = (RaceCell::named("v", 0), Chan::new(10));
    scope(|s| {
        s.spawn(|| {
            v.set(1);
            c.send(1);
        });
        if c.len() == 1 {
            v.set(2);
        }
    });
}

/// None: the write comes after the send.
fn chan_send_len_late() {
    let (v, c) = (RaceCell::named("v", 0), Chan::new(10));
    scope(|s| {
        s.spawn(|| {
            c.send(1);
            v.set(1);
        });
        if c.len() == 1 {
            v.set(2);
        }
    });
}

/// None: `is_empty` orders nothing. (Go's program waits for it in a loop.)
fn chan_recv_len() {
    let (v, c) = (RaceCell::named("v", 0), Chan::new(10));
    c.send(1);
    scope(|s| {
        s.spawn(|| {
            v.set(1);
            c.recv();
        });
        if c.is_empty() {
            v.set(2);
        }
    });
}

/// None: who sees the buffer full has learned nothing of the receiver.
fn chan_recv_len_late() {
    let (v, c) = (RaceCell::named("v", 0), Chan::new(10));
    c.send(1);
    scope(|s| {
        s.spawn(|| {
            v.set(1);
            c.recv();
        });
        if c.len() == 1 {
            v.set(2);
        }
    });
}

/// None: a send that finds no room orders nothing.
fn chan_send_send() {
    let (v1, v2) = (RaceCell::named("v1", 0), RaceCell::named("v2", 0));
    let c = Chan::new(1);
    scope(|s| {
        s.spawn(|| {
            v1.set(1);
            if !c.try_send(1) {
                v2.set(2);
            }
        });
        s.spawn(|| {
            v2.set(1);
            if !c.try_send(1) {
                v1.set(2);
            }
        });
    });
}

/// None: the write comes after the send that fills the buffer.
fn chan_send_send_late() {
    let (v, c) = (RaceCell::named("v", 0), Chan::new(1));
    scope(|s| {
        s.spawn(|| {
            if c.try_send(1) {
                v.set(1);
            }
        });
        s.spawn(|| {
            if !c.try_send(1) {
                v.set(2);
            }
        });
    });
}

/// The send of the pointer happens before its receive is over, and so does all that made what it points to.
fn no_race_chan_ptr() {
    let c = Chan::new(0);
    scope(|s| {
        s.spawn(|| {
            let message = Arc::new(RaceCell::named("x", 0));
            message.set(1);
            c.send(message);
        });
        let message = c.recv().expect("nobody closes");
        message.set(2);
    });
}

/// None: the value that came tells of its own sender only, and the other one may be just about to write.
fn chan_wrong_send() {
    let (v1, v2) = (RaceCell::named("v1", 0), RaceCell::named("v2", 0));
    let c = Chan::new(2);
    scope(|s| {
        s.spawn(|| {
            v1.set(1);
            c.send(1);
        });
        s.spawn(|| {
            v2.set(2);
            c.send(2);
        });
        match c.recv() {
            Some(1) => v2.set(3),
            _ => v1.set(3),
        }
    });
}

/// None: a value tells nothing of who closes, the end nothing of who sends.
fn chan_wrong_close() {
    let (v1, v2) = (RaceCell::named("v1", 0), RaceCell::named("v2", 0));
    let c = Chan::new(1);
    scope(|s| {
        s.spawn(|| {
            v1.set(1);
            let _ = recover(|| c.send(1));
        });
        s.spawn(|| {
            v2.set(2);
            c.close();
        });
        match c.recv() {
            Some(_) => v2.set(2),
            None => v1.set(2),
        }
    });
}

/// No plain data at all. Go reports the close beside a send; here it is a misuse that may be forbidden.
fn chan_send_close() {
    let c = Chan::new(1);
    scope(|s| {
        s.spawn(|| {
            let _ = recover(|| c.send(1));
        });
        s.spawn(|| c.close());
    });
}

/// No plain data at all, as above, where the send is an arm of a select.
fn chan_send_select_close() {
    let (c, never) = (Chan::new(1), Chan::<i32>::new(0));
    scope(|s| {
        s.spawn(|| {
            select_blocking! {
                _ = c.sender().send(1) => {}
                _ = never.receiver().recv() => {}
            }
        });
        s.spawn(|| c.close());
    });
}

/// None: the two channels have nothing to do with each other.
fn chan_read_write_async() {
    let (x, c1, c2) = (RaceCell::named("x", 0), Chan::new(10), Chan::new(10));
    c2.send(10);
    scope(|s| {
        s.spawn(|| c1.send(x.get()));
        x.set(c2.recv().expect("nobody closes"));
    });
}

/// None: as above, without buffers.
fn chan_read_write_sync() {
    let (x, c1, c2) = (RaceCell::named("x", 0), Chan::new(0), Chan::new(0));
    scope(|s| {
        s.spawn(|| c1.recv());
        s.spawn(|| c2.send(10));
        s.spawn(|| c1.send(x.get()));
        x.set(c2.recv().expect("nobody closes"));
    });
}

/// The value is read before its send, and the send happens before the receive is over.
fn no_race_chan_read_write_async() {
    let (x, c) = (RaceCell::named("x", 0), Chan::new(10));
    scope(|s| {
        s.spawn(|| c.send(x.get()));
        x.set(c.recv().expect("nobody closes"));
    });
}

/// The task goes through one channel, its end comes back through another.
fn no_race_producer_consumer_unbuffered() {
    let (x, queue) = (RaceCell::named("x", 0), Chan::<(&RaceCell<i32>, Chan<bool>)>::new(0));
    scope(|s| {
        s.spawn(|| {
            let (x, done) = queue.recv().expect("nobody closes");
            x.set(1);
            done.send(true);
        });
        let done = Chan::new(1);
        queue.send((&x, done.clone()));
        done.recv();
        assert_eq!(x.get(), 1);
    });
}

/// A variable that holds a channel.
fn variable(capacity: usize) -> RaceCell<Chan<i32>> {
    RaceCell::named("c", Chan::new(capacity))
}

/// None: the variable is no part of the channel.
fn chan_itself_send() {
    let c = variable(10);
    scope(|s| {
        s.spawn(|| c.with(Chan::clone).send(0));
        c.set(Chan::new(20));
    });
}

/// None: the variable is no part of the channel.
fn chan_itself_recv() {
    let c = variable(10);
    c.with(Chan::clone).send(1);
    scope(|s| {
        let value = s.spawn(|| c.with(Chan::clone).try_recv());
        c.set(Chan::new(20));
        drop(value);
    });
}

/// None: the variable is no part of the channel.
fn chan_itself_nil() {
    let c = variable(10);
    scope(|s| {
        s.spawn(|| c.with(Chan::clone).try_send(0));
        c.set(Chan::nil());
    });
}

/// None: the variable is no part of the channel.
fn chan_itself_close() {
    let c = variable(0);
    scope(|s| {
        s.spawn(|| c.with(Chan::clone).close());
        c.set(Chan::new(0));
    });
}

/// None: the variable is no part of the channel.
fn chan_itself_len() {
    let c = variable(0);
    scope(|s| {
        s.spawn(|| c.with(Chan::clone).len());
        c.set(Chan::new(0));
    });
}

/// None: the variable is no part of the channel.
fn chan_itself_cap() {
    let c = variable(0);
    scope(|s| {
        s.spawn(|| c.with(Chan::clone).sender().capacity());
        c.set(Chan::new(0));
    });
}

/// None: the length may be looked at before the close.
fn chan_close_len() {
    let (v, c) = (RaceCell::named("v", 0), Chan::new(10));
    c.send(0);
    scope(|s| {
        s.spawn(|| {
            v.set(1);
            c.close();
        });
        c.len();
        v.set(2);
    });
}

/// No plain data at all. Go reports the close beside a send; here it is a misuse that may be forbidden.
fn chan_close_send() {
    let c = Chan::new(10);
    scope(|s| {
        s.spawn(|| c.close());
        let _ = recover(|| c.send(0));
    });
}

/// The receive happens before the send that it makes room for is over: a channel of one place is a lock.
fn no_race_chan_mutex() {
    let (data, lock) = (RaceCell::named("data", 0), Chan::new(1));
    let add = || {
        lock.send(());
        data.set(42);
        lock.recv();
    };
    scope(|s| {
        s.spawn(add);
        add();
    });
}

/// None: two places let both in.
fn chan_sem() {
    let (data, semaphore) = (RaceCell::named("data", 0), Chan::new(2));
    let add = || {
        semaphore.send(());
        data.set(42);
        semaphore.recv();
    };
    scope(|s| {
        s.spawn(add);
        add();
    });
}

/// Each receive happens before the send that it makes room for is over: who can fill the buffer again has seen all.
fn no_race_chan_wait_group() {
    let data: [RaceCell<i32>; 4] = Default::default();
    let group = Chan::new(2);
    scope(|s| {
        for datum in &data {
            group.send(());
            let group = &group;
            s.spawn(move || {
                datum.set(42);
                group.recv();
            });
        }
        for _ in 0..2 {
            group.send(());
        }
        for datum in &data {
            assert_eq!(datum.get(), 42);
        }
    });
}

/// A send happens before its receive is over, also when it had to wait for room.
fn no_race_blocked_send_sync() {
    let c = Chan::new(1);
    c.send(None);
    scope(|s| {
        s.spawn(|| {
            let value = Arc::new(RaceCell::named("i", 0));
            value.set(42);
            c.send(Some(value));
        });
        c.recv();
        let value = c.recv().flatten().expect("the second one");
        assert_eq!(value.get(), 42);
    });
}
