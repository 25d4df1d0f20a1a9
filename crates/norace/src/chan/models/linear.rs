//! Random calls, against a queue that only one thread uses.

use crate::chan::{Receiver, Sender, TryRecvError, TrySendError, bounded, unbounded};
use norace_check::linear::{Linear, Random, Sequential};
use norace_check::{Builder, Level};
use norace_prim::time::Duration;
use std::cell::Cell;
use std::collections::VecDeque;

/// What a channel is, senders that wait included: their values are in the queue beyond the capacity.
#[derive(Clone)]
struct Queue {
    capacity: Option<usize>,
    values: VecDeque<u64>,
    closed: bool,
}

#[derive(Clone, Debug)]
enum Call {
    TrySend(u64),
    TryRecv,
    TryRecvMany,
    Send(u64),
    Recv,
    Len,
    Close,
    IsClosed,
}

#[derive(Debug, PartialEq)]
enum Answer {
    Sent,
    Full,
    Closed,
    Empty,
    Value(u64),
    Many(Vec<u64>),
    Count(usize),
    Whether(bool),
    /// Nothing answers this: a call that waits comes later.
    Waits,
}

impl Sequential for Queue {
    type Call = Call;
    type Answer = Answer;

    fn apply(&mut self, call: &Call) -> Answer {
        let full = self.capacity.is_some_and(|capacity| self.values.len() >= capacity);
        match *call {
            Call::TrySend(_) | Call::Send(_) if self.closed => Answer::Closed,
            Call::TrySend(_) if full => Answer::Full,
            Call::TrySend(value) | Call::Send(value) => {
                self.values.push_back(value);
                Answer::Sent
            }
            Call::TryRecv | Call::Recv if !self.values.is_empty() => {
                self.values.pop_front().map_or(Answer::Empty, Answer::Value)
            }
            Call::TryRecvMany if !self.values.is_empty() => {
                let count = self.values.len().min(2);
                Answer::Many(self.values.drain(..count).collect())
            }
            Call::TryRecv | Call::TryRecvMany | Call::Recv if self.closed => Answer::Closed,
            Call::TryRecv | Call::TryRecvMany => Answer::Empty,
            Call::Recv => Answer::Waits,
            Call::Len => Answer::Count(self.values.len()),
            Call::Close => Answer::Whether(!std::mem::replace(&mut self.closed, true)),
            Call::IsClosed => Answer::Whether(self.closed),
        }
    }
}

type Channel = (Sender<u64>, Receiver<u64>);

fn make(capacity: Option<usize>) -> Channel {
    capacity.map_or_else(unbounded, bounded)
}

fn call((tx, rx): &Channel, call: &Call) -> Answer {
    match *call {
        Call::TrySend(value) => match tx.try_send(value) {
            Ok(()) => Answer::Sent,
            Err(TrySendError::Full(_)) => Answer::Full,
            Err(TrySendError::Closed(_)) => Answer::Closed,
        },
        Call::TryRecv => match rx.try_recv() {
            Ok(value) => Answer::Value(value),
            Err(TryRecvError::Empty) => Answer::Empty,
            Err(TryRecvError::Closed) => Answer::Closed,
        },
        Call::TryRecvMany => {
            let mut values = Vec::new();
            match rx.try_recv_many(&mut values, 2) {
                Ok(count) => {
                    assert_eq!(count, values.len());
                    Answer::Many(values)
                }
                Err(TryRecvError::Empty) => Answer::Empty,
                Err(TryRecvError::Closed) => Answer::Closed,
            }
        }
        Call::Send(value) => tx.send_blocking(value).map_or(Answer::Closed, |()| Answer::Sent),
        Call::Recv => rx.recv_blocking().map_or(Answer::Closed, Answer::Value),
        Call::Len => Answer::Count(rx.len()),
        Call::Close => Answer::Whether(tx.close()),
        Call::IsClosed => Answer::Whether(rx.is_closed()),
    }
}

fn linear(capacity: Option<usize>) -> Linear<Queue> {
    let builder = Builder::new().level(Level::Rt).budget(Duration::from_millis(150));
    let queue = Queue { capacity, values: VecDeque::new(), closed: false };
    Linear::new(queue).programs(12).explore_with(builder)
}

#[test]
fn calls_that_do_not_wait_are_linearizable() {
    for capacity in [Some(0), Some(1), Some(2), None] {
        let generate = |random: &mut Random| match random.below(8) {
            0..=2 => Call::TrySend(random.below(100)),
            3..=4 => Call::TryRecv,
            5 => Call::TryRecvMany,
            6 => [Call::Len, Call::IsClosed][random.below(2) as usize].clone(),
            _ => Call::Close,
        };
        linear(capacity).calls(3).check(generate, move || make(capacity), call);
    }
}

#[test]
fn calls_that_wait_are_linearizable() {
    for capacity in [Some(0), Some(1), Some(2), None] {
        // Two threads send, two receive as much: nobody waits for ever. Then two look.
        let place = Cell::new(0);
        let generate = |random: &mut Random| {
            let at = place.replace((place.get() + 1) % 10);
            match at {
                0..=3 => Call::Send(random.below(100)),
                4..=7 => Call::Recv,
                _ => [Call::TryRecv, Call::Len][random.below(2) as usize].clone(),
            }
        };
        linear(capacity).threads(4).check(generate, move || make(capacity), call);
    }
}

#[test]
fn calls_that_wait_and_calls_that_do_not_are_linearizable_together() {
    for capacity in [Some(1), Some(2), None] {
        // One thread sends and one receives as much; what a third one adds by trying has room after all.
        let place = Cell::new(0);
        let generate = |random: &mut Random| {
            let at = place.replace((place.get() + 1) % 8);
            match at {
                0..=1 => Call::Send(random.below(100)),
                2..=3 => Call::Recv,
                4 => Call::TrySend(random.below(100)),
                5 if capacity == Some(1) => Call::IsClosed,
                5 => Call::TrySend(random.below(100)),
                _ => Call::TryRecv,
            }
        };
        linear(capacity).threads(3).check(generate, move || make(capacity), call);
    }
}
