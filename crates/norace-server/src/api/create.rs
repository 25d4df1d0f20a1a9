//! Making accounts, transfers and orders, one by one or many in one array.

use std::future::Future;

use norace::time::{timeout, timeout_at};
use norace_engine::{
    Answer, Command, Done, Found, Id, IdempotencyKey, NewId, Order, Outcome, Query, Request,
    TransferMode,
};
use norace_prim::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use hyper::StatusCode;

use super::{App, Call, write};
use crate::config::Config;
use crate::ids;
use crate::problem::Problem;
use crate::reply::{Refused, Reply, invalid};
use crate::wire::fields::{self, Fields};
use crate::wire::query::Params;
use crate::wire::{Refusal, header, value};

/// What a call makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Account,
    Transfer,
    Order,
}

/// `POST /v1/accounts`, `/v1/transfers` and `/v1/orders`.
pub(super) async fn create(call: Call<'_>, kind: Kind) -> Result<Reply, Refused> {
    let (app, parts) = (call.app, call.parts);
    let wait = match kind {
        Kind::Order => Wait::read(parts.uri.query(), &app.live.hot.load().server)?,
        Kind::Account | Kind::Transfer => {
            Params::read(parts.uri.query(), &[])?;
            None
        }
    };
    let key = header::idempotency_key(&parts.headers, call.credential())?;
    let body = call.json(true).await?;
    let text = fields::text(body.as_ref())?;
    if fields::first_byte(text) == Some(b'[') {
        if key.is_some() {
            return Err(invalid(
                "Idempotency-Key",
                "a key names one thing; the items of an array are told apart by their ids",
            ));
        }
        many(app, kind, text, wait).await
    } else {
        one(app, kind, text, key, wait).await
    }
}

async fn one(
    app: &App,
    kind: Kind,
    text: &str,
    key: Option<IdempotencyKey>,
    wait: Option<Wait>,
) -> Result<Reply, Refused> {
    let command = kind.read(text, now_ms())?;
    let Answer { mut sequence, result } = app.execute(Request { command, key }).await?;
    let mut done = result;
    if let (Some(wait), Done::Order { order, .. }) = (wait, &mut done) {
        wait.until_final(app, &mut sequence, order).await;
    }
    let status = match &done {
        Done::Account { created: false, .. } => StatusCode::OK,
        Done::Account { .. } | Done::Transfer { .. } | Done::Order { .. } => StatusCode::CREATED,
    };
    let version = match &done {
        Done::Order { order, .. } => Some(order.version),
        Done::Account { .. } | Done::Transfer { .. } => None,
    };
    let mut body = app.buffers.body(384);
    write_done(&mut body, &done);
    Ok(Reply::Json { status, sequence, version, body })
}

async fn many(app: &App, kind: Kind, text: &str, wait: Option<Wait>) -> Result<Reply, Refused> {
    let items_max = {
        let settings = app.live.hot.load();
        settings.server.array_items_max.min(settings.engine.requests_max)
    };
    let items = fields::items(text, items_max)?;
    let now = now_ms();
    let mut commands = Vec::with_capacity(items.len());
    // What is wrong with an item is said in its own place; the others are done.
    let mut refused = Vec::with_capacity(items.len());
    for item in items {
        match kind.read(item, now) {
            Ok(command) => {
                commands.push(Request { command, key: None });
                refused.push(None);
            }
            Err(refusal) => refused.push(Some(Problem::from(refusal))),
        }
    }
    let (sequence, outcomes) = if commands.is_empty() {
        (app.engine.durable_sequence(), Vec::new())
    } else {
        let reply = app.engine.execute_many(commands).map_err(|why| app.unavailable(why))?;
        let answer = reply.await.map_err(|why| app.unavailable(why))?;
        let (mut sequence, mut outcomes) = (answer.sequence, answer.result);
        if let Some(wait) = wait {
            wait.until_all_final(app, &mut sequence, &mut outcomes).await;
        }
        (sequence, outcomes)
    };
    let mut body = app.buffers.body(16 + refused.len() * 320);
    write_results(&mut body, &refused, outcomes);
    Ok(Reply::Json { status: StatusCode::OK, sequence, version: None, body })
}

