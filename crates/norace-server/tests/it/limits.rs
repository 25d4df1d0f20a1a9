//! Limits on requests.

use norace_server::{Keys, Limits, LiveSettings, Rate, Settings};
use serde_json::{Value, json};
use std::time::Duration;

use crate::service::Service;

const HOUR: u64 = 3_600_000;

/// So many in an hour, and no sooner than that.
fn hour(limit: u64) -> Option<Rate> {
    Some(Rate::new(limit, Duration::from_millis(HOUR)))
}

fn limited(change: impl FnOnce(&mut Limits)) -> Service {
    let mut limits = Limits::default();
    change(&mut limits);
    Service::over_settings(LiveSettings::new(Settings::default().with_limits(limits)).unwrap())
}

fn put(service: &Service, limits: &Value) {
    let body = json!({ "limits": limits }).to_string();
    assert_eq!(service.client().request("PUT", "/v1/config", "", &body).status, 200);
}

#[test]
fn a_client_over_its_limit_is_told_so_and_when_to_come_back() {
    let service = limited(|limits| limits.each_client = hour(2));
    let mut client = service.client();
    for left in [1, 0] {
        let answer = client.get("/v1/orders");
        assert_eq!(answer.status, 200);
        let expected = format!("\"client\";r={left};");
        assert!(answer.header("ratelimit").unwrap().starts_with(&expected));
        assert_eq!(answer.header("ratelimit-policy"), Some("\"client\";q=2;w=3600"));
        assert_eq!(answer.header("retry-after"), None);
    }
    for _ in 0..2 {
        let answer = service.client().get("/v1/orders");
        assert_eq!(answer.code(), (429, "rate-limited".to_owned()));
        let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=3600).contains(&seconds));
        assert!(answer.header("ratelimit").unwrap().starts_with("\"client\";r=0;t="));
    }
    assert_eq!(client.get("/healthz").status, 200, "only calls are limited");
    assert_eq!(client.get("/v1/config").status, 200, "a limit can be changed by who is over it");
}

#[test]
fn all_clients_together_have_a_limit_of_their_own() {
    let service = limited(|limits| {
        (limits.each_client, limits.all_clients) = (hour(100), hour(1));
    });
    let mut client = service.client();
    assert!(client.get("/v1/orders").header("ratelimit").unwrap().contains("client"));
    let answer = client.get("/v1/orders");
    assert_eq!(answer.code(), (429, "rate-limited".to_owned()));
    assert!(answer.header("ratelimit").unwrap().starts_with("\"service\";r=0"));
}

#[test]
fn a_request_that_is_refused_costs_nobody_anything() {
    let service = limited(|limits| {
        (limits.each_client, limits.all_clients) = (hour(3), hour(1));
    });
    let mut client = service.client();
    let statuses = [(); 5].map(|()| client.get("/v1/orders").status);
    assert_eq!(statuses, [200, 429, 429, 429, 429], "the service's limit is reached");
    put(&service, &json!({"each_client": {"requests": 3, "per_ms": HOUR}}));
    let statuses = [(); 3].map(|()| client.get("/v1/orders").status);
    assert_eq!(statuses, [200, 200, 429], "the client was charged for one");

    let service = keyed(|limits| {
        (limits.each_client, limits.all_clients) = (hour(1), hour(2));
    });
    let statuses = [(); 5].map(|()| status(&service, "reader"));
    assert_eq!(statuses, [200, 429, 429, 429, 429], "the client's limit is reached");
    assert_eq!(status(&service, "writer"), 200, "the service was charged for one");
    assert_eq!(status(&service, ""), 429);
}

/// The status of a call with a key, or without one.
fn status(service: &Service, key: &str) -> u16 {
    let key =
        if key.is_empty() { String::new() } else { format!("authorization: Bearer {key}\r\n") };
    service.client().request("GET", "/v1/orders", &key, "").status
}

/// A service where `reader` and `reader-2` are keys of one name, and `writer` is one of another.
fn keyed(change: impl FnOnce(&mut Limits)) -> Service {
    let keys = json!({
        "display": {"scope": "read", "sha256": [sha256("reader"), sha256("reader-2")]},
        "shop": {"scope": "write", "sha256": [sha256("writer")]},
    });
    let mut limits = Limits::default();
    change(&mut limits);
    let keys: Keys = serde_json::from_value(keys).unwrap();
    let settings = Settings::default().with_limits(limits).with_keys(keys);
    Service::over_settings(LiveSettings::new(settings).unwrap())
}

