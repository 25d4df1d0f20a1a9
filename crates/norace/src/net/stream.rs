//! A connection.

use crate::rt::readiness::Direction;
use crate::rt::source::{Source, operation};
use norace_prim::probe::{self, Site};
use std::future::Future;
use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::task::{Context, Poll, ready};

/// A TCP connection.
///
/// Dropping it closes both directions. To say "no more from me" and still read what the peer has to say, use
/// [`shutdown`](Self::shutdown) with [`Shutdown::Write`].
///
/// Share it between a reading and a writing task in an `Arc`.
#[derive(Debug)]
pub struct TcpStream {
    source: Source<mio::net::TcpStream>,
}

impl TcpStream {
    pub(super) fn new(stream: mio::net::TcpStream) -> io::Result<Self> {
        Ok(Self { source: Source::new(stream)? })
    }

    /// Connects to `address`.
    ///
    /// Cancel safe: dropping the future closes the socket. There is no time-out beyond the operating system's; see
    /// [`time::timeout`](crate::time::timeout).
    ///
    /// # Errors
    ///
    /// When the peer refuses or cannot be reached, and outside a runtime.
    #[track_caller]
    pub fn connect(address: SocketAddr) -> impl Future<Output = io::Result<Self>> {
        probe::refuse("open a socket");
        let site = Site::here();
        async move {
            let stream = Self::new(mio::net::TcpStream::connect(address)?)?;
            operation(site, |cx| stream.source.poll(Direction::Write, cx, is_connected)).await?;
            Ok(stream)
        }
    }

    /// Takes over a connection of the standard library.
    ///
    /// # Errors
    ///
    /// When it cannot be made non-blocking, and outside a runtime.
    #[cfg_attr(norace, track_caller)]
    pub fn from_std(stream: std::net::TcpStream) -> io::Result<Self> {
        probe::refuse("open a socket");
        stream.set_nonblocking(true)?;
        Self::new(mio::net::TcpStream::from_std(stream))
    }

    /// Reads what there is, at most `buffer`, and waits while there is nothing; 0 when the peer has ended its side.
    ///
    /// Cancel safe: bytes are taken only by a call that returns their number.
    ///
    /// # Errors
    ///
    /// When the connection has failed.
    #[track_caller]
    pub fn read<'a>(
        &'a self,
        buffer: &'a mut [u8],
    ) -> impl Future<Output = io::Result<usize>> + use<'a> {
        operation(Site::here(), move |cx| self.poll_read(cx, buffer))
    }

    /// Fills `buffer`.
    ///
    /// Not cancel safe: what was read before the future is dropped is in the buffer, but nobody knows how much.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::UnexpectedEof`] when the peer ends its side first, and when the connection has failed.
    #[track_caller]
    pub fn read_exact<'a>(
        &'a self,
        buffer: &'a mut [u8],
    ) -> impl Future<Output = io::Result<()>> + use<'a> {
        let site = Site::here();
        async move {
            let mut filled = 0;
            while filled < buffer.len() {
                let rest = &mut buffer[filled..];
                match operation(site, |cx| self.poll_read(cx, rest)).await? {
                    0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                    read => filled += read,
                }
            }
            Ok(())
        }
    }

    /// Writes what fits, at most `bytes`, and waits while nothing fits; how much was written.
    ///
    /// Cancel safe: bytes are sent only by a call that returns their number.
    ///
    /// # Errors
    ///
    /// When the connection has failed.
    #[track_caller]
    pub fn write<'a>(
        &'a self,
        bytes: &'a [u8],
    ) -> impl Future<Output = io::Result<usize>> + use<'a> {
        operation(Site::here(), move |cx| self.poll_write(cx, bytes))
    }

    /// Writes all of `bytes`.
    ///
    /// Not cancel safe: when the future is dropped, nobody knows how much was written.
    ///
    /// # Errors
    ///
    /// When the connection has failed.
    #[track_caller]
    pub fn write_all<'a>(
        &'a self,
        bytes: &'a [u8],
    ) -> impl Future<Output = io::Result<()>> + use<'a> {
        let site = Site::here();
        async move {
            let mut written = 0;
            while written < bytes.len() {
                match operation(site, |cx| self.poll_write(cx, &bytes[written..])).await? {
                    0 => return Err(io::ErrorKind::WriteZero.into()),
                    n => written += n,
                }
            }
            Ok(())
        }
    }

    /// As [`read`](Self::read), for hand-written futures.
    pub fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let wanted = buffer.len();
        self.source.poll_bytes(Direction::Read, cx, wanted, |mut stream| stream.read(buffer))
    }

    /// As [`write`](Self::write), for hand-written futures.
    pub fn poll_write(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let wanted = bytes.len();
        self.source.poll_bytes(Direction::Write, cx, wanted, |mut stream| stream.write(bytes))
    }

    /// As [`write`](Self::write), from several buffers at once, for hand-written futures.
    pub fn poll_write_vectored(
        &self,
        cx: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // Fewer bytes than wanted do not mean a full socket: one call takes only so many buffers.
        self.source.poll(Direction::Write, cx, |mut stream| stream.write_vectored(buffers))
    }

    /// Waits until a read would find bytes or the peer's end, without taking any, for hand-written futures.
    pub fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let peeked = self.source.poll(Direction::Read, cx, |stream| stream.peek(&mut [0]));
        ready!(peeked)?;
        Poll::Ready(Ok(()))
    }

    /// Ends one or both directions: the peer reads the end once it has read what was sent before.
    ///
    /// # Errors
    ///
    /// When the connection is not up any more.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.source.io().shutdown(how)
    }

    /// Whether small writes are sent at once (`TCP_NODELAY`) instead of being gathered.
    ///
    /// # Errors
    ///
    /// When the operating system refuses.
    pub fn set_nodelay(&self, on: bool) -> io::Result<()> {
        self.source.io().set_nodelay(on)
    }

    /// The address of the other side.
    ///
    /// # Errors
    ///
    /// When the connection is not up any more.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.source.io().peer_addr()
    }

    /// The address of this side.
    ///
    /// # Errors
    ///
    /// When the operating system does not tell.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.source.io().local_addr()
    }
}

/// Whether a connection that was begun is up; would block while it is being made.
fn is_connected(stream: &mio::net::TcpStream) -> io::Result<()> {
    if let Some(error) = stream.take_error()? {
        return Err(error);
    }
    match stream.peer_addr() {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotConnected => {
            Err(io::ErrorKind::WouldBlock.into())
        }
        Err(error) => Err(error),
    }
}
