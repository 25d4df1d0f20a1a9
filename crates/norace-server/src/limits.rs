//! Limits on requests under `/v1`: for each client address, and for all together. Off unless configured.
//!
//! A request is decided on before its body is read. One that is denied is answered 429 `rate-limited` with
//! `Retry-After`; all that were decided on carry `RateLimit` and `RateLimit-Policy` of the limit that decided. Calls of
//! the settings are not limited: they are the way out of a limit that is too low.
//!
//! Limits follow the settings: the first request that sees newer ones changes the limits, and what was admitted before
//! stays counted where the limit was there before.

use std::net::{IpAddr, Ipv6Addr};

use hyper::HeaderMap;
use hyper::header::HeaderValue;
use norace::config::{Hot, Loaded};
use norace::limit::{Decision, Keyed, Limiter, Quota, QuotaError, Reason, headers};
use norace_prim::sync::{Arc, Mutex, lock};
use norace_prim::time::Duration;
use serde::{Deserialize, Serialize};

use crate::metrics::{Count, Page};
use crate::settings::{InvalidSetting, Settings};

/// What keeps count of clients takes some memory.
const CLIENTS_MAX: usize = 1 << 24;

/// How many requests under `/v1` are admitted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Limits {
    /// For each client address. Default none.
    pub each_client: Option<Rate>,
    /// Client addresses that are told apart at once; while all of them are in use one more is denied. The networks of
    /// 64 bits that IPv6 gives to one site count as one address. A change forgets what was admitted for each. At most
    /// 2^24, default 65,536.
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

/// A limit with the text that its answers carry.
#[derive(Debug)]
struct Told<L> {
    name: &'static str,
    policy: HeaderValue,
    limiter: Arc<L>,
}

impl<L> Told<L> {
    fn new(name: &'static str, quota: Quota, limiter: Arc<L>) -> Self {
        let policy = headers::policy(name, quota).ok();
        let policy = policy.and_then(|text| HeaderValue::from_str(&text).ok());
        Self { name, policy: policy.expect("the names here are visible ASCII"), limiter }
    }

    fn verdict(&self, decision: Decision) -> Verdict {
        Verdict { name: self.name, policy: self.policy.clone(), decision }
    }
}

/// The limits of some version of the settings.
#[derive(Debug, Default)]
struct InForce {
    version: u64,
    limits: Limits,
    each: Option<Told<Keyed<IpAddr>>>,
    all: Option<Told<Limiter>>,
}

/// What a limit decided, whatever its settings were.
#[derive(Debug)]
struct Decided {
    admitted: Count,
    /// The quota was used up.
    refused: Count,
    /// All places were taken by other clients in use.
    table_full: Count,
}

impl Decided {
    const fn new() -> Self {
        Self { admitted: Count::new(), refused: Count::new(), table_full: Count::new() }
    }

    fn count(&self, decision: Decision) -> Decision {
        let count = match decision {
            Decision::Allowed { .. } => &self.admitted,
            Decision::Denied { reason: Reason::TableFull, .. } => &self.table_full,
            Decision::Denied { .. } => &self.refused,
        };
        count.add(1);
        decision
    }
}

/// The limits in force, and their figures.
#[derive(Debug)]
pub(crate) struct Limiters {
    now: Hot<InForce>,
    /// Held while newer settings are followed.
    following: Mutex<()>,
    each: Decided,
    all: Decided,
    /// Clients evicted from tables that are no more.
    evicted_before: Count,
}

/// What a limit said to a request.
pub(crate) struct Verdict {
    name: &'static str,
    policy: HeaderValue,
    decision: Decision,
}

impl InForce {
    /// Those of `settings`, which go on with what is counted in these.
    fn next(&self, settings: &Loaded<'_, Settings>) -> Self {
        let (version, limits) = (settings.version(), settings.limits.clone());
        let quota = |rate: Rate| rate.quota().expect("settings are checked");
        let each = limits.each_client.map(quota).map(|quota| {
            let same = limits.clients_max == self.limits.clients_max;
            let former = self.each.as_ref().filter(|_| same).map(|told| Arc::clone(&told.limiter));
            let former = former.filter(|keyed| keyed.set_quota(quota).is_ok());
            let new = || Arc::new(Keyed::new(quota, limits.clients_max));
            Told::new("client", quota, former.unwrap_or_else(new))
        });
        let all = limits.all_clients.map(quota).map(|quota| {
            let former = self.all.as_ref().map(|told| Arc::clone(&told.limiter));
            let former = former.filter(|limiter| limiter.set_quota(quota).is_ok());
            Told::new("service", quota, former.unwrap_or_else(|| Arc::new(Limiter::new(quota))))
        });
        Self { version, limits, each, all }
    }
}

impl Limiters {
    pub(crate) fn new() -> Self {
        Self {
            now: Hot::new(InForce::default()),
            following: Mutex::new(()),
            each: Decided::new(),
            all: Decided::new(),
            evicted_before: Count::new(),
        }
    }

