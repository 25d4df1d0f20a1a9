//! Channels between threads, with every access to their locks a step.

use crate::chan::{Receiver, Sender};
use norace_prim::thread;

mod batch;
mod cancel;
mod close;
mod flow;
mod linear;
mod misuse;
mod offers;
mod weak;

/// What each model knows of its threads and channels.
const DONE: &str = "a thread that does not panic";
const OPEN: &str = "the other side is there";
const ROOM: &str = "an empty channel has room";

/// How somebody gives up.
#[derive(Clone, Copy)]
enum Quit {
    Drop,
    /// A mutant: nothing is passed on.
    Forget,
}

impl Quit {
    fn quit<F>(self, future: F) {
        match self {
            Self::Drop => drop(future),
            Self::Forget => std::mem::forget(future),
        }
    }
}

/// Lets a send `leave` that waits for the one place of a channel, before another one and beside a receiver that makes
/// room; the value that comes out first. The other one has to get the room: nobody receives a second value.
pub(super) fn passes_its_room_on(
    (tx, rx): (&Sender<char>, &Receiver<char>),
    leave: impl FnOnce(),
) -> char {
    let waits = {
        let tx = tx.clone();
        thread::spawn(move || tx.send_blocking('w').expect(OPEN))
    };
    let receiver = {
        let rx = rx.clone();
        thread::spawn(move || rx.recv_blocking().expect(OPEN))
    };
    leave();
    waits.join().expect(DONE);
    let first = receiver.join().expect(DONE);
    assert_eq!(rx.try_recv(), Ok('w'));
    first
}
