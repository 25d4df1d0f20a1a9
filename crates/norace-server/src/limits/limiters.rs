//! The limits in force, and what they decide.
//!
//! Where both limits are set, a request that is refused by either costs nobody anything. Nothing takes a decision back,
//! so the client's limit is looked at first (a cost of 0 counts nothing, and says what is left), then the service's is
//! asked, then the client's. One lock is held from the look to the end: what was left then is left still.
//!
//! Of limits that are shared through Redis that is not so certain: what this process may admit comes and goes with
//! Redis's answers. There a request that the client's limit refuses may now and then be charged to the service's.

use hyper::HeaderMap;
use hyper::header::HeaderValue;
use norace::config::{Hot, Loaded};
use norace::limit::{Decision, Keyed, Limiter, Quota, Reason, headers};
use norace::sync::Counter;
use norace_prim::sync::{Arc, Mutex, lock};

use super::redis::{Shared, Store};
use super::{Client, Limits, Rate};
use crate::metrics::Page;
use crate::settings::Settings;

/// A limit with the text that its answers carry.
#[derive(Debug)]
struct Told<L> {
    name: &'static str,
    policy: HeaderValue,
    limit: L,
}

impl<L> Told<L> {
    fn new(name: &'static str, quota: Quota, limit: L) -> Self {
        let policy = headers::policy(name, quota).ok();
        let policy = policy.and_then(|text| HeaderValue::from_str(&text).ok());
        Self { name, policy: policy.expect("the names here are visible ASCII"), limit }
    }

    fn verdict(&self, decision: Decision) -> Verdict {
        Verdict { name: self.name, policy: self.policy.clone(), decision }
    }
}

/// The limit of each client.
#[derive(Debug, Clone)]
enum Each {
    Own(Arc<Keyed<Client>>),
    Shared(Arc<Shared>),
}

/// The limit of all together.
#[derive(Debug, Clone)]
enum All {
    Own(Arc<Limiter>),
    Shared(Arc<Shared>),
}

impl Each {
    /// Decides on a request of this cost: 1, or 0 for a look.
    fn ask(&self, client: &Client, cost: u64) -> Decision {
        match self {
            Self::Own(keyed) => keyed.check_n(client, cost).expect("every quota admits one"),
            Self::Shared(shared) => shared.ask(&client.to_string(), cost),
        }
    }

    /// Whether the client's next request would be admitted.
    fn has_room(&self, client: &Client) -> bool {
        matches!(self.ask(client, 0), Decision::Allowed { remaining: 1.., .. })
    }

    /// How many clients it tells apart.
    fn clients(&self) -> usize {
        match self {
            Self::Own(keyed) => keyed.len(),
            Self::Shared(shared) => shared.keys(),
        }
    }

    /// How many it forgot. Limits that are shared do not count them.
    fn evicted(&self) -> u64 {
        match self {
            Self::Own(keyed) => keyed.evicted(),
            Self::Shared(_) => 0,
        }
    }

    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Own(one), Self::Own(other)) => Arc::ptr_eq(one, other),
            (Self::Shared(_), Self::Shared(_)) => true,
            _ => false,
        }
    }
}

impl All {
    fn ask(&self) -> Decision {
        match self {
            Self::Own(limiter) => limiter.check(),
            Self::Shared(shared) => shared.ask("all", 1),
        }
    }
}

/// The limits of some version of the settings.
#[derive(Debug, Default)]
struct InForce {
    version: u64,
    limits: Limits,
    each: Option<Told<Each>>,
    all: Option<Told<All>>,
}

/// What can be decided: by the labels of the metrics.
const DECISIONS: [&str; 6] =
    ["admitted", "refused", "table-full", "asking", "store-forgot", "store-down"];

/// What a limit decided, whatever its settings were.
#[derive(Debug)]
struct Decided([Counter; DECISIONS.len()]);

impl Decided {
    const fn new() -> Self {
        Self([const { Counter::new() }; DECISIONS.len()])
    }

    fn count(&self, decision: Decision) -> Decision {
        let at = match decision {
            Decision::Allowed { .. } => 0,
            Decision::Denied { reason, .. } => match reason {
                Reason::TableFull => 2,
                Reason::Asking => 3,
                Reason::StoreForgot => 4,
                Reason::StoreDown => 5,
                _ => 1,
            },
        };
        self.0[at].add(1);
        decision
    }
}

