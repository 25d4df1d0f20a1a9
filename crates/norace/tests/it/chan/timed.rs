//! `after`, `tick` and `never`.

use norace::chan::{RecvTimeoutError, TryRecvError, after, never, tick};
use norace::time::{Duration, Instant};
use norace::{block_on, select_blocking};

const SHORT: Duration = Duration::from_millis(5);
const LONG: Duration = Duration::from_secs(3_600);

#[test]
fn after_fires_once_not_early_and_stays_open() {
    let start = Instant::now();
    let timer = after(SHORT);
    assert_eq!((timer.try_recv(), timer.capacity()), (Err(TryRecvError::Empty), Some(1)));
    let fired = block_on(timer.recv()).unwrap();
    assert!(fired - start >= SHORT);
    assert_eq!(timer.recv_timeout(SHORT), Err(RecvTimeoutError::Timeout));
    assert!(!timer.is_closed());
}

#[test]
fn after_zero_and_after_for_ever() {
    assert!(after(Duration::ZERO).try_recv().is_ok(), "what is due is there");
    assert_eq!(after(Duration::MAX).try_recv(), Err(TryRecvError::Empty));
    assert_eq!(after(LONG).try_recv(), Err(TryRecvError::Empty));
}

#[test]
fn many_timers_fire_in_the_order_of_their_times() {
    let start = Instant::now();
    let late = after(4 * SHORT);
    let early: Vec<_> = (0..50).map(|_| after(SHORT)).collect();
    let at = late.recv_blocking().unwrap();
    assert!(at - start >= 4 * SHORT);
    assert!(early.iter().all(|timer| timer.recv_timeout(LONG).unwrap() - start >= SHORT));
}

#[test]
fn ticks_come_no_faster_than_their_period() {
    let start = Instant::now();
    let ticks = tick(SHORT);
    for n in 1..=5 {
        let at = ticks.recv_blocking().unwrap();
        assert!(at - start >= n * SHORT);
    }
}

#[test]
fn a_slow_reader_finds_one_tick_and_the_rest_dropped() {
    let ticks = tick(SHORT);
    // Another timer is the clock: seven periods, read by nobody.
    after(7 * SHORT).recv_blocking().unwrap();
    assert_eq!(ticks.len(), 1);
    let kept = ticks.try_recv().unwrap();
    let next = ticks.recv_blocking().unwrap();
    assert!(next - kept >= 5 * SHORT, "{:?}", next - kept);
}

#[test]
#[should_panic(expected = "a tick every zero seconds was asked for")]
fn a_tick_needs_a_period() {
    let _ = tick(Duration::ZERO);
}

#[test]
fn a_closed_timer_channel_gets_nothing_more() {
    let ticks = tick(Duration::from_millis(1));
    ticks.recv_blocking().unwrap();
    ticks.close();
    // One tick may have been buffered before the close.
    while ticks.try_recv().is_ok() {}
    assert_eq!(ticks.recv_timeout(LONG), Err(RecvTimeoutError::Closed));
}

#[test]
fn never_has_nothing_and_does_not_end() {
    let nothing = never::<u8>();
    assert_eq!(nothing.try_recv(), Err(TryRecvError::Empty));
    assert_eq!(nothing.recv_timeout(SHORT), Err(RecvTimeoutError::Timeout));
    assert!(!nothing.is_closed());
    let fired = select_blocking! {
        value = nothing.recv() => panic!("{value:?}"),
        at = async { after(SHORT).recv().await } => at.is_ok(),
    };
    assert!(fired);
}
