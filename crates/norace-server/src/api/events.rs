//! The stream of order events as server-sent events.
//!
//! A stream holds a position and nothing else: it pulls the next events from the engine's log when hyper has room for
//! them, so a slow reader costs no memory, and one that falls behind the log's retention is told so and cut off. The
//! position is the id of each event, so a client that reconnects with `Last-Event-ID` goes on without a gap.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use hyper::Method;
use norace_engine::{EventLog, HistoryGone, OrderEvent};
use norace_prim::sync::Arc;

use super::{App, Call, write};
use crate::body::Chunk;
use crate::metrics::{Entered, Gauge};
use crate::problem::{Code, Member, Problem};
use crate::reply::{Refused, Reply};
use crate::wire::query::Params;
use crate::wire::{Refusal, header};

/// Events in one piece of a stream; the next are read when this is on its way.
const PIECE: usize = 256;

/// `GET /v1/events`.
pub(super) fn follow(call: &Call<'_>) -> Result<Reply, Refused> {
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
    let log = app.engine.events().clone();
    if let Err(HistoryGone { oldest }) = log.read_after(after, 1) {
        let detail = format!("events are kept only after position {oldest}");
        return Err(Problem::new(Code::HistoryGone, detail).with(Member::Oldest(oldest)).into());
    }
    let Some(slot) = Entered::new(Slot(Arc::clone(app)), app.live.hot.load().server.streams_max)
    else {
        return Err(Problem::new(Code::Overloaded, "too many event streams are open").into());
    };
    if call.parts.method == Method::HEAD {
        return Ok(Reply::Events { sequence, stream: None });
    }
    let stream = EventStream {
        next: Box::pin(step(Arc::clone(app), log.clone(), after)),
        greeted: false,
        log,
        after,
        slot,
    };
    Ok(Reply::Events { sequence, stream: Some(Box::new(stream)) })
}

/// The gauge of open streams, held by each of them.
struct Slot(Arc<App>);

impl AsRef<Gauge> for Slot {
    fn as_ref(&self) -> &Gauge {
        &self.0.metrics.streams
    }
}

/// A stream of events behind one position.
pub(crate) struct EventStream {
    next: Pin<Box<dyn Future<Output = Step> + Send>>,
    greeted: bool,
    log: EventLog,
    after: u64,
    slot: Entered<Slot>,
}

impl fmt::Debug for EventStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream").field("after", &self.after).finish_non_exhaustive()
    }
}

/// What there is to send next.
enum Step {
    Events(Vec<OrderEvent>),
    /// Nothing happened for a while.
    Quiet,
    /// The reader fell behind the log.
    Gone(HistoryGone),
    /// The server or the engine stops.
    End,
}

async fn step(app: Arc<App>, log: EventLog, after: u64) -> Step {
    loop {
        match log.read_after(after, PIECE) {
            Ok(events) if events.is_empty() => {}
            Ok(events) => return Step::Events(events),
            Err(gone) => return Step::Gone(gone),
        }
        let heartbeat = app.live.hot.load().server.heartbeat;
        norace::select! {
            _ = app.stopping.cancelled() => return Step::End,
            more = log.changed_after(after) => if !more { return Step::End },
            _ = norace::time::sleep(heartbeat) => return Step::Quiet,
        }
    }
}

impl EventStream {
    /// The next piece; none when the stream has ended.
    pub(crate) fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Chunk>> {
        if !std::mem::replace(&mut self.greeted, true) {
            // Sent at once, so that the client knows that it is connected; one second is its pause before reconnecting.
            return Poll::Ready(Some("retry: 1000\n\n".into()));
        }
        let app = &self.slot.holder().0;
        let mut out;
        match ready!(self.next.as_mut().poll(cx)) {
            Step::Events(events) => {
                out = app.buffers.body(events.len() * 192);
                for event in &events {
                    write::event(&mut out, event);
                    self.after = event.sequence;
                }
                app.metrics.events_sent.add(events.len() as u64);
            }
            Step::Quiet => {
                out = app.buffers.body(0);
                out.extend_from_slice(b": still here\n\n");
            }
            Step::Gone(HistoryGone { oldest }) => {
                self.next = Box::pin(std::future::ready(Step::End));
                let line = format!(
                    "event: gone\ndata: {{\"code\":\"history-gone\",\"oldest\":{oldest}}}\n\n"
                );
                return Poll::Ready(Some(line.into_bytes().into()));
            }
            Step::End => {
                self.next = Box::pin(std::future::ready(Step::End));
                return Poll::Ready(None);
            }
        }
        self.next = Box::pin(step(Arc::clone(app), self.log.clone(), self.after));
        Poll::Ready(Some(out.into()))
    }
}
