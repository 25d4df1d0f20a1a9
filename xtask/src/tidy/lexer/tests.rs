//! Text in, kinds out.

use super::{Kind, lex};

#[track_caller]
fn check(text: &str, expected: &[(Kind, &str)]) {
    let tokens: Vec<_> = lex(text).iter().map(|token| (token.kind, token.text)).collect();
    assert_eq!(tokens, expected);
}

#[test]
fn names_numbers_and_marks_are_told_apart() {
    check(
        "let r#type: u8 = 0x_ff_u8 + 1.5e3;",
        &[
            (Kind::Ident, "let"),
            (Kind::Ident, "r#type"),
            (Kind::Punct, ":"),
            (Kind::Ident, "u8"),
            (Kind::Punct, "="),
            (Kind::Number, "0x_ff_u8"),
            (Kind::Punct, "+"),
            (Kind::Number, "1.5e3"),
            (Kind::Punct, ";"),
        ],
    );
}

#[test]
fn a_range_or_a_method_on_a_number_is_not_a_fraction() {
    check(
        "0..9",
        &[(Kind::Number, "0"), (Kind::Punct, "."), (Kind::Punct, "."), (Kind::Number, "9")],
    );
    check("1.max", &[(Kind::Number, "1"), (Kind::Punct, "."), (Kind::Ident, "max")]);
}

#[test]
fn double_marks_are_one_token_where_rules_look_for_them() {
    check(
        "a::b => c -> d",
        &[
            (Kind::Ident, "a"),
            (Kind::Punct, "::"),
            (Kind::Ident, "b"),
            (Kind::Punct, "=>"),
            (Kind::Ident, "c"),
            (Kind::Punct, "->"),
            (Kind::Ident, "d"),
        ],
    );
}

#[test]
fn strings_of_every_kind_swallow_what_looks_like_code() {
    for literal in [
        r#""unsafe { // no }""#,
        r#""a quote \" and a \\""#,
        r##"r"raw \""##,
        r###"r#"raw " // "#"###,
        r####"br##"bytes "# more"##"####,
        r#"b"bytes""#,
        r#"c"for C""#,
        "\"two\nlines\"",
    ] {
        check(literal, &[(Kind::Str, literal)]);
    }
}

#[test]
fn a_quote_is_a_character_or_a_lifetime() {
    for literal in ["'a'", "'\\''", "'\\u{1F600}'", "'\"'", "'é'", "b'x'", "b'\\''", "'{'"] {
        check(literal, &[(Kind::Char, literal)]);
    }
    check("&'a str", &[(Kind::Punct, "&"), (Kind::Lifetime, "'a"), (Kind::Ident, "str")]);
    check("'outer: loop", &[(Kind::Lifetime, "'outer"), (Kind::Punct, ":"), (Kind::Ident, "loop")]);
}

#[test]
fn comments_are_plain_or_documentation() {
    check("// plain", &[(Kind::Comment, "// plain")]);
    check("//// plain", &[(Kind::Comment, "//// plain")]);
    check("/// doc", &[(Kind::Doc, "/// doc")]);
    check("//! head", &[(Kind::Doc, "//! head")]);
    check(
        "/* a /* nested */ b */ x",
        &[(Kind::Comment, "/* a /* nested */ b */"), (Kind::Ident, "x")],
    );
    check("/** doc */", &[(Kind::Doc, "/** doc */")]);
    check("/**/", &[(Kind::Comment, "/**/")]);
}

#[test]
fn a_comment_in_a_string_is_text_and_a_quote_in_a_comment_too() {
    check(r#""// text""#, &[(Kind::Str, r#""// text""#)]);
    check("// don't\nx", &[(Kind::Comment, "// don't"), (Kind::Ident, "x")]);
}

#[test]
fn what_is_not_closed_runs_to_the_end() {
    check("\"open", &[(Kind::Str, "\"open")]);
    check("/* open", &[(Kind::Comment, "/* open")]);
    check("r#\"open\"", &[(Kind::Str, "r#\"open\"")]);
}

#[test]
fn lines_are_counted_from_one_across_tokens_of_several_lines() {
    let lines: Vec<_> =
        lex("a\n\"b\nc\"\n/* d\n*/ e").iter().map(|token| (token.line, token.end_line)).collect();
    assert_eq!(lines, [(1, 1), (2, 3), (4, 5), (5, 5)]);
}
