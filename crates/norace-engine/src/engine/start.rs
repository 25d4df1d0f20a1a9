//! Opening: recovery, and the two threads.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use norace::chan;
use norace_journal::Options as JournalOptions;
use norace_journal::storage::Storage;
use norace_prim::atomic::AtomicBool;
use norace_prim::sync::{Arc, Mutex};
use norace_prim::thread;

use super::commit::{BatchLimits, Commit};
use super::config::EngineConfig;
use super::core::{Core, CoreParts, CoreSchedule, REQUEST_BYTES_MAX};
use super::events::EventLog;
use super::journal::Committer;
use super::message::Message;
use super::recovery::{Recovery, open_error};
use super::{Engine, Inner, OpenError, Recovered};
use crate::model::Handling;
use crate::ports::{Clock, Journal};
use crate::processor::ProcessorChoice;

/// The effects of a batch at most, next to its records.
const EFFECTS_MAX: usize = 1 << 16;

pub(super) fn open(
    config: EngineConfig,
    storage: impl Storage,
    options: JournalOptions,
    clock: Box<dyn Clock>,
) -> Result<(Engine, Recovered), OpenError> {
    check(&config, &options)?;
    let events = EventLog::new(config.events_max);
    let mut recovery = Recovery::new(Some(events.clone()));
    let (journal, report) =
        norace_journal::Journal::open(storage, options, |frame| recovery.frame(frame, |_, _| {}))
            .map_err(open_error)?;
    let mut recovered = Recovered {
        records: recovery.records,
        last_sequence: report.last_sequence,
        torn_tail_bytes: report.torn_tail_bytes,
        resumed_orders: 0,
    };
    let handling = match &config.processor {
        ProcessorChoice::Ledger => Handling::Ledger,
        ProcessorChoice::Manual => Handling::Manual,
        ProcessorChoice::Async(..) => Handling::Async,
    };
    let mut schedule = CoreSchedule::new(None);
    recovered.resumed_orders = schedule.resume(&recovery.state);
    let limits = BatchLimits {
        records_max: config.batch_records_max,
        bytes_max: config.batch_bytes_max,
        effects_max: EFFECTS_MAX,
    };
    let last = recovery.state.sequence();
    let commit = Arc::new(Commit::new(limits, config.on_failure.clone(), last));
    let (inbox, received) = chan::bounded(config.queue_messages);
    let core = Core::new(CoreParts {
        state: recovery.state,
        commit: Arc::clone(&commit),
        room: Journal::room(&journal),
        clock,
        limits,
        handling,
        waiters_max: config.waiters_max,
        schedule,
        inbox: received.clone(),
    });
    let engine = Engine(Arc::new(Inner {
        inbox,
        events: events.clone(),
        commit: Arc::clone(&commit),
        requests_max: config.requests_max,
        stopping: AtomicBool::new(false),
        threads: Mutex::new(Vec::new()),
    }));
    let committing = Arc::clone(&commit);
    engine.spawn("journal", move || {
        guarded("journal", &committing, || {
            Committer::new(journal, Arc::clone(&committing), events.clone()).run(config.seal_after);
        });
        events.end();
        committing.end();
    })?;
    engine.spawn("core", move || {
        guarded("core", &commit, || core.run());
        refuse(&received);
    })?;
    Ok((engine, recovered))
}

fn check(config: &EngineConfig, options: &JournalOptions) -> Result<(), OpenError> {
    let problem = if config.queue_messages == 0 {
        "queue_messages is 0"
    } else if config.batch_records_max < 16 {
        "batch_records_max is below 16"
    } else if config.batch_bytes_max < 2 * REQUEST_BYTES_MAX {
        "batch_bytes_max is below 48 KiB, so one request might not fit"
    } else if config.batch_bytes_max > options.max_frame_bytes as usize {
        "batch_bytes_max is above the journal's max_frame_bytes"
    } else if options.segment_bytes < 12 * config.batch_bytes_max as u64 {
        "the journal's segments hold fewer than 12 batches"
    } else {
        return Ok(());
    };
    Err(OpenError::Config(problem))
}

impl Engine {
    fn spawn(&self, role: &str, body: impl FnOnce() + Send + 'static) -> Result<(), OpenError> {
        let builder = thread::Builder::new().name(format!("norace-{role}"));
        let thread = builder.spawn(body).map_err(|error| OpenError::Thread(error.to_string()))?;
        norace_prim::sync::lock(&self.0.threads).push(thread);
        Ok(())
    }
}

/// Runs a thread's body; a panic in it fails the engine. What the body held is gone then, and nothing looks at it again.
fn guarded(role: &str, commit: &Commit, body: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(body)) {
        commit.fail(&format!("the {role} thread panicked: {}", panic_text(&*payload)));
    }
}

pub(crate) fn panic_text(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

/// Lets go of everybody who still waits for a core that has ended.
fn refuse(inbox: &chan::Receiver<Message>) {
    inbox.close();
    while let Ok(message) = inbox.try_recv() {
        drop(message);
    }
}
