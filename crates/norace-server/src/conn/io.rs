//! hyper's reading and writing on the kit's socket.
//!
//! Bad HTTP never reaches the service: hyper answers it with a bare head of its own (400, 414, 431) and closes. [`Io`]
//! sees that head on its way out and sends the same refusal as a problem document. It can't be mistaken for an answer
//! of the service, which has no empty answer with such a status.

use std::io;
use std::net::Shutdown;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use hyper::rt::{Read, ReadBufCursor, Write};
use norace::net::TcpStream;
use norace_prim::sync::Arc;

use super::pace::Pace;
use crate::api::App;
use crate::problem::{Code, Problem};
use crate::wire::json::Integer as _;

/// The socket as hyper sees it.
#[derive(Debug)]
pub(super) struct Io {
    stream: Arc<TcpStream>,
    pace: Arc<Pace>,
    app: Arc<App>,
    instead: Option<Instead>,
}

/// What is written in place of bytes that hyper wants to write.
#[derive(Debug)]
struct Instead {
    bytes: Vec<u8>,
    written: usize,
}

impl Io {
    pub(super) fn new(stream: Arc<TcpStream>, pace: Arc<Pace>, app: Arc<App>) -> Self {
        Self { stream, pace, app, instead: None }
    }

    fn poll_some_in(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let read = self.stream.poll_read(cx, buffer);
        match &read {
            Poll::Ready(Ok(count)) => self.pace.read(*count),
            // A broken connection leaves nothing to read either.
            Poll::Ready(Err(_)) => self.pace.read(0),
            Poll::Pending => self.pace.read_pending(),
        }
        read
    }

    fn poll_some(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let taken = self.stream.poll_write(cx, bytes);
        self.pace.wrote(taken.is_ready());
        taken
    }
}

impl Read for Io {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        // hyper's buffer is not initialised and this crate has no unsafe code, so the bytes take one copy, by way of a
        // buffer that is lent for this poll.
        let mut input = self.app.buffers.input();
        let bytes = input.bytes();
        let room = buffer.remaining().min(bytes.len());
        let count = ready!(self.poll_some_in(cx, &mut bytes[..room]))?;
        buffer.put_slice(&bytes[..count]);
        Poll::Ready(Ok(()))
    }
}

impl Write for Io {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.instead.is_none() {
            match bare_refusal(bytes) {
                None => return this.poll_some(cx, bytes),
                Some((start, code)) => this.instead = Some(Instead::of(&bytes[..start], code)),
            }
        }
        while let Some(instead) = &this.instead {
            let rest = &instead.bytes[instead.written..];
            if rest.is_empty() {
                this.instead = None;
                return Poll::Ready(Ok(bytes.len()));
            }
            let count = ready!(this.poll_some(cx, rest))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            if let Some(instead) = &mut this.instead {
                instead.written += count;
            }
        }
        Poll::Pending
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

impl Instead {
    /// What hyper has queued before its refusal, then the refusal as a document.
    fn of(before: &[u8], code: Code) -> Self {
        let detail = match code {
            Code::Malformed => "the request is no valid HTTP/1.1",
            _ => "the request's head is too large",
        };
        let mut bytes = before.to_vec();
        write_refusal(&mut bytes, &Problem::new(code, detail), 0);
        Self { bytes, written: 0 }
    }
}

/// Finds hyper's own refusal at the end of `bytes`: where its head starts, and as what it is sent instead.
fn bare_refusal(bytes: &[u8]) -> Option<(usize, Code)> {
    // An answer with a body seldom ends with an empty line, so almost every write leaves here.
    if !bytes.ends_with(b"\r\n\r\n") {
        return None;
    }
    const START: &[u8] = b"HTTP/1.1 4";
    let start = bytes.windows(START.len()).rposition(|window| window == START)?;
    let head = &bytes[start..];
    let code = match &head[9..12] {
        b"400" => Code::Malformed,
        b"414" | b"431" => Code::HeadTooLarge,
        _ => return None,
    };
    const EMPTY: &[u8] = b"\r\ncontent-length: 0\r\n";
    head.windows(EMPTY.len()).any(|window| window == EMPTY).then_some((start, code))
}

/// Writes a refusal as a whole answer, head and all, that closes the connection; `retry_after` is in seconds.
pub(super) fn write_refusal(out: &mut Vec<u8>, problem: &Problem, retry_after: u64) {
    let status = problem.code.status();
    let mut body = Vec::with_capacity(192);
    problem.write(&mut body);
    out.extend_from_slice(b"HTTP/1.1 ");
    status.as_u16().write(out);
    out.push(b' ');
    out.extend_from_slice(status.canonical_reason().unwrap_or("Error").as_bytes());
    out.extend_from_slice(
        b"\r\ncontent-type: application/problem+json\r\nconnection: close\r\ncontent-length: ",
    );
    (body.len() as u64).write(out);
    if status == hyper::StatusCode::SERVICE_UNAVAILABLE {
        out.extend_from_slice(b"\r\nretry-after: ");
        retry_after.write(out);
    }
    out.extend_from_slice(b"\r\n\r\n");
    out.extend_from_slice(&body);
}

#[cfg(test)]
mod tests {
    use super::{Code, Instead, bare_refusal};

    const BARE: &str = "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\
                        date: Mon, 23 Nov 2026 01:44:43 GMT\r\n\r\n";

    #[test]
    fn only_hypers_own_refusal_is_replaced() {
        assert_eq!(bare_refusal(BARE.as_bytes()), Some((0, Code::Malformed)));
        let behind = format!("HTTP/1.1 304 Not Modified\r\netag: \"1\"\r\n\r\n{BARE}");
        assert_eq!(
            bare_refusal(behind.as_bytes()),
            Some((behind.len() - BARE.len(), Code::Malformed))
        );
        let large = BARE.replace("400 Bad Request", "431 Request Header Fields Too Large");
        assert_eq!(bare_refusal(large.as_bytes()), Some((0, Code::HeadTooLarge)));
        for other in [
            "",
            "\r\n\r\n",
            "HTTP/1.1 304 Not Modified\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 120\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\n{}",
        ] {
            assert_eq!(bare_refusal(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn a_replaced_refusal_keeps_what_was_queued_before_it() {
        let instead = Instead::of(b"before", Code::Malformed);
        let text = String::from_utf8(instead.bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("beforeHTTP/1.1 400 Bad Request\r\n"), "{head}");
        assert!(head.contains(&format!("content-length: {}", body.len())), "{head}");
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["code"], "malformed");
    }
}
