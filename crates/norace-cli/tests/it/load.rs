//! The load generator against the real server, and against servers that misbehave on purpose.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::net::TcpListener;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

use crate::fake::{self, Asked, Told};
use crate::http::Http;
use crate::process::{Ended, Folder, Server, binary, norace, signal, wait};

const CSV: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/cdnow.csv");

/// What the first `rows` purchases must come to, from a naive reading of the file: confirmed, failed, rejected, amount.
fn expected(rows: usize, deposit: u64) -> (u64, u64, u64, u64) {
    let mut funds = BTreeMap::new();
    let (mut confirmed, mut failed, mut rejected, mut amount) = (0, 0, 0, 0);
    for line in fs::read_to_string(CSV).unwrap().lines().skip(1).take(rows) {
        let fields: Vec<_> = line.split(',').map(str::to_owned).collect();
        let cents: u64 = fields[3].parse().unwrap();
        let left = funds.entry(fields[0].clone()).or_insert(deposit);
        if cents == 0 {
            rejected += 1;
        } else if cents <= *left {
            *left -= cents;
            confirmed += 1;
            amount += cents;
        } else {
            failed += 1;
        }
    }
    (confirmed, failed, rejected, amount)
}

fn counts(report: &Value) -> (u64, u64, u64, u64) {
    let number = |name: &str| report[name].as_u64().unwrap_or_else(|| panic!("{name}: {report}"));
    let rows = ["confirmed", "failed", "cancelled", "rejected", "errors"].map(number);
    assert_eq!(rows.iter().sum::<u64>(), number("orders"), "{report}");
    assert_eq!((number("cancelled"), number("errors")), (0, 0), "{report}");
    (number("confirmed"), number("failed"), number("rejected"), number("confirmed_amount"))
}

fn load(url: &str, more: &[&str]) -> Ended {
    norace(&[&["load", "--format", "json", "--url", url], more].concat())
}

fn good(url: &str, more: &[&str]) -> Value {
    let ended = load(url, more);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{more:?}: {ended:?}");
    ended.json()
}

/// What the merchant has received by now; nothing while there is no account.
fn received(http: &mut Http) -> u64 {
    let answer = http.get("/v1/accounts/cdnow").unwrap();
    answer.body["credits_posted"].as_u64().unwrap_or(0)
}

#[test]
fn the_counts_are_those_of_the_log_however_it_is_sent() {
    let folder = Folder::new("load-counts");
    let server = Server::start(&folder.join("data"), &[]);
    let truth = expected(1_600, 10_000);
    assert!(truth.1 > 0 && truth.2 > 0, "the prefix should hold orders of every kind: {truth:?}");
    for more in [
        &["--connections", "1"][..],
        &["--connections", "8"],
        &["--connections", "64"],
        &["--connections", "3", "--batch", "100"],
        &["--connections", "1", "--batch", "8190"],
    ] {
        let report = good(&server.url(), &[&["--orders", "1600"], more].concat());
        assert_eq!(report["schema"], "norace.load/1");
        assert_eq!(counts(&report), truth, "{more:?}");
        let latency = &report["latency_ms"];
        let ordered =
            ["p50", "p90", "p99", "p999", "max"].map(|name| latency[name].as_f64().unwrap());
        assert!(ordered.is_sorted() && ordered[0] > 0.0, "{report}");
        assert!(report["orders_per_second"].as_f64().unwrap() > 0.0, "{report}");
    }
}

