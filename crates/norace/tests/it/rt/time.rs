//! Timers, inside a runtime and outside.

use super::support::{Drops, runtime};
use norace::time::{Duration, Instant};
use norace::{task, time};
use std::sync::{Arc, Mutex};

const MS: Duration = Duration::from_millis(1);

#[test]
fn sleeps_end_in_the_order_of_their_deadlines_and_not_early() {
    let runtime = runtime(1);
    let order = Arc::new(Mutex::new(Vec::new()));
    runtime.block_on(async {
        let start = Instant::now();
        let sleepers: Vec<_> = [30u32, 10, 20, 0, 40]
            .into_iter()
            .map(|ms| {
                let order = order.clone();
                task::spawn(async move {
                    time::sleep_until(start + ms * MS).await;
                    assert!(start.elapsed() >= ms * MS);
                    order.lock().unwrap().push(ms);
                })
            })
            .collect();
        for sleeper in sleepers {
            sleeper.await.unwrap();
        }
    });
    assert_eq!(*order.lock().unwrap(), [0, 10, 20, 30, 40]);
}

#[test]
fn an_earlier_timer_wakes_a_runtime_that_sleeps_for_a_later_one() {
    let runtime = runtime(1);
    let late = runtime.spawn(time::sleep(Duration::from_secs(3600)));
    // Let the worker go to sleep for an hour.
    super::support::hog_until(|| runtime.handle().metrics().timers == 1);
    runtime.spawn(time::sleep(10 * MS)).join_blocking().unwrap();
    assert!(!late.is_finished());
}

#[test]
fn many_timers_fire_and_none_is_left() {
    let runtime = runtime(2);
    runtime.block_on(async {
        let sleepers: Vec<_> =
            (0..2000u32).map(|n| task::spawn(time::sleep((n % 20) * MS))).collect();
        for sleeper in sleepers {
            sleeper.await.unwrap();
        }
    });
    assert_eq!(runtime.handle().metrics().timers, 0);
}

#[test]
fn dropped_sleeps_leave_no_timer_behind() {
    let runtime = runtime(1);
    runtime.block_on(async {
        for _ in 0..100 {
            let hour = time::sleep(Duration::from_secs(3600));
            assert!(time::timeout(Duration::ZERO, hour).await.is_err());
        }
    });
    assert_eq!(runtime.handle().metrics().timers, 0);
}

#[test]
fn sleeping_works_outside_a_runtime() {
    let start = Instant::now();
    norace::block_on(async {
        time::sleep(5 * MS).await;
        let nothing = time::timeout(5 * MS, std::future::pending::<()>());
        assert!(nothing.await.is_err());
    });
    assert!(start.elapsed() >= 10 * MS);
}

#[test]
fn a_sleep_moved_out_of_a_runtime_and_into_one_still_wakes_its_task() {
    let runtime = runtime(1);
    let mut sleep = time::sleep(20 * MS);
    norace::block_on(async {
        assert!(time::timeout(Duration::ZERO, &mut sleep).await.is_err());
    });
    runtime.spawn(sleep).join_blocking().unwrap();
}

#[test]
fn a_timeout_gives_the_value_of_a_future_that_is_ready_and_drops_one_that_is_late() {
    let runtime = runtime(1);
    runtime.block_on(async {
        assert_eq!(time::timeout(Duration::ZERO, async { 5 }).await, Ok(5));
        let drops = Drops::default();
        let guard = drops.guard();
        let late = async move {
            let _guard = guard;
            std::future::pending::<()>().await;
        };
        let error = time::timeout(MS, late).await.unwrap_err();
        assert_eq!(error.to_string(), "timed out");
        assert_eq!(drops.count(), 1);
    });
}

#[test]
fn a_timeout_too_long_for_the_clock_never_fires() {
    let runtime = runtime(1);
    let value = runtime.block_on(time::timeout(Duration::MAX, async {
        time::sleep(MS).await;
        1
    }));
    assert_eq!(value, Ok(1));
}

#[test]
fn a_sleep_can_be_set_anew() {
    let runtime = runtime(1);
    runtime.block_on(async {
        let mut sleep = time::sleep(Duration::from_secs(3600));
        assert!(time::timeout(Duration::ZERO, &mut sleep).await.is_err());
        sleep.reset(Instant::now() + MS);
        sleep.await;
    });
}

#[test]
fn an_interval_ticks_on_its_grid_and_skips_what_was_missed() {
    let runtime = runtime(1);
    runtime.block_on(async {
        let period = 5 * MS;
        let mut ticks = time::interval(period);
        let first = ticks.tick().await;
        assert!(Instant::now() >= first);
        let second = ticks.tick().await;
        let on_grid = |tick: Instant| (tick - first).as_nanos().is_multiple_of(period.as_nanos());
        assert!(second > first && on_grid(second));
        time::sleep(4 * period).await;
        let late = ticks.tick().await;
        let next = ticks.tick().await;
        assert!(on_grid(late) && on_grid(next));
        assert!(next > late && next >= second + 4 * period, "missed ticks do not pile up");
    });
}

#[test]
#[should_panic(expected = "period above zero")]
fn an_interval_of_zero_is_refused() {
    drop(time::interval(Duration::ZERO));
}
