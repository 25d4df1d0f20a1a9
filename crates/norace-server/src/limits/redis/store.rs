//! The shared limits themselves.
//!
//! Each is made when it is first wanted, and stays until the server ends: dropping one tells Redis what was admitted,
//! which takes a moment that no request should have to wait.

use std::fmt::Display;

use norace::limit::redis::{self, Config, ConfigError, Metrics, Mode};
use norace::limit::{Decision, Quota};
use norace_prim::sync::{Arc, OnceLock};
use norace_prim::time::Duration;

use super::{Redis, RedisMode, WhenDown};
use crate::limits::{Limits, Rate};
use crate::metrics::Page;
use crate::settings::InvalidSetting;

/// A limit that other processes share.
#[derive(Debug)]
pub(in crate::limits) struct Shared(redis::Shared);

impl Shared {
    /// Decides on a request of this cost; nothing is counted for one of 0.
    pub(in crate::limits) fn ask(&self, key: &str, cost: u64) -> Decision {
        self.0.check_n(key, cost).expect("a batch admits one")
    }

    /// How many keys it tells apart now.
    pub(in crate::limits) fn keys(&self) -> usize {
        self.0.metrics().keys
    }
}

/// The shared limits, where there are any.
#[derive(Debug)]
pub(in crate::limits) struct Store {
    settings: Option<Redis>,
    clients_max: usize,
    clients: OnceLock<Option<Arc<Shared>>>,
    service: OnceLock<Option<Arc<Shared>>>,
}

impl Store {
    pub(in crate::limits) fn new(settings: Option<Redis>, clients_max: usize) -> Self {
        Self { settings, clients_max, clients: OnceLock::new(), service: OnceLock::new() }
    }

    /// The limit of each client, with this quota from now on. None where none is configured, or where the system had no
    /// thread for it; then a limit of this process alone has to do.
    pub(in crate::limits) fn clients(&self, quota: Quota) -> Option<Arc<Shared>> {
        self.limit(&self.clients, "client", quota, self.clients_max)
    }

    /// The same for all together.
    pub(in crate::limits) fn service(&self, quota: Quota) -> Option<Arc<Shared>> {
        self.limit(&self.service, "service", quota, 1)
    }

    fn limit(
        &self,
        place: &OnceLock<Option<Arc<Shared>>>,
        name: &str,
        quota: Quota,
        keys_max: usize,
    ) -> Option<Arc<Shared>> {
        let settings = self.settings.as_ref()?;
        let new = || {
            let limit = redis::Shared::new(config(settings, name, quota).keys_max(keys_max));
            limit.ok().map(|limit| Arc::new(Shared(limit)))
        };
        let shared = place.get_or_init(new).as_ref()?;
        shared.0.set_quota(quota).ok()?;
        Some(Arc::clone(shared))
    }

    /// Writes how the store is, as Prometheus text.
    pub(in crate::limits) fn write(&self, page: &mut Page) {
        let limits = [("client", &self.clients), ("service", &self.service)];
        let seen = limits.map(|(name, place)| {
            let shared = place.get().and_then(Option::as_ref);
            shared.map(|shared| (name, shared.0.metrics()))
        });
        let mut each = |name, kind, help, value: fn(&Metrics) -> u64| {
            page.family(name, kind, help);
            for (limit, metrics) in seen.iter().flatten() {
                let value: &dyn Display = &value(metrics);
                page.sample("", &format!("limit=\"{limit}\""), value);
            }
        };
        if self.settings.is_none() {
            return;
        }
        each("norace_limit_store_up", "gauge", "0 while Redis does not answer.", |seen| {
            u64::from(!seen.down)
        });
        each("norace_limit_store_calls_total", "counter", "Round trips to Redis.", |seen| {
            seen.calls
        });
        each(
            "norace_limit_store_failures_total",
            "counter",
            "Round trips to Redis that failed or took too long.",
            |seen| seen.failures,
        );
        each(
            "norace_limit_error_bound",
            "gauge",
            "Requests that all processes together admit above the limit at most while Redis answers and none crashes.",
            |seen| seen.error_bound,
        );
    }
}

fn config(settings: &Redis, name: &str, quota: Quota) -> Config {
    let Redis { batch, every, .. } = *settings;
    let mode = match settings.mode {
        RedisMode::Delayed => Mode::Delayed { batch, every },
        RedisMode::Leased => Mode::Leased { batch, every },
    };
    let when_down = match settings.when_down {
        WhenDown::Open => redis::WhenDown::Open,
        WhenDown::Closed => redis::WhenDown::Closed,
        WhenDown::Share => redis::WhenDown::Share,
    };
    let config = Config::new(&settings.url, quota, mode, settings.nodes, when_down)
        .prefix(&format!("{}:{name}", settings.prefix))
        .timeout(settings.timeout)
        .trust_empty(settings.trust_empty);
    match &settings.node {
        Some(node) => config.node(node),
        None => config,
    }
}

/// Finds what can't work with these limits.
///
/// The kit says so when it makes a limit. One that was never asked has nothing to tell Redis, and does not call it.
pub(super) fn check(settings: &Redis, limits: &Limits) -> Result<(), InvalidSetting> {
    // With no limit the rest has to work all the same.
    let any = Quota::gcra(1, Duration::from_secs(1))
        .and_then(|quota| quota.burst(settings.nodes * settings.batch + 1))
        .expect("bounded as they are");
    let rates = [("each_client", limits.each_client), ("all_clients", limits.all_clients)];
    for (name, rate) in rates {
        let quota = rate.map(Rate::quota).transpose().expect("the rates are checked before");
        let made = redis::Shared::new(config(settings, name, quota.unwrap_or(any)));
        if let Err(error) = made {
            let field = match error {
                ConfigError::Url(_) => "redis.url".to_owned(),
                ConfigError::Burst { .. } | ConfigError::TooLarge => format!("limits.{name}"),
                _ => "redis".to_owned(),
            };
            return Err(InvalidSetting::new(field, error.to_string()));
        }
    }
    Ok(())
}
