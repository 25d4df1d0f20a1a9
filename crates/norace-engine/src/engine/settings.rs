//! What can be changed while an engine runs, and where the engine finds it.
//!
//! The core asks for the settings before each message, so that a message that was sent after a change is handled by it.
//! None of them reaches `State::apply` but by what a record holds: an order keeps, and its record says, who drives it.

use std::fmt;

use norace_prim::sync::Arc;
use norace_prim::time::Duration;

use crate::model::Handling;
use crate::processor::AsyncOptions;

/// What can be changed while an engine runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineSettings {
    /// Who drives the orders that are created from now on. Those that exist keep who drives them.
    pub new_orders: NewOrders,
    /// Bounds on the work of an asynchronous processor.
    pub processor: AsyncOptions,
    /// Requests in one call of [`execute_many`](crate::Engine::execute_many).
    pub requests_max: usize,
    /// Callers that may wait for orders to become final. Who waits already goes on when it falls.
    pub waiters_max: usize,
    /// Idle time after which the journal's last frame is sealed. A change holds from the next batch on.
    pub seal_after: Duration,
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self {
            new_orders: NewOrders::AsOpened,
            processor: AsyncOptions::default(),
            requests_max: 8190,
            waiters_max: 65_536,
            seal_after: Duration::from_millis(10),
        }
    }
}

/// Who drives new orders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NewOrders {
    /// The [`ProcessorChoice`](crate::ProcessorChoice) the engine was opened with.
    #[default]
    AsOpened,
    /// The engine itself, in the step that creates them.
    Ledger,
    /// Clients, move by move.
    Manual,
}

impl NewOrders {
    /// The same for an engine that was opened with `choice`.
    pub(crate) fn handling(self, choice: Handling) -> Handling {
        match self {
            Self::AsOpened => choice,
            Self::Ledger => Handling::Ledger,
            Self::Manual => Handling::Manual,
        }
    }
}

/// Where an engine finds its settings whenever it needs them; clones are the same.
#[derive(Clone)]
pub struct SettingsSource(Arc<dyn Fn() -> EngineSettings + Send + Sync>);

impl SettingsSource {
    /// Settings that may change: `read` says which are in force.
    ///
    /// It is called on the core's thread before each message, on the journal's before it waits, on those of callers,
    /// and to print itself, so it should cost little and must not wait; a `norace::config::Hot` is made for that. A
    /// panic in it on the first two fails the engine. After a change that should take hold before the next message
    /// comes, call [`Engine::settings_changed`](crate::Engine::settings_changed).
    pub fn new(read: impl Fn() -> EngineSettings + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    pub(crate) fn read(&self) -> EngineSettings {
        (self.0)()
    }
}

impl From<EngineSettings> for SettingsSource {
    /// Settings that stay.
    fn from(settings: EngineSettings) -> Self {
        Self::new(move || settings)
    }
}

impl Default for SettingsSource {
    fn default() -> Self {
        EngineSettings::default().into()
    }
}

impl fmt::Debug for SettingsSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SettingsSource").field(&self.read()).finish()
    }
}
