//! The core: one thread that owns the state and decides everything, in the order in which messages come.
//!
//! For each message it applies the rules, appends a record for each decision to its local batch, and puts the answer
//! beside them; after a handful of messages it hands the batch over to the journal thread. It never waits for the disk,
//! except that the open batch is bounded and that room for a record is certain before the decision is taken: the state
//! is never ahead of what can be written.
//!
//! Here is what one message does; [`schedule`] has the work that comes with time: time-outs of transfers, calls of
//! the processor, waiting callers.
//!
//! **Invariants.** All records of one request are in one frame, so a crash never parts a ledger order's moves. A
//! request is decided whole or refused for want of room whole, and so is an array.

mod read;
mod schedule;

use norace::chan::{Receiver, RecvTimeoutError, TryRecvError};
use norace_prim::sync::Arc;
use norace_prim::time::Duration;

use super::commit::{Batch, BatchLimits, Commit, Effect, Failed, Replier};
use super::config::Failure;
use super::message::Message;
use super::reply::Unavailable;
use super::settings::{EngineSettings, SettingsSource};
use super::waiters::Waiters;
use crate::codec::{encode_record, record_bytes_max};
use crate::model::{Action, Command, Done, Handling, IdempotencyKey, Reason, Rejection, Request};
use crate::ports::{Clock, JournalError, Room};
use crate::state::{Applied, Change, Input, State, Subject};
use schedule::Schedule;

/// Messages handled before the batch is handed over.
const MESSAGES_PER_ROUND: usize = norace_prim::model_or!(64, 2);
/// A batch of this size is handed over before the next message.
const FLUSH_BYTES: usize = 64 << 10;
/// Moves that the engine itself adds to a new order: `process`, then `confirm` or `fail`.
const OWN_MOVES_MAX: usize = 2;
/// The bytes of one such move at most.
const OWN_MOVE_BYTES_MAX: usize = 192;
/// The bytes of all records of one request at most: metadata of 4 KiB in the smallest pieces, and a key.
pub(crate) const REQUEST_BYTES_MAX: usize = 24 << 10;

/// The thread's state.
pub(crate) struct Core {
    state: State,
    batch: Batch,
    commit: Arc<Commit>,
    room: Box<dyn Room>,
    clock: Box<dyn Clock>,
    limits: BatchLimits,
    /// Who drives new orders unless the settings say otherwise.
    choice: Handling,
    /// As they were before this message.
    settings: EngineSettings,
    source: SettingsSource,
    waiters: Waiters,
    /// Records of one array, at most: what the journal can always promise to take while it makes more room.
    array_bytes_max: usize,
    schedule: Schedule,
    /// The inbox's length and bound, for the figures.
    queue: Receiver<Message>,
    /// The clock's reading for this message, never before the last decision.
    now: u64,
    failed: bool,
}

/// What a core is made of.
pub(crate) struct CoreParts {
    pub(crate) state: State,
    pub(crate) commit: Arc<Commit>,
    pub(crate) room: Box<dyn Room>,
    pub(crate) clock: Box<dyn Clock>,
    pub(crate) limits: BatchLimits,
    pub(crate) handling: Handling,
    pub(crate) settings: SettingsSource,
    pub(crate) array_bytes_max: usize,
    pub(crate) schedule: Schedule,
    pub(crate) inbox: Receiver<Message>,
}

pub(crate) use schedule::{ProcessorPort, Schedule as CoreSchedule};

impl Core {
    pub(crate) fn new(parts: CoreParts) -> Self {
        let batch = Batch { last_sequence: parts.state.sequence(), ..Batch::default() };
        Self {
            state: parts.state,
            batch,
            commit: parts.commit,
            room: parts.room,
            clock: parts.clock,
            limits: parts.limits,
            choice: parts.handling,
            settings: parts.settings.read(),
            source: parts.settings,
            waiters: Waiters::default(),
            array_bytes_max: parts.array_bytes_max,
            schedule: parts.schedule,
            queue: parts.inbox,
            now: 0,
            failed: false,
        }
    }

    /// Runs until the inbox is closed and drained, or the engine fails.
    pub(crate) fn run(&mut self) {
        let mut messages = Vec::with_capacity(MESSAGES_PER_ROUND);
        loop {
            self.wake_up();
            self.flush();
            if self.failed {
                return;
            }
            if !self.receive(&mut messages) {
                break;
            }
            self.round(&mut messages);
        }
        self.finish();
    }

    /// Lets go of everybody who still waits, after a failure: they learn that the outcome is unknown.
    pub(crate) fn let_go(&mut self) {
        self.batch = Batch::default();
        drop(self.waiters.take_all());
    }

    /// Handles a round of messages and hands over what they led to.
    pub(crate) fn round(&mut self, messages: &mut Vec<Message>) {
        for message in messages.drain(..) {
            self.handle(message);
            if self.failed {
                return;
            }
        }
    }

