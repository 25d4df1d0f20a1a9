//! A table of bodies and what they come to, and a storm of damaged ones.

use std::fmt::Write as _;

use super::{Fields, items, text};
use crate::wire::Refusal;

const NAMES: &[&str; 3] = &["id", "amount", "metadata"];

fn outcome<T>(read: Result<T, Refusal>) -> Result<T, String> {
    read.map_err(|refusal| match refusal {
        Refusal::Malformed(_) => "malformed".to_owned(),
        Refusal::Invalid { field, .. } => format!("invalid {field}"),
    })
}

#[track_caller]
fn check(body: impl AsRef<[u8]>, expect: Result<[Option<&str>; 3], &str>) {
    let body = body.as_ref();
    let read = text(body).and_then(|text| Fields::read(text, NAMES)).map(|fields| fields.values);
    assert_eq!(outcome(read), expect.map_err(str::to_owned), "{}", String::from_utf8_lossy(body));
}

#[test]
fn an_object_is_cut_into_its_fields() {
    check("{}", Ok([None, None, None]));
    check(" \t\r\n{ } \n", Ok([None, None, None]));
    check(r#"{"amount": 5 ,"id":"x"}"#, Ok([Some("\"x\""), Some("5"), None]));
    check(r#"{"\u0069d":"x"}"#, Ok([Some("\"x\""), None, None]));
    check(r#"{"amount":1e999}"#, Ok([None, Some("1e999"), None]));
    check(r#"{"metadata":{"a":["b",{}]}}"#, Ok([None, None, Some(r#"{"a":["b",{}]}"#)]));
}

#[test]
fn what_is_no_json_is_malformed() {
    for body in [
        "",
        " ",
        "{",
        "}",
        "{]",
        "{\"id\"}",
        "{\"id\":}",
        "{\"id\":1,}",
        "{,}",
        "{\"id\":1 \"amount\":2}",
        "{\"id\":1}{}",
        "{\"id\":1} x",
        "{'id':1}",
        "{id:1}",
        "{\"id\":01}",
        "{\"id\":+1}",
        "{\"id\":.5}",
        "{\"id\":1.}",
        "{\"id\":nul}",
        "{\"id\":NaN}",
        "{\"id\":Infinity}",
        "{\"id\":\"\n\"}",
        "{\"id\":\"\\x\"}",
        "{\"id\":\"\\u12\"}",
        "{\"\\ud800\":1}",
        "{\"id\":[1}",
        "\u{feff}{}",
        "nul",
        "\"abc",
        "/* */{}",
        "-",
        "{\"id\":1}\0",
    ] {
        check(body, Err("malformed"));
    }
    check(b"{\"id\":\"\xff\"}", Err("malformed"));
    check(b"\xff\xfe{\0}\0", Err("malformed"));
}

#[test]
fn a_key_given_twice_is_malformed_whatever_else_is_wrong() {
    check(r#"{"id":1,"id":1}"#, Err("malformed"));
    check(r#"{"id":1,"\u0069\u0064":2}"#, Err("malformed"));
    check(r#"{"no":1,"id":1,"id":1}"#, Err("malformed"));
}

#[test]
fn json_that_is_no_object_and_unknown_fields_are_invalid() {
    for body in ["[]", "[{}]", "5", "\"x\"", "null", "true", "1e999", "-0"] {
        check(body, Err("invalid body"));
    }
    check(r#"{"ID":1}"#, Err("invalid ID"));
    check(r#"{"id":1,"no":2,"nor":3}"#, Err("invalid no"));
    check(r#"{"":1}"#, Err("invalid "));
    check(format!("{{\"{}\":1}}", "x".repeat(100)), Err(&format!("invalid {}…", "x".repeat(64))));
}

#[test]
fn nesting_of_any_depth_costs_no_stack() {
    let deep = 500_000;
    let array = "[".repeat(deep) + &"]".repeat(deep);
    let object = "{\"a\":".repeat(deep) + "1" + &"}".repeat(deep);
    std::thread::Builder::new()
        .stack_size(128 << 10)
        .spawn(move || {
            check(format!("{{\"id\":{array}}}"), Ok([Some(array.as_str()), None, None]));
            check(format!("{{\"id\":{object}}}"), Ok([Some(object.as_str()), None, None]));
            check(&array, Err("invalid body"));
            check("[".repeat(deep), Err("malformed"));
            check("{\"a\":".repeat(deep), Err("malformed"));
            assert_eq!(outcome(items(&array, 10)).map(|items| items.len()), Ok(1));
        })
        .unwrap()
        .join()
        .unwrap();
}

#[test]
fn an_array_gives_its_items_and_keeps_to_its_bound() {
    let check = |text: &str, expect: Result<&[&str], &str>| {
        assert_eq!(outcome(items(text, 3)).as_deref().map_err(String::as_str), expect, "{text}");
    };
    check("[{}, 5 ,null]", Ok(&["{}", "5", "null"]));
    check("[]", Err("invalid body"));
    check("[1,2,3,4]", Err("invalid body"));
    check("{}", Err("invalid body"));
    check("[1,2", Err("malformed"));
    check("[1,]", Err("malformed"));
    check("[1] 2", Err("malformed"));
    // A broken item breaks the array, even behind the bound.
    check("[1,2,3,4,{]", Err("malformed"));
}

/// Damages good bodies at random places: whatever comes of it, reading neither panics nor takes what is no JSON.
#[test]
fn damaged_bodies_are_read_as_serde_json_reads_them() {
    let good: &[&str] = &[
        r#"{"id":"o-1","amount":1250,"metadata":{"note":"a\u0062c","x":""}}"#,
        r#"[{"id":"a","amount":1},{"id":"b","amount":9007199254740991}]"#,
        r#"  {"amount" : -1.5e+10, "id":null, "metadata":[[[true,false]]]} "#,
    ];
    let mut agreed = [0u32; 2];
    for round in 0..20_000u64 {
        let mut random = Random(round.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let mut body = good[random.below(good.len())].as_bytes().to_vec();
        for _ in 0..=random.below(4) {
            damage(&mut body, &mut random);
        }
        let valid = serde_json::from_slice::<serde_json::Value>(&body).is_ok();
        let read = text(&body).and_then(|text| Fields::read(text, NAMES).map(drop));
        let listed = text(&body).and_then(|text| items(text, 10).map(drop));
        let shown = String::from_utf8_lossy(&body).into_owned();
        if valid {
            // A tree keeps the last of two equal keys; nothing else of valid JSON is malformed here.
            if let Err(Refusal::Malformed(detail)) = &read {
                assert!(detail.contains("twice"), "{shown}: {detail}");
            }
            assert!(!matches!(listed, Err(Refusal::Malformed(_))), "{shown}: {listed:?}");
        } else if !number_out_of_a_floats_range(&body) {
            assert!(matches!(read, Err(Refusal::Malformed(_))), "{shown}: {read:?}");
            assert!(matches!(listed, Err(Refusal::Malformed(_))), "{shown}: {listed:?}");
        }
        agreed[usize::from(valid)] += 1;
    }
    assert!(agreed.iter().all(|count| *count > 500), "the storm is one-sided: {agreed:?}");
}

/// A tree refuses numbers beyond a float and lone surrogates, which are well-formed JSON.
fn number_out_of_a_floats_range(body: &[u8]) -> bool {
    match serde_json::from_slice::<serde_json::Value>(body) {
        Err(error) => {
            let mut text = String::new();
            write!(text, "{error}").unwrap();
            text.contains("number out of range")
                || text.contains("surrogate")
                || text.contains("unexpected end of hex escape")
        }
        Ok(_) => false,
    }
}

fn damage(body: &mut Vec<u8>, random: &mut Random) {
    const BYTES: &[u8] = b"{}[]\",:\\0e-.u \x00\xff\xc3tfn";
    let at = random.below(body.len().max(1)).min(body.len());
    let byte = BYTES[random.below(BYTES.len())];
    match random.below(5) {
        0 => body.insert(at, byte),
        1 if at < body.len() => drop(body.remove(at)),
        2 if at < body.len() => body[at] = byte,
        3 => body.truncate(at),
        _ => {
            let from = random.below(body.len().max(1)).min(at);
            let copy = body[from..at].to_vec();
            body.splice(at..at, copy);
        }
    }
}

/// Marsaglia's xorshift64*, so that a failing round can be run again.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(high).unwrap() % bound
    }
}
