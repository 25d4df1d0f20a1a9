//! Settings that are read and replaced while the server runs.

use norace_prim::time::UNIX_EPOCH;
use norace_server::{Config, LiveSettings, Settings};
use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::service::Service;

fn put(client: &mut Client, headers: &str, body: impl ToString) -> Answer {
    client.request("PUT", "/v1/config", headers, &body.to_string())
}

/// The refusal of a body, which has to leave everything as it was: its status, code and field.
#[track_caller]
fn refusal(service: &Service, body: impl ToString) -> (u16, String, Value) {
    let before = service.client().get("/v1/config");
    let answer = put(&mut service.client(), "", body);
    let after = service.client().get("/v1/config");
    assert_eq!((after.json(), after.header("etag")), (before.json(), before.header("etag")));
    let (status, code) = answer.code();
    (status, code, answer.json()["field"].clone())
}

#[test]
fn the_settings_are_shown_with_their_version() {
    let service = Service::ledger();
    let answer = service.client().get("/v1/config");
    assert_eq!((answer.status, answer.header("etag")), (200, Some("\"1\"")));
    assert!(answer.header("norace-sequence").is_some());
    let shown = answer.json();
    assert_eq!((&shown["version"], &shown["last_error"]), (&json!(1), &Value::Null));
    let server = &shown["settings"]["server"];
    assert_eq!((&server["headers_max"], &server["idle_timeout_ms"]), (&json!(64), &json!(75_000)));
    assert_eq!(
        (&server["retry_after_s"], &shown["settings"]["log"]["level"]),
        (&json!(1), &json!("info"))
    );
    let same = service.client().request("GET", "/v1/config", "if-none-match: \"1\"\r\n", "");
    assert_eq!((same.status, same.body.len()), (304, 0));
    assert_eq!(service.client().get("/v1/config?x=1").code(), (422, "invalid".into()));
}

#[test]
fn what_is_shown_can_be_sent_back() {
    let service = Service::ledger();
    let shown = service.client().get("/v1/config").json();
    let answer = put(&mut service.client(), "if-match: \"1\"\r\n", &shown["settings"]);
    assert_eq!((answer.status, answer.header("etag")), (200, Some("\"2\"")));
    assert_eq!(answer.json()["settings"], shown["settings"]);
}

#[test]
fn a_bound_that_is_changed_holds_for_the_next_request() {
    let service = Service::ledger().funded();
    let mut client = service.client();
    let order = json!({"payer": "a", "payee": "b", "amount": 1});
    assert_eq!(client.post("/v1/orders", &order).status, 201);
    let answer = put(&mut client, "", json!({"server": {"body_bytes_max": 20}}));
    assert_eq!((answer.status, &answer.json()["version"]), (200, &json!(2)));
    assert_eq!(client.post("/v1/orders", &order).code(), (413, "too-large".into()));
    // The one that is left out has its default again, and 20 bytes are enough for that.
    let mut client = service.client();
    assert_eq!(put(&mut client, "", json!({})).json()["version"], 3);
    assert_eq!(client.post("/v1/orders", &order).status, 201);
    assert_eq!(service.metric("norace_config_version"), 3.0);
}

#[test]
fn connections_are_admitted_by_the_bound_in_force() {
    let service = Service::ledger();
    let mut first = service.client();
    assert_eq!(put(&mut first, "", json!({"server": {"connections_max": 1}})).status, 200);
    assert_eq!(service.client().answer().code(), (503, "overloaded".into()));
    assert_eq!(put(&mut first, "", json!({"server": {"connections_max": 2}})).status, 200);
    assert_eq!(service.client().get("/healthz").status, 200);
}

#[test]
fn a_stale_version_is_refused_with_the_current_one() {
    let service = Service::ledger();
    let mut client = service.client();
    let body = json!({"server": {"headers_max": 32}});
    assert_eq!(put(&mut client, "if-match: \"1\"\r\n", &body).status, 200);
    let stale = put(&mut client, "if-match: \"1\"\r\n", json!({"server": {"headers_max": 16}}));
    assert_eq!(stale.code(), (412, "stale-version".into()));
    assert_eq!(
        (&stale.json()["current_version"], stale.header("etag")),
        (&json!(2), Some("\"2\""))
    );
    assert_eq!(client.get("/v1/config").json()["settings"]["server"]["headers_max"], 32);
    assert_eq!(put(&mut client, "if-match: *\r\n", &body).status, 200);
    assert_eq!(put(&mut client, "if-match: 3\r\n", &body).code(), (422, "invalid".into()));
}

