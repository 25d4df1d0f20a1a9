//! Every bound of the server, in one place.

use norace_prim::time::Duration;

use crate::limits::Limits;

/// The bounds of a [`Server`](crate::Server). The defaults suit a service behind a load balancer.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// Connections served at once; one more is answered 503 `overloaded` and closed. Default 4096.
    pub connections_max: usize,
    /// Bytes of a request's head; more is answered 431. Default 16 KiB.
    pub head_bytes_max: usize,
    /// Headers of a request; more is answered 431. Default 64.
    pub headers_max: usize,
    /// Bytes of a body with one object; more is answered 413. Default 1 MiB.
    pub body_bytes_max: usize,
    /// Bytes of a body with an array. Default 8 MiB.
    pub array_bytes_max: usize,
    /// Items of an array. Default 8190.
    pub array_items_max: usize,
    /// How long a request may take to arrive, from its first byte to its last; then 408. The beginning of a head that
    /// was sent together with the request before it does not start this time, the bytes after it do; until they come
    /// the connection counts as idle. Default 10 s.
    pub request_timeout: Duration,
    /// How long a connection may be idle between requests; then it is closed without a word. Default 75 s.
    pub idle_timeout: Duration,
    /// How long a client may take no byte of an answer that is ready. Default 30 s.
    pub write_timeout: Duration,
    /// The longest `timeout` of `?wait=final`. Default 60 s.
    pub wait_max: Duration,
    /// The `timeout` of `?wait=final` where none is given. Default 30 s.
    pub wait_default: Duration,
    /// Event streams at once; one more is answered 503. Default 1024.
    pub streams_max: usize,
    /// How long an event stream is silent before a comment shows that it lives. Default 15 s.
    pub heartbeat: Duration,
    /// How long shutting down waits for requests in flight before it drops them; those that wait for a final order are
    /// answered when half of it is over. Default 8 s.
    pub drain_timeout: Duration,
    /// The `Retry-After` of 503 answers, in whole seconds. Default 1 s.
    pub retry_after: Duration,
    /// How many requests are admitted. Default all.
    pub limits: Limits,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            connections_max: 4096,
            head_bytes_max: 16 << 10,
            headers_max: 64,
            body_bytes_max: 1 << 20,
            array_bytes_max: 8 << 20,
            array_items_max: 8190,
            request_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            write_timeout: Duration::from_secs(30),
            wait_max: Duration::from_secs(60),
            wait_default: Duration::from_secs(30),
            streams_max: 1024,
            heartbeat: Duration::from_secs(15),
            drain_timeout: Duration::from_secs(8),
            retry_after: Duration::from_secs(1),
            limits: Limits::default(),
        }
    }
}

impl Config {
    /// What `Retry-After` says; 0 would ask for a storm.
    pub(crate) fn retry_after_seconds(&self) -> u64 {
        self.retry_after.as_secs().max(1)
    }

    /// Finds the first bound that can't work, in words.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        let bounds = [
            (self.connections_max >= 1, "connections_max is 0"),
            (self.head_bytes_max >= 256, "head_bytes_max is below 256"),
            (self.headers_max >= 8, "headers_max is below 8"),
            (self.body_bytes_max >= 1, "body_bytes_max is 0"),
            (
                self.array_bytes_max >= self.body_bytes_max,
                "array_bytes_max is below body_bytes_max",
            ),
            (self.array_items_max >= 1, "array_items_max is 0"),
            (!self.request_timeout.is_zero(), "request_timeout is 0"),
            (!self.idle_timeout.is_zero(), "idle_timeout is 0"),
            (!self.write_timeout.is_zero(), "write_timeout is 0"),
            (self.wait_default <= self.wait_max, "wait_default is above wait_max"),
            (!self.heartbeat.is_zero(), "heartbeat is 0"),
            (self.limits.clients_max >= 1, "limits.clients_max is 0"),
        ];
        bounds.iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, cause)| Err(cause))
    }
}
