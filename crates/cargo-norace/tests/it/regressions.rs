//! Executions that are kept beside the code.

use std::fs;

use serde_json::Value;

use crate::process::Ended;
use crate::project::SHOP;
use crate::sources::{FIXED, RACY, file, model, test};

/// A race in one of many executions.
fn hidden(race: &str) -> String {
    format!("if choose(900) == 523 {{ {race} }}")
}

/// Writes the model `name`, and checks it; its own line, and the result.
fn check(name: &str, body: &str, code: i32) -> (Value, Value) {
    SHOP.write(&format!("tests/{name}.rs"), &file(&[model(name, body)]));
    let line = format!("check --format json -- --test {name}");
    let ended = SHOP.norace(&line).expect(code);
    (ended.lines().swap_remove(0), ended.result())
}

fn folder(name: &str) -> std::path::PathBuf {
    SHOP.path().join(format!("norace-regressions/{name}.nr"))
}

/// What is kept for the model `name`, without comments.
fn kept(name: &str) -> Vec<String> {
    let text = fs::read_to_string(folder(name)).unwrap_or_default();
    text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
}

fn sum(ended: &Ended) -> &str {
    ended.stdout.lines().last().unwrap()
}

#[test]
fn a_finding_is_kept_and_run_before_anything_else() {
    assert_eq!(kept("again"), [""; 0]);
    let (found, _) = check("again", &hidden(RACY), 1);
    assert!(found["executions"].as_u64().unwrap() > 1, "it is hidden: {found}");
    let token = found["finding"]["token"].as_str().unwrap();
    assert_eq!(kept("again"), [token]);
    let (again, _) = check("again", &hidden(RACY), 1);
    assert_eq!(again["executions"], 1, "the kept one was not the first: {again}");
    assert_eq!((&again["finding"]["token"], &again["kept_silent"]), (&token.into(), &0.into()));
    // What is known is not kept twice, and a replay keeps nothing.
    SHOP.norace(&format!("replay {token} -- --test again")).expect(1);
    assert_eq!(kept("again"), [token]);
}

#[test]
fn a_kept_execution_that_shows_nothing_fails_nothing_and_is_told() {
    let (found, _) = check("silent", &hidden(RACY), 1);
    let token = found["finding"]["token"].as_str().unwrap().to_owned();
    let (mended, result) = check("silent", &hidden(FIXED), 0);
    assert_eq!((&mended["status"], &mended["kept_silent"]), (&"complete".into(), &1.into()));
    assert_eq!((&result["ok"], &result["kept_silent"]), (&true.into(), &1.into()));
    let ended = SHOP.norace("check -- --test silent").expect(0);
    let told = "1 kept execution shows nothing any more";
    assert!(ended.stdout.contains(&format!(" s; {told}\n")), "{}", ended.stdout);
    assert!(sum(&ended).ends_with(&format!(": 1 complete, {told}")), "{}", sum(&ended));
    // Another defect joins it; and when the first one is back, it is seen at once.
    let (other, _) = check("silent", &hidden("panic!(\"sold out\");"), 1);
    assert_eq!((&other["finding"]["kind"], &other["kept_silent"]), (&"panic".into(), &1.into()));
    let second = other["finding"]["token"].as_str().unwrap();
    assert_eq!(kept("silent"), [&token, second]);
    let (back, _) = check("silent", &hidden(RACY), 1);
    assert_eq!((&back["finding"]["token"], &back["executions"]), (&token.into(), &1.into()));
}

#[test]
fn a_line_that_is_no_token_is_passed_over_and_told() {
    let file = "# A comment.\n\nnr9:unread:future\nnr1:unread:0203\n";
    SHOP.write("norace-regressions/unread.nr", file);
    let (line, result) = check("unread", &hidden(FIXED), 0);
    assert_eq!((&line["status"], &line["kept_unread"]), (&"complete".into(), &2.into()));
    assert_eq!(result["kept_unread"], 2);
    let ended = SHOP.norace("check -- --test unread").expect(0);
    assert!(sum(&ended).ends_with(": 1 complete, 2 kept lines cannot be read"), "{}", sum(&ended));
    assert_eq!(fs::read_to_string(folder("unread")).unwrap(), file);
}

#[test]
fn a_model_that_wants_none_keeps_none() {
    let body = format!(
        "norace_check::Builder::new().without_regressions().check(|| {{ {} }});",
        hidden(RACY)
    );
    SHOP.write("tests/forgets.rs", &file(&[test("forgets", &body)]));
    for _ in 0..2 {
        let ended = SHOP.norace("check --format json -- --test forgets").expect(1);
        assert!(ended.lines()[0]["executions"].as_u64().unwrap() > 1, "{ended:?}");
    }
    assert_eq!(kept("forgets"), [""; 0]);
}
