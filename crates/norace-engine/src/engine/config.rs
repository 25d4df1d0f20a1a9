//! The bounds and choices of an engine.

use std::fmt;

use norace::rt::Handle;
use norace_prim::sync::Arc;

use super::settings::SettingsSource;
use crate::processor::ProcessorChoice;

/// The bounds and choices of an engine. Every queue, buffer and retry in it has its bound here or in its
/// [`settings`](Self::settings).
#[derive(Clone)]
pub struct EngineConfig {
    /// Who moves new orders on.
    pub processor: ProcessorChoice,
    /// Where an asynchronous processor runs; the runtime of the thread that opens the engine when absent.
    pub runtime: Option<Handle>,
    /// Messages that may wait for the core; one more is refused as overloaded.
    pub queue_messages: usize,
    /// Records in one journal frame.
    pub batch_records_max: usize,
    /// Payload bytes in one journal frame; at least one command's worst case, at most what the journal takes.
    pub batch_bytes_max: usize,
    /// Order events kept in memory for those who follow them, rounded up to a power of two. Who falls further behind
    /// reads them from the journal. At most 2^24.
    pub events_max: usize,
    /// What may change while the engine runs.
    pub settings: SettingsSource,
    /// Called once, on the journal's or the core's thread, when the engine has failed and that thread has let go of the
    /// callers it held; the other one lets go of its own meanwhile. Nothing more will be answered: the process should
    /// end, a moment later so that those callers can be told, with an exit code that says which kind of failure it was.
    pub on_failure: Option<FailureHook>,
}

/// See [`EngineConfig::on_failure`].
pub type FailureHook = Arc<dyn Fn(&Failure) + Send + Sync>;

/// Why an engine has failed. What was acknowledged is safe in either case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What kind of thing went wrong.
    pub kind: FailureKind,
    /// What exactly.
    pub cause: Arc<str>,
}

/// The kinds of [`Failure`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// The journal could not be written or synced: a matter of the disk.
    Journal,
    /// The core's or the journal's thread panicked: a defect, or a clock or storage that panics.
    Panic,
}

impl Failure {
    pub(crate) fn journal(error: &impl fmt::Display) -> Self {
        Self { kind: FailureKind::Journal, cause: Arc::from(error.to_string()) }
    }

    pub(crate) fn panic(role: &str, text: &str) -> Self {
        let cause = Arc::from(format!("the {role} thread panicked: {text}"));
        Self { kind: FailureKind::Panic, cause }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.cause)
    }
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            processor: ProcessorChoice::Ledger,
            runtime: None,
            queue_messages: 4096,
            batch_records_max: 65_536,
            batch_bytes_max: 1 << 20,
            events_max: 1 << 16,
            settings: SettingsSource::default(),
            on_failure: None,
        }
    }
}

impl fmt::Debug for EngineConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EngineConfig")
            .field("processor", &self.processor)
            .field("queue_messages", &self.queue_messages)
            .field("batch_records_max", &self.batch_records_max)
            .field("batch_bytes_max", &self.batch_bytes_max)
            .field("events_max", &self.events_max)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
