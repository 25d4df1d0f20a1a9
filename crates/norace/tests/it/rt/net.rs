//! TCP on loopback.

use super::support::{PATIENCE, runtime};
use norace::net::{Shutdown, TcpListener, TcpStream};
use norace::{task, time};
use std::io::{self, ErrorKind, IoSlice};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

fn listen() -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// A connected pair.
async fn pair() -> io::Result<(TcpStream, TcpStream)> {
    let (listener, address) = listen()?;
    let client = task::spawn(TcpStream::connect(address));
    let (server, peer) = listener.accept().await?;
    let client = client.await.map_err(io::Error::other)??;
    assert_eq!(client.local_addr()?, peer);
    assert_eq!(client.peer_addr()?, address);
    Ok((client, server))
}

/// Reads until the peer ends its side.
async fn read_to_end(stream: &TcpStream) -> io::Result<Vec<u8>> {
    let mut all = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer).await? {
            0 => return Ok(all),
            read => all.extend_from_slice(&buffer[..read]),
        }
    }
}

#[test]
fn an_echo_server_answers_after_the_client_has_closed_its_half() {
    runtime(2).block_on(async {
        let (client, server) = pair().await.unwrap();
        let echo = task::spawn(async move {
            let all = read_to_end(&server).await.unwrap();
            server.write_all(&all).await.unwrap();
            all.len()
        });
        let sent: Vec<u8> = (0..3_000_000u32).map(|n| n.to_le_bytes()[0]).collect();
        client.write_all(&sent).await.unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        assert_eq!(read_to_end(&client).await.unwrap(), sent);
        assert_eq!(echo.await.unwrap(), sent.len());
    });
}

#[test]
fn one_task_reads_while_another_one_writes() {
    runtime(2).block_on(async {
        let (client, server) = pair().await.unwrap();
        let client = Arc::new(client);
        let echo = task::spawn(async move {
            let mut buffer = [0; 1000];
            loop {
                match server.read(&mut buffer).await.unwrap() {
                    0 => break,
                    read => server.write_all(&buffer[..read]).await.unwrap(),
                }
            }
        });
        let writer = {
            let client = client.clone();
            task::spawn(async move {
                for n in 0..2000u32 {
                    client.write_all(&n.to_le_bytes()).await.unwrap();
                }
                client.shutdown(Shutdown::Write).unwrap();
            })
        };
        let all = read_to_end(&client).await.unwrap();
        let numbers = all.chunks(4).map(|n| u32::from_le_bytes(n.try_into().unwrap()));
        assert!(numbers.eq(0..2000));
        writer.await.unwrap();
        echo.await.unwrap();
    });
}

#[test]
fn hundreds_of_connections_are_served_at_once() {
    const CONNECTIONS: usize = 300;
    runtime(2).block_on(async {
        let (listener, address) = listen().unwrap();
        let server = task::spawn(async move {
            let mut served = Vec::new();
            for _ in 0..CONNECTIONS {
                let (stream, _) = listener.accept().await.unwrap();
                served.push(task::spawn(async move {
                    let mut request = [0; 8];
                    for _ in 0..10 {
                        stream.read_exact(&mut request).await.unwrap();
                        stream.write_all(&request).await.unwrap();
                    }
                }));
            }
            for connection in served {
                connection.await.unwrap();
            }
        });
        let clients: Vec<_> = (0..CONNECTIONS as u64)
            .map(|n| {
                task::spawn(async move {
                    let stream = TcpStream::connect(address).await.unwrap();
                    for round in 0..10 {
                        let sent = (n * 100 + round).to_le_bytes();
                        stream.write_all(&sent).await.unwrap();
                        let mut answer = [0; 8];
                        stream.read_exact(&mut answer).await.unwrap();
                        assert_eq!(answer, sent);
                    }
                })
            })
            .collect();
        for client in clients {
            client.await.unwrap();
        }
        server.await.unwrap();
    });
}

#[test]
fn descriptors_used_again_do_not_get_each_others_events() {
    runtime(2).block_on(async {
        for _ in 0..300 {
            let (client, server) = pair().await.unwrap();
            client.write_all(b"x").await.unwrap();
            drop(client);
            let mut byte = [0; 2];
            assert_eq!(server.read(&mut byte).await.unwrap(), 1);
            assert_eq!(server.read(&mut byte).await.unwrap(), 0);
        }
    });
}

#[test]
fn a_refused_connection_is_an_error() {
    runtime(1).block_on(async {
        let (listener, address) = listen().unwrap();
        drop(listener);
        let error = TcpStream::connect(address).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    });
}

#[test]
fn an_end_that_comes_with_the_last_bytes_is_seen_by_the_next_read() {
    runtime(2).block_on(async {
        for _ in 0..100 {
            let (client, server) = pair().await.unwrap();
            let reader = task::spawn(async move { read_to_end(&server).await.unwrap() });
            client.write_all(b"last words").await.unwrap();
            client.shutdown(Shutdown::Both).unwrap();
            assert_eq!(reader.await.unwrap(), b"last words");
        }
    });
}

