//! Every code, and everything that is no good input: refused with the right status and without a trace.

use serde_json::{Value, json};

use crate::client::{Answer, Client, request};
use crate::service::Service;

/// Sends one request and checks what came of it: status, code, and that the engine has recorded nothing.
struct Checker {
    service: Service,
    client: Client,
}

impl Checker {
    fn over(service: Service) -> Self {
        let client = service.client();
        Self { service, client }
    }

    #[track_caller]
    fn raw(&mut self, bytes: &[u8], expect: (u16, &str)) -> Answer {
        let before = self.service.stats();
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(300)]).into_owned();
        let answer = self.client.send(bytes).answer();
        assert_eq!(answer.code(), (expect.0, expect.1.to_owned()), "{shown}");
        let after = self.service.stats();
        assert_eq!(
            (before.sequence, before.orders, before.accounts, before.transfers, before.keys),
            (after.sequence, after.orders, after.accounts, after.transfers, after.keys),
            "a refused request left a trace: {shown}"
        );
        if answer.header("connection") == Some("close") {
            self.client = self.service.client();
        }
        answer
    }

    #[track_caller]
    fn check(
        &mut self,
        method: &str,
        target: &str,
        headers: &str,
        body: &str,
        expect: (u16, &str),
    ) -> Value {
        let answer = self.raw(request(method, target, headers, body).as_bytes(), expect);
        if target.starts_with("/v1/") {
            assert!(answer.header("norace-sequence").is_some(), "{target}");
        }
        answer.json()
    }

    /// A body that `POST /v1/orders` refuses as invalid because of `field`.
    #[track_caller]
    fn field(&mut self, target: &str, body: &str, field: &str) {
        let problem = self.check("POST", target, "", body, (422, "invalid"));
        assert_eq!(problem["field"], field, "{body}: {problem}");
    }
}

const ORDERS: &str = "/v1/orders";
/// The head of a request with a body, but for how the body's length is told.
const POST_ORDERS: &str =
    "POST /v1/orders HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";

