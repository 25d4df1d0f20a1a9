//! Limits that several processes share through Redis: what they are told, and the limits themselves.
//!
//! No request waits for Redis; see `norace::limit::redis`. What is said here takes a restart. The rates do not: they
//! are those of the other limits, and follow the settings.

use std::fmt;

use norace_prim::time::Duration;
use serde::Deserialize;

use super::Limits;
use crate::config::millis;
use crate::settings::InvalidSetting;

#[cfg(feature = "redis")]
mod store;
#[cfg(not(feature = "redis"))]
#[path = "redis/absent.rs"]
mod store;

pub(super) use store::{Shared, Store};

/// More processes than this are no way to share a limit.
const NODES_MAX: u64 = 1024;
/// A node that admits more by itself is better off with a limit of its own.
const BATCH_MAX: u64 = 1_000_000;
/// The longest [`Redis::every`].
const EVERY_MAX: Duration = Duration::from_secs(60);
/// The longest [`Redis::timeout`]: stopping waits for it.
const TIMEOUT_MAX: Duration = Duration::from_secs(1);

/// How limits are shared with other processes through Redis. Only builds with the feature `redis` can do it.
///
/// Set by files alone, from the start to the end: the address may hold a password, and what was counted rests on the
/// rest. All processes that share a limit have to be told the same.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Redis {
    /// Where it is: `redis://user:password@host:port/db`, of which the host is enough.
    pub url: String,
    /// Who counts first.
    pub mode: RedisMode,
    /// How many processes share the limits at most, at any time. At most 1024.
    pub nodes: u64,
    /// What is done while Redis does not answer.
    pub when_down: WhenDown,
    /// The most this process admits for a client before Redis has heard of it, or holds at a time. At most 1,000,000,
    /// default 50.
    #[serde(default = "batch")]
    pub batch: u64,
    /// How long Redis may wait to be told, or asked again. At most a minute, default 100 ms.
    #[serde(rename = "every_ms", with = "millis", default = "every")]
    pub every: Duration,
    /// After which time without an answer Redis counts as down. At most 1 s, default 250 ms.
    #[serde(rename = "timeout_ms", with = "millis", default = "timeout")]
    pub timeout: Duration,
    /// What the names in Redis begin with. Those who have the same share their limits. Default `norace`.
    #[serde(default = "prefix")]
    pub prefix: String,
    /// The name of this process, which no other one has at the same time. Default a new one at each start.
    #[serde(default)]
    pub node: Option<String>,
    /// Whether a Redis that holds nothing is taken for a new one. Default no: it may have lost its memory, and admits
    /// nothing until what it may have forgotten is over.
    #[serde(default)]
    pub trust_empty: bool,
}

/// Who counts first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RedisMode {
    /// Each process, which tells Redis afterwards. All together admit somewhat more than the limit at most, which
    /// `/metrics` tells.
    Delayed,
    /// Redis, which grants each process some of the limit. Never more than the limit is admitted; a client's first
    /// request finds nothing granted and is refused.
    Leased,
}

/// What is done while Redis does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhenDown {
    /// Everything is admitted.
    Open,
    /// Nothing is.
    Closed,
    /// Each process admits its part: the limit divided by `nodes`.
    Share,
}

fn batch() -> u64 {
    50
}

fn every() -> Duration {
    Duration::from_millis(100)
}

fn timeout() -> Duration {
    Duration::from_millis(250)
}

fn prefix() -> String {
    "norace".to_owned()
}

impl Redis {
    /// The rest has its defaults.
    pub fn new(url: &str, mode: RedisMode, nodes: u64, when_down: WhenDown) -> Self {
        Self {
            url: url.to_owned(),
            mode,
            nodes,
            when_down,
            batch: batch(),
            every: every(),
            timeout: timeout(),
            prefix: prefix(),
            node: None,
            trust_empty: false,
        }
    }

    /// Finds the first setting that can't work, here or with this in `limits`.
    pub(crate) fn check(&self, limits: &Limits) -> Result<(), InvalidSetting> {
        let counts = [("nodes", self.nodes, NODES_MAX), ("batch", self.batch, BATCH_MAX)];
        for (name, value, max) in counts {
            if !(1..=max).contains(&value) {
                return invalid(name, format!("{value} is not from 1 to {max}"));
            }
        }
        let times =
            [("every_ms", self.every, EVERY_MAX), ("timeout_ms", self.timeout, TIMEOUT_MAX)];
        for (name, time, max) in times {
            if time.is_zero() || time > max {
                return invalid(name, format!("it is not from 1 to {}", max.as_millis()));
            }
        }
        let names = [("prefix", Some(&self.prefix)), ("node", self.node.as_ref())];
        for (name, value) in names {
            let fits = |byte: u8| byte.is_ascii_graphic() && !b"{}".contains(&byte);
            if value.is_some_and(|value| value.is_empty() || !value.bytes().all(fits)) {
                return invalid(name, "it is not visible ASCII without braces");
            }
        }
        store::check(self, limits)
    }
}

fn invalid(name: &str, detail: impl Into<String>) -> Result<(), InvalidSetting> {
    Err(InvalidSetting::new(format!("redis.{name}"), detail))
}

impl fmt::Debug for Redis {
    /// Without the address, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis")
            .field("mode", &self.mode)
            .field("nodes", &self.nodes)
            .field("when_down", &self.when_down)
            .field("batch", &self.batch)
            .field("every", &self.every)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, Limits, Redis, RedisMode, WhenDown};

    #[test]
    fn what_is_left_out_has_its_default() {
        let table = serde_json::json!({
            "url": "redis://h/", "mode": "leased", "nodes": 3, "when_down": "share",
        });
        let read: Redis = serde_json::from_value(table).unwrap();
        assert_eq!(read, Redis::new("redis://h/", RedisMode::Leased, 3, WhenDown::Share));
        for (name, wrong) in [("mode", "eager"), ("when_down", "wait"), ("urls", "redis://h/")] {
            let table = serde_json::json!({ name: wrong });
            assert!(serde_json::from_value::<Redis>(table).is_err(), "{name}");
        }
    }

    #[test]
    fn a_setting_that_cannot_work_is_named() {
        let change = |change: fn(&mut Redis)| {
            let mut redis = Redis::new("redis://h/", RedisMode::Delayed, 2, WhenDown::Open);
            change(&mut redis);
            redis.check(&Limits::default()).unwrap_err().field().to_owned()
        };
        assert_eq!(change(|redis| redis.nodes = 0), "redis.nodes");
        assert_eq!(change(|redis| redis.batch = 1_000_001), "redis.batch");
        assert_eq!(change(|redis| redis.every = Duration::ZERO), "redis.every_ms");
        assert_eq!(change(|redis| redis.timeout = Duration::from_secs(2)), "redis.timeout_ms");
        assert_eq!(change(|redis| redis.prefix = "{x}".to_owned()), "redis.prefix");
        assert_eq!(change(|redis| redis.node = Some(String::new())), "redis.node");
    }

    #[test]
    fn the_address_is_not_printed() {
        let redis = Redis::new("redis://:secret@h/", RedisMode::Delayed, 2, WhenDown::Open);
        assert!(!format!("{redis:?}").contains("secret"));
    }
}
