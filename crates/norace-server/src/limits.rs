//! Limits on requests under `/v1`: for each client address, and for all together. Off unless configured.
//!
//! A request is decided on before its body is read. One that is denied is answered 429 `rate-limited` with
//! `Retry-After`; all that were decided on carry `RateLimit` and `RateLimit-Policy` of the limit that decided.

use std::net::IpAddr;

use hyper::HeaderMap;
use hyper::header::HeaderValue;
use norace::limit::{Decision, Keyed, Limiter, Quota, headers};

/// How many requests under `/v1` are admitted.
#[derive(Debug, Clone)]
pub struct Limits {
    /// For each client address. Default none.
    pub each_client: Option<Quota>,
    /// Client addresses that are told apart at once; while all of them are in use one more is denied. Default 65,536.
    pub clients_max: usize,
    /// For all clients together. Default none.
    pub all_clients: Option<Quota>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { each_client: None, clients_max: 1 << 16, all_clients: None }
    }
}

/// A limit with the text that its answers carry.
#[derive(Debug)]
struct Told<L> {
    name: &'static str,
    policy: HeaderValue,
    limiter: L,
}

impl<L> Told<L> {
    fn new(name: &'static str, quota: Quota, limiter: L) -> Self {
        let policy = headers::policy(name, quota).ok();
        let policy = policy.and_then(|text| HeaderValue::from_str(&text).ok());
        Self { name, policy: policy.expect("the names here are visible ASCII"), limiter }
    }

    fn verdict(&self, decision: Decision) -> Verdict {
        Verdict { name: self.name, policy: self.policy.clone(), decision }
    }
}

/// The limits in force.
#[derive(Debug)]
pub(crate) struct Limiters {
    each: Option<Told<Keyed<IpAddr>>>,
    all: Option<Told<Limiter>>,
}

/// What a limit said to a request.
pub(crate) struct Verdict {
    name: &'static str,
    policy: HeaderValue,
    decision: Decision,
}

impl Limiters {
    pub(crate) fn new(limits: &Limits) -> Self {
        let keyed = |quota| Told::new("client", quota, Keyed::new(quota, limits.clients_max));
        let whole = |quota| Told::new("service", quota, Limiter::new(quota));
        Self { each: limits.each_client.map(keyed), all: limits.all_clients.map(whole) }
    }

    /// Decides on a request of `client` for `path`; none when nothing limits it.
    pub(crate) fn decide(&self, client: IpAddr, path: &str) -> Option<Verdict> {
        if !path.starts_with("/v1/") {
            return None;
        }
        let each = self.each.as_ref().map(|told| told.verdict(told.limiter.check(&client)));
        if each.as_ref().is_some_and(Verdict::is_denied) {
            return each;
        }
        let all = self.all.as_ref().map(|told| told.verdict(told.limiter.check()));
        if all.as_ref().is_some_and(Verdict::is_denied) { all } else { each.or(all) }
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
