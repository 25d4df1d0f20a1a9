//! Keys and their scopes: who may do what, and that nobody else has done anything.

use norace_engine::ProcessorChoice;
use norace_server::{Keys, LiveSettings, Settings};
use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::service::Service;

/// What `printf %s reader | sha256sum` prints, and so on.
const READER: &str = "3d0941964aa3ebdcb00ccef58b1bb399f9f898465e9886d5aec7f31090a0fb30";
const WRITER: &str = "b93006774cbdd4b299389a03ac3d88c3a76b460d538795bc12718011a909fba5";
const ADMIN: &str = "8c6976e5b5410415bde908bd4dee15dfb167a9c873fc4bb8a81f6f2ab448a918";

fn keys(table: Value) -> Keys {
    serde_json::from_value(table).unwrap()
}

fn three() -> Keys {
    keys(json!({
        "display": {"scope": "read", "sha256": [READER]},
        "shop": {"scope": "write", "sha256": [WRITER]},
        "operator": {"scope": "admin", "sha256": [ADMIN]},
    }))
}

fn guarded() -> (Service, LiveSettings) {
    let live = LiveSettings::new(Settings::default().with_keys(three())).unwrap();
    (Service::live(ProcessorChoice::Ledger, live.clone()), live)
}

fn call(client: &mut Client, key: &str, method: &str, target: &str, body: Value) -> Answer {
    let key =
        if key.is_empty() { String::new() } else { format!("authorization: Bearer {key}\r\n") };
    let body = if body.is_null() { String::new() } else { body.to_string() };
    client.request(method, target, &key, &body)
}

/// The status of a call by nobody, by a key that is not known, and by each that is.
#[track_caller]
fn statuses(service: &Service, method: &str, target: &str, body: Value) -> [u16; 5] {
    ["", "nobody", "reader", "writer", "admin"].map(|key| {
        let answer = call(&mut service.client(), key, method, target, body.clone());
        match answer.status {
            401 => {
                assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"norace\""));
                // The answer to a HEAD has no body.
                assert!(method == "HEAD" || answer.code().1 == "unauthorized");
            }
            403 => assert_eq!(answer.code().1, "forbidden"),
            _ => {}
        }
        answer.status
    })
}

#[test]
fn the_settings_are_replaced_by_admins_alone() {
    let (service, live) = guarded();
    let body = json!({"server": {"headers_max": 32}});
    let refused = call(&mut service.client(), "writer", "PUT", "/v1/config", body.clone());
    assert_eq!((refused.status, &refused.json()["scope"]), (403, &json!("admin")));
    assert_eq!(live.hot().version(), 1);
    let answer = call(&mut service.client(), "admin", "PUT", "/v1/config", body.clone());
    assert_eq!((answer.status, live.hot().version()), (200, 2));
    assert_eq!(live.hot().load().keys, three(), "who may call is not replaced with the rest");
    assert_eq!(statuses(&service, "PUT", "/v1/config", body), [401, 401, 403, 403, 200]);
}

#[test]
fn each_call_asks_for_its_scope_and_public_ones_for_none() {
    let (service, _) = guarded();
    let account = json!({"id": "a", "allow_overdraft": true});
    assert_eq!(statuses(&service, "POST", "/v1/accounts", account), [401, 401, 403, 201, 200]);
    let other = json!([{"id": "b"}]);
    assert_eq!(statuses(&service, "POST", "/v1/accounts", other), [401, 401, 403, 200, 200]);
    let order = json!({"id": "o", "payer": "a", "payee": "b", "amount": 1});
    assert_eq!(statuses(&service, "POST", "/v1/orders", order), [401, 401, 403, 201, 201]);
    let illegal = statuses(&service, "POST", "/v1/orders/o/confirm", Value::Null);
    assert_eq!(illegal, [401, 401, 403, 409, 409]);
    for target in ["/v1/orders/o", "/v1/orders", "/v1/accounts/a", "/v1/config", "/metrics"] {
        assert_eq!(statuses(&service, "GET", target, Value::Null), [401, 401, 200, 200, 200]);
    }
    assert_eq!(statuses(&service, "HEAD", "/v1/events", Value::Null), [401, 401, 200, 200, 200]);
    for target in ["/healthz", "/readyz", "/openapi.json", "/"] {
        assert_eq!(statuses(&service, "GET", target, Value::Null), [200; 5], "{target}");
    }
    // What does not exist tells nothing about who asks.
    assert_eq!(statuses(&service, "GET", "/v1/nothing", Value::Null), [404; 5]);
    assert_eq!(statuses(&service, "GET", "/v1/orders/unknown", Value::Null)[..2], [401, 401]);
}

#[test]
fn a_refused_call_has_done_nothing_and_the_connection_goes_on() {
    let (service, _) = guarded();
    let mut client = service.client();
    let account = json!({"id": "a"});
    assert_eq!(call(&mut client, "reader", "POST", "/v1/accounts", account.clone()).status, 403);
    assert_eq!(call(&mut client, "", "POST", "/v1/accounts", account.clone()).status, 401);
    assert_eq!(call(&mut client, "reader", "GET", "/v1/accounts/a", Value::Null).status, 404);
    assert_eq!(service.stats().sequence, 0);
    assert_eq!(call(&mut client, "writer", "POST", "/v1/accounts", account).status, 201);
}

#[test]
fn idempotency_keys_belong_to_the_name_of_the_key() {
    let (service, live) = guarded();
    let account = |key: &str| {
        let headers = format!("authorization: Bearer {key}\r\nidempotency-key: k\r\n");
        service.client().request("POST", "/v1/accounts", &headers, "{}")
    };
    let first = account("writer");
    assert_eq!((first.status, account("writer").json()), (201, first.json()));
    assert_ne!(account("admin").json()["id"], first.json()["id"], "another caller's key");
    // The shop's key is changed: it is the same caller under the same name.
    let changed = keys(json!({"shop": {"scope": "write", "sha256": [READER]}}));
    live.hot().publish(Settings::default().with_keys(changed)).unwrap();
    assert_eq!(account("reader").json()["id"], first.json()["id"]);
    assert_eq!(account("writer").status, 401);
}

#[test]
fn keys_are_neither_shown_nor_put_and_the_last_one_stays() {
    let (service, live) = guarded();
    let mut client = service.client();
    let shown = call(&mut client, "admin", "GET", "/v1/config", Value::Null);
    let text = String::from_utf8(shown.body).unwrap();
    assert!(!text.contains("keys") && !text.contains(ADMIN), "{text}");
    for body in [json!({"keys": {}}), json!({"keys": 5})] {
        let refused = call(&mut client, "admin", "PUT", "/v1/config", body);
        assert_eq!((refused.status, &refused.json()["field"]), (422, &json!("keys")));
        assert!(refused.json()["detail"].as_str().unwrap().contains("by the file alone"));
    }
    let error = live.hot().publish(Settings::default()).unwrap_err();
    assert_eq!(error.field(), "keys");
    assert_eq!(live.hot().version(), 1);
}
