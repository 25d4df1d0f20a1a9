//! Decisions against naive limiters, by a clock that stands still.

use norace_prim::atomic::{AtomicBool, Ordering};
use norace_prim::rand;
use norace_prim::thread;
use norace_prim::time::Duration;

use super::headers;
use super::{Clock, CostError, Decision, Keyed, Limiter, ManualClock, Quota, QuotaError, Reason};

const SECOND: Duration = Duration::from_secs(1);

fn admitted(limiter: &Limiter<ManualClock>, times: u64) -> u64 {
    (0..times).map(|_| u64::from(limiter.check().is_allowed())).sum()
}

#[test]
fn impossible_quotas_are_refused() {
    assert_eq!(Quota::per_second(0), Err(QuotaError::Nothing));
    assert_eq!(Quota::per_second(1).unwrap().burst(0), Err(QuotaError::Nothing));
    let window = |limit, millis| Quota::sliding_window(limit, Duration::from_millis(millis));
    assert!(matches!(window(1 << 20, 1000), Err(QuotaError::TooMany { .. })));
    assert!(matches!(window(5, 0), Err(QuotaError::Period { .. })));
    assert_eq!(window(5, 1000).unwrap().burst(3), Err(QuotaError::NoBurst));
    assert!(matches!(Quota::gcra(2, Duration::from_nanos(1)), Err(QuotaError::TooMany { .. })));
    let slow = Quota::gcra(1, Duration::from_secs(86_400 * 365)).unwrap();
    assert!(matches!(slow.burst(u64::MAX), Err(QuotaError::Burst { .. })));
}

#[test]
fn a_burst_passes_and_then_the_rate() {
    let clock = ManualClock::new();
    let quota = Quota::per_second(10).unwrap().burst(3).unwrap();
    let limiter = Limiter::with_clock(quota, clock.clone());
    assert_eq!(admitted(&limiter, 9), 3);
    for _ in 0..5 {
        clock.advance(Duration::from_millis(99));
        assert_eq!(admitted(&limiter, 9), 0);
        clock.advance(Duration::from_millis(1));
        assert_eq!(admitted(&limiter, 9), 1);
    }
    clock.advance(SECOND);
    assert_eq!(admitted(&limiter, 9), 3);
}

#[test]
fn a_refusal_says_when_to_come_back_and_no_sooner() {
    for quota in [
        Quota::per_second(7).unwrap().burst(5).unwrap(),
        Quota::fixed_window(5, SECOND).unwrap(),
        Quota::sliding_window(5, SECOND).unwrap(),
    ] {
        let clock = ManualClock::new();
        let limiter = Limiter::with_clock(quota, clock.clone());
        for _ in 0..300 {
            let n = 1 + rand::below(5);
            clock.advance(Duration::from_millis(rand::below(300)));
            if let Decision::Denied { retry_after, reason } = limiter.check_n(n).unwrap() {
                assert_eq!(reason, Reason::Quota);
                clock.advance(retry_after - Duration::from_nanos(1));
                assert!(!limiter.check_n(n).unwrap().is_allowed(), "{quota:?}: {n} too soon");
                clock.advance(Duration::from_nanos(1));
                assert!(limiter.check_n(n).unwrap().is_allowed(), "{quota:?}: {n}");
            }
        }
    }
}

#[test]
fn a_cost_above_the_burst_is_an_error_and_counts_nothing() {
    let limiter = Limiter::with_clock(Quota::per_second(5).unwrap(), ManualClock::new());
    assert_eq!(limiter.check_n(6), Err(CostError { cost: 6, cost_max: 5 }));
    let Decision::Allowed { remaining, reset_after } = limiter.check_n(5).unwrap() else {
        panic!()
    };
    assert_eq!((remaining, reset_after), (0, SECOND));
}

#[test]
fn in_any_time_no_more_than_burst_and_rate_pass() {
    let clock = ManualClock::new();
    let quota = Quota::gcra(3, Duration::from_millis(10)).unwrap().burst(4).unwrap();
    let limiter = Limiter::with_clock(quota, clock.clone());
    let mut passed: Vec<u64> = Vec::new();
    for _ in 0..2000 {
        clock.advance(Duration::from_micros(rand::below(4000)));
        if limiter.check().is_allowed() {
            passed.push(clock.nanos());
        }
    }
    for (index, from) in passed.iter().enumerate() {
        for (more, to) in (1..).zip(&passed[index..]) {
            let allowed = 4 + (to - from) * 3 / 10_000_000;
            assert!(more <= allowed, "{more} within {} ns", to - from);
        }
    }
}

