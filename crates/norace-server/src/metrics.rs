//! The server's own figures, and the Prometheus text they are read as.
//!
//! A request adds to three counters, each of which has a stripe for every processor: threads that count do not meet. A
//! [`Gauge`] with its bound is one word, for what is admitted hangs on it. Neither orders anything: no other memory is
//! read on the strength of its value.

mod moves;

use std::fmt::Write as _;

use hyper::StatusCode;
use norace::sync::Counter;
use norace_prim::atomic::{AtomicU64, Ordering};
use norace_prim::time::Duration;

use crate::router::ROUTES;

use moves::Moves;

/// The upper edges of the latency buckets, in microseconds.
const EDGES_US: [u64; 14] = [
    250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    2_500_000, 10_000_000,
];

/// The statuses this server answers; one of another kind is counted as the last.
const STATUSES: [u16; 20] = [
    200, 201, 304, 400, 401, 403, 404, 405, 408, 409, 410, 412, 413, 414, 415, 422, 429, 431, 503,
    500,
];

/// A number of things that exist now, with a bound that is never passed.
#[derive(Debug, Default)]
pub(crate) struct Gauge(AtomicU64);

impl Gauge {
    pub(crate) const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Counts one more thing for as long as the guard lives; none when there are `max` already.
    pub(crate) fn enter(&self, max: usize) -> Option<Entered<&Self>> {
        Entered::new(self, max)
    }

    pub(crate) fn get(&self) -> u64 {
        // Relaxed: a figure for people; it may lag.
        self.0.load(Ordering::Relaxed)
    }
}

/// One thing counted by a [`Gauge`] until this is dropped.
#[derive(Debug)]
pub(crate) struct Entered<G: AsRef<Gauge>>(G);

impl<G: AsRef<Gauge>> Entered<G> {
    /// As [`Gauge::enter`], for whatever holds the gauge.
    pub(crate) fn new(gauge: G, max: usize) -> Option<Self> {
        let max = u64::try_from(max).unwrap_or(u64::MAX);
        // Relaxed: the bound is on the number alone; read-modify-writes of one word never lose a step.
        let before = gauge.as_ref().0.fetch_add(1, Ordering::Relaxed);
        let entered = Self(gauge);
        (before < max).then_some(entered)
    }

    /// What holds the gauge.
    pub(crate) fn holder(&self) -> &G {
        &self.0
    }
}