    /// Decides on a request of `client` for `path`; none when nothing limits it.
    pub(crate) fn decide(
        &self,
        settings: &Loaded<'_, Settings>,
        client: IpAddr,
        path: &str,
    ) -> Option<Verdict> {
        if !path.starts_with("/v1/") || path == "/v1/config" {
            return None;
        }
        if self.now.load().version < settings.version() {
            self.follow(settings);
        }
        let now = self.now.load();
        let each = now.each.as_ref();
        let each =
            each.map(|told| told.verdict(self.each.count(told.limiter.check(&site(client)))));
        if each.as_ref().is_some_and(Verdict::is_denied) {
            return each;
        }
        let all = now.all.as_ref();
        let all = all.map(|told| told.verdict(self.all.count(told.limiter.check())));
        if all.as_ref().is_some_and(Verdict::is_denied) { all } else { each.or(all) }
    }

    fn follow(&self, settings: &Loaded<'_, Settings>) {
        let _following = lock(&self.following);
        let now = self.now.snapshot();
        if now.version < settings.version() {
            let next = now.next(settings);
            let kept = |told: &&Told<Keyed<_>>| {
                next.each.as_ref().is_some_and(|next| Arc::ptr_eq(&next.limiter, &told.limiter))
            };
            if let Some(told) = now.each.as_ref().filter(|told| !kept(told)) {
                self.evicted_before.add(told.limiter.evicted());
            }
            let Ok(_) = self.now.publish(next);
        }
    }

    /// Writes the figures as Prometheus text.
    pub(crate) fn write(&self, page: &mut Page) {
        page.family(
            "norace_limit_decisions_total",
            "counter",
            "Requests decided on by a limit; one that passes the client's goes on to the service's.",
        );
        for (name, decided) in [("client", &self.each), ("service", &self.all)] {
            let Decided { admitted, refused, table_full } = decided;
            let counts = [("admitted", admitted), ("refused", refused), ("table-full", table_full)];
            for (what, count) in counts {
                page.sample("", &format!("limit=\"{name}\",decision=\"{what}\""), count.get());
            }
        }
        let now = self.now.snapshot();
        let keyed = now.each.as_ref().map(|told| &told.limiter);
        let (clients, evicted) = keyed.map_or((0, 0), |keyed| (keyed.len(), keyed.evicted()));
        page.gauge("norace_limit_clients", "Clients that the limit tells apart now.", clients);
        page.counter(
            "norace_limit_clients_evicted_total",
            "Clients forgotten because others needed their places.",
            self.evicted_before.get() + evicted,
        );
    }
}

/// Whose address it is: one site has as many addresses of IPv6 as it likes.
fn site(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V6(address) => {
            let network = address.to_bits() >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
        v4 => v4,
    }
}

impl Verdict {
    pub(crate) fn is_denied(&self) -> bool {
        !self.decision.is_allowed()
    }

    /// Adds what the answer says of the limit.
    pub(crate) fn tell(&self, to: &mut HeaderMap) {
        let value = |text: String| HeaderValue::from_str(&text).expect("it is visible ASCII");
        let limit = headers::limit(self.name, self.decision).expect("its policy was written");
        to.insert(headers::RATE_LIMIT, value(limit));
        to.insert(headers::RATE_LIMIT_POLICY, self.policy.clone());
        if let Some(seconds) = headers::retry_after(self.decision) {
            to.insert(headers::RETRY_AFTER, value(seconds));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, IpAddr, Limiters, Limits, Page, Rate, Settings, Verdict, site};
    use crate::settings::LiveSettings;

    #[test]
    fn a_client_for_whom_there_is_no_place_is_counted_apart() {
        let each_client = Some(Rate::new(1, Duration::from_hours(1)));
        let limits = Limits { each_client, clients_max: 1, all_clients: None };
        let live = LiveSettings::new(Settings::default().with_limits(limits)).unwrap();
        let limiters = Limiters::new();
        let denied = |client: &str| {
            let client = client.parse::<IpAddr>().unwrap();
            let verdict = limiters.decide(&live.hot.load(), client, "/v1/orders");
            verdict.as_ref().is_some_and(Verdict::is_denied)
        };
        assert!(!denied("192.0.2.1") && denied("192.0.2.1") && denied("192.0.2.2"));
        let mut page = Page::default();
        limiters.write(&mut page);
        let text = String::from_utf8(page.into_bytes()).unwrap();
        for line in [
            "norace_limit_decisions_total{limit=\"client\",decision=\"admitted\"} 1",
            "norace_limit_decisions_total{limit=\"client\",decision=\"refused\"} 1",
            "norace_limit_decisions_total{limit=\"client\",decision=\"table-full\"} 1",
            "norace_limit_clients 1",
        ] {
            assert!(text.lines().any(|found| found == line), "no line `{line}` in\n{text}");
        }
    }

    #[test]
    fn a_site_is_an_address_of_ipv4_or_a_network_of_ipv6() {
        let site = |text: &str| site(text.parse::<IpAddr>().unwrap()).to_string();
        assert_eq!(site("192.0.2.7"), "192.0.2.7");
        assert_eq!(site("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(site("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_ne!(site("2001:db8:1:3::1"), site("2001:db8:1:2::1"));
    }
}
