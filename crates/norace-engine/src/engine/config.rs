//! The bounds and choices of an engine.

use norace::rt::Handle;
use norace_prim::sync::Arc;
use norace_prim::time::Duration;

use crate::processor::ProcessorChoice;

/// The bounds and choices of an engine. Every queue, buffer and retry in it has its bound here.
#[derive(Clone)]
pub struct EngineConfig {
    /// Who moves new orders on.
    pub processor: ProcessorChoice,
    /// Where an asynchronous processor runs; the runtime of the thread that opens the engine when absent.
    pub runtime: Option<Handle>,
    /// Messages that may wait for the core; one more is refused as overloaded.
    pub queue_messages: usize,
    /// Requests in one call of [`execute_many`](crate::Engine::execute_many).
    pub requests_max: usize,
    /// Records in one journal frame.
    pub batch_records_max: usize,
    /// Payload bytes in one journal frame; at least one command's worst case, at most what the journal takes.
    pub batch_bytes_max: usize,
    /// Order events kept for readers.
    pub events_max: usize,
    /// Callers that may wait for orders to become final.
    pub waiters_max: usize,
    /// Idle time after which the journal's last frame is sealed.
    pub seal_after: Duration,
    /// Called once, on the journal's or the core's thread, when the engine has failed and will answer nothing more:
    /// the process should end with the exit code of a journal failure.
    pub on_failure: Option<FailureHook>,
}

/// See [`EngineConfig::on_failure`].
pub type FailureHook = Arc<dyn Fn(&str) + Send + Sync>;

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            processor: ProcessorChoice::Ledger,
            runtime: None,
            queue_messages: 4096,
            requests_max: 8190,
            batch_records_max: 65_536,
            batch_bytes_max: 1 << 20,
            events_max: 1 << 20,
            waiters_max: 65_536,
            seal_after: Duration::from_millis(10),
            on_failure: None,
        }
    }
}

impl std::fmt::Debug for EngineConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EngineConfig")
            .field("processor", &self.processor)
            .field("queue_messages", &self.queue_messages)
            .field("requests_max", &self.requests_max)
            .field("batch_records_max", &self.batch_records_max)
            .field("batch_bytes_max", &self.batch_bytes_max)
            .field("events_max", &self.events_max)
            .field("waiters_max", &self.waiters_max)
            .field("seal_after", &self.seal_after)
            .finish_non_exhaustive()
    }
}
