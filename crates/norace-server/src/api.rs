//! The calls: one function per endpoint, from a parsed head to a [`Reply`].
//!
//! A call checks its input in the order target, parameters, headers, media type, body, and hands the engine a command
//! only when all of it is good; whatever is refused on the way has changed nothing. The engine answers when what the
//! answer rests on is durable, so nothing here waits for, or knows of, the journal.

mod config;
mod create;
mod events;
mod orders;
mod show;
mod system;
mod write;

use std::net::IpAddr;

use hyper::HeaderMap;
use hyper::body::{Body as _, Incoming};
use hyper::http::request::Parts;
use norace::context::Context;
use norace_engine::{Answer, Done, Engine, Found, Id, Query, Rejection, Request, Unavailable};
use norace_prim::sync::Arc;
use norace_prim::time::Instant;

use crate::body::{Bounds, Collected, collect};
use crate::buffers::Buffers;
use crate::keys::Caller;
use crate::limits::{Client, Limiters, Verdict};
use crate::metrics::Metrics;
use crate::problem::{Code, Problem};
use crate::reply::{Refused, Reply};
use crate::router::Endpoint;
use crate::settings::LiveSettings;
use crate::wire::query::decode;
use crate::wire::{Refusal, header};

pub(crate) use events::EventStream;
#[cfg(test)]
pub(crate) use system::OPENAPI;

/// What all calls share.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) engine: Engine,
    pub(crate) live: LiveSettings,
    pub(crate) metrics: Metrics,
    pub(crate) buffers: Buffers,
    pub(crate) limits: Limiters,
    /// Cancelled when the server begins to shut down.
    pub(crate) stopping: Context,
    /// Cancelled when half of the time for draining is over: nobody waits for a final order any longer.
    pub(crate) hurry: Context,
}

/// One request on its way to an endpoint.
#[derive(Debug)]
pub(crate) struct Call<'r> {
    pub(crate) app: &'r Arc<App>,
    pub(crate) parts: &'r Parts,
    /// The text of the target's `{id}`, still percent-encoded.
    pub(crate) id: &'r str,
    /// When the request's first byte arrived.
    pub(crate) arrived: Instant,
    pub(crate) body: Incoming,
    /// Who is calling, if that is asked.
    pub(crate) caller: Option<Caller>,
    /// Set when the body has been read to its end.
    pub(crate) body_read: &'r mut bool,
}

/// Answers a call.
pub(crate) async fn answer(endpoint: Endpoint, call: Call<'_>) -> Result<Reply, Refused> {
    match endpoint {
        Endpoint::CreateOrders => create::create(call, create::Kind::Order).await,
        Endpoint::CreateTransfers => create::create(call, create::Kind::Transfer).await,
        Endpoint::CreateAccounts => create::create(call, create::Kind::Account).await,
        Endpoint::MoveOrder(action) => orders::advance(call, action).await,
        Endpoint::ShowOrder => orders::show(call).await,
        Endpoint::ListOrders => orders::list(call).await,
        Endpoint::ShowTransfer => show::transfer(call).await,
        Endpoint::ShowAccount => show::account(call).await,
        Endpoint::Events => events::follow(call).await,
        Endpoint::Health => system::health(),
        Endpoint::Ready => system::ready(call.app),
        Endpoint::Metrics => system::metrics(call.app).await,
        Endpoint::ShowConfig => config::show(&call),
        Endpoint::ReplaceConfig => config::replace(call).await,
        Endpoint::OpenApi => Ok(system::openapi()),
        Endpoint::Page => Ok(system::page()),
    }
}

impl Call<'_> {
    /// The name that idempotency keys belong to.
    fn credential(&self) -> &str {
        self.caller.as_ref().map_or("", Caller::name)
    }

    /// The id in the target.
    fn target(&self) -> Result<Id, Refusal> {
        let text = decode(self.id, false)
            .ok_or_else(|| Refusal::invalid("id", "bad percent-encoding in the target"))?;
        Id::new(&text).map_err(|error| Refusal::invalid("id", error.to_string()))
    }

    /// Reads the body of a call that takes one object, or also an array of them.
    ///
    /// A body that is not announced as JSON is refused unread; an empty one is the caller's to judge.
    async fn json(self, arrays: bool) -> Result<Collected, Problem> {
        if !self.body.is_end_stream() && !header::is_json(&self.parts.headers) {
            return Err(Problem::new(
                Code::UnsupportedMediaType,
                "a body is sent as application/json in UTF-8",
            ));
        }
        let bounds = {
            let config = &self.app.live.hot.load().server;
            Bounds {
                one: config.body_bytes_max,
                array: if arrays { config.array_bytes_max } else { config.body_bytes_max },
                deadline: self.arrived + config.request_timeout,
            }
        };
        let collected = collect(self.body, bounds, &self.app.buffers).await?;
        *self.body_read = true;
        Ok(collected)
    }
}

impl App {
    /// Who sends these headers from `address`, and what the limits say to a request of theirs for `path`.
    pub(crate) fn judge(
        &self,
        headers: &HeaderMap,
        address: IpAddr,
        path: &str,
    ) -> (Result<Caller, Problem>, Option<Verdict>) {
        let settings = self.live.hot.load();
        let caller = settings.keys.identify(headers);
        let client = Client::of(caller.as_ref().ok(), address);
        let verdict = self.limits.decide(&settings, &client, path);
        (caller, verdict)
    }

    /// Counts and translates what the engine did not answer.
    fn unavailable(&self, why: Unavailable) -> Refused {
        self.metrics.refused(why);
        why.into()
    }

    /// Has one command done.
    async fn execute(&self, request: Request) -> Result<Answer<Done>, Refused> {
        let reply = self.engine.execute(request).map_err(|why| self.unavailable(why))?;
        settle(reply.await.map_err(|why| self.unavailable(why))?)
    }

    /// Reads.
    async fn query(&self, query: Query) -> Result<Answer<Found>, Refused> {
        let reply = self.engine.query(query).map_err(|why| self.unavailable(why))?;
        settle(reply.await.map_err(|why| self.unavailable(why))?)
    }
}

/// Turns a rejection into a refusal that rests on the same position.
fn settle<T>(answer: Answer<Result<T, Rejection>>) -> Result<Answer<T>, Refused> {
    let Answer { sequence, result } = answer;
    match result {
        Ok(result) => Ok(Answer { sequence, result }),
        Err(rejection) => Err(Refused { problem: rejection.into(), sequence: Some(sequence) }),
    }
}