    /// Waits for messages, or until something is due; false when there will be none.
    fn receive(&self, messages: &mut Vec<Message>) -> bool {
        let Some(wait) = self.until_due() else {
            return self.queue.recv_many_blocking(messages, MESSAGES_PER_ROUND).is_ok();
        };
        match self.queue.recv_timeout(wait) {
            Ok(message) => {
                messages.push(message);
                match self.queue.try_recv_many(messages, MESSAGES_PER_ROUND - 1) {
                    Ok(_) | Err(TryRecvError::Empty | TryRecvError::Closed) => true,
                }
            }
            Err(RecvTimeoutError::Timeout) => true,
            Err(RecvTimeoutError::Closed) => false,
        }
    }

    /// Answers who still waits, and lets the journal thread end after what it has.
    fn finish(&mut self) {
        if self.commit.failure().is_some() {
            // Whoever waits learns that by the dropping of this.
            return;
        }
        for waiter in self.waiters.take_all() {
            drop(waiter.send(Err(Unavailable::Stopping)));
        }
        self.flush();
        self.commit.close();
    }

    pub(crate) fn handle(&mut self, message: Message) {
        self.settings = self.source.read();
        self.now = self.clock.now_us().max(self.state.now());
        match message {
            Message::Execute { request, replier } => self.execute(request, replier),
            Message::ExecuteMany { requests, replier } => self.execute_many(requests, replier),
            Message::Query { query, replier } => {
                let found = self.read(query);
                self.tell(|sequence| Effect::Found(replier, sequence, found));
            }
            Message::WaitFinal { order, replier } => self.wait_final(&order, replier),
            Message::Processed(report) => self.processed(report),
            Message::Wake => {}
        }
        // Much work is handed over at once, so that the disk begins while the next message is decided.
        if self.batch.payload.len() >= FLUSH_BYTES || !self.limits.take(&self.batch, 0, 0) {
            self.flush();
        }
    }

    fn execute(&mut self, request: Request, replier: Replier<Result<Done, Rejection>>) {
        if let Err(unavailable) = self.reserve([&request]) {
            drop(replier.send(Err(unavailable)));
            return;
        }
        self.fit(request_bytes_max(&request.command, request.key.as_ref()));
        if self.failed {
            return;
        }
        let outcome = self.decide(&request);
        self.tell(|sequence| Effect::Outcome(replier, sequence, outcome));
    }

    fn execute_many(
        &mut self,
        requests: Vec<Request>,
        replier: Replier<Vec<Result<Done, Rejection>>>,
    ) {
        if let Err(unavailable) = self.reserve(&requests) {
            drop(replier.send(Err(unavailable)));
            return;
        }
        let mut outcomes = Vec::with_capacity(requests.len());
        for request in &requests {
            self.fit(request_bytes_max(&request.command, request.key.as_ref()));
            if self.failed {
                return;
            }
            outcomes.push(self.decide(request));
        }
        self.tell(|sequence| Effect::Outcomes(replier, sequence, outcomes));
    }

