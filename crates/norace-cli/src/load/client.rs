//! One keep-alive connection to the server, and the patience to use it again after it broke.
//!
//! hyper's HTTP/1.1 client on the kit's sockets. Connection and request are polled by the same task: no hand-over
//! between tasks, so a request costs one wake-up. Every call may be sent again at any time, because it names what it
//! creates by id or idempotency key; [`Client::call`] does so after a lost connection, a time-out or a "not now" (429,
//! 503), with a bounded, randomised exponential back-off. What it returns is therefore an answer or the end of its
//! patience.
//!
//! **Cancel safety:** a dropped call leaves the connection in the middle of an exchange; the next call opens a new one.

use std::error::Error;
use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::pin::{Pin, pin};
use std::task::{Context as TaskContext, Poll, ready};

use http_body_util::Full;
use hyper::body::{Body, Bytes, Incoming};
use hyper::client::conn::http1::{Connection, SendRequest, handshake};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, HeaderValue, RETRY_AFTER};
use hyper::{Method, Request, Response, Uri};
use norace::context::Context;
use norace::net::TcpStream;
use norace::time;
use norace_prim::time::{Duration, Instant};

use crate::failure::Failure;

/// Bytes of an answer; the largest array's answer has a fifth of it.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// How long a connection may take to open.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);

/// How long an exchange may take; the server waits for a final state for half of it.
const EXCHANGE_TIME_MAX: Duration = Duration::from_secs(60);

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The server, from the command line's URL.
#[derive(Debug)]
pub(crate) struct Target {
    address: SocketAddr,
    host: HeaderValue,
    /// The key, as the header has it.
    authorization: Option<HeaderValue>,
}

impl Target {
    pub(crate) fn new(address: SocketAddr) -> Self {
        let host =
            HeaderValue::from_str(&address.to_string()).expect("an address is visible ASCII");
        Self { address, host, authorization: None }
    }

    /// Reads `http://HOST[:PORT][/]` and looks the host up.
    ///
    /// # Errors
    ///
    /// Usage, when the URL is not of that form; unavailable, when the host has no address.
    pub(crate) fn from_url(url: &str) -> Result<Self, Failure> {
        let refused = |why: &str| {
            Failure::usage(format!("cannot use the URL {url}: {why}"))
                .hint("give the server as http://HOST:PORT, for example http://127.0.0.1:8080")
        };
        let uri: Uri = url.parse().map_err(|_| refused("it is not well-formed"))?;
        match uri.scheme_str() {
            Some("http") => {}
            Some("https") => return Err(refused("TLS is not supported yet")),
            _ => return Err(refused("it does not begin with http://")),
        }
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(refused("it has a path"));
        }
        let authority = uri.authority().ok_or_else(|| refused("it names no host"))?;
        if authority.as_str().contains('@') {
            return Err(refused("it holds credentials"));
        }
        let name = authority.host().trim_matches(['[', ']']);
        let port = authority.port_u16().unwrap_or(80);
        let unknown = || {
            let what = format!("cannot find the server {}", authority.as_str());
            Failure::new(crate::exit_code::ExitCode::Unavailable, what)
        };
        let mut found = (name, port).to_socket_addrs().map_err(|error| unknown().because(error))?;
        let address = found.next().ok_or_else(unknown)?;
        let host = HeaderValue::from_str(authority.as_str()).map_err(|_| refused("bad host"))?;
        Ok(Self { address, host, authorization: None })
    }

    /// With the key that the server asks for.
    ///
    /// # Errors
    ///
    /// Usage, when it is none that a header takes.
    pub(crate) fn with_key(self, key: &str) -> Result<Self, Failure> {
        let mut value = HeaderValue::from_str(&format!("Bearer {key}")).map_err(|_| {
            Failure::usage("cannot use the key in NORACE_KEY: it is no visible ASCII")
        })?;
        value.set_sensitive(true);
        Ok(Self { authorization: Some(value), ..self })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

/// A request that may be sent any number of times.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    method: Method,
    path: Uri,
    key: Option<HeaderValue>,
    body: Bytes,
}

impl Call {
    pub(crate) fn get(path: Uri) -> Self {
        Self { method: Method::GET, path, key: None, body: Bytes::new() }
    }

    pub(crate) fn post(path: Uri, body: impl Into<Bytes>) -> Self {
        Self { method: Method::POST, path, key: None, body: body.into() }
    }

    pub(crate) fn keyed(self, key: HeaderValue) -> Self {
        Self { key: Some(key), ..self }
    }

    fn request(&self, target: &Target) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.path.clone();
        let headers = request.headers_mut();
        headers.insert(HOST, target.host.clone());
        if let Some(authorization) = &target.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        if !self.body.is_empty() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        if let Some(key) = &self.key {
            headers.insert(IDEMPOTENCY_KEY, key.clone());
        }
        request
    }
}

