//! Opening: recovery, and the two threads.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use norace::chan;
use norace::rt::Handle;
use norace_journal::Options as JournalOptions;
use norace_journal::storage::Storage;
use norace_prim::atomic::AtomicBool;
use norace_prim::sync::{Arc, Mutex};
use norace_prim::thread;

use super::commit::{BatchLimits, Commit};
use super::config::{EngineConfig, Failure};
use super::core::{Core, CoreParts, CoreSchedule, ProcessorPort, REQUEST_BYTES_MAX};
use super::events::EventFeed;
use super::journal::Committer;
use super::message::Message;
use super::recovery::{Recovery, open_error};
use super::{Engine, Inner, OpenError, Recovered};
use crate::model::Handling;
use crate::ports::{Clock, Journal};
use crate::processor::{CONCURRENCY_MAX, Driver, Job, ProcessorChoice};

/// The effects of a batch at most, next to its records.
const EFFECTS_MAX: usize = 1 << 16;

/// The largest ring of events: they are in memory, and the ring with them.
const EVENTS_MAX: usize = 1 << 24;

/// A recovered engine whose threads are not started yet.
pub(crate) struct Prepared<S: Storage> {
    pub(crate) core: Core,
    pub(crate) committer: Committer<norace_journal::Journal<S>>,
    pub(crate) commit: Arc<Commit>,
    pub(crate) events: EventFeed,
    pub(crate) inbox: chan::Sender<Message>,
    pub(crate) received: chan::Receiver<Message>,
    /// Orders for the processor, if it is asynchronous.
    pub(crate) jobs: Option<chan::Receiver<Job>>,
    pub(crate) recovered: Recovered,
}

/// Recovers the state and builds everything but the threads.
pub(crate) fn prepare<S: Storage>(
    config: &EngineConfig,
    storage: S,
    options: JournalOptions,
    clock: Box<dyn Clock>,
) -> Result<Prepared<S>, OpenError> {
    check(config, &options)?;
    let segment_bytes = options.segment_bytes;
    let mut recovery = Recovery::new();
    let (journal, report) =
        norace_journal::Journal::open(storage, options, |frame| recovery.frame(frame, |_, _| {}))
            .map_err(open_error)?;
    let (handling, port, jobs) = processing(&config.processor);
    let mut schedule = CoreSchedule::new(port);
    let recovered = Recovered {
        records: recovery.records,
        last_sequence: report.last_sequence,
        torn_tail_bytes: report.torn_tail_bytes,
        resumed_orders: schedule.resume(&recovery.state),
    };
    let frame_bytes = config.batch_bytes_max as u64 + 2 * norace_journal::PAGE_BYTES;
    let array_bytes_max = (segment_bytes / 2).saturating_sub(4 * frame_bytes);
    let limits = BatchLimits {
        records_max: config.batch_records_max,
        bytes_max: config.batch_bytes_max,
        effects_max: EFFECTS_MAX,
    };
    let last = recovery.state.sequence();
    let commit = Arc::new(Commit::new(limits, config.on_failure.clone(), last));
    let events = EventFeed::new(config.events_max, last, Journal::history(&journal));
    let (inbox, received) = chan::bounded(config.queue_messages);
    let core = Core::new(CoreParts {
        state: recovery.state,
        commit: Arc::clone(&commit),
        room: Journal::room(&journal),
        clock,
        limits,
        handling,
        settings: config.settings.clone(),
        array_bytes_max: usize::try_from(array_bytes_max).unwrap_or(usize::MAX),
        schedule,
        inbox: received.clone(),
    });
    let committer = Committer::new(journal, Arc::clone(&commit), events.clone());
    Ok(Prepared { core, committer, commit, events, inbox, received, jobs, recovered })
}

fn processing(
    choice: &ProcessorChoice,
) -> (Handling, Option<ProcessorPort>, Option<chan::Receiver<Job>>) {
    match choice {
        ProcessorChoice::Ledger => (Handling::Ledger, None, None),
        ProcessorChoice::Manual => (Handling::Manual, None, None),
        ProcessorChoice::Async(processor) => {
            // The core hands out a job only for a free slot, so the channel never holds more than the slots.
            let (sender, jobs) = chan::bounded(CONCURRENCY_MAX);
            let port = ProcessorPort {
                jobs: sender,
                has_outside_effects: processor.has_outside_effects(),
            };
            (Handling::Async, Some(port), Some(jobs))
        }
    }
}

pub(super) fn open(
    config: EngineConfig,
    storage: impl Storage,
    options: JournalOptions,
    clock: Box<dyn Clock>,
) -> Result<(Engine, Recovered), OpenError> {
    let prepared = prepare(&config, storage, options, clock)?;
    let Prepared { core, committer, commit, events, inbox, received, jobs, recovered } = prepared;
    let driver = drive(&config, jobs, &inbox)?;
    let engine = Engine(Arc::new(Inner {
        inbox,
        events: events.clone(),
        commit: Arc::clone(&commit),
        settings: config.settings.clone(),
        stopping: AtomicBool::new(false),
        driver,
        threads: Mutex::new(Vec::new()),
    }));
    let (committing, waking) = (Arc::clone(&commit), received.clone());
    engine.spawn("journal", move || {
        let mut committer = committer;
        guarded("journal", &committing, || committer.run(|| config.settings.read().seal_after));
        // After a failure the core may be asleep over an empty inbox, with callers waiting for orders to end.
        waking.close();
        guarded("journal", &committing, || committing.report_failure());
        // Closing the files may have to wait for the disk that failed, so it comes after the report.
        guarded("journal", &committing, move || drop(committer));
        events.end();
        committing.end();
    })?;
    let deciding = Arc::clone(&commit);
    let started = engine.spawn("core", move || {
        let mut core = core;
        guarded("core", &deciding, || core.run());
        guarded("core", &deciding, || core.let_go());
        refuse(&received);
        guarded("core", &deciding, || deciding.report_failure());
    });
    if started.is_err() {
        commit.close();
    }
    started.map(|()| (engine, recovered))
}

/// Starts what calls an asynchronous processor.
fn drive(
    config: &EngineConfig,
    jobs: Option<chan::Receiver<Job>>,
    inbox: &chan::Sender<Message>,
) -> Result<Option<Driver>, OpenError> {
    let (Some(jobs), ProcessorChoice::Async(processor)) = (jobs, &config.processor) else {
        return Ok(None);
    };
    let current = || Handle::try_current().ok();
    let runtime = config
        .runtime
        .clone()
        .or_else(current)
        .ok_or(OpenError::Config("an asynchronous processor needs a runtime"))?;
    let refused = |error| OpenError::Thread(format!("the processor's task: {error}"));
    Driver::start(&runtime, processor, jobs, inbox).map(Some).map_err(refused)
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
    } else if matches!(config.processor, ProcessorChoice::Async(_))
        && !(1..=CONCURRENCY_MAX).contains(&config.settings.read().processor.concurrency)
    {
        "the processor's concurrency is not from 1 to 65536"
    } else if config.events_max > EVENTS_MAX {
        "events_max is above 2^24"
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

/// Runs a part of a thread's body; a panic in it fails the engine. Nothing decides by what the part left behind then.
fn guarded(role: &str, commit: &Commit, body: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(body)) {
        commit.fail(Failure::panic(role, panic_text(&*payload)));
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
