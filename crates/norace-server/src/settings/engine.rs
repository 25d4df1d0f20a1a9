//! Settings of the engine behind the server, as files and the wire have them.

use std::num::NonZeroU32;

use norace_engine::{AsyncOptions, CONCURRENCY_MAX, EngineSettings};
use norace_prim::time::Duration;
use serde::{Deserialize, Deserializer, Serialize};

use super::InvalidSetting;
use crate::config::{TIME_MAX, millis, positive};

/// The largest [`EngineBounds::requests_max`].
const REQUESTS_MAX: usize = 1 << 16;

/// The largest [`EngineBounds::waiters_max`].
const WAITERS_MAX: usize = 1 << 20;

/// The largest [`Processing::attempts_max`].
const ATTEMPTS_MAX: usize = 1_000_000;

/// Bounds of the engine that can be changed while it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct EngineBounds {
    /// Requests in one array, at most 65,536. Default 8190.
    #[serde(deserialize_with = "positive")]
    pub requests_max: usize,
    /// Callers that may wait for orders to become final, at most 1,048,576. Default 65,536.
    #[serde(deserialize_with = "positive")]
    pub waiters_max: usize,
    /// Idle time after which the journal's last frame is vouched for. Default 10 ms.
    #[serde(rename = "seal_after_ms", with = "millis")]
    pub seal_after: Duration,
}

/// Who drives new orders, and the bounds of an asynchronous processor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Processing {
    /// Who drives the orders that are created from now on. Default as the engine was opened.
    pub new_orders: NewOrders,
    /// Calls at once, at most 65,536. Default 64.
    #[serde(deserialize_with = "positive")]
    pub concurrency: usize,
    /// How long one call may take. Default 30 s.
    #[serde(rename = "timeout_ms", with = "millis")]
    pub timeout: Duration,
    /// Calls for one order before it is flagged, at most 1,000,000. Default 8.
    #[serde(deserialize_with = "positive_u32")]
    pub attempts_max: u32,
    /// The pause before the second call; doubled for each further one. Default 100 ms.
    #[serde(rename = "backoff_min_ms", with = "millis")]
    pub backoff_min: Duration,
    /// The longest pause. Default 30 s.
    #[serde(rename = "backoff_max_ms", with = "millis")]
    pub backoff_max: Duration,
}

/// Who drives new orders.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NewOrders {
    /// Whom the engine was opened with.
    #[default]
    AsStarted,
    /// The engine, in the step that creates them.
    Ledger,
    /// Clients, move by move.
    Manual,
}

impl Default for EngineBounds {
    fn default() -> Self {
        let EngineSettings { requests_max, waiters_max, seal_after, .. } =
            EngineSettings::default();
        Self { requests_max, waiters_max, seal_after }
    }
}

impl Default for Processing {
    fn default() -> Self {
        let AsyncOptions { concurrency, timeout, attempts_max, backoff_min, backoff_max } =
            AsyncOptions::default();
        let new_orders = NewOrders::AsStarted;
        Self { new_orders, concurrency, timeout, attempts_max, backoff_min, backoff_max }
    }
}

impl EngineBounds {
    /// Finds the first bound that can't work.
    pub(super) fn check(&self) -> Result<(), InvalidSetting> {
        check_count("engine.requests_max", self.requests_max, REQUESTS_MAX)?;
        check_count("engine.waiters_max", self.waiters_max, WAITERS_MAX)?;
        check_time("engine.seal_after_ms", self.seal_after)
    }
}

impl Processing {
    /// Finds the first setting that can't work.
    pub(super) fn check(&self) -> Result<(), InvalidSetting> {
        check_count("processor.concurrency", self.concurrency, CONCURRENCY_MAX)?;
        check_time("processor.timeout_ms", self.timeout)?;
        check_count("processor.attempts_max", self.attempts_max as usize, ATTEMPTS_MAX)?;
        check_time("processor.backoff_min_ms", self.backoff_min)?;
        check_time("processor.backoff_max_ms", self.backoff_max)?;
        if self.backoff_min > self.backoff_max {
            let detail = "it is above backoff_max_ms";
            return Err(InvalidSetting::new("processor.backoff_min_ms", detail));
        }
        Ok(())
    }
}

/// What the engine takes of both.
pub(super) fn of(bounds: &EngineBounds, processing: &Processing) -> EngineSettings {
    use norace_engine::NewOrders as Engines;
    EngineSettings {
        new_orders: match processing.new_orders {
            NewOrders::AsStarted => Engines::AsOpened,
            NewOrders::Ledger => Engines::Ledger,
            NewOrders::Manual => Engines::Manual,
        },
        processor: AsyncOptions {
            concurrency: processing.concurrency,
            timeout: processing.timeout,
            attempts_max: processing.attempts_max,
            backoff_min: processing.backoff_min,
            backoff_max: processing.backoff_max,
        },
        requests_max: bounds.requests_max,
        waiters_max: bounds.waiters_max,
        seal_after: bounds.seal_after,
    }
}

fn check_count(name: &str, count: usize, max: usize) -> Result<(), InvalidSetting> {
    if count == 0 {
        return Err(InvalidSetting::new(name, "0 is below 1"));
    }
    if count > max {
        return Err(InvalidSetting::new(name, format!("{count} is above {max}")));
    }
    Ok(())
}

fn check_time(name: &str, time: Duration) -> Result<(), InvalidSetting> {
    if time.is_zero() {
        return Err(InvalidSetting::new(name, "no time at all"));
    }
    if time > TIME_MAX {
        return Err(InvalidSetting::new(name, "more than a day"));
    }
    Ok(())
}

fn positive_u32<'d, D: Deserializer<'d>>(from: D) -> Result<u32, D::Error> {
    NonZeroU32::deserialize(from).map(NonZeroU32::get)
}
