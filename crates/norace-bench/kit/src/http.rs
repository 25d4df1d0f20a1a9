//! hyper's HTTP/1.1 server on the sockets of a runtime: clients that keep their connections ask for a number each time,
//! and get it back.

use std::convert::Infallible;
use std::future::Future;
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use norace::net::TcpStream;
use norace_bench_measure::usage::{self, Watch};
use norace_bench_measure::{Done, Run};

use crate::runtimes::{Norace, Runtime, Tokio};

const CLIENT_THREADS: u64 = 2;
/// Requests of one pass.
const REQUESTS: u64 = 20_000;
/// As hyper's own buffer is at first.
const READ_BYTES: usize = 8 << 10;

/// `http:CONNECTIONS`: requests; and what the server alone takes of the processors for each.
pub fn http(run: Run, contender: &str, connections: u64) -> Option<Done> {
    let Run { workers, limit } = run;
    Some(match contender {
        "norace" => Norace::run(workers, passes(limit, move || norace(connections))),
        "tokio" => Tokio::run(workers, passes(limit, move || tokio(connections))),
        _ => return None,
    })
}

/// What clients have had answered, and what that took them of the processors.
struct Answered {
    requests: u64,
    clients: Duration,
}

async fn passes<F: Future<Output = Answered>>(limit: Duration, pass: impl Fn() -> F) -> Done {
    pass().await;
    let (watch, mut requests, mut clients) = (Watch::start(), 0, Duration::ZERO);
    while requests == 0 || watch.wall() < limit {
        let answered = pass().await;
        (requests, clients) = (requests + answered.requests, clients + answered.clients);
    }
    let done = Done::timed(requests, &watch);
    let server = done.cpu_seconds - clients.as_secs_f64();
    done.with("server_ns", server * 1e9 / requests as f64)
}

async fn norace(connections: u64) -> Answered {
    let listener = norace::net::TcpListener::bind("127.0.0.1:0").expect("loopback");
    let answered = clients(listener.local_addr().expect("it is bound"), connections);
    for _ in 0..connections {
        let (stream, _) = listener.accept().await.expect("a client");
        stream.set_nodelay(true).expect("TCP");
        drop(norace::task::spawn(serve(Io { stream, read: [0; READ_BYTES] })));
    }
    answered.await
}

async fn tokio(connections: u64) -> Answered {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let answered = clients(listener.local_addr().expect("it is bound"), connections);
    for _ in 0..connections {
        let (stream, _) = listener.accept().await.expect("a client");
        stream.set_nodelay(true).expect("TCP");
        drop(tokio::spawn(serve(TokioIo::new(stream))));
    }
    answered.await
}

/// Serves a connection until its client ends it.
async fn serve(io: impl Read + Write + Unpin) {
    let mut builder = http1::Builder::new();
    // An answer is short: it is copied behind its head.
    let connection = builder.writev(false).serve_connection(io, service_fn(answer));
    connection.await.expect("nothing but requests comes");
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let asked = Bytes::copy_from_slice(request.uri().path().as_bytes());
    Ok(Response::new(Full::new(asked)))
}

/// Norace's socket as hyper sees it.
struct Io {
    stream: TcpStream,
    /// hyper's buffer is not initialised, so that without unsafe code the bytes take one copy.
    read: [u8; READ_BYTES],
}

impl Read for Io {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { stream, read } = self.get_mut();
        let room = buffer.remaining().min(READ_BYTES);
        let count = ready!(stream.poll_read(cx, &mut read[..room]))?;
        buffer.put_slice(&read[..count]);
        Poll::Ready(Ok(()))
    }
}

impl Write for Io {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.stream.poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // The client may have gone already, which is as good as shut down.
        let _ = self.stream.shutdown(Shutdown::Write);
        Poll::Ready(Ok(()))
    }
}

/// Starts threads with a share of the connections each; what came of them.
fn clients(address: SocketAddr, connections: u64) -> impl Future<Output = Answered> + Send {
    let (over, end) = async_channel::bounded(CLIENT_THREADS as usize);
    for _ in 0..CLIENT_THREADS {
        let over = over.clone();
        thread::spawn(move || {
            let requests = client(address, connections / CLIENT_THREADS, REQUESTS / connections);
            let answered = Answered { requests, clients: usage::thread_time() };
            over.send_blocking(answered).expect("the server waits for it");
        });
    }
    async move {
        let mut all = Answered { requests: 0, clients: Duration::ZERO };
        for _ in 0..CLIENT_THREADS {
            let part = end.recv().await.expect("clients do not panic");
            all.requests += part.requests;
            all.clients += part.clients;
        }
        all
    }
}

/// In each round a request on every connection, then the answer from each.
fn client(address: SocketAddr, connections: u64, rounds: u64) -> u64 {
    let connect = |_| std::net::TcpStream::connect(address).expect("the server listens");
    let mut streams: Vec<_> = (0..connections).map(connect).collect();
    streams.iter().for_each(|stream| stream.set_nodelay(true).expect("TCP"));
    let mut back = Vec::new();
    for round in 0..rounds {
        let asked = |at: usize| format!("/{:08}", round * connections + at as u64);
        for (at, stream) in streams.iter_mut().enumerate() {
            let request = format!("GET {} HTTP/1.1\r\nHost: bench\r\n\r\n", asked(at));
            stream.write_all(request.as_bytes()).expect("it reads");
        }
        for (at, stream) in streams.iter_mut().enumerate() {
            let asked = asked(at);
            if back.is_empty() {
                // All answers are as long as the first one.
                back = first(stream, asked.as_bytes());
            } else {
                stream.read_exact(&mut back).expect("it answers");
            }
            assert!(back.starts_with(b"HTTP/1.1 200 OK\r\n"), "it is not refused");
            assert!(back.ends_with(asked.as_bytes()), "it answers what was asked");
        }
    }
    rounds * connections
}

/// An answer whose length is not known, up to its body.
fn first(stream: &mut std::net::TcpStream, body: &[u8]) -> Vec<u8> {
    let mut back = Vec::new();
    while !back.ends_with(body) {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("it answers");
        back.extend(byte);
    }
    back
}
