//! Tables of query strings and what they mean.

use std::time::Duration;

use super::{Params, decode, duration};
use crate::wire::Refusal;

const NAMES: &[&str; 2] = &["limit", "state"];

#[track_caller]
fn check(query: &str, expect: Result<[Option<&str>; 2], &str>) {
    let read = Params::read(Some(query), NAMES);
    match (&read, expect) {
        (Ok(params), Ok(values)) => {
            assert_eq!([params.get(0), params.get(1)], values, "{query}");
        }
        (Err(Refusal::Invalid { field, .. }), Err(expect)) => assert_eq!(field, expect, "{query}"),
        (got, expect) => panic!("{query}: got {got:?}, wanted {expect:?}"),
    }
}

#[test]
fn known_parameters_are_taken_once_and_others_refused() {
    check("", Ok([None, None]));
    check("&&", Ok([None, None]));
    check("limit=5", Ok([Some("5"), None]));
    check("state=a%20b&limit=+7", Ok([Some(" 7"), Some("a b")]));
    check("limit=&state", Ok([None, None]));
    check("limit=1&limit=1", Err("limit"));
    check("Limit=1", Err("Limit"));
    check("limt=1", Err("limt"));
    check("limit=%zz", Err("limit"));
    check("limit=%f", Err("limit"));
    check("limit=%ff", Err("limit"));
    check("=1", Err(""));
}

#[test]
fn numbers_keep_to_their_bounds() {
    for (text, expect) in [
        ("1", Some(1)),
        ("10", Some(10)),
        ("0", None),
        ("11", None),
        ("-1", None),
        ("%2B1", None),
        ("1.0", None),
        ("1e1", None),
        ("99999999999999999999999", None),
        ("x", None),
    ] {
        let query = format!("limit={text}");
        let params = Params::read(Some(&query), NAMES).unwrap();
        let number = params.number(0, 1, 10);
        assert_eq!(number.as_ref().ok().copied().flatten(), expect, "{text}: {number:?}");
        assert_eq!(number.is_ok(), expect.is_some(), "{text}");
    }
}

#[test]
fn durations_have_a_unit_and_a_cap() {
    for (text, expect) in [
        ("30s", Some(Duration::from_secs(30))),
        ("500ms", Some(Duration::from_millis(500))),
        ("1m", Some(Duration::from_secs(60))),
        ("0s", Some(Duration::ZERO)),
        ("30", None),
        ("s", None),
        ("", None),
        ("-1s", None),
        ("1.5s", None),
        ("1h", None),
        ("1 s", None),
        ("99999999999999999999s", None),
        ("18446744073709551615m", None),
    ] {
        assert_eq!(duration(text), expect, "{text}");
    }
    let params = Params::read(Some("limit=61s"), NAMES).unwrap();
    assert!(params.duration(0, Duration::from_secs(60)).is_err());
    assert!(params.duration(0, Duration::from_secs(61)).is_ok());
}

#[test]
fn a_plus_is_a_space_only_in_queries() {
    assert_eq!(decode("a+b%3A", true).unwrap(), "a b:");
    assert_eq!(decode("a+b%3a", false).unwrap(), "a+b:");
    assert_eq!(decode("%", false), None);
    assert_eq!(decode("%+1", false), None);
}