#[test]
fn broken_json_is_malformed_everywhere() {
    let mut checker = Checker::over(Service::manual().funded());
    checker.client.post(ORDERS, json!({"id": "o", "payer": "a", "payee": "b", "amount": 1}));
    let targets =
        [ORDERS, "/v1/transfers", "/v1/accounts", "/v1/orders/o/process", "/v1/orders/o/cancel"];
    for target in targets {
        for body in [
            "{",
            "}",
            "{\"id\"",
            "[{}",
            "{\"id\":\"x\",}",
            "{}{}",
            "nul",
            "'x'",
            "{\"id\":01}",
            "\u{feff}{}",
            "{\"id\":\"x\",\"id\":\"x\"}",
            "{\"reason\":\"x\",\"reason\":\"y\"}",
            " ",
            "{\"id\":\"\u{1}\"}",
        ] {
            // A key given twice is refused for what it is even when the call does not take the key.
            let known = !(body.contains("reason") && !target.contains("/o/")
                || body.contains("\"id\":\"x\",\"id\"") && target.contains("/o/"));
            if known {
                checker.check("POST", target, "", body, (400, "malformed"));
            }
        }
    }
    for target in [ORDERS, "/v1/transfers", "/v1/accounts"] {
        let empty = "content-type: application/json\r\ncontent-length: 0\r\n";
        checker.check("POST", target, empty, "", (400, "malformed"));
        checker.check("POST", target, "", "", (400, "malformed"));
    }
    let not_utf8 = b"POST /v1/orders HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
                     content-length: 10\r\n\r\n{\"id\":\"\xff\"}";
    checker.raw(not_utf8, (400, "malformed"));
    drop(checker.client);
    checker.service.assert_nothing_left();
}

#[test]
fn values_of_the_wrong_type_or_range_are_invalid_and_named() {
    let mut checker = Checker::over(Service::ledger().funded());
    let order = |amount: &str| format!("{{\"payer\":\"a\",\"payee\":\"b\",\"amount\":{amount}}}");
    for amount in [
        "0",
        "-0",
        "-1",
        "1.0",
        "0.5",
        "1e2",
        "1e999",
        "-1e999",
        "1e-999",
        "9007199254740992",
        "18446744073709551616",
        "123456789012345678901234567890",
        "\"5\"",
        "\"\"",
        "null",
        "true",
        "[]",
        "[1]",
        "{}",
    ] {
        checker.field(ORDERS, &order(amount), "amount");
        let transfer = format!("{{\"from\":\"a\",\"to\":\"b\",\"amount\":{amount}}}");
        checker.field("/v1/transfers", &transfer, "amount");
    }
    let long = "x".repeat(65);
    for id in [
        "\"\"",
        "\"a b\"",
        "\"a/b\"",
        "\"ü\"",
        "\"a\\u0000\"",
        &format!("\"{long}\""),
        "5",
        "null",
        "{}",
        "[]",
    ] {
        checker.field("/v1/accounts", &format!("{{\"id\":{id}}}"), "id");
        checker.field("/v1/accounts", &format!("{{\"ledger\":{id}}}"), "ledger");
        checker.field(
            ORDERS,
            &format!("{{\"id\":{id},\"payer\":\"a\",\"payee\":\"b\",\"amount\":1}}"),
            "id",
        );
        checker.field(ORDERS, &format!("{{\"payer\":{id},\"payee\":\"b\",\"amount\":1}}"), "payer");
        checker.field(ORDERS, &format!("{{\"payer\":\"a\",\"payee\":{id},\"amount\":1}}"), "payee");
    }
}

#[test]
fn flags_metadata_and_reasons_are_checked_too() {
    let mut checker = Checker::over(Service::ledger().funded());
    for flag in ["0", "1", "\"true\"", "null", "{}"] {
        checker.field(
            "/v1/accounts",
            &format!("{{\"allow_overdraft\":{flag}}}"),
            "allow_overdraft",
        );
    }
    for metadata in [
        "null",
        "[]",
        "\"x\"",
        "{\"a\":1}",
        "{\"a\":null}",
        "{\"a\":{}}",
        &format!("{{\"a\":\"{}\"}}", "v".repeat(4096)),
    ] {
        let body =
            format!("{{\"payer\":\"a\",\"payee\":\"b\",\"amount\":1,\"metadata\":{metadata}}}");
        checker.field(ORDERS, &body, "metadata");
    }
    let twice = r#"{"payer":"a","payee":"b","amount":1,"metadata":{"k":"1","k":"1"}}"#;
    checker.check("POST", ORDERS, "", twice, (400, "malformed"));
    for reason in ["5", "null", "\"\"", "\"a\\u0007\"", &format!("\"{}\"", "r".repeat(257))] {
        checker.field("/v1/orders/o/cancel", &format!("{{\"reason\":{reason}}}"), "reason");
    }
}

#[test]
fn missing_and_unknown_fields_are_named() {
    let mut checker = Checker::over(Service::ledger().funded());
    checker.field(ORDERS, r#"{"payee":"b","amount":1}"#, "payer");
    checker.field(ORDERS, r#"{"payer":"a","amount":1}"#, "payee");
    checker.field(ORDERS, r#"{"payer":"a","payee":"b"}"#, "amount");
    checker.field("/v1/transfers", r#"{"to":"b","amount":1}"#, "from");
    checker.field(ORDERS, r#"{"payer":"a","payee":"b","amount":1,"state":"confirmed"}"#, "state");
    checker.field(ORDERS, r#"{"payer":"a","payee":"b","Amount":1}"#, "Amount");
    checker.field("/v1/accounts", r#"{"id":"x","balance":5}"#, "balance");
    checker.field("/v1/transfers", r#"{"from":"a","to":"b","amount":1,"metadata":{}}"#, "metadata");
    checker.field("/v1/orders/o/cancel", r#"{"why":"x"}"#, "why");
    checker.field("/v1/orders/o/cancel", r#"[{"reason":"x"}]"#, "body");
    for body in ["[]", "5", "\"x\"", "null", "true"] {
        checker.field(ORDERS, body, "body");
    }
}

#[test]
fn nesting_of_any_depth_is_refused_without_a_crash() {
    let mut checker = Checker::over(Service::ledger().funded());
    let deep = "[".repeat(500_000) + &"]".repeat(500_000);
    checker.field(ORDERS, &format!("{{\"id\":{deep}}}"), "id");
    checker.check("POST", ORDERS, "", &"[".repeat(1_000_000), (400, "malformed"));
    checker.check("POST", ORDERS, "", &"{\"metadata\":".repeat(80_000), (400, "malformed"));
    let item = checker.client.post(ORDERS, &deep);
    assert_eq!(item.json()["results"][0]["code"], "invalid");
}

#[test]
fn bodies_over_their_bound_are_refused() {
    let mut checker = Checker::over(Service::ledger().funded());
    let padded = |length: usize| {
        let body = r#"{"id":"pad","payer":"a","payee":"b","amount":1}"#;
        body.to_owned() + &" ".repeat(length - body.len())
    };
    checker.check("POST", ORDERS, "", &padded((1 << 20) + 1), (413, "too-large"));
    // The length is announced: refused before a byte of the body.
    let announced = format!("{POST_ORDERS}content-length: 8388609\r\n\r\n");
    checker.raw(announced.as_bytes(), (413, "too-large"));
    let huge = announced.replace("8388609", "999999999999999999");
    checker.raw(huge.as_bytes(), (413, "too-large"));
    // An array has more room, an object that only claims to be long does not.
    let array = format!("[{}]", padded(2 << 20));
    assert_eq!(checker.client.post(ORDERS, &array).json()["results"][0]["state"], "confirmed");
    let array = format!("[{}]", padded(8 << 20));
    checker.check("POST", ORDERS, "", &array, (413, "too-large"));
    checker.check(
        "POST",
        "/v1/orders/pad/cancel",
        "",
        &format!("[{}", padded(1 << 20)),
        (413, "too-large"),
    );
    // Chunked bodies announce nothing and are counted as they come.
    let mut chunked = format!("{POST_ORDERS}transfer-encoding: chunked\r\n\r\n").into_bytes();
    for _ in 0..17 {
        chunked.extend_from_slice(b"10000\r\n");
        chunked.extend_from_slice(&[b' '; 0x10000]);
        chunked.extend_from_slice(b"\r\n");
    }
    checker.raw(&chunked, (413, "too-large"));
    let exact = padded(1 << 20).replace("pad", "fit");
    assert_eq!(checker.client.post(ORDERS, exact).status, 201);
}

#[test]
fn bodies_that_are_not_announced_as_json_are_refused() {
    let mut checker = Checker::over(Service::ledger().funded());
    let body = r#"{"payer":"a","payee":"b","amount":1}"#;
    for media in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json; charset=latin1",
        "json",
        "",
    ] {
        let header = format!("content-type: {media}\r\n");
        checker.check("POST", ORDERS, &header, body, (415, "unsupported-media-type"));
    }
    let bare = format!(
        "POST /v1/orders HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    checker.raw(bare.as_bytes(), (415, "unsupported-media-type"));
    let utf8 = checker.client.request(
        "POST",
        ORDERS,
        "Content-Type: application/JSON; charset=UTF-8\r\n",
        body,
    );
    assert_eq!(utf8.status, 201);
}

#[test]
fn unknown_targets_and_methods_are_refused() {
    let mut checker = Checker::over(Service::ledger().funded());
    for target in [
        "/v1",
        "/v1/",
        "/v1/order",
        "/v1/orders/",
        "/v1/orders/x/y",
        "/v1/orders/x/process/",
        "/V1/orders",
        "/x",
        "//",
    ] {
        let answer = checker.raw(request("GET", target, "", "").as_bytes(), (404, "not-found"));
        assert!(answer.header("allow").is_none());
    }
    for (method, target, allow) in [
        ("PUT", "/v1/orders", "GET, HEAD, POST"),
        ("DELETE", "/v1/orders/x", "GET, HEAD"),
        ("GET", "/v1/orders/x/process", "POST"),
        ("PATCH", "/v1/accounts", "POST"),
        ("OPTIONS", "/", "GET, HEAD"),
        ("BREW", "/healthz", "GET, HEAD"),
    ] {
        let bytes = request(method, target, "", "");
        let answer = checker.raw(bytes.as_bytes(), (405, "method-not-allowed"));
        assert_eq!(answer.header("allow"), Some(allow), "{method} {target}");
    }
    for target in [
        "/v1/orders/none",
        "/v1/accounts/none",
        "/v1/transfers/none",
        "/v1/orders/none?wait=final&timeout=9s",
    ] {
        checker.check("GET", target, "", "", (404, "not-found"));
    }
    checker.check("POST", "/v1/orders/none/process", "", "", (404, "not-found"));
    for target in [
        "/v1/orders/a%20b",
        "/v1/accounts/%zz",
        "/v1/transfers/%ff",
        &format!("/v1/orders/{}", "x".repeat(65)),
    ] {
        let problem = checker.check("GET", target, "", "", (422, "invalid"));
        assert_eq!(problem["field"], "id");
    }
}

#[test]
fn parameters_are_checked_and_named() {
    let mut checker = Checker::over(Service::ledger().funded());
    for (target, field) in [
        ("/v1/orders?limit=0", "limit"),
        ("/v1/orders?limit=1001", "limit"),
        ("/v1/orders?limit=-1", "limit"),
        ("/v1/orders?limit=ten", "limit"),
        ("/v1/orders?limit=1&limit=2", "limit"),
        ("/v1/orders?state=done", "state"),
        ("/v1/orders?cursor=x", "cursor"),
        ("/v1/orders?cursor=-1", "cursor"),
        ("/v1/orders?stat=pending", "stat"),
        ("/v1/orders/x?wait=soon", "wait"),
        ("/v1/orders/x?wait=final&timeout=61s", "timeout"),
        ("/v1/orders/x?wait=final&timeout=30", "timeout"),
        ("/v1/orders/x?wait=final&timeout=-1s", "timeout"),
        ("/v1/orders/x?timeout=1s", "timeout"),
        ("/v1/accounts/a?wait=final", "wait"),
        ("/v1/events?after=x", "after"),
        ("/v1/events?after=-1", "after"),
        ("/v1/events?since=1", "since"),
    ] {
        let problem = checker.check("GET", target, "", "", (422, "invalid"));
        assert_eq!(problem["field"], field, "{target}");
    }
    let body = r#"{"payer":"a","payee":"b","amount":1}"#;
    checker.field("/v1/orders?wait=no", body, "wait");
    checker.field("/v1/orders?dry_run=1", body, "dry_run");
    checker.field("/v1/accounts?x=1", "{}", "x");
    checker.field("/v1/orders/x/cancel?force=1", "{}", "force");
}

#[test]
fn headers_with_a_meaning_are_checked_and_named() {
    let mut checker = Checker::over(Service::manual().funded());
    checker.client.post(ORDERS, json!({"id": "o", "payer": "a", "payee": "b", "amount": 1}));
    let body = r#"{"payer":"a","payee":"b","amount":1}"#;
    let long = "k".repeat(256);
    for key in ["", "a b", "ü", &long] {
        let header = format!("idempotency-key: {key}\r\n");
        let problem = checker.check("POST", ORDERS, &header, body, (422, "invalid"));
        assert_eq!(problem["field"], "Idempotency-Key", "{key}");
    }
    let twice = "idempotency-key: a\r\nidempotency-key: a\r\n";
    checker.check("POST", ORDERS, twice, body, (422, "invalid"));
    let on_array = checker.check(
        "POST",
        ORDERS,
        "idempotency-key: a\r\n",
        &format!("[{body}]"),
        (422, "invalid"),
    );
    assert_eq!(on_array["field"], "Idempotency-Key");
    for tag in ["1", "\"x\"", "W/\"1\"", "\"1\", \"2\"", "\"\""] {
        let header = format!("if-match: {tag}\r\n");
        let problem = checker.check("POST", "/v1/orders/o/process", &header, "", (422, "invalid"));
        assert_eq!(problem["field"], "If-Match", "{tag}");
    }
    let problem = checker.check("GET", "/v1/events", "last-event-id: x\r\n", "", (422, "invalid"));
    assert_eq!(problem["field"], "Last-Event-ID");
}

#[test]
fn rules_that_refuse_say_which() {
    let mut checker = Checker::over(Service::manual().funded());
    checker.client.post("/v1/accounts", json!({"id": "eur", "ledger": "EUR"}));
    checker.client.post(ORDERS, json!({"id": "o", "payer": "a", "payee": "b", "amount": 1}));
    checker.client.post(ORDERS, json!({"id": "much", "payer": "b", "payee": "a", "amount": 1}));
    let order =
        |payer: &str, payee: &str| json!({"payer": payer, "payee": payee, "amount": 1}).to_string();
    checker.check("POST", ORDERS, "", &order("none", "b"), (422, "unknown-account"));
    checker.check("POST", ORDERS, "", &order("a", "none"), (422, "unknown-account"));
    checker.check("POST", ORDERS, "", &order("a", "a"), (422, "same-account"));
    checker.check("POST", ORDERS, "", &order("a", "eur"), (422, "ledger-mismatch"));
    let transfer = |amount: u64| json!({"from": "bank", "to": "b", "amount": amount}).to_string();
    let poor = json!({"from": "b", "to": "a", "amount": 1}).to_string();
    checker.check("POST", "/v1/transfers", "", &poor, (422, "insufficient-funds"));
    checker.check("POST", "/v1/transfers", "", &transfer((1 << 53) - 1), (422, "overflow"));
    checker.check("POST", "/v1/orders/much/process", "", "", (422, "insufficient-funds"));
    let problem =
        checker.check("POST", "/v1/orders/o/confirm", "", "", (409, "illegal-transition"));
    assert_eq!(problem["state"], "pending");
    let problem = checker.check(
        "POST",
        "/v1/orders/o/process",
        "if-match: \"2\"\r\n",
        "",
        (412, "stale-version"),
    );
    assert_eq!(problem["current_version"], 1);
    let existing = json!({"id": "eur", "ledger": "USD"}).to_string();
    checker.check("POST", "/v1/accounts", "", &existing, (409, "account-exists-differently"));
    let other = json!({"id": "o", "payer": "a", "payee": "b", "amount": 2}).to_string();
    checker.check("POST", ORDERS, "", &other, (409, "idempotency-conflict"));
    // The version is looked at before the transition.
    checker.check(
        "POST",
        "/v1/orders/o/confirm",
        "if-match: \"9\"\r\n",
        "",
        (412, "stale-version"),
    );
    checker.client.post("/v1/orders/o/cancel", "");
    let problem =
        checker.check("POST", "/v1/orders/o/process", "", "", (409, "illegal-transition"));
    assert_eq!(problem["state"], "cancelled");
}