/// The limits in force, and their figures.
#[derive(Debug)]
pub(crate) struct Limiters {
    now: Hot<InForce>,
    /// Held by requests that two limits decide on, and while newer settings are followed.
    turn: Mutex<()>,
    each: Decided,
    all: Decided,
    /// Clients evicted from tables that are no more.
    evicted_before: Counter,
    store: Store,
}

/// What a limit said to a request.
pub(crate) struct Verdict {
    name: &'static str,
    policy: HeaderValue,
    decision: Decision,
}

impl InForce {
    /// Those of `settings`, which go on with what is counted in these.
    fn next(&self, settings: &Loaded<'_, Settings>, store: &Store) -> Self {
        let (version, limits) = (settings.version(), settings.limits.clone());
        let quota = |rate: Rate| rate.quota().expect("settings are checked");
        let each = limits.each_client.map(quota).map(|quota| {
            let shared = store.clients(quota).map(Each::Shared);
            let each = shared.unwrap_or_else(|| Each::Own(self.own_each(quota, &limits)));
            Told::new("client", quota, each)
        });
        let all = limits.all_clients.map(quota).map(|quota| {
            let shared = store.service(quota).map(All::Shared);
            Told::new("service", quota, shared.unwrap_or_else(|| All::Own(self.own_all(quota))))
        });
        Self { version, limits, each, all }
    }

    fn own_each(&self, quota: Quota, limits: &Limits) -> Arc<Keyed<Client>> {
        let former = match self.each.as_ref().map(|told| &told.limit) {
            Some(Each::Own(keyed)) if limits.clients_max == self.limits.clients_max => Some(keyed),
            _ => None,
        };
        let former = former.filter(|keyed| keyed.set_quota(quota).is_ok());
        former.map_or_else(|| Arc::new(Keyed::new(quota, limits.clients_max)), Arc::clone)
    }

    fn own_all(&self, quota: Quota) -> Arc<Limiter> {
        let former = match self.all.as_ref().map(|told| &told.limit) {
            Some(All::Own(limiter)) => Some(limiter),
            _ => None,
        };
        let former = former.filter(|limiter| limiter.set_quota(quota).is_ok());
        former.map_or_else(|| Arc::new(Limiter::new(quota)), Arc::clone)
    }
}