#[test]
fn a_run_goes_on_when_the_server_is_killed_and_started_again() {
    let folder = Folder::new("load-restart");
    let data = folder.join("data");
    let mut server = Server::start(&data, &[]);
    let address = server.address().to_string();
    let mut command = binary();
    command.args(["load", "--format", "json", "--run", "r", "--orders", "1600", "--rate", "800"]);
    command.args(["--url", &server.url()]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    for cents in [100_000, 800_000, 1_500_000] {
        let mut http = server.http();
        while received(&mut http) < cents {
            thread::yield_now();
        }
        server.kill();
        server = Server::start_on(&address, &data, &[]);
    }
    let ended = wait(child);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
    assert_eq!(counts(&ended.json()), expected(1_600, 10_000));
}

#[test]
fn an_interrupted_run_says_what_it_counted_even_without_a_server() {
    let folder = Folder::new("load-gone");
    let mut server = Server::start(&folder.join("data"), &[]);
    let mut command = binary();
    command.args(["load", "--format", "json", "--run", "r", "--rate", "50", "--seconds", "60"]);
    command.args(["--connections", "1"]);
    command.args(["--url", &server.url()]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let mut http = server.http();
    // On one connection a second order is sent only after the first one's answer was read.
    let mut first = 0;
    loop {
        let now = received(&mut http);
        if first == 0 {
            first = now;
        } else if now > first {
            break;
        }
        thread::yield_now();
    }
    server.kill();
    signal(&child, "INT");
    let ended = wait(child);
    assert_eq!(ended.code, Some(130), "{ended:?}");
    assert!(ended.json()["confirmed"].as_u64() > Some(0), "{ended:?}");
}

#[test]
fn another_deposit_confirms_another_number() {
    let folder = Folder::new("load-deposit");
    let server = Server::start(&folder.join("data"), &[]);
    let report = good(&server.url(), &["--orders", "300", "--deposit", "2500"]);
    assert_eq!(counts(&report), expected(300, 2_500));
    let report = good(&server.url(), &["--orders", "300", "--deposit", "0"]);
    assert_eq!(counts(&report), expected(300, 0));
}

#[test]
fn a_run_repeated_under_its_name_pays_nothing_twice() {
    let folder = Folder::new("load-repeat");
    let server = Server::start(&folder.join("data"), &[]);
    let line = ["--orders", "400", "--run", "again"];
    let first = good(&server.url(), &line);
    let once = received(&mut server.http());
    assert_eq!(once, first["confirmed_amount"].as_u64().unwrap());
    let second = good(&server.url(), &[&line[..], &["--batch", "50"]].concat());
    assert_eq!(counts(&second), counts(&first));
    assert_eq!(received(&mut server.http()), once);
    let order = server.http().get("/v1/orders/again-order-1").unwrap();
    assert_eq!((order.status, &order.body["payer"]), (200, &json!("again-00001")));
}

#[test]
fn more_orders_than_rows_bring_new_customers() {
    let folder = Folder::new("load-rounds");
    let server = Server::start(&folder.join("data"), &[]);
    let path = folder.join("log.csv");
    fs::write(
        &path,
        "customer,date,cds,cents\na,1997-01-01,1,6000\na,1997-01-02,1,6000\nb,1997-01-01,1,-5\n",
    )
    .unwrap();
    let report = good(&server.url(), &["--input", &path, "--run", "own"]);
    assert_eq!(counts(&report), (1, 1, 1, 6_000));
    assert_eq!(server.http().get("/v1/accounts/own-a").unwrap().body["available"], 4_000);
}

#[test]
fn an_open_load_keeps_its_rate_and_its_time() {
    let folder = Folder::new("load-rate");
    let server = Server::start(&folder.join("data"), &[]);
    let report = good(&server.url(), &["--rate", "400", "--seconds", "0.5"]);
    assert_eq!(report["orders"], 200, "{report}");
    let seconds = report["seconds"].as_f64().unwrap();
    assert!((0.49..5.0).contains(&seconds), "{report}");
    let report = good(&server.url(), &["--rate", "100", "--orders", "21", "--batch", "7"]);
    assert!(report["seconds"].as_f64().unwrap() >= 0.199, "{report}");
}

#[test]
fn a_server_that_is_not_there_is_exit_75() {
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let ended = load(&format!("http://{gone}"), &[]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(75), ""), "{ended:?}");
    assert!(ended.stderr.contains(&format!("cannot use the server at {gone}")), "{ended:?}");
    assert!(ended.stderr.contains("refused") && ended.stderr.contains("hint: "), "{ended:?}");
}

#[test]
fn a_server_that_is_something_else_is_wrong_usage() {
    let other = fake::serve(|_| Told::Answer(404, json!({"error": "no such page"})));
    let ended = load(&format!("http://{other}"), &[]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("answered 404 to POST /v1/accounts"), "{ended:?}");
}

/// Answers like a server on which everything succeeds, with the given totals on every account.
fn obliging(asked: &Asked, debits_posted: u64, credits_posted: u64) -> Told {
    let account = json!({"debits_posted": debits_posted, "debits_pending": 0, "credits_posted": credits_posted});
    let answers = |answer: &Value| match &asked.body {
        Value::Array(items) => json!({"results": vec![answer; items.len()]}),
        _ => answer.clone(),
    };
    let path = asked.path.split('?').next().unwrap();
    match path {
        "/v1/accounts" => Told::Answer(200, answers(&account)),
        "/v1/transfers" => Told::Answer(200, answers(&json!({"id": "t"}))),
        _ if asked.body.is_array() => Told::Answer(200, answers(&json!({"state": "confirmed"}))),
        _ => Told::Answer(201, json!({"state": "confirmed"})),
    }
}

#[test]
fn totals_that_disagree_are_a_finding() {
    let liar = fake::serve(|asked| obliging(&asked, 7, 10_000));
    let ended = load(&format!("http://{liar}"), &["--orders", "2", "--run", "r"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert_eq!(ended.json()["confirmed"], 2, "{ended:?}");
    assert!(ended.stderr.contains("account r-00001 shows debits 7 (reserved 0)"), "{ended:?}");
}

#[test]
fn an_answer_that_got_lost_is_asked_for_again_under_the_same_name() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let flaky = fake::serve(move |asked| {
        if !asked.path.starts_with("/v1/orders") {
            return obliging(&asked, 1_177, 10_000);
        }
        let mut seen = log.lock().unwrap();
        seen.push((asked.key.clone().unwrap(), asked.body.to_string()));
        match seen.len() {
            1 => Told::HangUp,
            2 => Told::Answer(503, json!({"code": "overloaded", "status": 503})),
            3 => Told::Answer(429, json!({"code": "rate-limited", "status": 429})),
            _ => Told::Answer(201, json!({"state": "confirmed"})),
        }
    });
    let ended = load(&format!("http://{flaky}"), &["--orders", "1", "--run", "r"]);
    assert_eq!((ended.code, ended.json()["errors"].as_u64()), (Some(0), Some(0)), "{ended:?}");
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 4);
    let distinct: HashSet<_> = seen.iter().collect();
    assert_eq!(distinct.len(), 1, "{distinct:?}");
    assert_eq!(seen[0].0, "r-order-1");
}

#[test]
fn items_of_an_array_that_have_to_wait_are_sent_again_alone() {
    let sizes = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&sizes);
    let busy = fake::serve(move |asked| {
        if !asked.path.starts_with("/v1/orders") {
            return obliging(&asked, 0, 10_000);
        }
        let mut sizes = log.lock().unwrap();
        sizes.push(asked.body.as_array().unwrap().len());
        let failed = json!({"state": "failed"});
        let later = json!({"status": 503, "code": "overloaded", "detail": "later"});
        match sizes.len() {
            1 => Told::Answer(200, json!({"results": [failed, later, failed]})),
            _ => Told::Answer(200, json!({"results": [failed]})),
        }
    });
    let path = Folder::new("load-busy");
    let log = path.join("log.csv");
    fs::write(
        &log,
        "customer,date,cds,cents\na,1997-01-01,1,1\nb,1997-01-01,1,1\nc,1997-01-01,1,1\n",
    )
    .unwrap();
    let line = ["--input", &log, "--connections", "1", "--batch", "3", "--run", "r"];
    let ended = load(&format!("http://{busy}"), &line);
    assert_eq!((ended.code, ended.json()["failed"].as_u64()), (Some(0), Some(3)), "{ended:?}");
    assert_eq!(*sizes.lock().unwrap(), [3, 1]);
}

#[test]
fn a_refusal_that_no_valid_run_meets_is_an_error_with_an_example() {
    let strict = fake::serve(|asked| {
        if asked.path.starts_with("/v1/orders") {
            return Told::Answer(409, json!({"code": "idempotency-conflict", "status": 409}));
        }
        obliging(&asked, 0, 10_000)
    });
    let ended = load(&format!("http://{strict}"), &["--orders", "3", "--run", "r"]);
    assert_eq!((ended.code, ended.json()["errors"].as_u64()), (Some(1), Some(3)), "{ended:?}");
    assert!(ended.stderr.contains("409 idempotency-conflict"), "{ended:?}");
}
