//! Tables of header values and what they mean.

use hyper::HeaderMap;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH};

use norace_engine::IdempotencyKey;

use super::{IDEMPOTENCY_KEY, LAST_EVENT_ID};

fn with(name: HeaderName, values: &[&[u8]]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for value in values {
        headers.append(&name, HeaderValue::from_bytes(value).unwrap());
    }
    headers
}

#[test]
fn json_is_told_from_other_media_types() {
    for (value, expect) in [
        ("application/json", true),
        ("Application/JSON", true),
        ("application/json; charset=utf-8", true),
        ("application/json;charset=\"UTF-8\"", true),
        ("application/json; charset=utf-16", false),
        ("application/json; profile=x", true),
        ("application/problem+json", false),
        ("text/json", false),
        ("application/jsonx", false),
        ("", false),
    ] {
        assert_eq!(super::is_json(&with(CONTENT_TYPE, &[value.as_bytes()])), expect, "{value}");
    }
    assert!(!super::is_json(&HeaderMap::new()));
}

#[test]
fn idempotency_keys_are_visible_ascii_of_bounded_length() {
    let check = |values: &[&[u8]], expect: Result<Option<&str>, ()>| {
        let headers = with(IDEMPOTENCY_KEY, values);
        let key = super::idempotency_key(&headers, "");
        let key = key.as_ref().map(|key| key.as_ref().map(IdempotencyKey::key)).map_err(|_| ());
        assert_eq!(key, expect, "{values:?}");
    };
    check(&[], Ok(None));
    check(&[b"k"], Ok(Some("k")));
    check(&[b"!~\"{}"], Ok(Some("!~\"{}")));
    check(&[&[b'x'; 255]], Ok(Some(&"x".repeat(255))));
    check(&[&[b'x'; 256]], Err(()));
    check(&[b""], Err(()));
    check(&[b"a b"], Err(()));
    check(&["ü".as_bytes()], Err(()));
    check(&[b"a", b"a"], Err(()));
}

#[test]
fn if_match_takes_one_quoted_version() {
    let check = |value: &str, expect: Result<Option<u64>, ()>| {
        let headers = with(IF_MATCH, &[value.as_bytes()]);
        assert_eq!(super::if_match(&headers).map_err(|_| ()), expect, "{value}");
    };
    check("\"3\"", Ok(Some(3)));
    check("*", Ok(None));
    check("3", Err(()));
    check("\"\"", Err(()));
    check("\"x\"", Err(()));
    check("\"-1\"", Err(()));
    check("\"+1\"", Err(()));
    check("W/\"3\"", Err(()));
    check("\"1\", \"2\"", Err(()));
    check("\"18446744073709551616\"", Err(()));
    assert_eq!(super::if_match(&HeaderMap::new()), Ok(None));
}

#[test]
fn if_none_match_compares_weakly_and_takes_lists() {
    let check = |value: &str, expect: bool| {
        assert_eq!(
            super::has_version(&with(IF_NONE_MATCH, &[value.as_bytes()]), 3),
            expect,
            "{value}"
        );
    };
    check("\"3\"", true);
    check("W/\"3\"", true);
    check("\"2\", \"3\"", true);
    check("*", true);
    check("\"2\"", false);
    check("3", false);
    check("\"3", false);
    check("", false);
    assert!(!super::has_version(&HeaderMap::new(), 3));
}

#[test]
fn an_event_position_is_a_number() {
    let check = |value: &str, expect: Result<Option<u64>, ()>| {
        let headers = with(LAST_EVENT_ID, &[value.as_bytes()]);
        assert_eq!(super::last_event_id(&headers).map_err(|_| ()), expect, "{value}");
    };
    check("0", Ok(Some(0)));
    check("17", Ok(Some(17)));
    check("", Ok(None));
    check("-1", Err(()));
    check("x", Err(()));
}

#[test]
fn an_etag_is_the_quoted_version() {
    assert_eq!(super::etag(0), "\"0\"");
    assert_eq!(super::etag(u64::MAX), "\"18446744073709551615\"");
}