impl<G: AsRef<Gauge>> Drop for Entered<G> {
    fn drop(&mut self) {
        // Relaxed: as in `new`.
        self.0.as_ref().0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl AsRef<Self> for Gauge {
    fn as_ref(&self) -> &Self {
        self
    }
}

/// The figures of one route.
#[derive(Debug)]
struct RouteFigures {
    statuses: [Counter; STATUSES.len()],
    buckets: [Counter; EDGES_US.len() + 1],
    micros: Counter,
}

impl RouteFigures {
    const fn new() -> Self {
        Self {
            statuses: [const { Counter::new() }; STATUSES.len()],
            buckets: [const { Counter::new() }; EDGES_US.len() + 1],
            micros: Counter::new(),
        }
    }
}

/// Everything the server counts.
#[derive(Debug)]
pub(crate) struct Metrics {
    /// Per route, and one more for requests that found none.
    routes: [RouteFigures; ROUTES.len() + 1],
    pub(crate) in_flight: Gauge,
    pub(crate) connections: Gauge,
    pub(crate) connections_accepted: Counter,
    pub(crate) connections_refused: Counter,
    pub(crate) connections_timed_out: Counter,
    pub(crate) accept_errors: Counter,
    pub(crate) bad_http: Counter,
    pub(crate) streams: Gauge,
    pub(crate) events_sent: Counter,
    pub(crate) events_failed: Counter,
    pub(crate) moves: Moves,
    /// Refusals of the engine: overloaded, storage-full, stopping, outcome unknown.
    pub(crate) refusals: [Counter; 4],
}

impl Metrics {
    pub(crate) const fn new() -> Self {
        Self {
            routes: [const { RouteFigures::new() }; ROUTES.len() + 1],
            in_flight: Gauge::new(),
            connections: Gauge::new(),
            connections_accepted: Counter::new(),
            connections_refused: Counter::new(),
            connections_timed_out: Counter::new(),
            accept_errors: Counter::new(),
            bad_http: Counter::new(),
            streams: Gauge::new(),
            events_sent: Counter::new(),
            events_failed: Counter::new(),
            moves: Moves::new(),
            refusals: [const { Counter::new() }; 4],
        }
    }

    /// Counts an answer; `route` is an index into [`ROUTES`], or its length where no route was found.
    pub(crate) fn answered(&self, route: usize, status: StatusCode, took: Duration) {
        let figures = &self.routes[route];
        let status = status.as_u16();
        let at = STATUSES.iter().position(|known| *known == status).unwrap_or(STATUSES.len() - 1);
        figures.statuses[at].add(1);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        figures.buckets[EDGES_US.partition_point(|edge| *edge < micros)].add(1);
        figures.micros.add(micros.cast_signed());
    }

    /// Counts a refusal of the engine.
    pub(crate) fn refused(&self, why: norace_engine::Unavailable) {
        use norace_engine::Unavailable as U;
        let at = match why {
            U::Overloaded => 0,
            U::StorageFull => 1,
            U::Stopping => 2,
            U::OutcomeUnknown => 3,
        };
        self.refusals[at].add(1);
    }

    /// Writes the server's own figures as Prometheus text, format 0.0.4.
    pub(crate) fn write(&self, page: &mut Page) {
        page.family("norace_http_requests_total", "counter", "Requests answered.");
        self.each_route(|figures, labels| {
            for (status, count) in STATUSES.iter().zip(&figures.statuses) {
                if count.get() > 0 {
                    page.sample("", &format!("{labels},status=\"{status}\""), count.get());
                }
            }
        });
        page.family(
            "norace_http_request_seconds",
            "histogram",
            "Time from a request's first byte to its answer being ready.",
        );
        self.each_route(|figures, labels| write_histogram(page, figures, labels));
        let [overloaded, full, stopping, unknown] = &self.refusals;
        page.family(
            "norace_engine_refusals_total",
            "counter",
            "Commands and reads the engine did not answer.",
        );
        page.sample("", "reason=\"overloaded\"", overloaded.get());
        page.sample("", "reason=\"storage-full\"", full.get());
        page.sample("", "reason=\"stopping\"", stopping.get());
        page.sample("", "reason=\"outcome-unknown\"", unknown.get());
        page.gauge(
            "norace_http_requests_in_flight",
            "Requests being answered.",
            self.in_flight.get(),
        );
        page.gauge("norace_http_connections", "Connections open.", self.connections.get());
        page.gauge("norace_http_event_streams", "Event streams open.", self.streams.get());
        page.counter(
            "norace_http_connections_accepted_total",
            "Connections accepted.",
            self.connections_accepted.get(),
        );
        page.counter(
            "norace_http_connections_refused_total",
            "Connections refused over the bound.",
            self.connections_refused.get(),
        );
        page.counter(
            "norace_http_connections_timed_out_total",
            "Connections closed for being idle, slow to send or slow to read.",
            self.connections_timed_out.get(),
        );
        page.counter(
            "norace_http_accept_errors_total",
            "Failed attempts to accept a connection.",
            self.accept_errors.get(),
        );
        page.counter(
            "norace_http_bad_requests_total",
            "Connections that ended with bad HTTP.",
            self.bad_http.get(),
        );
        page.counter(
            "norace_events_sent_total",
            "Events handed to streams.",
            self.events_sent.get(),
        );
        page.counter(
            "norace_event_reads_failed_total",
            "Times that older events could not be read from the journal for a stream.",
            self.events_failed.get(),
        );
        self.moves.write(page);
    }

    fn each_route(&self, mut each: impl FnMut(&RouteFigures, &str)) {
        for (figures, route) in self.routes.iter().zip(&ROUTES) {
            each(figures, &format!("method=\"{}\",route=\"{}\"", route.method, route.path));
        }
        each(&self.routes[ROUTES.len()], "method=\"\",route=\"other\"");
    }
}

fn write_histogram(page: &mut Page, figures: &RouteFigures, labels: &str) {
    let counts = figures.buckets.each_ref().map(Counter::get);
    let total: i64 = counts.iter().sum();
    if total == 0 {
        return;
    }
    let mut below = 0;
    for (edge, count) in EDGES_US.iter().zip(counts) {
        below += count;
        page.sample("_bucket", &format!("{labels},le=\"{}\"", seconds(*edge)), below);
    }
    page.sample("_bucket", &format!("{labels},le=\"+Inf\""), total);
    page.sample("_sum", labels, seconds(figures.micros.get().cast_unsigned()));
    page.sample("_count", labels, total);
}

/// Microseconds as decimal seconds, exactly.
pub(crate) fn seconds(micros: u64) -> String {
    let text = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A page of Prometheus text under construction.
#[derive(Debug, Default)]
pub(crate) struct Page {
    text: String,
    family: &'static str,
}

impl Page {
    /// Begins a family of samples.
    pub(crate) fn family(&mut self, name: &'static str, kind: &str, help: &str) {
        self.family = name;
        self.push(format_args!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
    }

    /// Writes one sample of the family; `labels` without braces.
    pub(crate) fn sample(&mut self, suffix: &str, labels: &str, value: impl std::fmt::Display) {
        let name = self.family;
        if labels.is_empty() {
            self.push(format_args!("{name}{suffix} {value}\n"));
        } else {
            self.push(format_args!("{name}{suffix}{{{labels}}} {value}\n"));
        }
    }

    pub(crate) fn gauge(&mut self, name: &'static str, help: &str, value: impl std::fmt::Display) {
        self.family(name, "gauge", help);
        self.sample("", "", value);
    }

    pub(crate) fn counter(
        &mut self,
        name: &'static str,
        help: &str,
        value: impl std::fmt::Display,
    ) {
        self.family(name, "counter", help);
        self.sample("", "", value);
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.text.into_bytes()
    }

    fn push(&mut self, line: std::fmt::Arguments<'_>) {
        self.text.write_fmt(line).expect("a string takes every character");
    }
}

#[cfg(test)]
mod tests {
    use super::{Gauge, Metrics, Page, seconds};
    use hyper::StatusCode;
    use norace_prim::time::Duration;

    #[test]
    fn answers_are_counted_by_route_status_and_latency() {
        let metrics = Metrics::new();
        metrics.answered(0, StatusCode::CREATED, Duration::from_micros(250));
        metrics.answered(0, StatusCode::CREATED, Duration::from_micros(251));
        metrics.answered(0, StatusCode::CREATED, Duration::from_secs(60));
        metrics.answered(super::ROUTES.len(), StatusCode::NOT_FOUND, Duration::ZERO);
        let mut page = Page::default();
        metrics.write(&mut page);
        let text = String::from_utf8(page.into_bytes()).unwrap();
        let orders = r#"method="POST",route="/v1/orders""#;
        for line in [
            format!("norace_http_requests_total{{{orders},status=\"201\"}} 3"),
            format!("norace_http_request_seconds_bucket{{{orders},le=\"0.00025\"}} 1"),
            format!("norace_http_request_seconds_bucket{{{orders},le=\"0.0005\"}} 2"),
            format!("norace_http_request_seconds_bucket{{{orders},le=\"10\"}} 2"),
            format!("norace_http_request_seconds_bucket{{{orders},le=\"+Inf\"}} 3"),
            format!("norace_http_request_seconds_sum{{{orders}}} 60.000501"),
            format!("norace_http_request_seconds_count{{{orders}}} 3"),
            "norace_http_requests_total{method=\"\",route=\"other\",status=\"404\"} 1".to_owned(),
            "norace_http_connections 0".to_owned(),
        ] {
            assert!(text.lines().any(|found| found == line), "no line `{line}` in\n{text}");
        }
    }

    #[test]
    fn a_gauge_never_lets_more_in_than_its_bound() {
        let gauge = Gauge::new();
        let first = gauge.enter(2);
        let second = gauge.enter(2);
        assert!(first.is_some() && second.is_some());
        assert!(gauge.enter(2).is_none());
        assert_eq!(gauge.get(), 2);
        drop(first);
        assert!(gauge.enter(2).is_some());
        drop(second);
        assert_eq!(gauge.get(), 0);
    }

    #[test]
    fn seconds_are_written_exactly() {
        assert_eq!(seconds(0), "0");
        assert_eq!(seconds(250), "0.00025");
        assert_eq!(seconds(1_000_000), "1");
        assert_eq!(seconds(10_500_000), "10.5");
    }
}
