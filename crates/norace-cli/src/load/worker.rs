//! One connection's part of a run: it claims customers and sends their orders.
//!
//! A worker drives up to `width` customers at once, each in a [`Lane`]; one request carries the next order of every
//! lane. Without `--batch` the width is 1 and a request carries one order. A lane moves on only when its order is
//! final, so a customer's orders never overlap, and what becomes of them depends on nothing but their own history.

use hyper::Uri;
use hyper::header::HeaderValue;
use norace::time;
use norace_prim::sync::{Arc, lock};
use norace_prim::time::{Duration, Instant};

use super::answer::{self, Outcome};
use super::client::{Call, Client, GaveUp, Patience};
use super::fund::{self, Disagreements};
use super::pace::Pace;
use super::plan::{Chain, PlannedOrder, push_number};
use super::report::Tally;
use super::{MERCHANT, Run};
use crate::exit_code::ExitCode;
use crate::failure::Failure;

/// How long an order may take to become final before the run is given up.
const FINAL_TIME_MAX: Duration = Duration::from_secs(120);

const ORDER_PATH: &str = "/v1/orders?wait=final&timeout=30s";
const ORDERS_PATH: &str = "/v1/orders?wait=final";

/// Customers opened and funded at once when the run has no known end.
const BLOCK: usize = 256;

/// A customer whose orders are done, for the audit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Driven {
    pub(crate) chain: Chain,
    /// What the answers said was confirmed.
    pub(crate) paid: u64,
    /// False when an outcome is unknown, so that the account may show more.
    pub(crate) exact: bool,
}

/// Why a worker stopped before the plan's end.
#[derive(Debug)]
pub(crate) enum Lost {
    Server(GaveUp),
    /// An answer that the call does not promise.
    Garbled(u16),
    /// The order stayed open.
    NotFinal(String),
    Funding(Failure),
}

impl Lost {
    /// What the user is told; nothing when somebody else ended the run.
    pub(crate) fn into_failure(self, run: &Run) -> Option<Failure> {
        let server = run.target.address();
        match self {
            Self::Server(GaveUp::Stopped) => None,
            Self::Server(gave_up) => Some(fund::unavailable(server, gave_up)),
            Self::Garbled(status) => {
                let what =
                    format!("cannot understand {server}: it answered an order with {status}");
                Some(Failure::usage(what).hint("is the server a norace of this version?"))
            }
            Self::NotFinal(id) => {
                let what = format!("order {id} did not become final within {FINAL_TIME_MAX:?}");
                let hint = "with --processor manual clients have to move the orders on";
                Some(Failure::new(ExitCode::Finding, what).hint(hint))
            }
            Self::Funding(failure) => Some(failure),
        }
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) run: Arc<Run>,
    pub(crate) client: Client,
    pub(crate) tally: Tally,
    pub(crate) driven: Vec<Driven>,
    pub(crate) lost: Option<Lost>,
    /// The first refusal that no valid run meets, as an example for the message.
    pub(crate) refusal: Option<String>,
    funded: Vec<Chain>,
    /// Parsed once, and cloned for each request.
    path: Uri,
}

/// A customer with an order to send.
#[derive(Debug)]
struct Lane {
    chain: Chain,
    order: PlannedOrder,
    paid: u64,
}

impl Worker {
    pub(crate) fn new(run: Arc<Run>, client: Client) -> Self {
        let path = if run.settings.batch.is_some() { ORDERS_PATH } else { ORDER_PATH };
        Self {
            run,
            client,
            path: Uri::from_static(path),
            tally: Tally::default(),
            driven: Vec::new(),
            lost: None,
            refusal: None,
            funded: Vec::new(),
        }
    }

    /// Claims customers, opens their accounts and pays their deposits in, until none is left.
    pub(crate) async fn fund_share(mut self) -> Result<Self, Failure> {
        loop {
            let block: Vec<Chain> =
                std::iter::from_fn(|| self.run.plan.claim()).take(BLOCK).collect();
            if block.is_empty() || self.run.stop.is_cancelled() {
                return Ok(self);
            }
            fund::fund(&mut self.client, &self.run, &block).await?;
        }
    }

