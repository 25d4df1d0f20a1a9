//! Limits that services share through Redis.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use norace_server::{Limits, LiveSettings, Rate, Redis, RedisMode, Settings, WhenDown};
use serde_json::json;

use crate::service::{Service, eventually};

const HOUR: Duration = Duration::from_hours(1);

/// A server with an empty folder; it ends with this value.
struct Store {
    port: u16,
    folder: PathBuf,
    child: Child,
}

impl Store {
    /// None, with a word about it, where there is no `redis-server`; unless there has to be one.
    #[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
    fn start() -> Option<Self> {
        let there = Command::new("redis-server").arg("--version").stdout(Stdio::null()).status();
        if there.is_err() {
            let required = std::env::var("NORACE_REQUIRE_SERVERS").is_ok_and(|value| value == "1");
            assert!(!required, "`redis-server` is not installed");
            eprintln!("skipped: `redis-server` is not installed");
            return None;
        }
        // Free now, for what is told a number beforehand.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let name = format!("norace-server-redis-{}-{port}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        let child = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", ""])
            .args(["--appendonly", "no", "--dir"])
            .arg(&folder)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let store = Self { port, folder, child };
        let begun = Instant::now();
        while !store.answers() {
            assert!(begun.elapsed() < Duration::from_secs(20), "redis-server does not answer");
            thread::sleep(Duration::from_millis(5));
        }
        Some(store)
    }

    fn answers(&self) -> bool {
        let ping = || {
            let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
            stream.write_all(b"PING\r\n")?;
            let mut answer = [0; 7];
            stream.read_exact(&mut answer).map(|()| answer)
        };
        ping().is_ok_and(|answer| &answer == b"+PONG\r\n")
    }