#[test]
fn a_sliding_window_counts_the_part_of_the_one_before_that_is_not_over() {
    let clock = ManualClock::new();
    let limiter = Limiter::with_clock(Quota::sliding_window(10, SECOND).unwrap(), clock.clone());
    clock.advance(SECOND / 2);
    assert_eq!(admitted(&limiter, 20), 10);
    clock.advance(SECOND / 2);
    assert_eq!(admitted(&limiter, 20), 0);
    clock.advance(SECOND / 2);
    assert_eq!(admitted(&limiter, 20), 5);
    clock.advance(5 * SECOND);
    assert_eq!(admitted(&limiter, 20), 10);
}

#[test]
fn a_fixed_window_begins_anew_at_its_edge() {
    let clock = ManualClock::new();
    let limiter = Limiter::with_clock(Quota::fixed_window(4, SECOND).unwrap(), clock.clone());
    for _ in 0..3 {
        clock.advance(Duration::from_millis(999));
        assert_eq!(admitted(&limiter, 9), 4);
        clock.advance(Duration::from_millis(1));
    }
}

#[test]
fn a_quota_changes_without_forgetting() {
    let clock = ManualClock::new();
    let limiter = Limiter::with_clock(Quota::per_second(4).unwrap(), clock.clone());
    assert_eq!(admitted(&limiter, 9), 4);
    limiter.set_quota(Quota::per_second(100).unwrap()).unwrap();
    assert_eq!(admitted(&limiter, 9), 0, "a second's worth was used");
    clock.advance(SECOND);
    assert_eq!(admitted(&limiter, 200), 100);
    let window = Quota::fixed_window(4, SECOND).unwrap();
    assert!(limiter.set_quota(window).is_err());
    let limiter = Limiter::with_clock(window, clock);
    assert_eq!(admitted(&limiter, 9), 4);
    limiter.set_quota(Quota::fixed_window(6, SECOND).unwrap()).unwrap();
    assert_eq!(admitted(&limiter, 9), 2);
    assert!(limiter.set_quota(Quota::fixed_window(6, 2 * SECOND).unwrap()).is_err());
}

#[test]
fn keys_have_limits_and_quotas_of_their_own() {
    let limits = Keyed::with_clock(Quota::per_second(2).unwrap(), 100, ManualClock::new());
    let admitted = |key: &str| (0..9).filter(|_| limits.check(key).is_allowed()).count();
    assert_eq!(limits.set_quota_of("big", Some(Quota::per_second(5).unwrap())), Ok(true));
    assert_eq!((admitted("a"), admitted("b"), admitted("big")), (2, 2, 5));
    assert_eq!(limits.check_n("big", 6), Err(CostError { cost: 6, cost_max: 5 }));
    limits.set_quota(Quota::per_second(3).unwrap()).unwrap();
    assert_eq!((admitted("c"), admitted("big")), (3, 0));
}

#[test]
fn a_table_full_of_keys_in_use_says_so_and_takes_others_when_it_is_not() {
    let clock = ManualClock::new();
    let limits = Keyed::with_clock(Quota::per_second(1).unwrap(), 8, clock.clone());
    let limits: Keyed<u64, _> = limits;
    let all = (0..64).filter(|key| limits.check(key).is_allowed()).count();
    assert_eq!((all, limits.len()), (8, 8));
    let Decision::Denied { retry_after, reason } = limits.check(&1000) else { panic!() };
    assert_eq!((reason, retry_after), (Reason::TableFull, SECOND));
    assert!(!limits.check(&0).is_allowed(), "known keys are served as before");
    clock.advance(SECOND);
    assert!(limits.check(&1000).is_allowed());
    limits.shrink();
    assert_eq!(limits.len(), 1, "what was whole again has gone");
}

