//! The stream of order events as server-sent events.
//!
//! A stream follows the engine's events and asks for the next ones when hyper has room for them: a reader that is slow
//! holds nobody back, and misses nothing, since what passed it by is read from the journal, a piece at a time. The
//! position is the id of each event, so a client that reconnects with `Last-Event-ID` goes on without a gap.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use hyper::Method;
use norace_engine::{Follower, HistoryError};
use norace_prim::sync::Arc;

use super::{App, Call, write};
use crate::body::Chunk;
use crate::buffers::Buffer;
use crate::metrics::{Entered, Gauge};
use crate::problem::{Code, Member, Problem};
use crate::reply::{Refused, Reply};
use crate::wire::query::Params;
use crate::wire::{Refusal, header};

/// Events in one piece of a stream; the next are asked for when this is on its way.
const PIECE: usize = 256;

/// `GET /v1/events`.
pub(super) async fn follow(call: Call<'_>) -> Result<Reply, Refused> {
    let app = call.app;
    let params = Params::read(call.parts.uri.query(), &["after"])?;
    let asked = params.number(0, 0, u64::MAX)?;
    // A browser that reconnects repeats the target and adds the header, which is the newer of the two.
    let seen = header::last_event_id(&call.parts.headers)?;
    let sequence = app.engine.durable_sequence();
    let after = seen.or(asked).unwrap_or(sequence);
    if after > sequence {
        // Of another journal, or made up: waiting for it would pass by all that happens on the way there.
        let field = if seen.is_some() { "Last-Event-ID" } else { "after" };
        let detail = format!("the journal has come to position {sequence} and not to {after}");
        return Err(Refusal::invalid(field, detail).into());
    }
    let Some(slot) = Entered::new(Slot(Arc::clone(app)), app.live.hot.load().server.streams_max)
    else {
        return Err(Problem::new(Code::Overloaded, "too many event streams are open").into());
    };
    let follower = app.engine.events().follow(after).await.map_err(|error| {
        let (code, member) = match error {
            HistoryError::Gone { oldest } => (Code::HistoryGone, Member::Oldest(oldest)),
            HistoryError::Busy => (Code::Overloaded, Member::None),
            _ => (Code::Internal, Member::None),
        };
        app.metrics.events_failed.add(1);
        Problem::new(code, error.to_string()).with(member)
    })?;
    if call.parts.method == Method::HEAD {
        return Ok(Reply::Events { sequence, stream: None });
    }
    let next = Box::pin(step(Arc::clone(app), follower));
    let stream = EventStream { next, greeted: false, slot };
    Ok(Reply::Events { sequence, stream: Some(Box::new(stream)) })
}

/// The gauge of open streams, held by each of them.
struct Slot(Arc<App>);

impl AsRef<Gauge> for Slot {
    fn as_ref(&self) -> &Gauge {
        &self.0.metrics.streams
    }
}

/// A stream of events.
pub(crate) struct EventStream {
    /// The piece that is waited for, and who follows the events.
    next: Pin<Box<dyn Future<Output = (Step, Follower)> + Send>>,
    greeted: bool,
    slot: Entered<Slot>,
}

impl fmt::Debug for EventStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream").field("greeted", &self.greeted).finish_non_exhaustive()
    }
}

/// What there is to send next.
enum Step {
    /// Events, or a sign of life after a quiet while.
    Piece(Buffer),
    /// What comes next is no longer kept.
    Gone { oldest: u64 },
    /// The server or the engine stops, or the journal can't be read.
    End,
}

async fn step(app: Arc<App>, mut follower: Follower) -> (Step, Follower) {
    // Who is up to date gets what happened before the stop; reading on in the journal would have no end.
    if follower.is_behind() && app.stopping.is_cancelled() {
        return (Step::End, follower);
    }
    let heartbeat = app.live.hot.load().server.heartbeat;
    let mut piece = app.buffers.body(0);
    let came = norace::select! {
        biased;
        came = follower.next(PIECE, |event| write::event(&mut piece, event)) => Some(came),
        _ = app.stopping.cancelled() => Some(Ok(0)),
        _ = norace::time::sleep(heartbeat) => None,
    };
    let step = match came {
        None => {
            piece.extend_from_slice(b": still here\n\n");
            Step::Piece(piece)
        }
        Some(Ok(0)) => Step::End,
        Some(Ok(count)) => {
            app.metrics.events_sent.add(count as i64);
            Step::Piece(piece)
        }
        Some(Err(error)) => {
            app.metrics.events_failed.add(1);
            match error {
                HistoryError::Gone { oldest } => Step::Gone { oldest },
                _ => Step::End,
            }
        }
    };
    (step, follower)
}

impl EventStream {
    /// The next piece; none when the stream has ended.
    pub(crate) fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Chunk>> {
        if !std::mem::replace(&mut self.greeted, true) {
            // Sent at once, so that the client knows that it is connected; one second is its pause before reconnecting.
            return Poll::Ready(Some("retry: 1000\n\n".into()));
        }
        let (step, follower) = ready!(self.next.as_mut().poll(cx));
        let app = Arc::clone(&self.slot.holder().0);
        let (chunk, next): (_, Pin<Box<dyn Future<Output = _> + Send>>) = match step {
            Step::Piece(piece) => (Some(piece.into()), Box::pin(self::step(app, follower))),
            Step::Gone { oldest } => {
                let line = format!(
                    "event: gone\ndata: {{\"code\":\"history-gone\",\"oldest\":{oldest}}}\n\n"
                );
                (
                    Some(line.into_bytes().into()),
                    Box::pin(std::future::ready((Step::End, follower))),
                )
            }
            Step::End => (None, Box::pin(std::future::ready((Step::End, follower)))),
        };
        self.next = next;
        Poll::Ready(chunk)
    }
}
