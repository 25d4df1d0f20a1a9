//! Limits that several processes share, through Redis.
//!
//! No request waits for Redis. A node decides from what it knows, and one thread tells the store what was admitted, or
//! has it granted beforehand; see [`Mode`]. The store runs one script, whose every step is safe to repeat.
//!
//! # How wrong it can be
//!
//! With `N` nodes and batches of `B`, while the store remembers:
//!
//! | mode | beyond the limit, in each window of the store's clock | cost |
//! | --- | --- | --- |
//! | delayed | at most `(N - 1 + crashes) * B` | refusals while a message is under way |
//! | leased | nothing | refusals while other nodes hold what is left, and before the first grant |
//!
//! For a rate read "in any time `t` beyond burst + rate * `t`" instead. A node that is restarted, and one whose clock
//! jumps forward, counts as a crash. [`Shared::error_bound`] computes the figure from the settings. What a fail-over
//! to a replica loses, which did not have the last writes, is not bounded by anything here. A store that comes back
//! empty is recognised and admits nothing until what it forgot is over. `docs/design/limit.md` has the proof.
//!
//! The store must not evict the keys (`maxmemory-policy noeviction` or one of `volatile-ttl` with room to spare).
//!
//! # Ordering
//!
//! Decisions of one node on one key are in one order, that of the changes of its word of credit, whatever threads they
//! are made on. Between keys, and between nodes, there is none: the store orders messages, each of which may tell of
//! many decisions, some time after they were made or, in leased mode, before. So a request that was denied at one node
//! may be followed by one that is admitted at another. Nothing else is ordered by a decision: who is admitted has not
//! thereby seen what others did before they were.
//!
//! A node's messages about one key reach the store in the order in which it sent them, each once however often it was
//! repeated. [`Shared::set_quota`] acts on decisions of this node that begin after it returned; those of other threads
//! that overlap it may go by either quota, but never by half of each.
//!
//! # Clocks
//!
//! Windows are the store's. A node's clock says only how long it may rely on an answer. One that jumps forward makes it
//! forget answers and leases, which counts as a crash; one that jumps back, against what [`Clock`] promises, makes it
//! rely on them for longer: that costs nothing where it counts first, and where it had them granted each node concerned
//! may use in the next window what it still holds, at most a batch.

mod config;
mod link;
mod sender;
mod table;

use std::fmt;

use norace_prim::atomic::Ordering;
use norace_prim::sync::{Arc, Mutex, lock};
use norace_prim::thread::{self, JoinHandle};
use norace_prim::time::Duration;

use super::clock::{Clock, Monotonic};
use super::decision::{CostError, Decision, Reason};
use super::quota::{Kind, Quota};
use super::ready;
use super::shared::{Dry, Passage};
use link::Names;
use sender::{Board, Sender};
use table::Table;

pub use config::{Config, ConfigError, Mode, WhenDown};

/// How long whoever has to hear from the store first is told to wait: about a round trip.
const ROUND_TRIP: Duration = Duration::from_millis(1);

/// A limit for each key, shared by all processes that use the same store and prefix.
///
/// Use it when the sum over all nodes matters. Where each node may have its part,
/// [`Keyed`](super::Keyed) is simpler and needs no store.
///
/// A decision costs a hash, a lock shared with other readers, and one change of a word. Dropping the limiter tells the
/// store what was admitted and gives back what was not used. It waits for that at most about twice the time-out; what
/// could not be told by then is lost, as in a crash.
///
/// ```no_run
/// use norace::limit::{Quota, redis::{Config, Mode, Shared, WhenDown}};
/// use std::time::Duration;
///
/// let mode = Mode::Delayed { batch: 50, every: Duration::from_millis(100) };
/// let quota = Quota::fixed_window(60_000, Duration::from_secs(60))?;
/// let limits = Shared::new(Config::new("redis://127.0.0.1/", quota, mode, 4, WhenDown::Share))?;
/// assert_eq!(limits.error_bound(0), 150);
/// if limits.check("merchant-7").is_allowed() {
///     // serve it
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Shared<C: Clock + 'static = Monotonic> {
    board: Arc<Board<C>>,
    table: Arc<Table>,
    config: Mutex<Config>,
    thread: Option<JoinHandle<()>>,
}

impl Shared {
    /// A limiter by the machine's clock. It does not wait for the store.
    ///
    /// # Errors
    ///
    /// When the settings cannot work, and when its thread cannot be started.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        Self::with_clock(config, Monotonic::new())
    }
}