    /// Compares the accounts of the customers this worker drove with the answers it got.
    pub(crate) async fn audit(mut self) -> Result<Disagreements, Failure> {
        fund::audit(&mut self.client, &self.run, &self.driven).await
    }

    /// Claims and drives customers until there are none left, the time is over, or the run is stopped.
    pub(crate) async fn drive(mut self, pace: Arc<Pace>) -> Self {
        let mut lanes = Vec::new();
        let ended = self.drive_lanes(&pace, &mut lanes).await;
        let exact = ended.is_ok();
        for lane in lanes {
            self.driven.push(Driven { chain: lane.chain, paid: lane.paid, exact });
        }
        if let Err(lost) = ended {
            // The others would lose their patience one after the other; the first loss ends the run.
            self.run.stop.cancel();
            self.lost = Some(lost);
        }
        self
    }

    async fn drive_lanes(&mut self, pace: &Pace, lanes: &mut Vec<Lane>) -> Result<(), Lost> {
        loop {
            self.fill(lanes).await?;
            if lanes.is_empty() || self.run.stop.is_cancelled() {
                return Ok(());
            }
            let now = Instant::now();
            let Some(due) = pace.due(now, lanes.len() as u64) else { return Ok(()) };
            if due > now && self.run.stop.run(time::sleep_until(due)).await.is_err() {
                return Ok(());
            }
            let outcomes = match self.send(lanes).await {
                Ok(outcomes) => outcomes,
                Err(lost) => {
                    self.tally.errors += lanes.len() as u64;
                    return Err(lost);
                }
            };
            let us = u64::try_from(due.elapsed().as_micros()).unwrap_or(u64::MAX);
            // An auto-resizing histogram takes every value.
            let _ = lock(&self.run.latency_us).record(us);
            self.settle(lanes, outcomes).await?;
        }
    }

    /// Opens lanes until all are in use or no customer is left.
    async fn fill(&mut self, lanes: &mut Vec<Lane>) -> Result<(), Lost> {
        while lanes.len() < self.run.settings.width() {
            let Some(mut chain) = self.next_chain().await? else { break };
            if let Some(order) = self.run.plan.take(&mut chain) {
                lanes.push(Lane { chain, order, paid: 0 });
            }
        }
        Ok(())
    }

    async fn next_chain(&mut self) -> Result<Option<Chain>, Lost> {
        if self.run.plan.orders().is_some() {
            return Ok(self.run.plan.claim());
        }
        if self.funded.is_empty() {
            let block: Vec<Chain> =
                std::iter::from_fn(|| self.run.plan.claim()).take(BLOCK).collect();
            let funded = fund::fund(&mut self.client, &self.run, &block).await;
            funded.map_err(|failure| match self.run.stop.is_cancelled() {
                true => Lost::Server(GaveUp::Stopped),
                false => Lost::Funding(failure),
            })?;
            self.funded = block;
        }
        Ok(self.funded.pop())
    }

    /// Sends the order of every lane until the server has taken a decision on each.
    async fn send(&mut self, lanes: &[Lane]) -> Result<Vec<Outcome>, Lost> {
        if self.run.settings.batch.is_none() {
            return Ok(vec![self.send_one(&lanes[0]).await?]);
        }
        let mut outcomes = vec![Outcome::Busy; lanes.len()];
        let mut busy: Vec<usize> = (0..lanes.len()).collect();
        let mut patience = Patience::long();
        loop {
            let batch = busy.iter().map(|&at| &lanes[at]);
            let answers = self.send_many(batch, busy.len()).await?;
            for (&at, outcome) in busy.iter().zip(answers) {
                outcomes[at] = outcome;
            }
            busy.retain(|&at| outcomes[at] == Outcome::Busy);
            if busy.is_empty() {
                return Ok(outcomes);
            }
            let gave_up = Lost::Server(GaveUp::Busy(503));
            let Some(pause) = patience.pause(Instant::now(), None) else { return Err(gave_up) };
            self.pause(pause).await?;
        }
    }

    /// Waits, unless the run is being stopped.
    async fn pause(&self, time: Duration) -> Result<(), Lost> {
        let waited = self.run.stop.run(time::sleep(time)).await;
        waited.map_err(|_| Lost::Server(GaveUp::Stopped))
    }

