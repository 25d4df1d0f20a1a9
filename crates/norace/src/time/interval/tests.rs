//! The grid of ticks.

use super::next_on_grid;
use crate::time::{Duration, Instant};

#[test]
fn a_late_tick_is_followed_by_the_next_one_on_the_grid() {
    let start = Instant::now();
    let ms = Duration::from_millis;
    let next = |late| next_on_grid(start, ms(10), start + late) - start;
    assert_eq!(next(ms(0)), ms(10));
    assert_eq!(next(ms(9)), ms(10));
    assert_eq!(next(ms(10)), ms(20));
    assert_eq!(next(ms(35)), ms(40));
}
