//! Limits on requests under `/v1`: for each client, and for all together. Off unless configured.
//!
//! A client is the name of its key, or its address where it has none that is known. A request is decided on before its
//! body is read. One that is denied is answered 429 `rate-limited` with `Retry-After`; all that were decided on carry
//! `RateLimit` and `RateLimit-Policy` of the limit that decided. Calls of the settings are not limited: they are the
//! way out of a limit that is too low.
//!
//! Limits follow the settings: the first request that sees newer ones changes the limits, and what was admitted before
//! stays counted where the limit was there before.

mod client;
mod limiters;
mod redis;

use norace::limit::{Quota, QuotaError};
use norace_prim::time::Duration;
use serde::{Deserialize, Serialize};

use crate::settings::InvalidSetting;

pub(crate) use client::Client;
pub(crate) use limiters::{Limiters, Verdict};
pub use redis::{Redis, RedisMode, WhenDown};

/// What keeps count of clients takes some memory.
const CLIENTS_MAX: usize = 1 << 24;

/// How many requests under `/v1` are admitted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Limits {
    /// For each client: by the name of its key, or by its address where it has none that is known. Default none.
    pub each_client: Option<Rate>,
    /// Clients that are told apart at once; while all of them are in use one more is denied. The networks of 64 bits
    /// that IPv6 gives to one site count as one address. A change forgets what was admitted for each. At most 2^24,
    /// default 65,536.
    pub clients_max: usize,
    /// For all clients together. Default none.
    pub all_clients: Option<Rate>,
}

/// So many requests in a time, evenly, and at most a burst at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Rate {
    /// How many.
    pub requests: u64,
    /// In which time.
    #[serde(rename = "per_ms", with = "crate::config::millis")]
    pub per: Duration,
    /// How many at once, after a rest. Default as many as `requests`.
    #[serde(default)]
    pub burst: Option<u64>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { each_client: None, clients_max: 1 << 16, all_clients: None }
    }
}

impl Limits {
    /// Finds the first limit that can't work.
    pub(crate) fn check(&self) -> Result<(), InvalidSetting> {
        if !(1..=CLIENTS_MAX).contains(&self.clients_max) {
            let detail = format!("{} is not from 1 to {CLIENTS_MAX}", self.clients_max);
            return Err(InvalidSetting::new("limits.clients_max", detail));
        }
        let rates = [("each_client", self.each_client), ("all_clients", self.all_clients)];
        for (name, rate) in rates {
            if let Some(Err(error)) = rate.map(Rate::quota) {
                return Err(InvalidSetting::new(format!("limits.{name}"), error.to_string()));
            }
        }
        Ok(())
    }
}

impl Rate {
    /// `requests` in each `per`.
    pub const fn new(requests: u64, per: Duration) -> Self {
        Self { requests, per, burst: None }
    }

    fn quota(self) -> Result<Quota, QuotaError> {
        let quota = Quota::gcra(self.requests, self.per)?;
        self.burst.map_or(Ok(quota), |burst| quota.burst(burst))
    }
}
