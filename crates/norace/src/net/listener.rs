//! A socket that takes connections.

use super::TcpStream;
use crate::rt::readiness::Direction;
use crate::rt::source::{Source, operation};
use norace_prim::probe::{self, Site};
use std::future::Future;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::task::{Context, Poll, ready};

/// Takes TCP connections.
///
/// Dropping it stops listening; connections that were not accepted yet are reset.
#[derive(Debug)]
pub struct TcpListener {
    source: Source<mio::net::TcpListener>,
}

impl TcpListener {
    /// Listens on the first of `addresses` that works; port 0 picks a free one.
    ///
    /// The address may be taken over at once from a process that has ended (`SO_REUSEADDR`). Resolving a host name
    /// blocks: give a socket address, or call it before the work begins.
    ///
    /// # Errors
    ///
    /// When no address can be listened on, and outside a runtime.
    #[cfg_attr(norace, track_caller)]
    pub fn bind(addresses: impl ToSocketAddrs) -> io::Result<Self> {
        probe::refuse("open a socket");
        let mut last = None;
        for address in addresses.to_socket_addrs()? {
            match mio::net::TcpListener::bind(address) {
                Ok(listener) => return Ok(Self { source: Source::new(listener)? }),
                Err(error) => last = Some(error),
            }
        }
        let none = || io::Error::new(io::ErrorKind::InvalidInput, "listen: no address was given");
        Err(last.unwrap_or_else(none))
    }

    /// Takes over a listening socket of the standard library.
    ///
    /// # Errors
    ///
    /// When it cannot be made non-blocking, and outside a runtime.
    #[cfg_attr(norace, track_caller)]
    pub fn from_std(listener: std::net::TcpListener) -> io::Result<Self> {
        probe::refuse("open a socket");
        listener.set_nonblocking(true)?;
        Ok(Self { source: Source::new(mio::net::TcpListener::from_std(listener))? })
    }

    /// Waits for the next connection.
    ///
    /// Cancel safe: a connection is taken only by a call that returns it.
    ///
    /// # Errors
    ///
    /// An error may concern this connection alone (the peer gave up: [`io::ErrorKind::ConnectionAborted`]) or pass (no
    /// file descriptors left). The listener stays usable, so accept again: at once in the first case, after a pause in
    /// the second, where the connection stays queued and the call would fail again at once.
    #[track_caller]
    pub fn accept(&self) -> impl Future<Output = io::Result<(TcpStream, SocketAddr)>> + use<'_> {
        operation(Site::here(), |cx| self.poll_accept(cx))
    }

    /// As [`accept`](Self::accept), for hand-written futures.
    pub fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        let accepted = self.source.poll(Direction::Read, cx, mio::net::TcpListener::accept);
        let (stream, peer) = ready!(accepted)?;
        Poll::Ready(TcpStream::new(stream).map(|stream| (stream, peer)))
    }

    /// The address it listens on.
    ///
    /// # Errors
    ///
    /// When the operating system does not tell.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.source.io().local_addr()
    }
}