fn write_results(out: &mut Vec<u8>, refused: &[Option<Problem>], outcomes: Vec<Outcome>) {
    out.extend_from_slice(b"{\"results\":[");
    let mut outcomes = outcomes.into_iter();
    for (index, refused) in refused.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        if let Some(problem) = refused {
            problem.write_item(out);
            continue;
        }
        match outcomes.next().expect("the engine answers every command of a message") {
            Ok(done) => write_done(out, &done),
            Err(rejection) => Problem::from(rejection).write_item(out),
        }
    }
    out.extend_from_slice(b"]}");
}

fn write_done(out: &mut Vec<u8>, done: &Done) {
    match done {
        Done::Account { account, .. } => write::account(out, account),
        Done::Transfer { transfer, .. } => write::transfer(out, transfer),
        Done::Order { order, .. } => write::order(out, order),
    }
}

impl Kind {
    /// Reads one object as the command that makes it; `now_ms` dates the id of one that names none.
    fn read(self, text: &str, now_ms: u64) -> Result<Command, Refusal> {
        match self {
            Self::Account => read_account(text, now_ms),
            Self::Transfer => read_transfer(text, now_ms),
            Self::Order => read_order(text, now_ms),
        }
    }
}

fn read_account(text: &str, now_ms: u64) -> Result<Command, Refusal> {
    let fields = Fields::read(text, &["id", "ledger", "allow_overdraft"])?;
    Ok(Command::CreateAccount {
        id: new_id(&fields, now_ms)?,
        ledger: fields.get(1).map_or_else(|| Ok(Id::main_ledger()), value::id)?,
        allow_overdraft: fields.get(2).map_or(Ok(false), value::boolean)?,
    })
}

fn read_transfer(text: &str, now_ms: u64) -> Result<Command, Refusal> {
    let fields = Fields::read(text, &["id", "from", "to", "amount"])?;
    Ok(Command::CreateTransfer {
        id: new_id(&fields, now_ms)?,
        from: value::id(fields.need(1)?)?,
        to: value::id(fields.need(2)?)?,
        amount: value::amount(fields.need(3)?)?,
        mode: TransferMode::Single,
    })
}

fn read_order(text: &str, now_ms: u64) -> Result<Command, Refusal> {
    let fields = Fields::read(text, &["id", "payer", "payee", "amount", "metadata"])?;
    Ok(Command::CreateOrder {
        id: new_id(&fields, now_ms)?,
        payer: value::id(fields.need(1)?)?,
        payee: value::id(fields.need(2)?)?,
        amount: value::amount(fields.need(3)?)?,
        metadata: fields.get(4).map(value::metadata).transpose()?.unwrap_or_default(),
    })
}

/// The id given as the first field, or a fresh one.
fn new_id<const N: usize>(fields: &Fields<'_, N>, now_ms: u64) -> Result<NewId, Refusal> {
    match fields.get(0) {
        Some(raw) => value::id(raw).map(NewId::Given),
        None => Ok(NewId::Made(ids::fresh(now_ms))),
    }
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// `?wait=final&timeout=30s`: answer when the order is final, or with its state so far at the deadline or
/// when the server begins to stop.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wait {
    deadline: Instant,
}

impl Wait {
    pub(super) fn read(query: Option<&str>, config: &Config) -> Result<Option<Self>, Refusal> {
        let params = Params::read(query, &["wait", "timeout"])?;
        let timeout = params.duration(1, config.wait_max)?;
        match params.get(0) {
            Some("final") => {
                let timeout = timeout.unwrap_or(config.wait_default);
                Ok(Some(Self { deadline: Instant::now() + timeout }))
            }
            Some(_) => Err(params.invalid(0, "`final` is the only thing to wait for")),
            None if timeout.is_some() => Err(params.invalid(1, "there is no `wait` to time out")),
            None => Ok(None),
        }
    }

