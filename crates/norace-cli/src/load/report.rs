//! What a run counted, as it is printed.

use hdrhistogram::Histogram;
use norace_prim::time::Duration;
use serde::Serialize;

use super::answer::Outcome;
use crate::output::{BAD, GOOD, STRONG, money, thousands};

/// Final outcomes, counted; every order sent is in exactly one of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) confirmed: u64,
    pub(crate) failed: u64,
    pub(crate) cancelled: u64,
    pub(crate) rejected: u64,
    pub(crate) errors: u64,
    pub(crate) confirmed_amount: u64,
}

impl Tally {
    pub(crate) fn orders(&self) -> u64 {
        self.confirmed + self.failed + self.cancelled + self.rejected + self.errors
    }

    /// Counts one order's end. What is not an end counts as an error.
    pub(crate) fn count(&mut self, outcome: &Outcome, cents: u64) {
        match outcome {
            Outcome::Confirmed => {
                self.confirmed += 1;
                self.confirmed_amount += cents;
            }
            Outcome::Failed => self.failed += 1,
            Outcome::Cancelled => self.cancelled += 1,
            Outcome::Rejected => self.rejected += 1,
            Outcome::Open | Outcome::Busy | Outcome::Refused(_) => self.errors += 1,
        }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.confirmed += other.confirmed;
        self.failed += other.failed;
        self.cancelled += other.cancelled;
        self.rejected += other.rejected;
        self.errors += other.errors;
        self.confirmed_amount += other.confirmed_amount;
    }
}

/// The result of `norace load`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct LoadReport {
    schema: &'static str,
    orders: u64,
    pub(crate) confirmed: u64,
    failed: u64,
    cancelled: u64,
    rejected: u64,
    pub(crate) errors: u64,
    pub(crate) confirmed_amount: u64,
    seconds: f64,
    orders_per_second: f64,
    latency_ms: Latency,
}

/// Latencies of order requests; an array is one request.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Latency {
    p50: f64,
    p90: f64,
    p99: f64,
    p999: f64,
    max: f64,
}

impl LoadReport {
    pub(crate) fn new(tally: &Tally, elapsed: Duration, latency_us: &Histogram<u64>) -> Self {
        let seconds = elapsed.as_secs_f64();
        let rate = if seconds > 0.0 { tally.orders() as f64 / seconds } else { 0.0 };
        let ms = |quantile| latency_us.value_at_quantile(quantile) as f64 / 1e3;
        Self {
            schema: "norace.load/1",
            orders: tally.orders(),
            confirmed: tally.confirmed,
            failed: tally.failed,
            cancelled: tally.cancelled,
            rejected: tally.rejected,
            errors: tally.errors,
            confirmed_amount: tally.confirmed_amount,
            seconds: rounded(seconds),
            orders_per_second: rounded(rate),
            latency_ms: Latency {
                p50: ms(0.5),
                p90: ms(0.9),
                p99: ms(0.99),
                p999: ms(0.999),
                max: latency_us.max() as f64 / 1e3,
            },
        }
    }

    /// The report for people.
    pub(crate) fn human(&self) -> String {
        let Latency { p50, p90, p99, p999, max } = self.latency_ms;
        let rate = thousands(self.orders_per_second as u64);
        let errors = if self.errors == 0 { GOOD } else { BAD };
        format!(
            "{STRONG}{} orders in {:.2} s: {rate} a second{STRONG:#}\n\
             \x20 confirmed {:>9}  worth {}\n\
             \x20 failed    {:>9}  for lack of funds or by decision\n\
             \x20 cancelled {:>9}\n\
             \x20 rejected  {:>9}  rows that are no valid order\n\
             \x20 {errors}errors    {:>9}{errors:#}\n\
             \x20 latency   p50 {p50:.2} ms, p90 {p90:.2}, p99 {p99:.2}, p99.9 {p999:.2}, max {max:.2}",
            thousands(self.orders),
            self.seconds,
            thousands(self.confirmed),
            money(self.confirmed_amount),
            thousands(self.failed),
            thousands(self.cancelled),
            thousands(self.rejected),
            thousands(self.errors),
        )
    }
}

/// Three decimals: more would be noise in the output.
fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_order_is_counted_once() {
        let mut tally = Tally::default();
        let outcomes = [
            Outcome::Confirmed,
            Outcome::Failed,
            Outcome::Cancelled,
            Outcome::Rejected,
            Outcome::Refused("409".into()),
            Outcome::Open,
        ];
        for outcome in &outcomes {
            tally.count(outcome, 7);
        }
        let mut twice = tally;
        twice.add(&tally);
        assert_eq!((tally.orders(), tally.errors, tally.confirmed_amount), (6, 2, 7));
        assert_eq!((twice.orders(), twice.errors, twice.confirmed_amount), (12, 4, 14));
    }

    #[test]
    fn the_report_has_the_documented_fields() {
        let mut latency = Histogram::new(3).unwrap();
        latency.record_n(1_000, 99).unwrap();
        latency.record(5_000).unwrap();
        let tally =
            Tally { confirmed: 99, failed: 1, confirmed_amount: 123_456, ..Tally::default() };
        let report = LoadReport::new(&tally, Duration::from_millis(500), &latency);
        let json = serde_json::to_value(&report).unwrap();
        let mut fields: Vec<_> = json.as_object().unwrap().keys().map(String::as_str).collect();
        fields.sort_unstable();
        let documented = [
            "cancelled",
            "confirmed",
            "confirmed_amount",
            "errors",
            "failed",
            "latency_ms",
            "orders",
            "orders_per_second",
            "rejected",
            "schema",
            "seconds",
        ];
        assert_eq!(fields, documented);
        assert_eq!(json["orders_per_second"], 200.0);
        let latency = &json["latency_ms"];
        assert!((latency["p50"].as_f64().unwrap() - 1.0).abs() < 0.002, "{latency}");
        assert!((latency["max"].as_f64().unwrap() - 5.0).abs() < 0.01, "{latency}");
        assert!(report.human().contains("1,234.56"), "{}", report.human());
    }
}