#[test]
fn headers_are_structured_fields_with_whole_seconds_rounded_up() {
    let quota = Quota::gcra(10, SECOND).unwrap().burst(25).unwrap();
    assert_eq!(headers::policy("a \"b\"", quota).unwrap(), r#""a \"b\"";q=25;w=3"#);
    let hour = Quota::fixed_window(500, Duration::from_secs(3600)).unwrap();
    assert_eq!(headers::policy("h", hour).unwrap(), r#""h";q=500;w=3600"#);
    let denied = |millis| Decision::denied(Duration::from_millis(millis), Reason::Quota);
    assert_eq!(headers::limit("h", denied(1001)).unwrap(), r#""h";r=0;t=2"#);
    assert_eq!(headers::retry_after(denied(1)).as_deref(), Some("1"));
    assert_eq!(headers::retry_after(denied(0)).as_deref(), Some("1"));
    assert_eq!(headers::retry_after(denied(2000)).as_deref(), Some("2"));
    assert!(headers::policy("ö", quota).is_err());
}

#[test]
fn waiting_ends_when_there_is_room() {
    let limiter = Limiter::new(Quota::per_second(1000).unwrap().burst(1).unwrap());
    crate::block_on(async {
        for _ in 0..5 {
            assert!(limiter.until_ready().await.is_allowed());
        }
        assert!(limiter.until_n_ready(2).await.is_err());
    });
}

/// A clock whose every other reading is a little late.
#[derive(Default)]
struct Wavering(ManualClock, AtomicBool);

impl Clock for Wavering {
    fn nanos(&self) -> u64 {
        // Relaxed: one thread.
        let late = self.1.fetch_xor(true, Ordering::Relaxed);
        self.0.nanos() - if late { 900_000 } else { 0 }
    }
}

#[test]
fn a_clock_that_wavers_brings_no_window_back_and_no_quota_twice() {
    for quota in [
        Quota::gcra(3, Duration::from_millis(1)).unwrap(),
        Quota::fixed_window(3, Duration::from_millis(1)).unwrap(),
        Quota::sliding_window(3, Duration::from_millis(1)).unwrap(),
    ] {
        let clock = Wavering::default();
        let time = clock.0.clone();
        time.advance(SECOND);
        let limiter = Limiter::with_clock(quota, clock);
        let windows = 50;
        let passed: usize = (0..windows * 10)
            .map(|_| {
                time.advance(Duration::from_micros(100));
                (0..4).filter(|_| limiter.check().is_allowed()).count()
            })
            .sum();
        assert!(passed <= 3 * (windows + 2), "{quota:?}: {passed} in {windows} windows");
    }
}

#[test]
#[cfg_attr(norace, ignore = "shards have two places in models, so some keys find none")]
fn many_keys_come_and_go_and_none_forgets_what_it_used() {
    let (clock, keys) = (ManualClock::new(), 4000_u64);
    let quota = Quota::gcra(1, SECOND).unwrap().burst(3).unwrap();
    let limits: Keyed<u64, _> = Keyed::with_clock(quota, 6000, clock.clone());
    let used: Vec<u64> = (0..keys).map(|_| 1 + rand::below(3)).collect();
    for (key, used) in (0..).zip(&used) {
        assert!(limits.check_n(&key, *used).unwrap().is_allowed());
    }
    assert_eq!(usize::try_from(keys).unwrap(), limits.len());
    clock.advance(SECOND * 2);
    limits.shrink();
    let stay = used.iter().filter(|used| **used == 3).count();
    assert_eq!((limits.len(), limits.evicted()), (stay, keys - stay as u64));
    for (key, used) in (0..).zip(&used) {
        let admitted = (0..9).filter(|_| limits.check(&key).is_allowed()).count();
        assert_eq!(admitted, if *used == 3 { 2 } else { 3 }, "key {key}");
    }
    assert_eq!(usize::try_from(keys).unwrap(), limits.len());
}

#[test]
#[cfg_attr(norace, ignore = "shards have two places in models, so some keys find none")]
fn keys_are_decided_on_while_others_come_and_go() {
    let clock = ManualClock::new();
    let day = Quota::gcra(1, SECOND * 86_400).unwrap().burst(1000).unwrap();
    let limits: Keyed<u64, _> = Keyed::with_clock(day, 2000, clock);
    let passed = thread::scope(|scope| {
        let checks: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let all = (0..30_000_u64).map(|at| at % 20);
                    all.filter(|key| limits.check(key).is_allowed()).count()
                })
            })
            .collect();
        for key in 100..1600 {
            assert!(limits.check(&key).is_allowed());
        }
        checks.into_iter().map(|thread| thread.join().unwrap()).sum::<usize>()
    });
    assert_eq!(passed, 20 * 1000);
    assert_eq!(limits.len(), 1520);
}
