//! A limit per key in front of an axum service, on tokio's runtime.
//!
//! Observe: the third request of a key is answered with 429 and when to come back, and never reaches the handler; other
//! keys are not concerned, and who has no key is not limited. A quota that is changed is told from the next answer on.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use axum::{Router, extract::Request, routing::get};
use norace::limit::{Keyed, Layer, Quota};

/// The status and the headers of a limit, as a client sees them.
fn ask(address: SocketAddr, key: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("the service listens");
    let request = format!(
        "GET / HTTP/1.1\r\nhost: localhost\r\nx-api-key: {key}\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers with text");
    let told = |line: &&str| {
        ["HTTP/", "ratelimit", "retry-after"].iter().any(|name| line.starts_with(name))
    };
    answer.lines().filter(told).collect::<Vec<_>>().join(", ")
}

#[tokio::main]
async fn main() {
    let two = Quota::per_minute(2).expect("a quota");
    let limits = Arc::new(Keyed::new(two, 100_000));
    let asked = Arc::clone(&limits);
    let layer = Layer::new("per-key", move |request: &Request| {
        let key = request.headers().get("x-api-key")?.to_str().ok()?;
        (!key.is_empty()).then(|| (asked.quota_of(key), asked.check(key)))
    });
    let layer = layer.expect("a name of visible ASCII");
    let service = Router::new().route("/", get(|| async { "hello\n" })).layer(layer);

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(async move { axum::serve(listener, service).await });

    let client = tokio::task::spawn_blocking(move || {
        for key in ["ann", "ann", "ann", "bob", ""] {
            println!("{key:>3}: {}", ask(address, key));
        }
        let refused = ask(address, "ann");
        assert!(refused.contains("429") && refused.contains("retry-after: "), "{refused}");
        assert!(!ask(address, "").contains("ratelimit"), "it has no key");
        let more = Quota::per_minute(100).expect("a quota");
        limits.set_quota(more).expect("a rate becomes another rate");
        // What was admitted stays counted, in the time that it was to take: another key sees the difference at once.
        let told = ask(address, "eve");
        assert!(told.contains("200") && told.contains("q=100;w=60"), "{told}");
        println!("eve: {told}");
    });
    client.await.expect("the client does not panic");
}
