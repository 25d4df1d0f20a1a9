//! When the next request may leave.
//!
//! Without a rate the load is closed: a connection sends as soon as its last answer is there. With a rate it is open:
//! the k-th order is due at a time that does not depend on any answer, and its latency counts from then. A server that
//! stalls is charged for everything that should have been sent meanwhile (Tene, *How NOT to Measure Latency*:
//! coordinated omission).

use norace_prim::atomic::{AtomicU64, Ordering};
use norace_prim::time::{Duration, Instant};

/// Gives each request its due time.
#[derive(Debug)]
pub(crate) struct Pace {
    start: Instant,
    orders_per_second: Option<f64>,
    end: Option<Instant>,
    given: AtomicU64,
}

impl Pace {
    /// Counts from `start`; `orders_per_second` makes the load open, `length` ends it.
    pub(crate) fn new(
        start: Instant,
        orders_per_second: Option<f64>,
        length: Option<Duration>,
    ) -> Self {
        let end = length.map(|length| start + length);
        Self { start, orders_per_second, end, given: AtomicU64::new(0) }
    }

    /// When a request of `orders` orders asked for at `now` is due; `None` once the run's time is over.
    ///
    /// An array is due when the last of its orders is. What falls due within the time of an open load is sent even when
    /// the server is behind: leaving it out would hide just that.
    pub(crate) fn due(&self, now: Instant, orders: u64) -> Option<Instant> {
        let due = match self.orders_per_second {
            None => now,
            Some(rate) => {
                // Relaxed: the counter only makes the tickets distinct.
                let before = self.given.fetch_add(orders, Ordering::Relaxed);
                let last = before + orders - 1;
                self.start + Duration::from_secs_f64(last as f64 / rate)
            }
        };
        self.end.is_none_or(|end| due < end).then_some(due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_closed_load_is_due_at_once_until_its_time_is_over() {
        let start = Instant::now();
        let pace = Pace::new(start, None, Some(SECOND));
        assert_eq!(pace.due(start, 1), Some(start));
        assert_eq!(pace.due(start + SECOND / 2, 9), Some(start + SECOND / 2));
        assert_eq!(pace.due(start + SECOND, 1), None);
    }

    #[test]
    fn an_open_load_is_due_by_the_clock_whatever_the_answers_do() {
        let start = Instant::now();
        let pace = Pace::new(start, Some(10.0), None);
        let late = start + 60 * SECOND;
        assert_eq!(pace.due(late, 1), Some(start));
        assert_eq!(pace.due(late, 1), Some(start + SECOND / 10));
        assert_eq!(pace.due(start, 10), Some(start + SECOND / 10 * 11));
    }

    #[test]
    fn an_open_load_sends_all_that_falls_due_in_its_time_and_no_more() {
        let start = Instant::now();
        let pace = Pace::new(start, Some(10.0), Some(SECOND));
        let behind = start + 5 * SECOND;
        assert!((0..10).all(|_| pace.due(behind, 1).is_some()));
        assert_eq!(pace.due(start, 1), None, "the eleventh is due when the second is over");
    }
}
