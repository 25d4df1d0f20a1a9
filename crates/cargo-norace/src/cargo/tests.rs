//! Arguments and tools that are passed on.

use super::*;

fn arguments(line: &str) -> Arguments {
    Arguments::new(words(line)).expect("the line is right")
}

fn words(line: &str) -> Vec<OsString> {
    line.split_whitespace().map(OsString::from).collect()
}

#[test]
fn the_second_dashes_part_cargos_arguments_from_the_tests() {
    let parts = arguments("-p shop name -- --nocapture -- x");
    assert_eq!(parts.cargo, ["-p", "shop", "name"]);
    assert_eq!(parts.harness, ["--nocapture", "--", "x"]);
    assert_eq!(arguments(""), Arguments::default());
}

#[test]
fn options_that_are_spoken_for_are_refused_with_what_to_do() {
    for line in ["--target-dir x", "--target-dir=x", "-p a --message-format short"] {
        let failure = Arguments::new(words(line)).expect_err(line);
        assert!(failure.to_string().starts_with("cannot pass --"), "{failure}");
        assert!(failure.hint_text().is_some());
    }
    assert!(Arguments::new(words("-- --target-dir")).is_ok());
}

#[test]
fn every_command_is_told_where_the_workspace_is() {
    let line = "--lib --manifest-path a/Cargo.toml --config=x.y=1 --locked -p b --config z";
    assert_eq!(
        arguments(line).of_place(),
        words("--manifest-path a/Cargo.toml --config=x.y=1 --locked --config z")
    );
}

#[test]
fn doc_tests_are_built_for_with_their_library() {
    let docs = arguments("--doc -p shop");
    assert!(docs.are_for_docs() && docs.choose_targets());
    assert_eq!(docs.for_build(), words("--lib -p shop"));
    assert!(!arguments("-p shop --features x").choose_targets());
    assert!(arguments("--test=it").choose_targets());
}

#[test]
fn one_test_is_named_unless_tests_are_named() {
    let only = |line: &str| arguments(line).only("a::b").harness;
    assert_eq!(only(""), words("--include-ignored a::b --exact"));
    assert_eq!(only("-- --nocapture"), words("--nocapture --include-ignored a::b --exact"));
    assert!(only("-- --test-threads 1").ends_with(&words("a::b --exact")));
    assert_eq!(only("-- mine"), words("mine --include-ignored"));
    assert_eq!(only("-- --ignored --exact"), words("--ignored --exact a::b"));
}

#[test]
fn what_the_user_has_in_a_tools_place_is_kept() {
    let kept = |vars: &[(&str, &str)]| {
        let vars = vars.to_vec();
        let var = |name: &str| {
            vars.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
        };
        kept(Tool::Rustc, var).map(|kept| kept.into_string().expect("all of it is ASCII"))
    };
    assert_eq!(kept(&[]), None);
    assert_eq!(kept(&[("RUSTC_WRAPPER", "sccache")]).as_deref(), Some("sccache"));
    assert_eq!(kept(&[("CARGO_BUILD_RUSTC_WRAPPER", "/b/cc")]).as_deref(), Some("/b/cc"));
    // Empty means none, whatever the configuration says.
    assert_eq!(kept(&[("RUSTC_WRAPPER", ""), ("CARGO_BUILD_RUSTC_WRAPPER", "cc")]), None);
    let inside = [("RUSTC_WRAPPER", "/t/norace-rustc"), ("NORACE_RUSTC_WRAPPER", "sccache")];
    assert_eq!(kept(&inside).as_deref(), Some("sccache"));
    assert_eq!(kept(&inside[..1]), None);
    let relative = kept(&[("RUSTC_WRAPPER", "tools/cc")]).expect("it is kept");
    assert!(relative.starts_with('/') && relative.ends_with("/tools/cc"), "{relative}");
}
