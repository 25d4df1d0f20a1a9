//! Every bound of the server, in one place.
//!
//! In files and on the wire times are whole milliseconds or seconds with the unit in the name.

use std::num::NonZeroUsize;

use norace_prim::time::Duration;
use serde::{Deserialize, Deserializer, Serialize};

use crate::settings::InvalidSetting;

/// No time limit is longer.
pub(crate) const TIME_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// More headers would cost each connection more memory than a request is worth.
const HEADERS_MAX: usize = 4096;
/// Half of what the bus of the engine's events takes.
const STREAMS_MAX: usize = 32_768;
/// No head is longer.
const HEAD_BYTES_MAX: usize = 16 << 20;

/// The bounds of a [`Server`](crate::Server). The defaults suit a service behind a load balancer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Config {
    /// Connections served at once; one more is answered 503 `overloaded` and closed. Default 4096.
    #[serde(deserialize_with = "positive")]
    pub connections_max: usize,
    /// Bytes of a request's head; more is answered 431. Default 16 KiB.
    #[serde(deserialize_with = "positive")]
    pub head_bytes_max: usize,
    /// Headers of a request; more is answered 431. Default 64.
    #[serde(deserialize_with = "positive")]
    pub headers_max: usize,
    /// Bytes of a body with one object; more is answered 413. Default 1 MiB.
    #[serde(deserialize_with = "positive")]
    pub body_bytes_max: usize,
    /// Bytes of a body with an array. Default 8 MiB.
    #[serde(deserialize_with = "positive")]
    pub array_bytes_max: usize,
    /// Items of an array. Default 8190.
    #[serde(deserialize_with = "positive")]
    pub array_items_max: usize,
    /// How long a request may take to arrive, from its first byte to its last; then 408. The beginning of a head that
    /// was sent together with the request before it does not start this time, the bytes after it do; until they come
    /// the connection counts as idle. Default 10 s.
    #[serde(rename = "request_timeout_ms", with = "millis")]
    pub request_timeout: Duration,
    /// How long a connection may be idle between requests; then it is closed without a word. Default 75 s.
    #[serde(rename = "idle_timeout_ms", with = "millis")]
    pub idle_timeout: Duration,
    /// How long a client may take no byte of an answer that is ready. Default 30 s.
    #[serde(rename = "write_timeout_ms", with = "millis")]
    pub write_timeout: Duration,
    /// The longest `timeout` of `?wait=final`. Default 60 s.
    #[serde(rename = "wait_max_ms", with = "millis")]
    pub wait_max: Duration,
    /// The `timeout` of `?wait=final` where none is given. Default 30 s.
    #[serde(rename = "wait_default_ms", with = "millis")]
    pub wait_default: Duration,
    /// Event streams at once; one more is answered 503. Default 1024.
    #[serde(deserialize_with = "positive")]
    pub streams_max: usize,
    /// How long an event stream is silent before a comment shows that it lives. Default 15 s.
    #[serde(rename = "heartbeat_ms", with = "millis")]
    pub heartbeat: Duration,
    /// How long shutting down waits for requests in flight before it drops them; those that wait for a final order are
    /// answered when half of it is over. Default 8 s.
    #[serde(rename = "drain_timeout_ms", with = "millis")]
    pub drain_timeout: Duration,
    /// The `Retry-After` of 503 answers, in whole seconds. Default 1 s.
    #[serde(rename = "retry_after_s", with = "seconds")]
    pub retry_after: Duration,
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
        }
    }
}

impl Config {
    /// What `Retry-After` says; 0 would ask for a storm.
    pub(crate) fn retry_after_seconds(&self) -> u64 {
        self.retry_after.as_secs().max(1)
    }

    /// Finds the first bound that can't work.
    pub(crate) fn check(&self) -> Result<(), InvalidSetting> {
        let counts = [
            ("connections_max", self.connections_max, 1, usize::MAX),
            ("head_bytes_max", self.head_bytes_max, 256, HEAD_BYTES_MAX),
            ("headers_max", self.headers_max, 8, HEADERS_MAX),
            ("body_bytes_max", self.body_bytes_max, 1, usize::MAX),
            ("array_bytes_max", self.array_bytes_max, 1, usize::MAX),
            ("array_items_max", self.array_items_max, 1, usize::MAX),
            ("streams_max", self.streams_max, 1, STREAMS_MAX),
        ];
        for (name, value, min, max) in counts {
            if value < min {
                return invalid(name, format!("{value} is below {min}"));
            }
            if value > max {
                return invalid(name, format!("{value} is above {max}"));
            }
        }
        let times = [
            ("request_timeout_ms", self.request_timeout),
            ("idle_timeout_ms", self.idle_timeout),
            ("write_timeout_ms", self.write_timeout),
            ("wait_max_ms", self.wait_max),
            ("wait_default_ms", self.wait_default),
            ("heartbeat_ms", self.heartbeat),
            ("drain_timeout_ms", self.drain_timeout),
            ("retry_after_s", self.retry_after),
        ];
        for (name, time) in times {
            if time.is_zero() {
                return invalid(name, "no time at all");
            }
            if time > TIME_MAX {
                return invalid(name, "more than a day");
            }
        }
        if self.array_bytes_max < self.body_bytes_max {
            return invalid("array_bytes_max", "it is below body_bytes_max");
        }
        if self.wait_default > self.wait_max {
            return invalid("wait_default_ms", "it is above wait_max_ms");
        }
        Ok(())
    }
}

fn invalid(name: &str, detail: impl Into<String>) -> Result<(), InvalidSetting> {
    Err(InvalidSetting::new(format!("server.{name}"), detail))
}

/// A number from 1.
pub(crate) fn positive<'d, D: Deserializer<'d>>(from: D) -> Result<usize, D::Error> {
    NonZeroUsize::deserialize(from).map(NonZeroUsize::get)
}

/// A time as whole milliseconds.
pub(crate) mod millis {
    use std::num::NonZeroU64;

    use norace_prim::time::Duration;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
    }

    pub(crate) fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<Duration, D::Error> {
        Ok(Duration::from_millis(NonZeroU64::deserialize(from)?.get()))
    }
}

/// A time as whole seconds.
mod seconds {
    use std::num::NonZeroU64;

    use norace_prim::time::Duration;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(time.as_secs())
    }

    pub(super) fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<Duration, D::Error> {
        Ok(Duration::from_secs(NonZeroU64::deserialize(from)?.get()))
    }
}
