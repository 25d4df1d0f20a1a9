//! Go's select5.go in spirit: one real send or receive at a time, phrased in every way, among cases that can never be
//! taken; and the order in which the expressions of a select are evaluated.
//!
//! Go generates a program with a function for each phrase. Here the phrases are made while the test runs: [`all`] calls
//! its argument once for each sequence of answers that `Choices::below` can give.

use norace::chan::{Receiver, Sender, bounded, never};
use norace::context::Context;
use norace::select::Select;
use norace::{block_on, select, select_blocking};
use std::cell::RefCell;

/// The answers of one run, each with the number of answers that there are.
#[derive(Default)]
struct Choices {
    answers: Vec<(usize, usize)>,
    asked: usize,
}

impl Choices {
    fn below(&mut self, bound: usize) -> usize {
        if self.asked == self.answers.len() {
            self.answers.push((0, bound));
        }
        self.asked += 1;
        self.answers[self.asked - 1].0
    }

    fn flag(&mut self) -> bool {
        self.below(2) == 1
    }

    /// Whether there are answers that were not given yet; they come next.
    fn advance(&mut self) -> bool {
        self.asked = 0;
        while let Some((answer, bound)) = self.answers.pop() {
            if answer + 1 < bound {
                self.answers.push((answer + 1, bound));
                return true;
            }
        }
        false
    }
}

/// Runs `body` with all choices; how many there were.
fn all(mut body: impl FnMut(&mut Choices)) -> usize {
    let mut choices = Choices::default();
    let mut count = 0;
    loop {
        body(&mut choices);
        count += 1;
        if !choices.advance() {
            return count;
        }
    }
}

/// What can never be taken.
struct Dead {
    nil: Receiver<u8>,
    empty: (Sender<u8>, Receiver<u8>),
    full: (Sender<u8>, Receiver<u8>),
    context: Context,
}

impl Dead {
    fn new() -> Self {
        let dead =
            Self { nil: never(), empty: bounded(1), full: bounded(1), context: Context::new() };
        dead.full.0.try_send(99).expect("there is room for one");
        dead
    }

    fn is_untouched(&self) -> bool {
        let (empty, full) = (&self.empty.1, &self.full.1);
        empty.is_empty() && full.len() == 1 && !self.context.is_cancelled()
    }
}

/// A select with one live arm among dead ones, each of which may be left out; `None` for the default.
macro_rules! phrase {
    ($select:ident, $dead:ident, $choices:ident, $live:expr $(, default $default:expr)?) => {{
        let [a, b, c, d] = [(); 4].map(|()| $choices.flag());
        $select! {
            _ = $dead.nil.recv(), if a => unreachable!(),
            _ = $dead.full.0.send(1), if b => unreachable!(),
            result = $live => Some(result),
            _ = $dead.empty.1.recv(), if c => unreachable!(),
            _ = $dead.context.cancelled(), if d => unreachable!(),
            $(default => $default,)?
        }
    }};
}

/// One operation that is ready, done in some way.
macro_rules! one {
    ($choices:ident, $dead:ident, $operation:expr, $blocking:expr, $try:expr, |$select:ident| $case:expr) => {
        match $choices.below(7) {
            0 => block_on($operation).ok(),
            1 => $blocking.ok(),
            2 => $try.ok(),
            3 => block_on(async { phrase!(select, $dead, $choices, $operation) })
                .and_then(Result::ok),
            4 => phrase!(select_blocking, $dead, $choices, $operation).and_then(Result::ok),
            5 => phrase!(select_blocking, $dead, $choices, $operation, default None)
                .and_then(Result::ok),
            _ => {
                let mut $select = if $choices.flag() { Select::biased() } else { Select::new() };
                let [a, b, c, d] = [(); 4].map(|()| $choices.flag());
                if a {
                    $select.recv(&$dead.nil, |_| unreachable!());
                }
                if b {
                    $select.send(&$dead.full.0, 1, |_| unreachable!());
                }
                $case;
                if c {
                    $select.recv(&$dead.empty.1, |_| unreachable!());
                }
                if d {
                    $select.cancelled(&$dead.context, |_| unreachable!());
                }
                if $choices.flag() { $select.try_now().flatten() } else { $select.wait_blocking() }
            }
        }
    };
}

