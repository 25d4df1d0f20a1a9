//! From what a call came to, to the answer's head and body.

use hyper::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderValue, RETRY_AFTER,
    WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{HeaderMap, Response, StatusCode};

use crate::api::EventStream;
use crate::body::Body;
use crate::buffers::{Buffer, Buffers};
use crate::problem::{Member, Problem};
use crate::wire::Refusal;
use crate::wire::header::{NORACE_SEQUENCE, etag};

/// What a call came to.
#[derive(Debug)]
pub(crate) enum Reply {
    /// An object or a list, and the journal position it rests on.
    Json { status: StatusCode, sequence: u64, version: Option<u64>, body: Buffer },
    /// The caller has this version already.
    NotModified { sequence: u64, version: u64 },
    /// A text that is part of the program.
    Fixed { media: &'static str, policy: Option<&'static str>, text: &'static str },
    /// A text made for this request, which no cache may keep.
    Fresh { status: StatusCode, media: &'static str, body: Vec<u8> },
    /// A stream of events.
    Events { sequence: u64, stream: Option<Box<EventStream>> },
}

/// A refusal, and the journal position it rests on where it rests on any.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) problem: Problem,
    pub(crate) sequence: Option<u64>,
}

impl<P: Into<Problem>> From<P> for Refused {
    fn from(problem: P) -> Self {
        Self { problem: problem.into(), sequence: None }
    }
}

/// The media type of JSON answers.
pub(crate) const JSON: &str = "application/json";
const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const NO_SNIFF: HeaderValue = HeaderValue::from_static("nosniff");

/// What an answer needs to know beside the reply.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Surroundings {
    /// The journal position for refusals that were made without asking the engine.
    pub(crate) durable: u64,
    /// True for the calls under `/v1`, which all carry the position.
    pub(crate) versioned: bool,
    /// The `Retry-After` of 503 answers, in seconds.
    pub(crate) retry_after: u64,
}

/// Makes the answer.
pub(crate) fn render(
    reply: Result<Reply, Refused>,
    around: Surroundings,
    buffers: &Buffers,
) -> Response<Body> {
    match reply {
        Ok(reply) => succeed(reply),
        Err(refused) => refuse(&refused, around, buffers),
    }
}

fn succeed(reply: Reply) -> Response<Body> {
    let mut response = Response::new(Body::Empty);
    let headers = response.headers_mut();
    let (status, body) = match reply {
        Reply::Json { status, sequence, version, body } => {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
            headers.insert(NORACE_SEQUENCE, HeaderValue::from(sequence));
            if let Some(version) = version {
                headers.insert(ETAG, etag(version));
            }
            (status, Body::Whole(body.into()))
        }
        Reply::NotModified { sequence, version } => {
            headers.insert(NORACE_SEQUENCE, HeaderValue::from(sequence));
            headers.insert(ETAG, etag(version));
            (StatusCode::NOT_MODIFIED, Body::Empty)
        }
        Reply::Fixed { media, policy, text } => {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(media));
            headers.insert(X_CONTENT_TYPE_OPTIONS, NO_SNIFF);
            if let Some(policy) = policy {
                headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
            }
            (StatusCode::OK, Body::Whole(text.into()))
        }
        Reply::Fresh { status, media, body } => {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(media));
            headers.insert(CACHE_CONTROL, NO_STORE);
            (status, Body::Whole(body.into()))
        }
        Reply::Events { sequence, stream } => {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
            headers.insert(CACHE_CONTROL, NO_STORE);
            headers.insert(NORACE_SEQUENCE, HeaderValue::from(sequence));
            (StatusCode::OK, stream.map_or(Body::Empty, Body::Events))
        }
    };
    *response.status_mut() = status;
    *response.body_mut() = body;
    response
}

fn refuse(refused: &Refused, around: Surroundings, buffers: &Buffers) -> Response<Body> {
    let mut body = buffers.body(192);
    refused.problem.write(&mut body);
    let mut response = Response::new(Body::Whole(body.into()));
    let status = refused.problem.code.status();
    *response.status_mut() = status;
    let headers: &mut HeaderMap = response.headers_mut();
    headers.insert(CONTENT_TYPE, PROBLEM);
    if around.versioned {
        let sequence = refused.sequence.unwrap_or(around.durable);
        headers.insert(NORACE_SEQUENCE, HeaderValue::from(sequence));
    }
    if let Member::Allow(methods) = refused.problem.member {
        headers.insert(ALLOW, HeaderValue::from_static(methods));
    }
    if let Member::CurrentVersion(version) = refused.problem.member {
        headers.insert(ETAG, etag(version));
    }
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"norace\""));
    }
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(RETRY_AFTER, HeaderValue::from(around.retry_after));
    }
    response
}

/// Says which input was at fault as a refusal of the whole request.
pub(crate) fn invalid(field: &'static str, detail: &'static str) -> Refused {
    Refusal::invalid(field, detail).into()
}
