//! Limits on requests.

use norace::limit::Quota;
use norace_engine::ProcessorChoice;
use std::time::Duration;

use crate::service::Service;

fn hour(limit: u64) -> Option<Quota> {
    Some(Quota::fixed_window(limit, Duration::from_secs(3600)).unwrap())
}

#[test]
fn a_client_over_its_limit_is_told_so_and_when_to_come_back() {
    let service = Service::with(ProcessorChoice::Manual, |config| {
        config.limits.each_client = hour(2);
    });
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
}

#[test]
fn all_clients_together_have_a_limit_of_their_own() {
    let service = Service::with(ProcessorChoice::Manual, |config| {
        (config.limits.each_client, config.limits.all_clients) = (hour(100), hour(1));
    });
    let mut client = service.client();
    assert!(client.get("/v1/orders").header("ratelimit").unwrap().contains("client"));
    let answer = client.get("/v1/orders");
    assert_eq!(answer.code(), (429, "rate-limited".to_owned()));
    assert!(answer.header("ratelimit").unwrap().starts_with("\"service\";r=0"));
}

#[test]
fn without_settings_there_is_no_limit() {
    let service = Service::manual();
    let answer = service.client().get("/v1/orders");
    assert_eq!((answer.status, answer.header("ratelimit")), (200, None));
}