    /// Brings `order` to its final state, or to the last state known at the deadline or when the server begins to stop.
    ///
    /// The order exists and its maker has to hear so: what goes wrong with the waiting leaves the state known before.
    pub(super) async fn until_final(self, app: &App, sequence: &mut u64, order: &mut Order) {
        if order.state.is_final() {
            return;
        }
        let Ok(waiting) = app.engine.wait_final(order.id.clone()) else { return };
        match self.patiently(app, waiting).await {
            Some(Ok(Answer { sequence: at, result: Ok(last) })) => {
                *sequence = at.max(*sequence);
                *order = last;
            }
            Some(_) => {}
            None => look_again(app, sequence, order).await,
        }
    }

    /// Awaits `reply` until the deadline, or until half of a shutdown's time is over: there is no time to sit out the
    /// patience of all clients, and each of them is better served by an answer than by a closed connection.
    async fn patiently<F: Future>(self, app: &App, reply: F) -> Option<F::Output> {
        app.hurry.run(timeout_at(self.deadline, reply)).await.ok()?.ok()
    }

    /// As [`Wait::until_final`], for every order of an array.
    async fn until_all_final(self, app: &App, sequence: &mut u64, outcomes: &mut [Outcome]) {
        let mut waiting = Vec::new();
        for outcome in &mut *outcomes {
            let Ok(Done::Order { order, .. }) = outcome else { continue };
            if order.state.is_final() {
                continue;
            }
            let Ok(reply) = app.engine.wait_final(order.id.clone()) else { continue };
            waiting.push((order, reply));
        }
        // Behind the deadline each of the rest is still asked once: many may have become final meanwhile.
        for (order, reply) in waiting {
            if let Some(Ok(Answer { sequence: at, result: Ok(last) })) =
                self.patiently(app, reply).await
            {
                *sequence = at.max(*sequence);
                *order = last;
            }
        }
        look_again_at_all(app, sequence, outcomes).await;
    }
}

/// How long the engine has to say what has become of orders that were waited for in vain.
const PATIENCE: Duration = Duration::from_millis(250);

/// Replaces `order` by what it is now, unless the engine is too slow to say so.
async fn look_again(app: &App, sequence: &mut u64, order: &mut Order) {
    let now = app.query(Query::Order(order.id.clone()));
    if let Ok(Ok(Answer { sequence: at, result: Found::Order(found) })) =
        timeout(PATIENCE, now).await
    {
        *sequence = at.max(*sequence);
        *order = found;
    }
}

/// As [`look_again`], for every order of an array that is not final.
///
/// They are read by one message, which repeats their creation: the states and the sequence are those of one moment.
/// Read one by one, the first might be older than the sequence of the last says. The final ones can't change any more.
async fn look_again_at_all(app: &App, sequence: &mut u64, outcomes: &mut [Outcome]) {
    let open = outcomes.iter_mut().filter_map(|outcome| match outcome {
        Ok(Done::Order { order, .. }) if !order.state.is_final() => Some((repeat(order), order)),
        _ => None,
    });
    let (repeats, open): (Vec<_>, Vec<_>) = open.unzip();
    if open.is_empty() {
        return;
    }
    let Ok(reply) = app.engine.execute_many(repeats) else { return };
    if let Ok(Ok(Answer { sequence: at, result })) = timeout(PATIENCE, reply).await {
        *sequence = at.max(*sequence);
        for (order, now) in open.into_iter().zip(result) {
            if let Ok(Done::Order { order: now, .. }) = now {
                *order = now;
            }
        }
    }
}

/// The request that made `order`, to be answered with what the order is now.
fn repeat(order: &Order) -> Request {
    let command = Command::CreateOrder {
        id: NewId::Given(order.id.clone()),
        payer: order.payer.clone(),
        payee: order.payee.clone(),
        amount: order.amount,
        metadata: order.metadata.clone(),
    };
    Request { command, key: None }
}
