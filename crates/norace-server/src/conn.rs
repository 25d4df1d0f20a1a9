//! One connection: hyper's HTTP/1.1 state machine on the kit's socket, watched by the clock.
//!
//! One task owns the connection. Inside it three parts take turns and share a [`Pace`]: the [`Io`] under hyper notes
//! when bytes come and when writing is stuck, the service on top notes when a request begins and when its answer is
//! ready, and the task's own loop ends the connection when whatever it waits for takes too long.
//!
//! **Ending.** In this order, each step only after the one before:
//! 1. hyper ends (answered with `Connection: close`, end of input, bad HTTP, drained at shutdown), or time runs out, or
//!    the server's patience with a shutdown does.
//! 2. A request whose head came too slowly is told so with 408; nothing else is written by the task itself.
//! 3. The sending side is shut down, so that the client sees the end of the answer.
//! 4. The receiving side is read to its end for a short while. Closing a socket with unread input resets it, and a
//!    reset can overtake the answer: a client that still sends its oversized body would never see the 413.
//! 5. The socket closes with the task's last reference.

mod io;
mod pace;

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::net::{IpAddr, Shutdown};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use hyper::body::{Body as _, Incoming};
use hyper::header::{CONNECTION, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use norace::context::Context as Scope;
use norace::net::TcpStream;
use norace::time::{Sleep, sleep_until, timeout};
use norace_prim::sync::Arc;
use norace_prim::time::{Duration, Instant};

use crate::api::{App, Call, answer};
use crate::body::Body;
use crate::limits::Verdict;
use crate::metrics::{Entered, Gauge};
use crate::problem::{Code, Member, Problem};
use crate::reply::{Refused, Reply, Surroundings, render};
use crate::router::{Found, ROUTES, find};
use crate::wire::header;

use io::Io;
use pace::{Late, Pace};

/// A body that nobody wanted and that is longer than this ends the connection, which is cheaper than reading it.
const SKIPPED_BYTES: u64 = 64 << 10;
/// How long a closing connection is read, so that its last answer is not lost to a reset.
const LINGER: Duration = Duration::from_secs(2);
/// How much of it is read.
const LINGER_BYTES: usize = 32 << 20;

/// The gauge of open connections, held by each of them.
pub(crate) struct Slot(pub(crate) Arc<App>);

impl AsRef<Gauge> for Slot {
    fn as_ref(&self) -> &Gauge {
        &self.0.metrics.connections
    }
}

/// How a connection came to its end.
enum End {
    Hyper(hyper::Result<()>),
    Late(Late),
    Forced,
}

/// Serves `stream` until it ends, or until `force` is cancelled.
pub(crate) async fn serve(
    slot: Entered<Slot>,
    (stream, client): (TcpStream, IpAddr),
    force: Scope,
) {
    let app = &slot.holder().0;
    let stream = Arc::new(stream);
    let pace = Arc::new(Pace::new(&app.live.hot.load().server));
    let io = Io::new(Arc::clone(&stream), Arc::clone(&pace), Arc::clone(app));
    let service = service_fn(|request| handle(app, &pace, client, request));
    let connection = pin!(builder(app).serve_connection(io, service));
    let end = drive(connection, &pace, &app.stopping, &force).await;
    match end {
        End::Hyper(result) => {
            if result.is_err_and(|error| error.is_parse()) {
                app.metrics.bad_http.add(1);
            }
        }
        End::Late(late) => {
            app.metrics.connections_timed_out.add(1);
            if late == Late::Head {
                refuse(app, &stream, Code::RequestTimeout, "the request did not arrive in time")
                    .await;
            }
            if late == Late::Reader {
                return;
            }
        }
        End::Forced => return,
    }
    if !pace.ended() && !app.stopping.is_cancelled() {
        // The outcome does not matter: the client has its answer or does not want it.
        let _ = force.run(linger(&stream)).await;
    }
}

fn builder(app: &App) -> http1::Builder {
    let config = &app.live.hot.load().server;
    let mut builder = http1::Builder::new();
    builder
        // A client may shut down its sending side behind its request and still read the answer.
        .half_close(true)
        .max_headers(config.headers_max)
        .max_header_size(config.head_bytes_max)
        .max_buf_size(config.head_bytes_max.max(64 << 10))
        // The loop below keeps the time; hyper's own timer would cost an allocation and a registration per request.
        .header_read_timeout(None);
    // Without `pipeline_flush`: it holds an answer back while any input is left over, and a client that ends its
    // request with a stray line break, or has sent half of the next one, would wait for ever.
    builder
}

/// Polls the connection, the shutdown and the clock until one of them ends it.
async fn drive<C>(mut connection: Pin<&mut C>, pace: &Pace, stopping: &Scope, force: &Scope) -> End
where
    C: Future<Output = hyper::Result<()>> + Drain,
{
    let mut stop = pin!(stopping.cancelled());
    let mut forced = pin!(force.cancelled());
    let mut stopped = false;
    let mut timer = sleep_until(pace.first_deadline());
    poll_fn(|cx| {
        if !stopped && stop.as_mut().poll(cx).is_ready() {
            stopped = true;
            connection.as_mut().drain();
        }
        if let Poll::Ready(result) = connection.as_mut().poll(cx) {
            return Poll::Ready(End::Hyper(result));
        }
        // The force comes after the stop, so there is no need to listen to both.
        if stopped && forced.as_mut().poll(cx).is_ready() {
            return Poll::Ready(End::Forced);
        }
        poll_late(&mut timer, pace, cx).map(End::Late)
    })
    .await
}

/// Ready when what the connection waits for is late.
///
/// The timer is moved only when the deadline comes nearer, or when it has gone off too early: a busy connection
/// pushes its deadline away with every request and touches the timer queue once per idle time-out.
fn poll_late(timer: &mut Sleep, pace: &Pace, cx: &mut Context<'_>) -> Poll<Late> {
    let Some((deadline, late)) = pace.deadline() else { return Poll::Pending };
    if deadline < timer.deadline() {
        timer.reset(deadline);
    }
    while Pin::new(&mut *timer).poll(cx).is_ready() {
        if deadline <= Instant::now() {
            return Poll::Ready(late);
        }
        timer.reset(deadline);
    }
    Poll::Pending
}

/// What `drive` asks of hyper's connection beside polling it.
trait Drain {
    /// Closes the connection when it is idle, else after the answer under way.
    fn drain(self: Pin<&mut Self>);
}

impl<S> Drain for http1::Connection<Io, S>
where
    S: hyper::service::HttpService<Incoming, ResBody = Body>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    fn drain(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

/// Answers one request.
async fn handle(
    app: &Arc<App>,
    pace: &Pace,
    client: IpAddr,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let arrived = pace.begin();
    let _in_flight = app.metrics.in_flight.enter(usize::MAX);
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    let length = body.size_hint().upper();
    let mut body_read = body.is_end_stream();
    let host = header::check_host(parts.version, &parts.headers);
    let ambiguous = host.is_err();
    let (caller, verdict) = app.judge(&parts.headers, client, path);
    let denied = verdict.as_ref().is_some_and(Verdict::is_denied);
    let (route, reply) = match (host, find(&parts.method, path)) {
        (Err(refusal), _) => {
            app.metrics.bad_http.add(1);
            (ROUTES.len(), Err(refusal.into()))
        }
        (Ok(()), Found::Route { index, .. }) if denied => {
            let refusal = Problem::new(Code::RateLimited, "a limit on requests is reached");
            (index, Err(refusal.into()))
        }
        (Ok(()), Found::Route { index, id }) => {
            let endpoint = ROUTES[index].endpoint;
            let reply = match endpoint.admit(caller) {
                Ok(caller) => {
                    let body_read = &mut body_read;
                    let call = Call { app, parts: &parts, id, arrived, body, caller, body_read };
                    answer(endpoint, call).await
                }
                Err(problem) => Err(problem.into()),
            };
            (index, reply)
        }
        (Ok(()), other) => (ROUTES.len(), lost(other)),
    };
    let around = Surroundings {
        durable: app.engine.durable_sequence(),
        versioned: path.starts_with("/v1/"),
        retry_after: app.live.hot.load().server.retry_after_seconds(),
    };
    let mut response = render(reply, around, &app.buffers);
    if let Some(verdict) = &verdict {
        verdict.tell(response.headers_mut());
    }
    let skipped = || length.is_some_and(|length| length <= SKIPPED_BYTES);
    let unread = !body_read && (response.status() == StatusCode::REQUEST_TIMEOUT || !skipped());
    if ambiguous || unread {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    let now = pace.answered();
    app.metrics.answered(route, response.status(), now.saturating_duration_since(arrived));
    Ok(response)
}

/// Refuses a request that has no route.
fn lost(found: Found<'_>) -> Result<Reply, Refused> {
    Err(match found {
        Found::OtherMethod { allow } => {
            Problem::new(Code::MethodNotAllowed, "this target does not take this method")
                .with(Member::Allow(allow))
        }
        Found::Nothing | Found::Route { .. } => Problem::new(Code::NotFound, "no such target"),
    }
    .into())
}

/// Writes a whole answer that hyper has no part in; what the client does not take in time is lost.
pub(crate) async fn refuse(app: &App, stream: &TcpStream, code: Code, detail: &'static str) {
    let mut answer = Vec::with_capacity(512);
    io::write_refusal(
        &mut answer,
        &Problem::new(code, detail),
        app.live.hot.load().server.retry_after_seconds(),
    );
    let _ = timeout(LINGER, stream.write_all(&answer)).await;
    let _ = stream.shutdown(Shutdown::Write);
}

/// Reads and drops what the client still sends, until it ends, fails or takes too long.
pub(crate) async fn linger(stream: &TcpStream) {
    let drain = async {
        let mut scratch = [0; 4096];
        let mut left = LINGER_BYTES;
        while let Ok(count @ 1..) = stream.read(&mut scratch).await {
            left = left.saturating_sub(count);
            if left == 0 {
                break;
            }
        }
    };
    let _ = timeout(LINGER, drain).await;
}