    fn redis(&self, mode: RedisMode, batch: u64, when_down: WhenDown) -> Redis {
        redis(self.port, mode, batch, when_down)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// For two services, over what listens on `port`; one that is empty is new.
fn redis(port: u16, mode: RedisMode, batch: u64, when_down: WhenDown) -> Redis {
    let mut redis = Redis::new(&format!("redis://127.0.0.1:{port}/"), mode, 2, when_down);
    redis.batch = batch;
    redis.every = Duration::from_millis(10);
    redis.timeout = Duration::from_secs(1);
    redis.trust_empty = true;
    redis
}

fn service(redis: Redis, change: impl FnOnce(&mut Limits)) -> Service {
    let mut limits = Limits::default();
    change(&mut limits);
    let settings = Settings::default().with_limits(limits).with_redis(Some(redis));
    Service::over_settings(LiveSettings::new(settings).unwrap())
}

fn each(redis: &Redis, limit: u64) -> Service {
    service(redis.clone(), |limits| limits.each_client = Some(Rate::new(limit, HOUR)))
}

/// How many requests a service has refused because a limit is reached, as far as it knows from Redis.
fn refused(service: &Service) -> f64 {
    let of = |limit: &str| {
        let labels = format!("limit=\"{limit}\",decision=\"refused\"");
        service.metric(&format!("norace_limit_decisions_total{{{labels}}}"))
    };
    of("client") + of("service")
}

/// How many requests the services admit, asked in turn, until each of them has come to the limit.
fn admitted(services: &[&Service]) -> u64 {
    let mut clients: Vec<_> = services.iter().map(|service| service.client()).collect();
    let before: Vec<_> = services.iter().map(|service| refused(service)).collect();
    let is_full = |at: usize| refused(services[at]) > before[at];
    let (begun, mut count) = (Instant::now(), 0);
    while !(0..services.len()).all(is_full) {
        assert!(begun.elapsed() < Duration::from_secs(20), "{count} were admitted, and no end");
        for client in &mut clients {
            count += u64::from(client.get("/v1/orders").status == 200);
        }
        thread::sleep(Duration::from_millis(2));
    }
    count
}

#[test]
fn two_services_admit_no_more_than_the_limit_and_the_stated_error() {
    let Some(store) = Store::start() else { return };
    let delayed = store.redis(RedisMode::Delayed, 3, WhenDown::Closed);
    let (one, other) = (each(&delayed, 20), each(&delayed, 20));
    let count = admitted(&[&one, &other]);
    let bound = one.metric("norace_limit_error_bound{limit=\"client\"}");
    assert_eq!(bound, 3.0, "one batch of the other service");
    assert!((20..=23).contains(&count), "{count}");
    for service in [&one, &other] {
        assert_eq!(service.metric("norace_limit_store_up{limit=\"client\"}"), 1.0);
        assert!(service.metric("norace_limit_store_calls_total{limit=\"client\"}") > 0.0);
        assert_eq!(service.metric("norace_limit_clients"), 1.0);
    }
}

#[test]
fn leases_never_admit_more_than_the_limit() {
    let Some(store) = Store::start() else { return };
    let leased = store.redis(RedisMode::Leased, 2, WhenDown::Closed);
    let (one, other) = (each(&leased, 20), each(&leased, 20));
    let first = one.client().get("/v1/orders");
    assert_eq!((first.status, first.header("retry-after")), (429, Some("1")), "nothing is granted");
    let label = "norace_limit_decisions_total{limit=\"client\",decision=\"asking\"}";
    assert_eq!(one.metric(label), 1.0);
    let count = admitted(&[&one, &other]);
    // The burst of 20 is lessened by what two services may hold.
    assert!((12..=20).contains(&count), "{count}");
    assert_eq!(one.metric("norace_limit_error_bound{limit=\"client\"}"), 0.0);
}

#[test]
fn a_service_that_stops_tells_what_it_admitted() {
    let Some(store) = Store::start() else { return };
    let mut delayed = store.redis(RedisMode::Delayed, 5, WhenDown::Closed);
    delayed.every = Duration::from_secs(60);
    let mut one = each(&delayed, 8);
    let mut client = one.client();
    for _ in 0..3 {
        assert_eq!(client.get("/v1/orders").status, 200);
    }
    assert_eq!(one.metric("norace_limit_store_calls_total{limit=\"client\"}"), 0.0);
    one.stop();
    let other = each(&delayed, 8);
    assert_eq!(admitted(&[&other]), 5);
}

#[test]
fn the_limit_of_all_together_is_shared_as_well_and_follows_the_settings() {
    let Some(store) = Store::start() else { return };
    let delayed = store.redis(RedisMode::Delayed, 1, WhenDown::Closed);
    let limited = || {
        service(delayed.clone(), |limits| {
            limits.each_client = Some(Rate::new(100, HOUR));
            limits.all_clients = Some(Rate::new(6, HOUR));
        })
    };
    let (one, other) = (limited(), limited());
    let count = admitted(&[&one, &other]);
    assert!((6..=7).contains(&count), "{count}");
    assert_eq!(one.metric("norace_limit_error_bound{limit=\"service\"}"), 1.0);
    let limits =
        json!({"limits": {"all_clients": {"requests": 6, "per_ms": 3_600_000, "burst": 9}}});
    for service in [&one, &other] {
        let put = service.client().request("PUT", "/v1/config", "", &limits.to_string());
        assert_eq!(put.status, 200);
    }
    let more = admitted(&[&one, &other]);
    assert!((9..=10).contains(&(count + more)), "{count} and {more}");
}

/// What takes connections and never says a word.
fn silence() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

#[test]
fn no_request_waits_for_redis_and_a_silent_one_is_down() {
    let (_silent, port) = silence();
    let decided = |service: &Service, decision: &str| {
        let labels = format!("limit=\"client\",decision=\"{decision}\"");
        service.metric(&format!("norace_limit_decisions_total{{{labels}}}"))
    };
    for (when_down, status) in [(WhenDown::Closed, 429), (WhenDown::Open, 200)] {
        let service = each(&redis(port, RedisMode::Delayed, 2, when_down), 4);
        let mut client = service.client();
        // Redis was not heard of: one batch is admitted, and then it is being asked.
        let statuses = [(); 3].map(|()| client.get("/v1/orders").status);
        assert_eq!(statuses, [200, 200, 429]);
        assert_eq!(decided(&service, "asking"), 1.0);
        eventually("a time-out has been noticed", || {
            service.metric("norace_limit_store_up{limit=\"client\"}") == 0.0
        });
        assert!(service.metric("norace_limit_store_failures_total{limit=\"client\"}") >= 1.0);
        assert_eq!([(); 8].map(|()| client.get("/v1/orders").status), [status; 8]);
        let refused = if status == 429 { 8.0 } else { 0.0 };
        assert_eq!(decided(&service, "store-down"), refused);
    }
}

#[test]
fn without_redis_each_service_can_have_its_part() {
    let (_silent, port) = silence();
    let service = each(&redis(port, RedisMode::Delayed, 2, WhenDown::Share), 10);
    let mut client = service.client();
    assert_eq!([(); 2].map(|()| client.get("/v1/orders").status), [200; 2]);
    eventually("a time-out has been noticed", || {
        client.get("/healthz");
        service.metric("norace_limit_store_failures_total{limit=\"client\"}") >= 1.0
    });
    let more = (0..8).filter(|_| client.get("/v1/orders").status == 200).count();
    // The part is 5, of which some were admitted before.
    assert!((3..=5).contains(&more), "{more}");
}

#[test]
fn redis_is_set_by_the_file_alone_from_the_start_to_the_end_and_not_shown() {
    let (_silent, port) = silence();
    let mut redis = redis(port, RedisMode::Leased, 2, WhenDown::Open);
    redis.url = format!("redis://:secret@127.0.0.1:{port}/");
    let settings = |redis: Option<Redis>| Settings::default().with_redis(redis);
    let live = LiveSettings::new(settings(Some(redis.clone()))).unwrap();
    let service = Service::over_settings(live.clone());
    let mut client = service.client();
    let shown = String::from_utf8(client.get("/v1/config").body).unwrap();
    assert!(!shown.contains("redis") && !shown.contains("secret"), "{shown}");
    let put = client.request("PUT", "/v1/config", "", &json!({"redis": {}}).to_string());
    assert_eq!((put.status, &put.json()["field"]), (422, &json!("redis")));
    assert_eq!(client.request("PUT", "/v1/config", "", "{}").status, 200, "it stays as it is");
    let mut other = redis.clone();
    other.batch += 1;
    for other in [None, Some(other)] {
        let error = live.hot().publish(settings(other)).unwrap_err();
        assert_eq!(error.field(), "redis");
        assert!(error.detail().contains("takes a restart"), "{error}");
    }
    let mut limits = Limits::default();
    limits.clients_max = 5;
    let error = live.hot().publish(settings(Some(redis)).with_limits(limits)).unwrap_err();
    assert_eq!(error.field(), "limits.clients_max");
    // Two leases of two leave nothing of a burst of four.
    let rate = json!({"limits": {"each_client": {"requests": 4, "per_ms": 1000}}});
    let put = client.request("PUT", "/v1/config", "", &rate.to_string());
    assert_eq!((put.status, &put.json()["field"]), (422, &json!("limits.each_client")));
}

#[test]
fn what_is_no_redis_is_refused_by_name() {
    let mut redis = redis(1, RedisMode::Delayed, 2, WhenDown::Open);
    redis.url = "http://127.0.0.1/".to_owned();
    let error = LiveSettings::new(Settings::default().with_redis(Some(redis))).unwrap_err();
    assert_eq!(error.field(), "redis.url");
}
