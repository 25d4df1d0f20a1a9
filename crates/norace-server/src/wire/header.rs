//! Request headers with a meaning: media type, idempotency key, entity tags, event positions.

use hyper::header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH};
use hyper::{HeaderMap, Version};
use norace_engine::IdempotencyKey;

use super::Refusal;
use super::json::Integer as _;

/// The header that makes a `POST` safe to repeat.
pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The position in the event stream from which a client goes on.
pub(crate) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// The journal position an answer rests on.
pub(crate) const NORACE_SEQUENCE: HeaderName = HeaderName::from_static("norace-sequence");

/// True when the body is announced as JSON in UTF-8.
pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()) else {
        return false;
    };
    let mut parts = value.split(';').map(str::trim);
    let media = parts.next().unwrap_or("");
    media.eq_ignore_ascii_case("application/json")
        && parts.all(|parameter| match parameter.split_once('=') {
            Some((name, value)) if name.eq_ignore_ascii_case("charset") => {
                value.trim_matches('"').eq_ignore_ascii_case("utf-8")
            }
            _ => true,
        })
}

/// Refuses a head whose `Host` is ambiguous, no host, or left out where HTTP/1.1 demands it (RFC 9112, section 3.2).
///
/// Servers in front of this one that choose another of two hosts would guard another request than is served here.
pub(crate) fn check_host(version: Version, headers: &HeaderMap) -> Result<(), Refusal> {
    // What a host with a port, or an address in brackets, is made of (RFC 3986, section 3.2); it may be empty.
    let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:[]".contains(byte);
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) if version < Version::HTTP_11 => Ok(()),
        (None, _) => Err(Refusal::malformed("a request of HTTP/1.1 names its `Host`")),
        (Some(_), Some(_)) => Err(Refusal::malformed("the header `Host` is given twice")),
        (Some(host), None) if host.as_bytes().iter().all(fits) => Ok(()),
        (Some(_), None) => Err(Refusal::malformed("the header `Host` names no host")),
    }
}

/// The one value of `name` as text.
fn single<'h>(
    headers: &'h HeaderMap,
    name: &HeaderName,
    shown: &'static str,
) -> Result<Option<&'h str>, Refusal> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Refusal::invalid(shown, "this header is given twice"));
    }
    match value.to_str() {
        Ok(text) => Ok(Some(text.trim())),
        Err(_) => Err(Refusal::invalid(shown, "this header holds other than visible ASCII")),
    }
}

/// The idempotency key, in the name space of `credential`.
pub(crate) fn idempotency_key(
    headers: &HeaderMap,
    credential: &str,
) -> Result<Option<IdempotencyKey>, Refusal> {
    let key = single(headers, &IDEMPOTENCY_KEY, "Idempotency-Key")?;
    key.map(|key| IdempotencyKey::new(credential, key))
        .transpose()
        .map_err(|error| Refusal::invalid("Idempotency-Key", error.to_string()))
}

/// The version a change is meant for: `"3"`; none when it is not given or `*`.
pub(crate) fn if_match(headers: &HeaderMap) -> Result<Option<u64>, Refusal> {
    match single(headers, &IF_MATCH, "If-Match")? {
        None | Some("*") => Ok(None),
        Some(tag) => version(tag).map(Some).ok_or_else(|| {
            Refusal::invalid("If-Match", "one quoted version is wanted, as in \"3\"")
        }),
    }
}

/// True when the caller already has `current`; entity tags compare weakly here, and a broken one matches nothing.
pub(crate) fn has_version(headers: &HeaderMap, current: u64) -> bool {
    headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(',').map(str::trim))
        .any(|tag| tag == "*" || version(tag.strip_prefix("W/").unwrap_or(tag)) == Some(current))
}

/// The last event a reconnecting client has seen.
pub(crate) fn last_event_id(headers: &HeaderMap) -> Result<Option<u64>, Refusal> {
    match single(headers, &LAST_EVENT_ID, "Last-Event-ID")? {
        None | Some("") => Ok(None),
        Some(text) => digits(text)
            .map(Some)
            .ok_or_else(|| Refusal::invalid("Last-Event-ID", "an event's sequence is wanted")),
    }
}

fn version(tag: &str) -> Option<u64> {
    digits(tag.strip_prefix('"')?.strip_suffix('"')?)
}

fn digits(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// The entity tag of `version`: the version in quotes.
pub(crate) fn etag(version: u64) -> HeaderValue {
    let mut text = Vec::with_capacity(22);
    text.push(b'"');
    version.write(&mut text);
    text.push(b'"');
    HeaderValue::try_from(text).expect("quotes and digits are visible ASCII")
}

#[cfg(test)]
mod tests;
