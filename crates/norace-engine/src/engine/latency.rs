//! How long appends take: a histogram in powers of two.

use norace_prim::time::Duration;

use super::query::LatencySummary;

const BUCKETS: usize = 40;

/// Counts by magnitude: bucket `n` holds durations below `2^n` microseconds that fit no bucket before it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Latency {
    buckets: [u64; BUCKETS],
    count: u64,
    sum_us: u64,
    max_us: u64,
}

impl Default for Latency {
    fn default() -> Self {
        Self { buckets: [0; BUCKETS], count: 0, sum_us: 0, max_us: 0 }
    }
}

impl Latency {
    pub(crate) fn add(&mut self, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let magnitude = (u64::BITS - us.leading_zeros()) as usize;
        self.buckets[magnitude.min(BUCKETS - 1)] += 1;
        self.count += 1;
        self.sum_us = self.sum_us.saturating_add(us);
        self.max_us = self.max_us.max(us);
    }

    pub(crate) fn summary(&self) -> LatencySummary {
        LatencySummary {
            count: self.count,
            sum_us: self.sum_us,
            p50_us: self.quantile(50),
            p99_us: self.quantile(99),
            max_us: self.max_us,
        }
    }

    /// The upper edge of the bucket that holds the sample of rank `percent`, or the maximum if that is less.
    fn quantile(&self, percent: u64) -> u64 {
        let rank = (self.count * percent).div_ceil(100);
        let mut seen = 0;
        for (magnitude, samples) in self.buckets.iter().enumerate() {
            seen += samples;
            if seen >= rank && rank > 0 {
                return (1u64 << magnitude).min(self.max_us);
            }
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_upper_edges_and_never_above_the_maximum() {
        let mut latency = Latency::default();
        assert_eq!(latency.summary(), LatencySummary::default());
        for _ in 0..98 {
            latency.add(Duration::from_micros(100));
        }
        for _ in 0..2 {
            latency.add(Duration::from_micros(5000));
        }
        let summary = latency.summary();
        assert_eq!((summary.p50_us, summary.p99_us, summary.max_us), (128, 5000, 5000));
        assert_eq!((summary.count, summary.sum_us), (100, 98 * 100 + 2 * 5000));
    }
}