    /// Makes certain that all records of `requests` can be written, before any of them is decided.
    fn reserve<'a>(
        &mut self,
        requests: impl IntoIterator<Item = &'a Request>,
    ) -> Result<(), Unavailable> {
        let (mut bytes, mut records) = (0, 0);
        for request in requests {
            bytes += request_bytes_max(&request.command, request.key.as_ref());
            records += 1 + OWN_MOVES_MAX;
        }
        if bytes > self.array_bytes_max {
            return Err(Unavailable::Overloaded);
        }
        self.reserve_bytes(bytes, records)
    }

    /// Makes certain that `bytes` in `records` can be written, in frames of the largest size.
    fn reserve_bytes(&mut self, bytes: usize, records: usize) -> Result<(), Unavailable> {
        if self.batch.count > 0 && self.limits.take(&self.batch, records, bytes) {
            // The frame it goes into was reserved when the batch got its first record.
            return Ok(());
        }
        // A request that does not fit into the rest of a frame goes into the next, so a frame holds at least this much.
        let bytes_per_frame = self.limits.bytes_max - REQUEST_BYTES_MAX;
        let records_per_frame = self.limits.records_max - OWN_MOVES_MAX;
        let frames = bytes.div_ceil(bytes_per_frame).max(records.div_ceil(records_per_frame));
        // First the frames handed over, then the room: one that becomes durable in between counts twice, not never.
        let outstanding = self.commit.outstanding_frames() + u64::from(self.batch.count > 0);
        match self.room.wait(outstanding + frames as u64, self.limits.bytes_max) {
            Ok(()) => Ok(()),
            Err(JournalError::Full) => {
                self.commit.want_room();
                Err(Unavailable::StorageFull)
            }
            Err(error) => {
                self.commit.fail(Failure::journal(&error));
                self.failed = true;
                Err(Unavailable::OutcomeUnknown)
            }
        }
    }

    /// Hands the batch over when the next request might not fit into it.
    fn fit(&mut self, bytes: usize) {
        if !self.limits.take(&self.batch, 1 + OWN_MOVES_MAX, bytes) {
            self.flush();
        }
    }

    /// Decides one request, with the moves the engine adds by itself. Room was reserved.
    fn decide(&mut self, request: &Request) -> Result<Done, Rejection> {
        let applied = self.apply(&request.command, request.key.as_ref())?;
        let created = matches!(applied, Applied::Changed(_));
        Ok(match applied.subject() {
            Subject::Account(at) => Done::Account { account: self.state.account(at), created },
            Subject::Transfer(at) => Done::Transfer { transfer: self.state.transfer(at), created },
            Subject::Order(at) => {
                if created && matches!(request.command, Command::CreateOrder { .. }) {
                    self.carry_on(at);
                }
                Done::Order { order: self.state.order(at), created }
            }
        })
    }

    /// What the engine does with a new order by itself.
    fn carry_on(&mut self, at: u32) {
        match self.state.order_handling(at) {
            Handling::Manual => {}
            Handling::Ledger => {
                if self.start(at) {
                    self.move_order(at, Action::Confirm, None);
                }
            }
            Handling::Async => {
                if self.start(at) {
                    self.schedule.ready(at);
                    self.dispatch();
                }
            }
        }
    }

    /// Takes an order into processing, or fails it when its funds can't be reserved; true when it is in processing.
    fn start(&mut self, at: u32) -> bool {
        let reason = match self.try_move(at, Action::Process, None) {
            Ok(_) => return true,
            Err(Rejection::InsufficientFunds) => Reason::INSUFFICIENT_FUNDS,
            Err(Rejection::Overflow) => Reason::OVERFLOW,
            Err(other) => unreachable!("a pending order can be processed, but: {other}"),
        };
        self.move_order(at, Action::Fail, Some(reason));
        false
    }

    /// A move of the engine's own that the rules allow.
    fn move_order(&mut self, at: u32, action: Action, reason: Option<Reason>) {
        if let Err(rejection) = self.try_move(at, action, reason) {
            unreachable!("the engine's own move {} is legal, but: {rejection}", action.as_str());
        }
    }

    fn try_move(
        &mut self,
        at: u32,
        action: Action,
        reason: Option<Reason>,
    ) -> Result<Applied, Rejection> {
        let order = self.state.order_id(at).clone();
        self.apply(&Command::MoveOrder { order, action, reason, expected_version: None }, None)
    }

    /// Applies the rules and records the decision.
    fn apply(
        &mut self,
        command: &Command,
        key: Option<&IdempotencyKey>,
    ) -> Result<Applied, Rejection> {
        let handling = self.settings.new_orders.handling(self.choice);
        let input = Input { now: self.now, command, key, handling };
        let applied = self.state.apply(&input)?;
        if let Applied::Changed(change) = &applied {
            encode_record(&mut self.batch.payload, &input, change);
            self.batch.count += 1;
            self.batch.last_sequence = change.sequence;
            self.announce(command, change);
        }
        Ok(applied)
    }

    /// The event of an order's move, and the answers that waited for it.
    fn announce(&mut self, command: &Command, change: &Change) {
        let Some(event) = change.event(command) else { return };
        let is_final = event.to.is_final();
        self.batch.events.push_back(event);
        if let Subject::Order(at) = change.subject
            && is_final
        {
            self.answer_waiters(at);
            self.schedule.unflag(at);
        }
    }

    /// Puts an effect behind everything decided so far.
    fn tell(&mut self, effect: impl FnOnce(u64) -> Effect) {
        let sequence = self.state.sequence();
        let effect = effect(sequence);
        if self.batch.is_empty() && self.commit.is_idle() {
            // Everything it could rest on is durable already.
            effect.release();
            return;
        }
        self.batch.effects.push(effect);
    }

    /// Hands over what there is.
    pub(crate) fn flush(&mut self) {
        #[cfg(debug_assertions)]
        self.state.assert_conserved();
        if self.batch.is_empty() {
            return;
        }
        self.batch.last_sequence = self.state.sequence();
        if let Err(Failed) = self.commit.hand_over(&mut self.batch) {
            self.failed = true;
        }
    }

    /// Time until something is due; `None` when nothing ever is.
    fn until_due(&self) -> Option<Duration> {
        let expiry = self.state.first_deadline().map(|(at, _)| at);
        let due = self.schedule.first_due(expiry, self.waiters.len() > 0)?;
        Some(Duration::from_micros(due.saturating_sub(self.clock.now_us())))
    }
}

/// All records of one request at most, with the engine's own moves.
pub(crate) fn request_bytes_max(command: &Command, key: Option<&IdempotencyKey>) -> usize {
    let own_moves = match command {
        Command::CreateOrder { .. } => OWN_MOVES_MAX * OWN_MOVE_BYTES_MAX,
        _ => 0,
    };
    record_bytes_max(command, key) + own_moves
}
