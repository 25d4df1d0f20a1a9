//! moby/moby#27782: a reader of a container's log that stops watching the file waits for its own watcher.
//!
//! A goroutine of fsnotify reads the kernel's events and sends the changes of the file on a channel without buffer, to
//! the reader of the log. When the log is closed the reader removes the watch and waits for a condition that is
//! signalled at the kernel's last event. While it waits it takes no changes, so that with one on its way fsnotify never
//! comes to the last event. Fixed by removing the watch in another goroutine, while the reader reads on.
//!
//! In the real program the reader registers itself, and may do so too late to be closed; here it is registered before.

use super::BLOCKS;
use crate::case::Case;
use crate::go::{Chan, Cond, Lock, go, sent};
use norace::context::Context;
use norace::select_blocking;
use norace_prim::sync::Arc;

pub(super) const CASE: Case = Case {
    name: "moby_27782",
    class: "Channel & Condition Variable",
    kinds: BLOCKS,
    blames: &["reader", "readEvents"],
    program,
};

/// What inotify tells.
enum Inotify {
    Modify,
    Ignored,
}

/// fsnotify's watcher of one file.
struct Watcher {
    /// What the kernel has queued.
    inotify: Chan<Inotify>,
    events: Chan<()>,
    exists: Lock<bool>,
    cv: Cond,
    done: Chan<()>,
}

impl Watcher {
    fn start() -> Arc<Self> {
        let watcher = Arc::new(Self {
            inotify: Chan::new(2),
            events: Chan::new(0),
            exists: Lock::new(true),
            cv: Cond::new(),
            done: Chan::new(0),
        });
        watcher.inotify.send(Inotify::Modify); // The container writes its last line.
        let reads = watcher.clone();
        go("readEvents", move || reads.read_events());
        watcher
    }

    fn read_events(&self) {
        loop {
            select_blocking! {
                event = self.inotify.receiver().recv() => match event.expect("a kernel") {
                    Inotify::Modify => self.modified(),
                    Inotify::Ignored => {
                        *self.exists.lock() = false;
                        self.cv.broadcast();
                    }
                },
                _ = self.done.receiver().recv() => return,
            }
        }
    }

    fn modified(&self) {
        select_blocking! {
            done = self.events.sender().send(()) => sent(done.is_ok()),
            _ = self.done.receiver().recv() => {}
        }
    }

    fn remove(&self) {
        let mut exists = self.exists.lock();
        self.inotify.send(Inotify::Ignored); // The kernel's answer.
        while *exists {
            exists = self.cv.wait(exists);
        }
    }
}

/// Reads a log until `close` is closed.
fn follow_logs(close: &Chan<()>) {
    let watcher = Watcher::start();
    loop {
        select_blocking! {
            _ = watcher.events.receiver().recv() => {}
            _ = close.receiver().recv() => break,
        }
    }
    watcher.remove();
    watcher.done.close();
}

fn follow_logs_fixed(close: Chan<()>) {
    let watcher = Watcher::start();
    let context = Context::new();
    let (removes, over) = (watcher.clone(), context.clone());
    go("remover", move || {
        close.recv();
        removes.remove();
        over.cancel();
    });
    loop {
        select_blocking! {
            _ = watcher.events.receiver().recv() => {}
            _ = context.cancelled() => break,
        }
    }
    watcher.done.close();
}

fn program(fixed: bool) {
    let close = Chan::new(0);
    let closes = close.clone();
    if fixed {
        go("reader", move || follow_logs_fixed(closes));
    } else {
        go("reader", move || follow_logs(&closes));
    }
    close.close();
}
