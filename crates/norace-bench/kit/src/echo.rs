//! TCP on loopback: clients that send 100 bytes and wait for them to come back.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::runtimes::Runtime;

const CLIENT_THREADS: u64 = 2;
const BYTES: usize = 100;

/// Exchanges of one pass, each of which has come back as it was sent.
pub async fn norace<R: Runtime>(connections: u64) -> u64 {
    let listener = norace::net::TcpListener::bind("127.0.0.1:0").expect("loopback");
    let address = listener.local_addr().expect("it is bound");
    let clients = thread::spawn(move || clients(address, connections));
    for _ in 0..connections {
        let (stream, _) = listener.accept().await.expect("a client");
        drop(norace::task::spawn(async move {
            stream.set_nodelay(true).expect("TCP");
            let mut buffer = [0; BYTES];
            while stream.read_exact(&mut buffer).await.is_ok() {
                stream.write_all(&buffer).await.expect("the client waits");
            }
        }));
    }
    until::<R>(clients).await
}

/// As [`norace`].
pub async fn tokio<R: Runtime>(connections: u64) -> u64 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let address = listener.local_addr().expect("it is bound");
    let clients = thread::spawn(move || clients(address, connections));
    for _ in 0..connections {
        let (mut stream, _) = listener.accept().await.expect("a client");
        drop(tokio::spawn(async move {
            stream.set_nodelay(true).expect("TCP");
            let mut buffer = [0; BYTES];
            while stream.read_exact(&mut buffer).await.is_ok() {
                stream.write_all(&buffer).await.expect("the client waits");
            }
        }));
    }
    until::<R>(clients).await
}

async fn until<R: Runtime>(clients: thread::JoinHandle<u64>) -> u64 {
    while !clients.is_finished() {
        R::sleep(Duration::from_millis(1)).await;
    }
    clients.join().expect("clients do not panic")
}

/// Threads with a share of the connections each: one message on every connection, then one answer from each.
fn clients(address: SocketAddr, connections: u64) -> u64 {
    let rounds = 20_000 / connections;
    let threads: Vec<_> = (0..CLIENT_THREADS)
        .map(|_| {
            thread::spawn(move || {
                let connect = |_| TcpStream::connect(address).expect("the server listens");
                let mut streams: Vec<_> = (0..connections / CLIENT_THREADS).map(connect).collect();
                streams.iter().for_each(|stream| stream.set_nodelay(true).expect("TCP"));
                for round in 0..rounds {
                    let sent = [round as u8; BYTES];
                    streams.iter_mut().for_each(|it| it.write_all(&sent).expect("it reads"));
                    for stream in &mut streams {
                        let mut back = [0; BYTES];
                        stream.read_exact(&mut back).expect("it answers");
                        assert_eq!(back, sent);
                    }
                }
                rounds * streams.len() as u64
            })
        })
        .collect();
    threads.into_iter().map(|thread| thread.join().expect("it does not panic")).sum()
}
