//! The engine without its threads: a test decides when the core decides and when the journal commits.

use std::future::Future as _;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use norace::chan::Receiver;
use norace_journal::Options;
use norace_journal::sim::SimStorage;
use norace_prim::sync::Arc;
use norace_prim::time::Duration;

use crate::engine::{
    Engine, EngineConfig, EventFeed, Follower, Found, Message, OpenError, Outcome, Prepared, Query,
    Reply, prepare,
};
use crate::model::{Id, Order, OrderEvent, Rejection, Request};
use crate::ports::ManualClock;
use crate::processor::{Job, ProcessorChoice, Report};

/// Small segments made inline, so that a run is the same whenever it is repeated.
pub(crate) fn options() -> Options {
    Options::small(12 * 12 + 4)
}

pub(crate) fn config(processor: ProcessorChoice) -> EngineConfig {
    EngineConfig {
        processor,
        batch_bytes_max: 48 << 10,
        events_max: 1 << 8,
        ..EngineConfig::default()
    }
}

pub(crate) struct Rig {
    parts: Prepared<SimStorage>,
    pub(crate) clock: Arc<ManualClock>,
    /// True once the journal side has ended.
    pub(crate) ended: bool,
}

impl Rig {
    pub(crate) fn open(disk: &SimStorage, processor: ProcessorChoice) -> Result<Self, OpenError> {
        Self::open_with(disk, config(processor), 1_000_000)
    }

    pub(crate) fn open_with(
        disk: &SimStorage,
        config: EngineConfig,
        now_us: u64,
    ) -> Result<Self, OpenError> {
        let clock = Arc::new(ManualClock::new(now_us));
        let parts = prepare(&config, disk.clone(), options(), Box::new(Arc::clone(&clock)))?;
        Ok(Self { parts, clock, ended: false })
    }

    /// Decides one message and hands over what it led to.
    pub(crate) fn decide(&mut self, message: Message) {
        self.parts.core.wake_up();
        self.parts.core.handle(message);
        self.parts.core.flush();
    }

    /// Does what is due by now.
    pub(crate) fn wake_up(&mut self) {
        self.parts.core.wake_up();
        self.parts.core.flush();
    }

    pub(crate) fn execute(&mut self, request: impl Into<Request>) -> Reply<Outcome> {
        let (replier, reply) = Reply::channel();
        let request = request.into();
        self.decide(Message::Execute { request, replier });
        reply
    }

    pub(crate) fn execute_many(&mut self, requests: Vec<Request>) -> Reply<Vec<Outcome>> {
        let (replier, reply) = Reply::channel();
        self.decide(Message::ExecuteMany { requests, replier });
        reply
    }

    pub(crate) fn query(&mut self, query: Query) -> Reply<Result<Found, Rejection>> {
        let (replier, reply) = Reply::channel();
        self.decide(Message::Query { query, replier });
        reply
    }

    pub(crate) fn wait_final(&mut self, order: &Id) -> Reply<Result<Order, Rejection>> {
        let (replier, reply) = Reply::channel();
        self.decide(Message::WaitFinal { order: order.clone(), replier });
        reply
    }

    pub(crate) fn report(&mut self, report: Report) {
        self.decide(Message::Processed(report));
    }

    /// Commits everything handed over, and seals.
    pub(crate) fn commit(&mut self) {
        while !self.ended && self.commit_one() {}
    }

    /// One step of the journal side; false when there was nothing to do.
    pub(crate) fn commit_one(&mut self) -> bool {
        use crate::engine::Stepped;
        match self.parts.committer.step(Some(Duration::ZERO)) {
            Stepped::Worked => true,
            Stepped::Idle => false,
            Stepped::Ended => {
                self.ended = true;
                false
            }
        }
    }

    /// Executes, commits, and takes the answer.
    pub(crate) fn done(&mut self, request: impl Into<Request>) -> Outcome {
        let mut reply = self.execute(request);
        self.commit();
        reply.try_take().expect("everything is committed").expect("nothing failed").result
    }

    /// The order as it is now, committed.
    pub(crate) fn order(&mut self, name: &str) -> Order {
        match self.found(Query::Order(Id::new(name).unwrap())) {
            Found::Order(order) => order,
            other => panic!("not an order: {other:?}"),
        }
    }

    pub(crate) fn stats(&mut self) -> crate::engine::Stats {
        match self.found(Query::Stats) {
            Found::Stats(stats) => *stats,
            other => panic!("no figures: {other:?}"),
        }
    }

    pub(crate) fn found(&mut self, query: Query) -> Found {
        let mut reply = self.query(query);
        self.commit();
        reply.try_take().unwrap().unwrap().result.unwrap()
    }

    pub(crate) fn jobs(&self) -> &Receiver<Job> {
        self.parts.jobs.as_ref().expect("the processor is asynchronous")
    }

    pub(crate) fn events(&self) -> &EventFeed {
        &self.parts.events
    }

    pub(crate) fn resumed_orders(&self) -> u64 {
        self.parts.recovered.resumed_orders
    }
}

/// The events that have come.
pub(crate) fn ready(follower: &mut Follower) -> Vec<OrderEvent> {
    let mut context = Context::from_waker(Waker::noop());
    let mut events = Vec::new();
    loop {
        let came = {
            let next = pin!(follower.next(usize::MAX, |event| events.push(event.clone())));
            next.poll(&mut context)
        };
        if !matches!(came, Poll::Ready(Ok(1..))) {
            return events;
        }
    }
}

/// Opens the engine with threads on a simulated disk.
pub(crate) fn threaded(disk: &SimStorage, config: EngineConfig) -> Engine {
    let clock = crate::ports::SystemClock;
    Engine::open(config, disk.clone(), options(), clock).unwrap().0
}
