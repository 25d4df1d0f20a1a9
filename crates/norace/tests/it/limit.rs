//! Limits of many keys, by a clock that is moved.

use norace::limit::{Keyed, ManualClock, Quota};
use std::time::Duration;

#[test]
fn a_key_goes_at_the_nanosecond_at_which_its_quota_is_whole() {
    let clock = ManualClock::new();
    let quota = Quota::per_second(10).expect("a quota").burst(3).expect("a burst");
    let limits: Keyed<u32, _> = Keyed::with_clock(quota, 100, clock.clone());
    // One, two and three tenths of a second until it is whole again.
    for key in 1..=3 {
        let admitted = (0..key).filter(|_| limits.check(&key).is_allowed()).count();
        assert_eq!(admitted, key as usize);
    }
    let nanosecond = Duration::from_nanos(1);
    for left in [3, 2, 1] {
        clock.advance(Duration::from_millis(100) - nanosecond);
        limits.shrink();
        assert_eq!(limits.len(), left, "none is whole");
        clock.advance(nanosecond);
        limits.shrink();
        assert_eq!(limits.len(), left - 1, "one is whole");
    }
    assert!(limits.is_empty());
}
