//! What the server says about an order, read from the answer with as little work as possible: the load generator shares
//! the machine's cores with the server it measures.

use std::borrow::Cow;

use serde::Deserialize;

/// What became of an order as far as one answer tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Confirmed,
    Failed,
    Cancelled,
    /// Created, but not final yet: ask again.
    Open,
    /// The server says that this is no valid order, now and always.
    Rejected,
    /// Not now: send it again.
    Busy,
    /// A refusal that no valid run meets.
    Refused(String),
}

/// An answer that is not what the call promises.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Garbled;

/// The parts of an order, or of a problem, that matter here.
#[derive(Deserialize)]
struct Part<'a> {
    #[serde(borrow, default)]
    state: Option<Cow<'a, str>>,
    #[serde(default)]
    status: Option<u16>,
    #[serde(borrow, default)]
    code: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Parts<'a> {
    #[serde(borrow)]
    results: Vec<Part<'a>>,
}

/// Reads the answer to one order, sent or asked for.
pub(crate) fn one(status: u16, body: &[u8]) -> Result<Outcome, Garbled> {
    if matches!(status, 200 | 201)
        && let Some(outcome) = quick_state(body)
    {
        return Ok(outcome);
    }
    let part: Part<'_> = serde_json::from_slice(body).map_err(|_| Garbled)?;
    let status = if matches!(status, 200 | 201) { None } else { Some(status) };
    outcome(&Part { status, ..part })
}

/// Reads the answer to an array of `expected` orders.
pub(crate) fn many(body: &[u8], expected: usize) -> Result<Vec<Outcome>, Garbled> {
    let parts: Parts<'_> = serde_json::from_slice(body).map_err(|_| Garbled)?;
    let outcomes = parts.results.iter().map(outcome).collect::<Result<Vec<_>, _>>()?;
    if outcomes.len() == expected { Ok(outcomes) } else { Err(Garbled) }
}

fn outcome(part: &Part<'_>) -> Result<Outcome, Garbled> {
    match (part.status, &part.code, &part.state) {
        (Some(429 | 503), ..) => Ok(Outcome::Busy),
        // What the row itself is guilty of; an unknown account would be the run's own fault.
        (Some(422), Some(code), _) if code != "unknown-account" => Ok(Outcome::Rejected),
        (Some(status), code, _) => {
            let code = code.as_deref().unwrap_or("without a code");
            Ok(Outcome::Refused(format!("{status} {code}")))
        }
        (None, _, Some(state)) => final_state(state.as_bytes()).ok_or(Garbled),
        (None, _, None) => Err(Garbled),
    }
}

fn final_state(state: &[u8]) -> Option<Outcome> {
    match state {
        b"confirmed" => Some(Outcome::Confirmed),
        b"failed" => Some(Outcome::Failed),
        b"cancelled" => Some(Outcome::Cancelled),
        b"pending" | b"processing" => Some(Outcome::Open),
        _ => None,
    }
}

/// Finds the state without parsing. The mark cannot occur within a JSON string, where its quotes would be escaped, and
/// an order's other members are no objects but for the metadata, which the run does not send.
fn quick_state(body: &[u8]) -> Option<Outcome> {
    const MARK: &[u8] = b"\"state\":\"";
    let start = body.windows(MARK.len()).position(|window| window == MARK)? + MARK.len();
    let length = body[start..].iter().position(|&b| b == b'"')?;
    final_state(&body[start..start + length])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_orders_state_is_found_with_and_without_spaces() {
        let quick = br#"{"id":"o","state":"confirmed","version":3}"#;
        assert_eq!(one(201, quick), Ok(Outcome::Confirmed));
        let spaced = br#"{ "id" : "o", "version" : 3, "state" : "failed" }"#;
        assert_eq!(one(200, spaced), Ok(Outcome::Failed));
        assert_eq!(one(201, br#"{"state":"processing"}"#), Ok(Outcome::Open));
        assert_eq!(one(201, br#"{"state":"unheard-of"}"#), Err(Garbled));
        assert_eq!(one(201, b"{}"), Err(Garbled));
        assert_eq!(one(201, b"<html>"), Err(Garbled));
    }

    #[test]
    fn a_reason_that_quotes_a_state_is_not_mistaken_for_it() {
        let body = br#"{"reason":"\"state\":\"confirmed\"","state":"failed"}"#;
        assert_eq!(one(201, body), Ok(Outcome::Failed));
    }

    #[test]
    fn refusals_tell_the_rows_fault_from_the_runs() {
        assert_eq!(one(422, br#"{"code":"invalid","field":"amount"}"#), Ok(Outcome::Rejected));
        assert_eq!(one(503, br#"{"code":"overloaded"}"#), Ok(Outcome::Busy));
        let Ok(Outcome::Refused(reason)) = one(422, br#"{"code":"unknown-account"}"#) else {
            panic!("an unknown account is no property of the row");
        };
        assert_eq!(reason, "422 unknown-account");
        assert_eq!(
            one(409, br#"{"code":"idempotency-conflict","status":409}"#),
            Ok(Outcome::Refused("409 idempotency-conflict".into()))
        );
    }

    #[test]
    fn an_arrays_answer_keeps_its_order_and_its_length() {
        let body = br#"{"results":[{"state":"confirmed","reason":"a \" b"},{"status":422,"code":"invalid","detail":"x"},
            {"state":"pending"},{"status":503,"code":"overloaded","detail":""}]}"#;
        let expected = [Outcome::Confirmed, Outcome::Rejected, Outcome::Open, Outcome::Busy];
        assert_eq!(many(body, 4).unwrap(), expected);
        assert_eq!(many(body, 3), Err(Garbled));
        assert_eq!(many(b"{\"results\":[{}]}", 1), Err(Garbled));
    }
}