impl Limiters {
    /// Those of `settings`; what the store is told stays as it is there.
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            now: Hot::new(InForce::default()),
            turn: Mutex::new(()),
            each: Decided::new(),
            all: Decided::new(),
            evicted_before: Counter::new(),
            store: Store::new(settings.redis.clone(), settings.limits.clients_max),
        }
    }

    /// Decides on a request of `client` for `path`; none when nothing limits it.
    pub(crate) fn decide(
        &self,
        settings: &Loaded<'_, Settings>,
        client: &Client,
        path: &str,
    ) -> Option<Verdict> {
        if !path.starts_with("/v1/") || path == "/v1/config" {
            return None;
        }
        if self.now.load().version < settings.version() {
            self.follow(settings);
        }
        let now = self.now.load();
        match (&now.each, &now.all) {
            (Some(each), Some(all)) => Some(self.decide_by_both(each, all, client)),
            (Some(each), None) => Some(self.ask_each(each, client)),
            (None, Some(all)) => Some(self.ask_all(all)),
            (None, None) => None,
        }
    }

    /// As the module says.
    fn decide_by_both(&self, each: &Told<Each>, all: &Told<All>, client: &Client) -> Verdict {
        let _turn = lock(&self.turn);
        if each.limit.has_room(client) {
            let verdict = self.ask_all(all);
            return if verdict.is_denied() { verdict } else { self.ask_each(each, client) };
        }
        let verdict = self.ask_each(each, client);
        if verdict.is_denied() {
            return verdict;
        }
        // Its turn came between the look and the question. A refusal now costs the client one.
        let all = self.ask_all(all);
        if all.is_denied() { all } else { verdict }
    }

    fn ask_each(&self, each: &Told<Each>, client: &Client) -> Verdict {
        each.verdict(self.each.count(each.limit.ask(client, 1)))
    }

    fn ask_all(&self, all: &Told<All>) -> Verdict {
        all.verdict(self.all.count(all.limit.ask()))
    }

    fn follow(&self, settings: &Loaded<'_, Settings>) {
        let _turn = lock(&self.turn);
        let now = self.now.snapshot();
        if now.version < settings.version() {
            let next = now.next(settings, &self.store);
            let kept = |told: &&Told<Each>| {
                next.each.as_ref().is_some_and(|next| next.limit.is(&told.limit))
            };
            if let Some(told) = now.each.as_ref().filter(|told| !kept(told)) {
                self.evicted_before.add(told.limit.evicted().cast_signed());
            }
            let Ok(_) = self.now.publish(next);
        }
    }

    /// Writes the figures as Prometheus text.
    pub(crate) fn write(&self, page: &mut Page) {
        page.family(
            "norace_limit_decisions_total",
            "counter",
            "Requests decided on by a limit; one that is refused by either counts in no other.",
        );
        for (name, decided) in [("client", &self.each), ("service", &self.all)] {
            for (decision, count) in DECISIONS.iter().zip(&decided.0) {
                let labels = format!("limit=\"{name}\",decision=\"{decision}\"");
                page.sample("", &labels, count.get());
            }
        }
        let now = self.now.snapshot();
        let each = now.each.as_ref().map(|told| &told.limit);
        let (clients, evicted) = each.map_or((0, 0), |each| (each.clients(), each.evicted()));
        page.gauge("norace_limit_clients", "Clients that the limit tells apart now.", clients);
        page.counter(
            "norace_limit_clients_evicted_total",
            "Clients forgotten because others needed their places.",
            self.evicted_before.get().cast_unsigned() + evicted,
        );
        self.store.write(page);
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
    use super::super::{Client, Limits, Rate};
    use super::{Limiters, Page, Settings, Verdict};
    use crate::settings::LiveSettings;
    use norace_prim::thread;
    use norace_prim::time::Duration;

    #[test]
    fn a_client_for_whom_there_is_no_place_is_counted_apart() {
        let each_client = Some(Rate::new(1, Duration::from_hours(1)));
        let limits = Limits { each_client, clients_max: 1, all_clients: None };
        let live = LiveSettings::new(Settings::default().with_limits(limits)).unwrap();
        let limiters = Limiters::new(&live.hot.load());
        let denied = |client: &str| {
            let client = Client::of(None, client.parse().unwrap());
            let verdict = limiters.decide(&live.hot.load(), &client, "/v1/orders");
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
    fn of_many_requests_at_once_those_that_are_refused_cost_nobody_anything() {
        const EACH: u64 = 2_000;
        const ALL: u64 = 3_000;
        let rate = |count| Some(Rate::new(count, Duration::from_hours(1_000)));
        let settings = |each_client, all_clients| {
            let limits = Limits { each_client, all_clients, ..Limits::default() };
            Settings::default().with_limits(limits)
        };
        let live = LiveSettings::new(settings(rate(EACH), rate(ALL))).unwrap();
        let limiters = Limiters::new(&live.hot.load());
        let admitted = |client: &str, requests: u64| {
            let client = Client::of(None, client.parse().unwrap());
            let decide = || limiters.decide(&live.hot.load(), &client, "/v1/orders");
            (0..requests).filter(|_| decide().is_some_and(|verdict| !verdict.is_denied())).count()
        };
        let by_many = |client: &str| -> usize {
            thread::scope(|scope| {
                let threads = [(); 4].map(|()| scope.spawn(|| admitted(client, EACH)));
                threads.map(|thread| thread.join().unwrap()).iter().sum()
            })
        };
        assert_eq!(by_many("192.0.2.1"), EACH as usize);
        // Nothing but what was admitted is missing in the service's limit, nor then in the second client's.
        let rest = (ALL - EACH) as usize;
        assert_eq!(by_many("192.0.2.2"), rest);
        live.hot.publish(settings(rate(EACH), None)).unwrap();
        assert_eq!(by_many("192.0.2.2"), EACH as usize - rest);
    }
}
