//! Bodies in both directions: requests collected under a bound and a deadline, answers handed to hyper without copies.

use std::future::{Future as _, poll_fn};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body as _, Buf, Bytes, Frame, Incoming, SizeHint};
use norace_prim::time::Instant;

use crate::api::EventStream;
use crate::buffers::{Buffer, Buffers};
use crate::problem::{Code, Problem};
use crate::wire::fields::first_byte;

/// The bounds on one request's body.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Bytes of a body that is no array.
    pub(crate) one: usize,
    /// Bytes of an array; not below `one`.
    pub(crate) array: usize,
    /// When the last byte has to be here.
    pub(crate) deadline: Instant,
}

/// A request's body, whole.
#[derive(Debug)]
pub(crate) enum Collected {
    /// It came as one piece, which is not copied.
    Piece(Bytes),
    /// It came in several.
    Joined(Buffer),
}

impl AsRef<[u8]> for Collected {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Piece(bytes) => bytes,
            Self::Joined(bytes) => bytes,
        }
    }
}

/// Reads `body` to its end.
///
/// The bound depends on the first byte, since only that tells an array from an object. An announced length over every
/// bound is refused before a byte is read.
pub(crate) async fn collect(
    mut body: Incoming,
    bounds: Bounds,
    buffers: &Buffers,
) -> Result<Collected, Problem> {
    let announced = body.size_hint().lower();
    if announced > bounds.array as u64 {
        return Err(too_large(bounds.array));
    }
    let mut collected = Collected::Piece(Bytes::new());
    let mut max = bounds.one;
    let mut timer = None;
    loop {
        let frame = poll_fn(|cx| {
            if let Poll::Ready(frame) = Pin::new(&mut body).poll_frame(cx) {
                return Poll::Ready(Ok(frame));
            }
            // A timer is only made for a body that is not here yet.
            let timer =
                timer.get_or_insert_with(|| Box::pin(norace::time::sleep_until(bounds.deadline)));
            timer.as_mut().poll(cx).map(Err)
        });
        let piece = match frame.await {
            Err(_) => {
                return Err(Problem::new(Code::RequestTimeout, "the body did not arrive in time"));
            }
            Ok(None) => return Ok(collected),
            Ok(Some(Err(error))) => {
                return Err(Problem::new(
                    Code::Malformed,
                    format!("the body can't be read: {error}"),
                ));
            }
            // Trailers mean nothing here.
            Ok(Some(Ok(frame))) => frame.into_data().unwrap_or_default(),
        };
        if first_byte(&collected).is_none() && first_byte(&piece) == Some(b'[') {
            max = bounds.array;
        }
        if collected.as_ref().len() + piece.len() > max {
            return Err(too_large(max));
        }
        collected = match collected {
            Collected::Piece(first) if first.is_empty() => Collected::Piece(piece),
            Collected::Piece(first) => {
                let whole = usize::try_from(announced).unwrap_or(max).min(max);
                let mut joined = buffers.body(whole.max(first.len() + piece.len()));
                joined.extend_from_slice(&first);
                joined.extend_from_slice(&piece);
                Collected::Joined(joined)
            }
            Collected::Joined(mut joined) => {
                joined.extend_from_slice(&piece);
                Collected::Joined(joined)
            }
        };
    }
}

fn too_large(max: usize) -> Problem {
    Problem::new(Code::TooLarge, format!("the body is longer than {max} bytes"))
}

/// An answer's body.
#[derive(Debug)]
pub(crate) enum Body {
    Empty,
    Whole(Chunk),
    Events(Box<EventStream>),
}

impl hyper::body::Body for Body {
    type Data = Chunk;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Chunk>, io::Error>>> {
        let this = self.get_mut();
        match this {
            Self::Empty => Poll::Ready(None),
            Self::Whole(_) => match std::mem::replace(this, Self::Empty) {
                Self::Whole(chunk) => Poll::Ready(Some(Ok(Frame::data(chunk)))),
                Self::Empty | Self::Events(_) => Poll::Ready(None),
            },
            Self::Events(stream) => {
                stream.poll_chunk(cx).map(|chunk| chunk.map(|chunk| Ok(Frame::data(chunk))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Whole(chunk) => !chunk.has_remaining(),
            Self::Events(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Whole(chunk) => SizeHint::with_exact(chunk.remaining() as u64),
            Self::Events(_) => SizeHint::default(),
        }
    }
}

/// A piece of an answer; owns its memory as it is, where `Bytes` would put it behind another allocation.
#[derive(Debug)]
pub(crate) struct Chunk(io::Cursor<Piece>);

#[derive(Debug)]
enum Piece {
    Made(Vec<u8>),
    Lent(Buffer),
    Fixed(&'static [u8]),
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Made(bytes) => bytes,
            Self::Lent(bytes) => bytes,
            Self::Fixed(bytes) => bytes,
        }
    }
}

impl From<Vec<u8>> for Chunk {
    fn from(bytes: Vec<u8>) -> Self {
        Self(io::Cursor::new(Piece::Made(bytes)))
    }
}

impl From<Buffer> for Chunk {
    fn from(bytes: Buffer) -> Self {
        Self(io::Cursor::new(Piece::Lent(bytes)))
    }
}

impl From<&'static str> for Chunk {
    fn from(text: &'static str) -> Self {
        Self(io::Cursor::new(Piece::Fixed(text.as_bytes())))
    }
}

impl Buf for Chunk {
    fn remaining(&self) -> usize {
        self.0.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.0.chunk()
    }

    fn advance(&mut self, count: usize) {
        self.0.advance(count);
    }
}