impl<C: Clock + 'static> Shared<C> {
    /// A limiter by `clock`.
    ///
    /// # Errors
    ///
    /// When the settings cannot work, and when its thread cannot be started.
    pub fn with_clock(config: Config, clock: C) -> Result<Self, ConfigError> {
        let terms = config.check()?;
        let client = redis::Client::open(config.url.as_str())
            .map_err(|error| ConfigError::Url(error.to_string()))?;
        let board = Arc::new(Board::new(clock));
        let names = Names::new(&config.node, &config.prefix);
        let sender = Sender::new(Arc::clone(&board), client, names, config.every(), config.timeout);
        let builder = thread::Builder::new().name("norace-limit".to_owned());
        let thread = builder.spawn(move || sender.run()).map_err(ConfigError::Thread)?;
        let table = Arc::new(Table::new(terms, config.keys_max));
        Ok(Self { board, table, config: Mutex::new(config), thread: Some(thread) })
    }

    /// Decides on one request for `key`, and counts it when it is admitted.
    ///
    /// What it says to remain is what this node may admit before it asks again.
    pub fn check(&self, key: &str) -> Decision {
        self.check_n(key, 1).expect("a batch admits one")
    }

    /// Decides on a request of cost `n` for `key`, which is admitted and counted whole or not at all.
    ///
    /// # Errors
    ///
    /// When `n` is above the batch, or above what can be admitted at once.
    pub fn check_n(&self, key: &str, n: u64) -> Result<Decision, CostError> {
        let now = self.board.now();
        let passed = self.table.with(key, now, |place| {
            if n > place.cost_max {
                return Err(CostError { cost: n, cost_max: place.cost_max });
            }
            let (passage, tell) = place.entry.gate.pass(n, now, self.board.is_down());
            if tell {
                self.board.tell(&place.entry);
            }
            Ok(decision(passage, now, place.whole_after))
        });
        passed.unwrap_or_else(|| Ok(Decision::denied(self.every(), Reason::TableFull)))
    }

    /// Waits until one request for `key` is admitted.
    ///
    /// Cancel safe: nothing is counted before it is ready. Who came first is not served first.
    pub async fn until_ready(&self, key: &str) -> Decision {
        ready::until(|| self.check(key)).await
    }

    /// Waits until a request of cost `n` for `key` is admitted.
    ///
    /// # Errors
    ///
    /// When `n` is above the batch, or above what can be admitted at once.
    pub async fn until_n_ready(&self, key: &str, n: u64) -> Result<Decision, CostError> {
        ready::try_until(|| self.check_n(key, n)).await
    }

    fn every(&self) -> Duration {
        lock(&self.config).every()
    }

    /// By how much more than the limit can be admitted at most, by all nodes together, while the store remembers: in a
    /// window of its clock, or in any time beyond burst and rate. `crashes` is how many nodes crash or are restarted in
    /// that time.
    pub fn error_bound(&self, crashes: u64) -> u64 {
        self.table.terms().over_max(crashes)
    }

    /// What keys without a quota of their own are allowed.
    pub fn quota(&self) -> Quota {
        lock(&self.config).quota
    }

    /// What `key` is allowed by this node: its own quota, or that of all. It takes no place.
    pub fn quota_of(&self, key: &str) -> Quota {
        self.table.own(key).unwrap_or_else(|| self.quota())
    }

    /// Changes what keys without a quota of their own are allowed, at this node; each node has to be told. What was
    /// admitted stays counted.
    ///
    /// # Errors
    ///
    /// When the new quota is of another kind, or a window of another length, or cannot work with the settings.
    pub fn set_quota(&self, quota: Quota) -> Result<(), ConfigError> {
        let mut config = lock(&self.config);
        let terms = changed(&config, quota)?;
        config.quota = quota;
        self.table.set_all(self.board.now(), terms);
        Ok(())
    }

    /// Gives `key` a quota of its own at this node, or takes it away again; false when there is no place for the key.
    ///
    /// # Errors
    ///
    /// Those of [`set_quota`](Self::set_quota).
    pub fn set_quota_of(&self, key: &str, quota: Option<Quota>) -> Result<bool, ConfigError> {
        let config = lock(&self.config);
        let own = quota.map(|quota| changed(&config, quota).map(|terms| (quota, terms)));
        Ok(self.table.set_own(key, self.board.now(), own.transpose()?))
    }

    /// Figures for people and dashboards.
    pub fn metrics(&self) -> Metrics {
        // Relaxed: counts that order nothing.
        let calls = self.board.calls.load(Ordering::Relaxed);
        // Relaxed: the same.
        let messages = self.board.messages.load(Ordering::Relaxed);
        // Relaxed: the same.
        let failures = self.board.failures.load(Ordering::Relaxed);
        let (keys, down) = (self.table.len(), self.board.is_down());
        Metrics { calls, messages, failures, keys, down, error_bound: self.error_bound(0) }
    }
}

fn decision(passage: Passage, now: u64, whole_after: u64) -> Decision {
    let (micros, reason) = match passage {
        Passage::Open(credit) => {
            let until = credit.until.saturating_sub(now).min(whole_after);
            let reset_after = Duration::from_micros(until);
            return Decision::Allowed { remaining: credit.count, reset_after };
        }
        Passage::Shut(Dry::Asking) => return Decision::denied(ROUND_TRIP, Reason::Asking),
        Passage::Shut(Dry::Limit(micros)) => (micros, Reason::Quota),
        Passage::Shut(Dry::Closed(micros)) => (micros, Reason::StoreForgot),
        Passage::Shut(Dry::Down(micros)) => (micros, Reason::StoreDown),
    };
    Decision::denied(Duration::from_micros(micros), reason)
}

fn changed(config: &Config, quota: Quota) -> Result<super::shared::Terms, ConfigError> {
    let same = quota.kind() == config.quota.kind()
        && (quota.kind() == Kind::Gcra || quota.period() == config.quota.period());
    if same { config.terms(quota) } else { Err(ConfigError::OtherKind) }
}

impl<C: Clock + 'static> Drop for Shared<C> {
    fn drop(&mut self) {
        self.board.close();
        if let Some(thread) = self.thread.take() {
            // A sender that panicked has nothing left to say.
            let _ = thread.join();
        }
    }
}

impl<C: Clock + 'static> fmt::Debug for Shared<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("metrics", &self.metrics()).finish_non_exhaustive()
    }
}

/// What a [`Shared`] limiter has done so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metrics {
    /// Round trips to the store.
    pub calls: u64,
    /// Messages in them.
    pub messages: u64,
    /// Round trips that failed.
    pub failures: u64,
    /// Keys this node holds.
    pub keys: usize,
    /// Whether the store cannot be reached at present.
    pub down: bool,
    /// [`Shared::error_bound`] without crashes.
    pub error_bound: u64,
}

#[cfg(test)]
mod tests;
