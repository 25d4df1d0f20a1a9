//! Tokens: there and back, and what is none.

use norace_explore::{Level, Mode, Plan, Run};

use super::Token;

fn token() -> Token {
    Token {
        model: "shop::tests::two_buyers#2".to_owned(),
        mode: Mode::Sc,
        level: Level::Rt,
        kind: "data-race",
        plan: Plan {
            runs: vec![Run { thread: 0, steps: 3 }, Run { thread: 2, steps: 70_000 }],
            labels: vec![(2, 300, 1), (0, 0, 129)],
        },
    }
}

#[test]
fn a_token_comes_back_as_it_was() {
    let text = token().to_string();
    assert!(text.starts_with("nr1:shop::tests::two_buyers#2:"), "{text}");
    assert_eq!(text.parse(), Ok(token()));
    assert_eq!(token().test(), "shop::tests::two_buyers");
    let empty = Token { plan: Plan::default(), ..token() };
    assert_eq!(empty.to_string().parse(), Ok(empty));
}

#[test]
fn every_damage_is_noticed() {
    let text = token().to_string();
    for at in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
        let damaged = String::from_utf8(bytes).unwrap();
        assert!(damaged.parse::<Token>().is_err(), "{damaged}");
        assert!(text[..at].parse::<Token>().is_err(), "{at}");
    }
}

#[test]
fn what_is_no_token_is_told_why() {
    for (text, why) in [
        ("", "it does not begin with `nr1:`"),
        ("nr1", "it does not begin with `nr1:`"),
        ("nr1:00", "it has no name between two colons"),
        ("nr1:a:0", "it does not end in hexadecimal digits"),
        ("nr1:a:zz", "it does not end in hexadecimal digits"),
        ("nr1:a:", "it is cut short"),
        ("nr1:a:0000", "its checksum is wrong: part of it is missing or changed"),
    ] {
        let error = text.parse::<Token>().unwrap_err();
        assert_eq!(error.to_string(), format!("no replay token: {why}"), "{text}");
    }
}
