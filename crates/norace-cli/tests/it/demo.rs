//! The demo: everything in one process.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::json;

use crate::http::Http;
use crate::process::{Folder, binary, end, norace, signal, wait};

#[test]
fn the_demo_prints_one_object_with_load_and_verify() {
    let folder = Folder::new("demo-json");
    let ended = end(binary()
        .args(["demo", "--exit", "--format", "json", "--orders", "2000"])
        .env("TMPDIR", folder.path()));
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
    assert_eq!(ended.stdout.lines().count(), 1, "{ended:?}");
    let result = ended.json();
    assert_eq!(result["schema"], "norace.demo/1");
    assert_eq!((&result["load"]["orders"], &result["load"]["errors"]), (&json!(2000), &json!(0)));
    let number = |part: &str, name: &str| result[part][name].as_u64().unwrap();
    assert_eq!(result["verify"]["ok"], true);
    assert_eq!(number("verify", "orders"), 2000 - number("load", "rejected"));
    assert_eq!(number("verify", "open_orders"), 0);
    assert_eq!(number("verify", "debits"), number("verify", "credits"));
    assert!(number("verify", "debits") > number("load", "confirmed_amount"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "the temporary folder is gone");
}

#[test]
fn the_demos_journal_is_kept_where_it_is_asked_for() {
    let folder = Folder::new("demo-data");
    let data = folder.join("books");
    let ended =
        norace(&["demo", "--exit", "--orders", "50", "--connections", "4", "--data", &data]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("50 orders in "), "{ended:?}");
    let verified = norace(&["verify", "--format", "json", "--data", &data]);
    assert_eq!((verified.code, &verified.json()["torn_tail_bytes"]), (Some(0), &json!(0)));
    let again = norace(&["demo", "--exit", "--orders", "50", "--data", &data]);
    assert_eq!(again.code, Some(2), "{again:?}");
    assert!(again.stderr.contains("is not empty"), "{again:?}");
}

#[test]
fn the_demo_stays_with_its_page_until_ctrl_c() {
    let folder = Folder::new("demo-stays");
    let mut child = binary()
        .args(["demo", "--format", "json", "--orders", "20"])
        .env("TMPDIR", folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let result: serde_json::Value = serde_json::from_str(&line).unwrap();
    let page = result["page"].as_str().unwrap();
    let address = page.trim_start_matches("http://").trim_end_matches('/').parse().unwrap();
    let answer = Http::connect(address).unwrap().get("/v1/accounts/cdnow").unwrap();
    assert_eq!(answer.body["credits_posted"], result["load"]["confirmed_amount"]);
    signal(&child, "INT");
    assert_eq!(wait(child).code, Some(0));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "the temporary folder is gone");
}

#[test]
fn a_demo_that_is_interrupted_before_its_result_says_so() {
    let folder = Folder::new("demo-interrupted");
    let child = binary()
        .args(["demo", "--exit", "--orders", "100000000", "--connections", "1"])
        .env("TMPDIR", folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Its folder shows that it has begun.
    while fs::read_dir(folder.path()).unwrap().count() == 0 {
        std::thread::yield_now();
    }
    signal(&child, "INT");
    let ended = wait(child);
    assert_eq!(ended.code, Some(130), "{ended:?}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "the temporary folder is gone");
}