#[test]
fn a_bad_body_changes_nothing_and_names_the_setting() {
    let service = Service::ledger();
    let invalid = |body: Value| match refusal(&service, &body) {
        (422, code, Value::String(field)) if code == "invalid" => field,
        other => panic!("{body}: {other:?}"),
    };
    for (body, field) in [
        (json!({"server": {"headers_max": 1}}), "server.headers_max"),
        (json!({"server": {"headers_max": 1_000_000}}), "server.headers_max"),
        (json!({"server": {"headers_max": "64"}}), "server.headers_max"),
        (json!({"server": {"headers_max": -1}}), "server.headers_max"),
        (json!({"server": {"idle_timeout_ms": 0}}), "server.idle_timeout_ms"),
        (json!({"server": {"idle_timeout_ms": 1e3}}), "server.idle_timeout_ms"),
        (json!({"server": {"idle_timeout_ms": u64::MAX}}), "server.idle_timeout_ms"),
        (json!({"server": {"wait_default_ms": 70_000}}), "server.wait_default_ms"),
        (json!({"server": {"idle_time": 5}}), "server.idle_time"),
        (json!({"server": 5}), "server"),
        (json!({"server": null}), "server"),
        (json!({"log": {"level": "loud"}}), "log.level"),
        (json!({"log": ["warn"]}), "log"),
        (json!({"journal": {}}), "journal"),
        (json!({"engine": {"queue_messages": 9}}), "engine.queue_messages"),
        (json!({"engine": {"batch_bytes_max": 65_536}}), "engine.batch_bytes_max"),
        (json!({"engine": {"waiters_max": 0}}), "engine.waiters_max"),
        (json!({"processor": {"concurrency": 0}}), "processor.concurrency"),
        (json!({"processor": {"concurrency": 65_537}}), "processor.concurrency"),
        (json!({"processor": {"timeout_ms": 100_000_000}}), "processor.timeout_ms"),
        (json!({"processor": {"attempts_max": u64::MAX}}), "processor.attempts_max"),
        (json!({"processor": {"backoff_min_ms": 40_000}}), "processor.backoff_min_ms"),
        (json!({"processor": {"new_orders": "simulated"}}), "processor.new_orders"),
        (json!([]), "body"),
        (json!("x"), "body"),
    ] {
        assert_eq!(invalid(body.clone()), field, "{body}");
    }
    for nonsense in [json!({"nonsense": 5}), json!({"nonsense": {}})] {
        let answer = put(&mut service.client(), "", &nonsense);
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains("unknown field `nonsense`"), "{nonsense}: {detail}");
    }
}

#[test]
fn a_body_that_is_no_json_is_malformed() {
    let service = Service::ledger();
    let twice = r#"{"server": {"headers_max": 9, "headers_max": 10}}"#;
    for body in ["{", twice, r#"{"log": {}, "log": {}}"#, "{} {}", "nothing"] {
        assert_eq!(refusal(&service, body), (400, "malformed".into(), Value::Null), "{body}");
    }
    let mut client = service.client();
    let no_json = put(&mut client, "content-type: text/plain\r\n", "{}");
    assert_eq!(no_json.code(), (415, "unsupported-media-type".into()));
    let answer = service.client().request("PUT", "/v1/config", "", "");
    assert_eq!(answer.code(), (400, "malformed".into()));
    let wrong = service.client().post("/v1/config", "{}");
    assert_eq!((wrong.status, wrong.header("allow")), (405, Some("GET, HEAD, PUT")));
}

#[test]
fn what_was_wrong_with_the_file_is_shown_until_it_is_good() {
    let live = LiveSettings::new(Settings::default()).unwrap();
    let service = Service::over_settings(live.clone());
    live.file_failed("line 3: no such \"key\"", UNIX_EPOCH, 1);
    let shown = service.client().get("/v1/config").json();
    let expect = json!({"detail": "line 3: no such \"key\"", "at": "1970-01-01T00:00:00.000000Z", "version": 1});
    assert_eq!(shown["last_error"], expect);
    assert_eq!(service.metric("norace_config_file_bad"), 1.0);
    live.file_is_good();
    assert_eq!(service.client().get("/v1/config").json()["last_error"], Value::Null);
}

#[test]
fn settings_that_cannot_work_are_no_settings() {
    let mut config = Config::default();
    config.wait_max = norace_prim::time::Duration::ZERO;
    let error = LiveSettings::new(Settings::default().with_server(config)).unwrap_err();
    assert_eq!((error.field(), error.detail()), ("server.wait_max_ms", "no time at all"));
}