/// Why an exchange brought no answer. Whether the server acted on it is unknown.
#[derive(Debug)]
pub(crate) enum ExchangeError {
    Connect(io::Error),
    ConnectTimedOut,
    Broken(hyper::Error),
    TimedOut,
    TooLarge,
}

impl fmt::Display for ExchangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(_) => f.write_str("connecting failed"),
            Self::ConnectTimedOut => write!(f, "connecting took over {CONNECT_TIME_MAX:?}"),
            Self::Broken(_) => f.write_str("the connection broke"),
            Self::TimedOut => write!(f, "no answer within {EXCHANGE_TIME_MAX:?}"),
            Self::TooLarge => write!(f, "an answer of over {ANSWER_BYTES_MAX} bytes"),
        }
    }
}

impl Error for ExchangeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Connect(error) => Some(error),
            Self::Broken(error) => Some(error),
            Self::ConnectTimedOut | Self::TimedOut | Self::TooLarge => None,
        }
    }
}

/// Why a call brought no answer however often it was sent.
#[derive(Debug)]
pub(crate) enum GaveUp {
    /// The run is being stopped.
    Stopped,
    /// The last of many exchanges failed like this.
    Unreachable(ExchangeError),
    /// The server said "not now" until patience ended; the last status.
    Busy(u16),
}

impl fmt::Display for GaveUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped => f.write_str("the run was stopped"),
            Self::Unreachable(_) => f.write_str("gave up after many tries"),
            Self::Busy(status) => write!(f, "the server kept answering {status}"),
        }
    }
}

impl Error for GaveUp {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unreachable(error) => Some(error),
            Self::Stopped | Self::Busy(_) => None,
        }
    }
}

/// Exponential back-off with a bound on tries and on time.
#[derive(Debug)]
pub(crate) struct Patience {
    since: Option<Instant>,
    tries: u32,
    tries_max: u32,
}

impl Patience {
    const PAUSE_MIN: Duration = Duration::from_millis(2);
    const PAUSE_MAX: Duration = Duration::from_secs(1);
    const TIME_MAX: Duration = Duration::from_secs(30);

    /// Patience for a server that was there a moment ago: half a minute, enough for a restart.
    pub(crate) fn long() -> Self {
        Self { since: None, tries: 0, tries_max: 1_000 }
    }

    /// No second try.
    pub(crate) fn none() -> Self {
        Self { since: None, tries: 0, tries_max: 0 }
    }

    /// How long to pause before the next try, or `None` when it is time to give up. The pause doubles with each try, is
    /// at least what the server asked for, and half of it is random, so that clients do not come back all at once.
    pub(crate) fn pause(&mut self, now: Instant, asked: Option<Duration>) -> Option<Duration> {
        let since = *self.since.get_or_insert(now);
        if self.tries >= self.tries_max || now.duration_since(since) > Self::TIME_MAX {
            return None;
        }
        let doubled = Self::PAUSE_MIN * 2u32.pow(self.tries.min(9));
        self.tries += 1;
        let pause = doubled.max(asked.unwrap_or_default()).min(Self::PAUSE_MAX);
        let half_us = u64::try_from(pause.as_micros() / 2).unwrap_or(u64::MAX);
        Some(pause / 2 + Duration::from_micros(norace_prim::rand::below(half_us.max(1))))
    }
}

/// A client with at most one connection.
#[derive(Debug)]
pub(crate) struct Client {
    target: norace_prim::sync::Arc<Target>,
    stop: Context,
    link: Option<Link>,
    /// The body of the last answer.
    pub(crate) body: Vec<u8>,
}

/// What stands before the body.
#[derive(Clone, Copy, Debug)]
struct Head {
    status: u16,
    retry_after: Option<Duration>,
}

impl Client {
    /// A client without a connection yet; cancelling `stop` ends the patience of its calls.
    pub(crate) fn new(target: norace_prim::sync::Arc<Target>, stop: Context) -> Self {
        Self { target, stop, link: None, body: Vec::new() }
    }

    /// Sends `call` until there is an answer other than "not now"; returns its status, and leaves its body in `body`.
    pub(crate) async fn call(
        &mut self,
        call: &Call,
        mut patience: Patience,
    ) -> Result<u16, GaveUp> {
        loop {
            let (gave_up, asked) = match self.exchange(call).await {
                Ok(Head { status: status @ (429 | 503), retry_after }) => {
                    (GaveUp::Busy(status), retry_after)
                }
                Ok(head) => return Ok(head.status),
                Err(error) => (GaveUp::Unreachable(error), None),
            };
            let Some(pause) = patience.pause(Instant::now(), asked) else { return Err(gave_up) };
            if self.stop.run(time::sleep(pause)).await.is_err() {
                return Err(GaveUp::Stopped);
            }
        }
    }

