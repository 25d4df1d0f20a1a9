//! A blocking keep-alive client on the standard library, so that the tests do not trust the client they test.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

const ANSWER_TIME_MAX: Duration = Duration::from_secs(40);

/// One connection.
#[derive(Debug)]
pub(crate) struct Http(BufReader<TcpStream>);

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Http {
    pub(crate) fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_TIME_MAX))?;
        Ok(Self(BufReader::new(stream)))
    }

    pub(crate) fn get(&mut self, path: &str) -> io::Result<Answer> {
        self.call(&format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n"))
    }

    /// The text of an answer that is no JSON.
    pub(crate) fn text(&mut self, path: &str) -> io::Result<String> {
        let (_, body) = self.exchange(&format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n"))?;
        String::from_utf8(body).map_err(|_| ErrorKind::InvalidData.into())
    }

    pub(crate) fn post(&mut self, path: &str, body: &Value) -> io::Result<Answer> {
        self.post_keyed(path, None, body)
    }

    pub(crate) fn post_keyed(
        &mut self,
        path: &str,
        key: Option<&str>,
        body: &Value,
    ) -> io::Result<Answer> {
        let key = key.map(|key| format!("Idempotency-Key: {key}\r\n")).unwrap_or_default();
        self.send("POST", path, &key, body)
    }

    pub(crate) fn put(&mut self, path: &str, body: &Value) -> io::Result<Answer> {
        self.send("PUT", path, "", body)
    }

    /// Sends `headers` as they are, each with its line's end.
    pub(crate) fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &str,
        body: &Value,
    ) -> io::Result<Answer> {
        let body = body.to_string();
        self.call(&format!(
            "{method} {path} HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n{headers}\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        ))
    }

    fn call(&mut self, request: &str) -> io::Result<Answer> {
        let (status, body) = self.exchange(request)?;
        let body = serde_json::from_slice(&body).map_err(|_| ErrorKind::InvalidData)?;
        Ok(Answer { status, body })
    }

    fn exchange(&mut self, request: &str) -> io::Result<(u16, Vec<u8>)> {
        self.0.get_mut().write_all(request.as_bytes())?;
        let status = self.line()?;
        let status = status.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.ok_or(ErrorKind::InvalidData)?;
        let mut length = 0;
        loop {
            let line = self.line()?.to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().map_err(|_| ErrorKind::InvalidData)?;
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body)?;
        Ok((status, body))
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.0.read_line(&mut line)? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }
}
