//! Tables of field values and what they mean.

use norace_engine::Amount;

use super::{Raw, amount, boolean, id, metadata, reason, text};
use crate::wire::Refusal;

fn raw(text: &str) -> Raw<'_> {
    Raw { field: "it", text }
}

/// What a reading came to, with only the parts a caller can rely on.
fn outcome<T>(read: Result<T, Refusal>) -> Result<T, &'static str> {
    read.map_err(|refusal| match refusal {
        Refusal::Malformed(_) => "malformed",
        Refusal::Invalid { field, .. } => {
            assert_eq!(field, "it");
            "invalid"
        }
    })
}

#[test]
fn an_amount_is_an_integer_of_minor_units() {
    let check = |text: &str, expect: Option<u64>| {
        assert_eq!(outcome(amount(raw(text)).map(Amount::get)), expect.ok_or("invalid"), "{text}");
    };
    check("1", Some(1));
    check("9007199254740991", Some(9_007_199_254_740_991));
    for text in [
        "0",
        "-0",
        "-1",
        "9007199254740992",
        "18446744073709551615",
        "18446744073709551616",
        "1e999",
        "1e2",
        "1E2",
        "1.0",
        "0.5",
        "-1.5",
        "1e-999",
        "\"5\"",
        "null",
        "true",
        "[1]",
        "{}",
        "99999999999999999999999999999999999999999999",
    ] {
        check(text, None);
    }
}

#[test]
fn an_id_keeps_to_its_characters_and_length() {
    let check = |text: &str, expect: Result<&str, &'static str>| {
        let read = outcome(id(raw(text)));
        assert_eq!(read.as_ref().map(|id| id.as_str()).map_err(|code| *code), expect, "{text}");
    };
    check(r#""A-z0.9_:""#, Ok("A-z0.9_:"));
    check(r#""\u0061""#, Ok("a"));
    check(&format!("\"{}\"", "x".repeat(64)), Ok(&"x".repeat(64)));
    check(&format!("\"{}\"", "x".repeat(65)), Err("invalid"));
    for text in [r#""""#, r#""a b""#, r#""a/b""#, r#""ü""#, r#""a\u0000""#, "7", "null", "{}"] {
        check(text, Err("invalid"));
    }
}

#[test]
fn a_flag_is_true_or_false() {
    assert_eq!(outcome(boolean(raw("true"))), Ok(true));
    assert_eq!(outcome(boolean(raw("false"))), Ok(false));
    for text in ["null", "1", "0", "\"true\"", "{}"] {
        assert_eq!(outcome(boolean(raw(text))), Err("invalid"), "{text}");
    }
}

#[test]
fn a_string_is_unicode_text() {
    let check = |input: &str, expect: Result<&str, &'static str>| {
        assert_eq!(outcome(text(raw(input))).as_deref().map_err(|code| *code), expect, "{input}");
    };
    check(r#""""#, Ok(""));
    check(r#""a""#, Ok("a"));
    check(r#""\u0061\n\"\\ü""#, Ok("a\n\"\\ü"));
    check(r#""\ud83d\ude00""#, Ok("😀"));
    check(r#""\ud83d""#, Err("invalid"));
    check("5", Err("invalid"));
    check("null", Err("invalid"));
    check("[]", Err("invalid"));
}

#[test]
fn metadata_is_a_bounded_object_of_strings() {
    let check = |input: &str, expect: Result<&[(&str, &str)], &'static str>| {
        let read = outcome(metadata(raw(input)));
        let read = read.as_ref().map(|pairs| pairs.iter().collect::<Vec<_>>());
        assert_eq!(read.as_deref().map_err(|code| **code), expect, "{input}");
    };
    check("{}", Ok(&[]));
    check(r#"{"b":"2","a":"1"}"#, Ok(&[("a", "1"), ("b", "2")]));
    check(r#"{"\u0061":"\u0031"}"#, Ok(&[("a", "1")]));
    check(r#"{"a":"1","a":"1"}"#, Err("malformed"));
    check(r#"{"a":"1","\u0061":"2"}"#, Err("malformed"));
    check(r#"{"a":1}"#, Err("invalid"));
    check(r#"{"a":null}"#, Err("invalid"));
    check(r#"{"a":{"b":"c"}}"#, Err("invalid"));
    check(r#"{"a":"\ud800"}"#, Err("invalid"));
    check("[]", Err("invalid"));
    check("null", Err("invalid"));
    let fits = format!(r#"{{"k":"{}"}}"#, "v".repeat(4095));
    assert_eq!(outcome(metadata(raw(&fits))).unwrap().get("k").unwrap().len(), 4095);
    let over = format!(r#"{{"k":"{}"}}"#, "v".repeat(4096));
    assert_eq!(outcome(metadata(raw(&over))), Err("invalid"));
}

#[test]
fn a_reason_has_a_length() {
    assert_eq!(outcome(reason(raw(r#""no stock""#))).unwrap().as_str(), "no stock");
    assert!(reason(raw(&format!("\"{}\"", "x".repeat(256)))).is_ok());
    assert_eq!(outcome(reason(raw(r#""a\nb""#))), Err("invalid"));
    assert_eq!(outcome(reason(raw(&format!("\"{}\"", "x".repeat(257))))), Err("invalid"));
    assert_eq!(outcome(reason(raw(r#""""#))), Err("invalid"));
    assert_eq!(outcome(reason(raw("7"))), Err("invalid"));
}