    /// Sends `call` once.
    async fn exchange(&mut self, call: &Call) -> Result<Head, ExchangeError> {
        let mut link = match self.link.take() {
            Some(link) if link.is_usable() => link,
            _ => Link::open(&self.target).await?,
        };
        let request = call.request(&self.target);
        let body = &mut self.body;
        let exchange = async {
            let head = link.exchange(request, body).await?;
            Ok((link, head))
        };
        let (link, head) = time::timeout(EXCHANGE_TIME_MAX, exchange)
            .await
            .unwrap_or(Err(ExchangeError::TimedOut))?;
        self.link = Some(link);
        Ok(head)
    }
}

type Driver = Pin<Box<Connection<Socket, Full<Bytes>>>>;

/// One open connection: hyper's sending half, and the half that has to be polled for anything to move.
struct Link {
    sender: SendRequest<Full<Bytes>>,
    driver: Option<Driver>,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("usable", &self.is_usable()).finish()
    }
}

impl Link {
    async fn open(target: &Target) -> Result<Self, ExchangeError> {
        let stream = time::timeout(CONNECT_TIME_MAX, TcpStream::connect(target.address))
            .await
            .map_err(|_| ExchangeError::ConnectTimedOut)?
            .map_err(ExchangeError::Connect)?;
        stream.set_nodelay(true).map_err(ExchangeError::Connect)?;
        let (sender, driver) =
            handshake(Socket::new(stream)).await.map_err(ExchangeError::Broken)?;
        Ok(Self { sender, driver: Some(Box::pin(driver)) })
    }

    fn is_usable(&self) -> bool {
        self.driver.is_some() && !self.sender.is_closed()
    }

    async fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
        body: &mut Vec<u8>,
    ) -> Result<Head, ExchangeError> {
        let Self { sender, driver } = self;
        let answered = driven(driver, sender.ready()).await;
        answered.map_err(ExchangeError::Broken)?;
        let answer = driven(driver, sender.send_request(request)).await;
        let answer = answer.map_err(ExchangeError::Broken)?;
        let head = head(&answer);
        body.clear();
        let mut incoming = answer.into_body();
        while let Some(piece) = driven(driver, next_piece(&mut incoming)).await {
            let piece = piece.map_err(ExchangeError::Broken)?;
            if body.len() + piece.len() > ANSWER_BYTES_MAX {
                return Err(ExchangeError::TooLarge);
            }
            body.extend_from_slice(&piece);
        }
        Ok(head)
    }
}

fn head(answer: &Response<Incoming>) -> Head {
    let seconds = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let retry_after = seconds.and_then(|text| text.parse().ok()).map(Duration::from_secs);
    Head { status: answer.status().as_u16(), retry_after }
}

/// The next data of a body; trailers are passed over.
async fn next_piece(incoming: &mut Incoming) -> Option<Result<Bytes, hyper::Error>> {
    loop {
        let frame = poll_fn(|cx| Pin::new(&mut *incoming).poll_frame(cx)).await?;
        match frame.map(hyper::body::Frame::into_data) {
            Ok(Ok(data)) => return Some(Ok(data)),
            Ok(Err(_trailers)) => {}
            Err(error) => return Some(Err(error)),
        }
    }
}

/// Polls the connection together with what waits for it. When the connection ends, hyper completes every future that
/// waits for it, so the wait ends too.
async fn driven<F: Future>(driver: &mut Option<Driver>, wait: F) -> F::Output {
    let mut wait = pin!(wait);
    poll_fn(|cx| {
        if let Some(connection) = driver
            && connection.as_mut().poll(cx).is_ready()
        {
            *driver = None;
        }
        wait.as_mut().poll(cx)
    })
    .await
}

/// The kit's socket as hyper wants it.
struct Socket {
    stream: TcpStream,
    /// hyper's read buffer may be uninitialised, the kit reads into initialised memory.
    buffer: Box<[u8]>,
}

impl Socket {
    const BUFFER_BYTES: usize = 16 << 10;

    fn new(stream: TcpStream) -> Self {
        Self { stream, buffer: vec![0; Self::BUFFER_BYTES].into() }
    }
}

impl hyper::rt::Read for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
        mut into: hyper::rt::ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let room = into.remaining().min(this.buffer.len());
        let read = ready!(this.stream.poll_read(cx, &mut this.buffer[..room]))?;
        into.put_slice(&this.buffer[..read]);
        Poll::Ready(Ok(()))
    }
}

impl hyper::rt::Write for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.stream.poll_write(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stream.poll_write_vectored(cx, slices)
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut TaskContext<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut TaskContext<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.stream.shutdown(std::net::Shutdown::Write))
    }
}

#[cfg(test)]
mod tests;