    async fn send_one(&mut self, lane: &Lane) -> Result<Outcome, Lost> {
        let mut id = String::with_capacity(40);
        self.run.plan.push_order(&lane.order, &mut id);
        let key = HeaderValue::from_str(&id).expect("ids are visible ASCII");
        let mut body = String::with_capacity(128);
        self.push_item(lane, &mut body);
        let call = Call::post(self.path.clone(), body).keyed(key);
        let status = self.client.call(&call, Patience::long()).await.map_err(Lost::Server)?;
        answer::one(status, &self.client.body).map_err(|_| Lost::Garbled(status))
    }

    async fn send_many(
        &mut self,
        lanes: impl Iterator<Item = &Lane>,
        count: usize,
    ) -> Result<Vec<Outcome>, Lost> {
        let mut body = String::with_capacity(count * 128);
        for lane in lanes {
            body.push(if body.is_empty() { '[' } else { ',' });
            self.push_item(lane, &mut body);
        }
        body.push(']');
        let call = Call::post(self.path.clone(), body);
        let status = self.client.call(&call, Patience::long()).await.map_err(Lost::Server)?;
        if status != 200 {
            return Err(Lost::Garbled(status));
        }
        answer::many(&self.client.body, count).map_err(|_| Lost::Garbled(status))
    }

    /// Appends one order as JSON; ids need no escapes.
    fn push_item(&self, lane: &Lane, body: &mut String) {
        body.push_str("{\"id\":\"");
        self.run.plan.push_order(&lane.order, body);
        body.push_str("\",\"payer\":\"");
        self.run.plan.push_account(&lane.chain, body);
        body.push_str("\",\"payee\":\"");
        body.push_str(MERCHANT);
        body.push_str("\",\"amount\":");
        push_number(lane.order.cents, body);
        body.push('}');
    }

    /// Counts the outcomes, and moves each lane to its next order or closes it.
    async fn settle(&mut self, lanes: &mut Vec<Lane>, outcomes: Vec<Outcome>) -> Result<(), Lost> {
        let mut open = Vec::with_capacity(lanes.len());
        let mut lost = None;
        for (mut lane, mut outcome) in std::mem::take(lanes).into_iter().zip(outcomes) {
            if outcome == Outcome::Open && lost.is_none() {
                match self.wait_final(&lane.order).await {
                    Ok(last) => outcome = last,
                    Err(error) => lost = Some(error),
                }
            }
            self.count(&mut lane, &outcome);
            match self.run.plan.take(&mut lane.chain) {
                Some(order) => open.push(Lane { order, ..lane }),
                None => {
                    let exact = outcome != Outcome::Open;
                    self.driven.push(Driven { chain: lane.chain, paid: lane.paid, exact });
                }
            }
        }
        *lanes = open;
        lost.map_or(Ok(()), Err)
    }

    fn count(&mut self, lane: &mut Lane, outcome: &Outcome) {
        let cents = u64::try_from(lane.order.cents).unwrap_or(0);
        self.tally.count(outcome, cents);
        match outcome {
            Outcome::Confirmed => lane.paid += cents,
            Outcome::Refused(reason) if self.refusal.is_none() => {
                let mut id = String::new();
                self.run.plan.push_order(&lane.order, &mut id);
                self.refusal = Some(format!("{id}: {reason}"));
            }
            _ => {}
        }
        self.run.progress.inc(1);
    }

    /// Asks again and again until the order is final.
    async fn wait_final(&mut self, order: &PlannedOrder) -> Result<Outcome, Lost> {
        let mut id = String::new();
        self.run.plan.push_order(order, &mut id);
        let path = format!("/v1/orders/{id}?wait=final&timeout=30s");
        let call = Call::get(path.parse().expect("ids need no escapes in a path"));
        let since = Instant::now();
        while since.elapsed() < FINAL_TIME_MAX {
            let status = self.client.call(&call, Patience::long()).await.map_err(Lost::Server)?;
            match answer::one(status, &self.client.body) {
                // A server that answers before its time-out must not be asked in a tight loop.
                Ok(Outcome::Open) => self.pause(Duration::from_millis(10)).await?,
                Ok(outcome) => return Ok(outcome),
                Err(answer::Garbled) => return Err(Lost::Garbled(status)),
            }
        }
        Err(Lost::NotFinal(id))
    }
}