fn sha256(key: &str) -> String {
    hmac_sha256::Hash::hash(key.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_client_is_the_name_of_its_key_or_else_its_address() {
    let service = keyed(|limits| limits.each_client = hour(2));
    assert_eq!([status(&service, "reader"), status(&service, "reader-2")], [200, 200]);
    assert_eq!(status(&service, "reader"), 429, "two keys of one name are one client");
    assert_eq!(status(&service, "writer"), 200, "another name is another client");
    // Who makes keys up does not become somebody else thereby, nor does he use up what is others'.
    assert_eq!(["", "guess-1", "guess-2"].map(|key| status(&service, key)), [401, 401, 429]);
    assert_eq!(status(&service, "writer"), 200);
    assert_eq!(status(&service, "writer"), 429);
}

#[test]
fn without_settings_there_is_no_limit() {
    let service = Service::manual();
    let answer = service.client().get("/v1/orders");
    assert_eq!((answer.status, answer.header("ratelimit")), (200, None));
}

#[test]
fn limits_follow_the_settings_and_keep_what_they_counted() {
    let service = Service::ledger();
    put(&service, &json!({"each_client": {"requests": 2, "per_ms": HOUR}}));
    let mut client = service.client();
    assert_eq!(client.get("/v1/orders").status, 200);
    assert_eq!(client.get("/v1/orders").status, 200);
    assert_eq!(client.get("/v1/orders").status, 429);
    // With a burst of one more, one more is free, and what was used stays used.
    put(&service, &json!({"each_client": {"requests": 2, "per_ms": HOUR, "burst": 3}}));
    assert_eq!(client.get("/v1/orders").status, 200);
    assert_eq!(client.get("/v1/orders").status, 429);
    put(&service, &json!({}));
    assert_eq!(client.get("/v1/orders").header("ratelimit"), None);
}

#[test]
fn the_metrics_tell_what_each_limit_decided() {
    let service = limited(|limits| {
        (limits.each_client, limits.all_clients) = (hour(3), hour(2));
    });
    let decided = |limit: &str, decision: &str| {
        let labels = format!("limit=\"{limit}\",decision=\"{decision}\"");
        service.metric(&format!("norace_limit_decisions_total{{{labels}}}"))
    };
    let all = || {
        ["client", "service"]
            .map(|limit| ["admitted", "refused", "table-full"].map(|what| decided(limit, what)))
    };
    assert_eq!(all(), [[0.0; 3]; 2]);
    assert_eq!(service.metric("norace_limit_clients"), 0.0);
    let mut client = service.client();
    let statuses = [(); 5].map(|()| client.get("/v1/orders").status);
    assert_eq!(statuses, [200, 200, 429, 429, 429]);
    // The last three had one left of the client's limit, and still have it: the service's refused them, and a request
    // that is refused costs nobody anything.
    assert_eq!(all(), [[2.0, 0.0, 0.0], [2.0, 3.0, 0.0]]);
    assert_eq!(service.metric("norace_limit_clients"), 1.0);
    assert_eq!(service.metric("norace_limit_clients_evicted_total"), 0.0);
    put(&service, &json!({}));
    assert_eq!(client.get("/v1/orders").status, 200);
    assert_eq!(all(), [[2.0, 0.0, 0.0], [2.0, 3.0, 0.0]], "figures stay");
    assert_eq!(service.metric("norace_limit_clients"), 0.0);
}

#[test]
fn a_limit_that_cannot_be_changes_nothing() {
    let service = Service::ledger();
    for (field, limits) in [
        ("limits.each_client", json!({"each_client": {"requests": 0, "per_ms": 1000}})),
        ("limits.all_clients", json!({"all_clients": {"requests": 5, "per_ms": 1000, "burst": 0}})),
        ("limits.clients_max", json!({"clients_max": 0})),
        ("limits.clients_max", json!({"clients_max": 1_000_000_000_000_u64})),
        ("limits", json!({"all": 1})),
    ] {
        let body = json!({ "limits": limits }).to_string();
        let answer = service.client().request("PUT", "/v1/config", "", &body);
        assert_eq!(answer.code(), (422, "invalid".to_owned()), "{field}");
        let named = answer.json()["field"].clone();
        assert!(named.as_str().unwrap().starts_with(field), "{named} is not {field}");
        assert_eq!(service.client().get("/v1/config").json()["version"], 1);
    }
}

#[cfg(not(feature = "redis"))]
#[test]
fn limits_are_shared_by_builds_with_that_feature_alone() {
    use norace_server::{Redis, RedisMode, WhenDown};
    let redis = Redis::new("redis://127.0.0.1/", RedisMode::Delayed, 2, WhenDown::Share);
    let error = LiveSettings::new(Settings::default().with_redis(Some(redis))).unwrap_err();
    assert_eq!(error.field(), "redis");
    assert!(error.detail().contains("built without it"), "{error}");
}