#[test]
fn a_write_to_a_peer_that_is_gone_fails_and_does_not_hang() {
    runtime(2).block_on(async {
        let (client, server) = pair().await.unwrap();
        drop(server);
        let chunk = vec![0; 64 * 1024];
        let error = loop {
            if let Err(error) = client.write_all(&chunk).await {
                break error;
            }
        };
        assert!(
            matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset),
            "{error}"
        );
    });
}

#[test]
fn vectored_writes_arrive_in_order() {
    runtime(1).block_on(async {
        let (client, server) = pair().await.unwrap();
        client.set_nodelay(true).unwrap();
        let parts = [IoSlice::new(b"one "), IoSlice::new(b"two "), IoSlice::new(b"three")];
        let write = |cx: &mut std::task::Context<'_>| client.poll_write_vectored(cx, &parts);
        assert_eq!(std::future::poll_fn(write).await.unwrap(), 13);
        drop(client);
        assert_eq!(read_to_end(&server).await.unwrap(), b"one two three");
    });
}

#[test]
fn a_read_that_is_given_up_takes_no_bytes() {
    runtime(2).block_on(async {
        let (client, server) = pair().await.unwrap();
        let mut buffer = [0; 16];
        let limit = Duration::from_millis(2);
        assert!(time::timeout(limit, server.read(&mut buffer)).await.is_err());
        client.write_all(b"still here").await.unwrap();
        server.read_exact(&mut buffer[..10]).await.unwrap();
        assert_eq!(&buffer[..10], b"still here");
    });
}

#[test]
fn too_few_bytes_for_read_exact_are_an_unexpected_end() {
    runtime(2).block_on(async {
        let (client, server) = pair().await.unwrap();
        client.write_all(b"abc").await.unwrap();
        drop(client);
        let error = server.read_exact(&mut [0; 4]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    });
}

#[test]
fn an_address_in_use_is_an_error_and_no_address_as_well() {
    runtime(1).block_on(async {
        let (_listener, address) = listen().unwrap();
        assert_eq!(TcpListener::bind(address).unwrap_err().kind(), ErrorKind::AddrInUse);
        let none: &[SocketAddr] = &[];
        assert_eq!(TcpListener::bind(none).unwrap_err().kind(), ErrorKind::InvalidInput);
    });
}

#[test]
fn outside_a_runtime_opening_a_socket_fails() {
    let error = TcpListener::bind("127.0.0.1:0").unwrap_err();
    assert!(error.to_string().contains("neither a worker"), "{error}");
}

#[test]
fn a_socket_that_outlives_its_runtime_fails_instead_of_waiting() {
    let first = runtime(1);
    let (client, server) = first.block_on(pair()).unwrap();
    let other = runtime(1);
    let reader = other.spawn(async move { server.read(&mut [0; 4]).await });
    drop(first);
    let error = reader.join_blocking().unwrap().unwrap_err();
    assert!(error.to_string().contains("shut down"), "{error}");
    drop(client);
}

#[test]
fn a_socket_is_used_from_a_task_of_another_runtime() {
    let (first, second) = (runtime(1), runtime(1));
    let (client, server) = first.block_on(pair()).unwrap();
    let reader = second.spawn(async move { read_to_end(&server).await.unwrap() });
    first.block_on(async {
        client.write_all(b"across").await.unwrap();
        drop(client);
    });
    assert_eq!(reader.join_blocking().unwrap(), b"across");
}

#[test]
fn sockets_of_the_standard_library_are_taken_over() {
    runtime(1).block_on(async {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let listener = TcpListener::from_std(listener).unwrap();
        let client = std::net::TcpStream::connect(address).unwrap();
        let client = TcpStream::from_std(client).unwrap();
        let (server, _) = listener.accept().await.unwrap();
        client.write_all(b"hi").await.unwrap();
        let mut bytes = [0; 2];
        server.read_exact(&mut bytes).await.unwrap();
        assert_eq!(&bytes, b"hi");
    });
}

#[test]
fn readable_is_said_without_taking_bytes() {
    runtime(1).block_on(async {
        let (client, server) = pair().await.unwrap();
        client.write_all(b"k").await.unwrap();
        for _ in 0..2 {
            std::future::poll_fn(|cx| server.poll_readable(cx)).await.unwrap();
        }
        assert_eq!(server.read(&mut [0; 4]).await.unwrap(), 1);
    });
}

#[test]
fn a_vectored_write_of_more_buffers_than_fit_a_call_leaves_the_socket_writable() {
    runtime(1).block_on(async {
        let (client, server) = pair().await.unwrap();
        // Once the client has waited for a byte, every event of the time before has been seen.
        let mut byte = [0];
        assert!(time::timeout(Duration::ZERO, client.read(&mut byte)).await.is_err());
        server.write_all(b"a").await.unwrap();
        client.read_exact(&mut byte).await.unwrap();
        let parts = vec![IoSlice::new(b"x"); 5000];
        let write = std::future::poll_fn(|cx| client.poll_write_vectored(cx, &parts));
        let written = write.await.unwrap();
        assert!((1..=parts.len()).contains(&written));
        time::timeout(PATIENCE, client.write(b"y")).await.unwrap().unwrap();
    });
}