#[test]
fn a_receive_receives_what_was_sent_however_it_is_phrased() {
    let dead = Dead::new();
    let count = all(|choices| {
        let (tx, rx) = bounded(10);
        let value = choices.below(2) + 40;
        tx.try_send(value).unwrap();
        let received =
            one!(choices, dead, rx.recv(), rx.recv_blocking(), rx.try_recv(), |select| select
                .recv(&rx, |value| value.ok()));
        assert_eq!((received, rx.len()), (Some(value), 0));
    });
    assert!(dead.is_untouched());
    assert_eq!(count, 2 * (3 + 3 * 16 + 2 * 16 * 2));
}

#[test]
fn a_send_sends_its_value_once_however_it_is_phrased() {
    let dead = Dead::new();
    let count = all(|choices| {
        let (tx, rx) = bounded(10);
        let value = choices.below(2) + 40;
        let sent = one!(
            choices,
            dead,
            tx.send(value),
            tx.send_blocking(value),
            tx.try_send(value),
            |select| select.send(&tx, value, |sent| sent.ok())
        );
        assert_eq!((sent, rx.try_recv(), rx.len()), (Some(()), Ok(value), 0));
    });
    assert!(dead.is_untouched());
    assert_eq!(count, 2 * (3 + 3 * 16 + 2 * 16 * 2));
}

#[test]
fn what_cannot_be_done_now_is_not_done_however_it_is_phrased() {
    let dead = Dead::new();
    let count = all(|choices| {
        // A receive from an empty channel, or a send to a full one; beside dead arms, with a way out.
        let (tx, rx) = bounded(1);
        let sends = choices.flag();
        if sends {
            tx.try_send(1).unwrap();
        }
        let done = match (sends, choices.below(4)) {
            (false, 0) => rx.try_recv().is_ok(),
            (true, 0) => tx.try_send(2).is_ok(),
            (false, 1) => {
                phrase!(select_blocking, dead, choices, rx.recv(), default None).is_some()
            }
            (true, 1) => {
                phrase!(select_blocking, dead, choices, tx.send(2), default None).is_some()
            }
            (false, 2) => block_on(async {
                phrase!(select, dead, choices, rx.recv(), default None).is_some()
            }),
            (true, 2) => block_on(async {
                phrase!(select, dead, choices, tx.send(2), default None).is_some()
            }),
            _ => {
                let mut select = Select::new();
                if choices.flag() {
                    select.recv(&dead.nil, |_| ());
                }
                if sends {
                    select.send(&tx, 2, |_| ());
                } else {
                    select.recv(&rx, |_| ());
                }
                if choices.flag() {
                    select.send(&dead.full.0, 1, |_| ());
                }
                select.try_now().is_some()
            }
        };
        assert!(!done);
        assert_eq!(rx.try_recv().ok(), sends.then_some(1));
        assert!(rx.is_empty());
    });
    assert!(dead.is_untouched());
    assert_eq!(count, 2 * (1 + 2 * 16 + 4));
}

/// Notes each number that passes.
struct Log(RefCell<Vec<u32>>);

impl Log {
    fn pass<T>(&self, number: u32, value: T) -> T {
        self.0.borrow_mut().push(number);
        value
    }

    fn take(&self) -> Vec<u32> {
        self.0.take()
    }
}

#[test]
fn ends_and_values_are_evaluated_once_in_the_order_of_the_source() {
    let log = Log(RefCell::default());
    let dead = Dead::new();
    let count = all(|choices| {
        let (tx, rx) = bounded(10);
        tx.try_send(7).unwrap();
        let [before, after, sends, receives] = [(); 4].map(|()| choices.flag());
        let taken = select_blocking! {
            _ = log.pass(1, &dead.nil).recv(), if before => 0,
            sent = log.pass(2, &tx).send(log.pass(3, 8)), if sends => { sent.unwrap(); log.pass(9, 1) }
            value = log.pass(4, &rx).recv(), if receives => log.pass(10, value.unwrap()),
            _ = log.pass(5, &dead.full.0).send(log.pass(6, 1)), if after => 0,
            default => log.pass(11, 0),
        };
        let mut expected = Vec::new();
        let mut expect = |condition: bool, numbers: &[u32]| {
            if condition {
                expected.extend_from_slice(numbers);
            }
        };
        expect(before, &[1]);
        expect(sends, &[2, 3]);
        expect(receives, &[4]);
        expect(after, &[5, 6]);
        expect(
            true,
            &[match taken {
                0 => 11,
                1 => 9,
                _ => 10,
            }],
        );
        assert_eq!(log.take(), expected);
        assert_eq!(taken == 0, !sends && !receives);
        assert!(taken != 1 || sends);
        assert!(taken != 7 || receives);
    });
    assert_eq!(count, 16);
}
