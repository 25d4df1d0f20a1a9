//! The service: start, drain, its folder, its configuration.

use std::fs;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::http::{Answer, Http};
use crate::process::{Folder, Server, binary, end, norace};

/// An overdraft account and two others.
pub(crate) fn open_books(http: &mut Http) {
    let accounts = json!([{"id": "bank", "allow_overdraft": true}, {"id": "shop"}, {"id": "ann"}]);
    let answer = http.post("/v1/accounts", &accounts).unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[test]
fn sigterm_drains_and_exits_with_0() {
    let folder = Folder::new("serve-drain");
    let data = folder.join("data");
    let slow = ["--processor", "simulated", "--simulated-delay-ms", "600"];
    let mut server = Server::start(&data, &slow);
    open_books(&mut server.http());
    let order = json!({"id": "o", "payer": "bank", "payee": "shop", "amount": 5});
    let (mut idle, mut waiting, mut probe) = (server.http(), server.http(), server.http());
    thread::scope(|scope| {
        let answer = scope.spawn(move || waiting.post("/v1/orders?wait=final", &order));
        // The request that waits, and the one that asks.
        while !probe.text("/metrics").unwrap().contains("norace_http_requests_in_flight 2\n") {
            thread::yield_now();
        }
        let asked = Instant::now();
        server.signal("TERM");
        let answer = answer.join().unwrap().expect("what was admitted is answered");
        assert_eq!((answer.status, &answer.body["state"]), (201, &json!("confirmed")));
        let status = server.wait();
        assert_eq!(status.code(), Some(0), "{status}");
        assert!(asked.elapsed() < Duration::from_secs(10));
    });
    assert!(idle.get("/healthz").is_err(), "idle connections are closed");
    let verified = norace(&["verify", "--format", "json", "--data", &data]).json();
    assert_eq!((&verified["ok"], &verified["torn_tail_bytes"]), (&json!(true), &json!(0)));
}

#[test]
fn sigint_drains_too_and_exits_with_130() {
    let folder = Folder::new("serve-interrupt");
    let mut server = Server::start(&folder.join("data"), &[]);
    open_books(&mut server.http());
    server.signal("INT");
    let status = server.wait();
    assert_eq!((status.code(), status.signal()), (Some(130), None));
}

/// A service that takes `delay_ms` for an order, one of which is waited for while the service drains after a SIGTERM.
fn draining(folder: &Folder, delay_ms: &str) -> (Server, thread::JoinHandle<io::Result<Answer>>) {
    let slow = ["--processor", "simulated", "--simulated-delay-ms", delay_ms];
    let server = Server::start(&folder.join("data"), &slow);
    open_books(&mut server.http());
    let (mut waiting, mut probe) = (server.http(), server.http());
    let order = json!({"id": "o", "payer": "bank", "payee": "shop", "amount": 5});
    let answer = thread::spawn(move || waiting.post("/v1/orders?wait=final", &order));
    // The request that waits, and the one that asks.
    while !probe.text("/metrics").unwrap().contains("norace_http_requests_in_flight 2\n") {
        thread::yield_now();
    }
    server.signal("TERM");
    // A closed listener shows that the signal has been seen.
    while Http::connect(server.address()).is_ok_and(|mut http| http.get("/healthz").is_ok()) {
        thread::yield_now();
    }
    (server, answer)
}

#[test]
fn a_repeated_sigterm_does_not_cut_the_drain_short() {
    let folder = Folder::new("serve-sigterm-twice");
    let (mut server, answer) = draining(&folder, "1500");
    server.signal("TERM");
    let answer = answer.join().unwrap().expect("what was admitted is answered");
    assert_eq!((answer.status, &answer.body["state"]), (201, &json!("confirmed")));
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn a_sigint_during_the_drain_ends_at_once_with_130() {
    let folder = Folder::new("serve-sigint-drain");
    let (mut server, answer) = draining(&folder, "60000");
    server.signal("INT");
    assert_eq!(server.wait().code(), Some(130), "a drain that took its time ends with 0");
    assert!(answer.join().unwrap().is_err(), "nobody waited for the order");
}

#[test]
fn a_second_service_on_the_same_folder_is_exit_74() {
    let folder = Folder::new("serve-locked");
    let data = folder.join("data");
    let server = Server::start(&data, &[]);
    let ended = norace(&["serve", "--data", &data, "--listen", "127.0.0.1:0"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(74), ""), "{ended:?}");
    let expected = format!("cannot open the journal in {data}: another process holds");
    assert!(ended.stderr.contains(&expected), "{ended:?}");
    assert_eq!(server.http().get("/healthz").unwrap().status, 200, "the first one goes on");
}

#[test]
fn what_was_answered_is_there_after_a_restart() {
    let folder = Folder::new("serve-restart");
    let data = folder.join("data");
    let mut server = Server::start(&data, &[]);
    open_books(&mut server.http());
    let order = json!({"id": "o", "payer": "bank", "payee": "shop", "amount": 5});
    let before = server.http().post("/v1/orders", &order).unwrap();
    assert_eq!((before.status, &before.body["state"]), (201, &json!("confirmed")));
    server.signal("TERM");
    assert!(server.wait().success());
    let server = Server::start(&data, &[]);
    assert_eq!(server.http().get("/v1/orders/o").unwrap().body, before.body);
}

#[test]
fn a_disk_without_room_for_a_journal_is_exit_74() {
    let folder = Folder::new("serve-full");
    let data = folder.join("data");
    // Files of 50 KiB at most, and the error instead of the signal.
    let line = "trap '' XFSZ; ulimit -f 100; exec \"$0\" serve --listen 127.0.0.1:0 --data \"$1\"";
    let mut shell = Command::new("sh");
    let ended = end(shell.args(["-c", line, env!("CARGO_BIN_EXE_norace"), &data]));
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(74), ""), "{ended:?}");
    assert!(ended.stderr.contains("cannot open the journal in"), "{ended:?}");
}

#[test]
fn a_journal_that_cannot_be_written_is_an_unknown_outcome_and_then_exit_74() {
    let folder = Folder::new("serve-unwritable");
    let data = folder.join("data");
    let mut server = Server::start(&data, &[]);
    open_books(&mut server.http());
    server.signal("TERM");
    assert!(server.wait().success());
    // The segments are there; from now on none can be written beyond its first 50 KiB.
    let line = "trap '' XFSZ; ulimit -f 100; \
                exec \"$0\" serve --format json --listen 127.0.0.1:0 --data \"$1\"";
    let mut shell = Command::new("sh");
    shell.args(["-c", line, env!("CARGO_BIN_EXE_norace"), &data]);
    let mut server = Server::start_by(shell, &data);
    let accounts: Vec<_> = (0..4000).map(|number| json!({"id": format!("a{number}")})).collect();
    let answer = server.http().post("/v1/accounts", &json!(accounts)).unwrap();
    assert_eq!((answer.status, &answer.body["code"]), (503, &json!("stopping")), "{answer:?}");
    assert_eq!(answer.body["outcome"], "unknown", "{answer:?}");
    assert_eq!(server.wait().code(), Some(74));
    let told = server.stderr();
    assert!(told.contains("cannot go on") && told.contains("see to the disk"), "{told}");
}

#[test]
fn an_address_in_use_is_told_with_a_hint() {
    let folder = Folder::new("serve-address");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ended = norace(&["serve", "--data", &folder.join("data"), "--listen", &address]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains(&format!("cannot listen on {address}")), "{ended:?}");
    assert!(ended.stderr.contains("hint: "), "{ended:?}");
}

#[test]
fn without_keys_only_the_loopback_interface_is_served() {
    let folder = Folder::new("serve-loopback");
    let ended = norace(&["serve", "--data", &folder.join("data"), "--listen", "0.0.0.0:0"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("loopback"), "{ended:?}");
}

#[test]
fn a_configuration_that_is_wrong_anywhere_is_refused() {
    let folder = Folder::new("serve-config");
    let path = folder.join("norace.toml");
    let data = folder.join("data");
    for (text, complaint) in [
        ("[server]\nconnection_max = 1\n", "unknown field `connection_max`"),
        ("[sever]\n", "unknown field `sever`"),
        ("[server]\nconnections_max = 0\n", "line 2: invalid value: integer `0`"),
        ("[engine]\nqueue_messages = -1\n", "line 2"),
        ("[engine]\n\nqueue_messages = \"many\"\n", "line 3: invalid type"),
        ("not toml", "line 1"),
        ("[log]\nlevel = \"loud\"\n", "line 2: unknown variant `loud`"),
        ("[server]\nheaders_max = 1\n", "server.headers_max: 1 is below 8"),
        (
            "[redis]\nurl = \"redis://h/\"\nmode = \"delayed\"\nnodes = 2\n",
            "line 1: missing field `when_down`",
        ),
    ] {
        fs::write(&path, text).unwrap();
        let ended =
            norace(&["serve", "--data", &data, "--config", &path, "--listen", "127.0.0.1:0"]);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{text}: {ended:?}");
        let told = ended.stderr.contains("cannot use the configuration")
            && ended.stderr.contains(complaint);
        assert!(told, "{text}: {ended:?}");
    }
    let ended = norace(&["serve", "--data", &data, "--config", &folder.join("absent.toml")]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
}

/// A file for limits over what listens on `port`, if anything does.
fn shared_limits(port: u16) -> String {
    format!(
        "[limits]\neach_client = {{ requests = 100, per_ms = 1000 }}\n\
         [redis]\nurl = \"redis://127.0.0.1:{port}/\"\nmode = \"delayed\"\nnodes = 2\nwhen_down = \"open\"\n"
    )
}

#[cfg(not(feature = "redis"))]
#[test]
fn a_build_without_redis_says_so() {
    let folder = Folder::new("serve-no-redis");
    let path = folder.join("norace.toml");
    fs::write(&path, shared_limits(1)).unwrap();
    let ended = norace(&["serve", "--data", &folder.join("data"), "--config", &path]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("redis: this program was built without it"), "{ended:?}");
    assert!(ended.stderr.contains("the feature `redis`"), "{ended:?}");
}

#[cfg(feature = "redis")]
#[test]
fn limits_are_shared_through_redis_whose_absence_ends_nothing() {
    let folder = Folder::new("serve-redis");
    let path = folder.join("norace.toml");
    // Nobody listens there.
    fs::write(&path, shared_limits(1)).unwrap();
    let mut server = Server::start(&folder.join("data"), &["--config", &path]);
    let mut http = server.http();
    let begun = Instant::now();
    while !http.text("/metrics").unwrap().contains("norace_limit_store_up{limit=\"client\"} 0\n") {
        assert!(begun.elapsed() < Duration::from_secs(20), "it is not noticed");
        http.get("/v1/orders").unwrap();
    }
    assert_eq!(http.get("/v1/orders").unwrap().status, 200);
    assert_eq!(http.get("/readyz").unwrap().status, 200);

    let other = shared_limits(1).replace("nodes = 2", "nodes = 3");
    fs::write(&path, other).unwrap();
    let complaint = "redis: it has changed, which takes a restart";
    configuration(&mut http, |shown| {
        shown["last_error"]["detail"].as_str().is_some_and(|detail| detail.contains(complaint))
    });
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn a_configuration_sets_the_bounds() {
    let folder = Folder::new("serve-bounds");
    let path = folder.join("norace.toml");
    fs::write(&path, "# small\n[server]\narray_items_max = 2\n\n[engine]\nqueue_messages = 64\n")
        .unwrap();
    let server = Server::start(&folder.join("data"), &["--config", &path]);
    let three = json!([{"id": "a"}, {"id": "b"}, {"id": "c"}]);
    let mut http = server.http();
    assert_eq!(http.post("/v1/accounts", &json!([{"id": "a"}, {"id": "b"}])).unwrap().status, 200);
    let refused = http.post("/v1/accounts", &three).unwrap();
    assert!((400..500).contains(&refused.status), "{refused:?}");
}

/// Asks for the configuration until it `holds`.
#[track_caller]
fn configuration(http: &mut Http, holds: impl Fn(&Value) -> bool) -> Value {
    let begun = Instant::now();
    loop {
        let shown = http.get("/v1/config").unwrap().body;
        if holds(&shown) {
            return shown;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "it stays {shown}");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_configuration_is_followed_and_a_bad_one_changes_nothing() {
    let folder = Folder::new("serve-follow");
    let path = folder.join("norace.toml");
    fs::write(&path, "[server]\narray_items_max = 2\n").unwrap();
    let server = Server::start(&folder.join("data"), &["--config", &path]);
    let mut http = server.http();
    let items = |shown: &Value| shown["settings"]["server"]["array_items_max"].clone();
    assert_eq!(items(&configuration(&mut http, |shown| shown["version"] == 1)), 2);

    fs::write(folder.join("new.toml"), "[server]\narray_items_max = 3\n").unwrap();
    fs::rename(folder.join("new.toml"), &path).unwrap();
    assert_eq!(items(&configuration(&mut http, |shown| shown["version"] == 2)), 3);
    let three = json!([{"id": "a"}, {"id": "b"}, {"id": "c"}]);
    assert_eq!(http.post("/v1/accounts", &three).unwrap().status, 200);

    for (text, complaint) in [
        ("[server]\narray_items = 4\n", "line 2: unknown field `array_items`"),
        ("[server]\nwait_max_ms = 1\n", "server.wait_default_ms: it is above wait_max_ms"),
        ("[engine]\nevents_max = 4\n", "engine.events_max has changed, which takes a restart: the"),
    ] {
        fs::write(&path, text).unwrap();
        let told = |shown: &Value| {
            let detail = shown["last_error"]["detail"].as_str();
            detail.is_some_and(|detail| detail.contains(complaint))
        };
        let shown = configuration(&mut http, told);
        assert_eq!((&shown["version"], &shown["last_error"]["version"]), (&json!(2), &json!(2)));
        assert_eq!(items(&shown), 3);
    }

    fs::write(&path, "").unwrap();
    let shown = configuration(&mut http, |shown| shown["version"] == 3);
    assert_eq!((items(&shown), &shown["last_error"]), (json!(8190), &Value::Null));
}

#[test]
fn a_file_changes_who_drives_new_orders_and_holds_after_a_restart() {
    let folder = Folder::new("serve-processor");
    let (path, data) = (folder.join("norace.toml"), folder.join("data"));
    fs::write(&path, "").unwrap();
    let mut server = Server::start(&data, &["--config", &path]);
    let mut http = server.http();
    open_books(&mut http);
    let pay = |http: &mut Http, id: &str| {
        let order = json!({"id": id, "payer": "bank", "payee": "shop", "amount": 5});
        http.post("/v1/orders", &order).unwrap().body["state"].clone()
    };
    assert_eq!(pay(&mut http, "x"), "confirmed");
    fs::write(&path, "[processor]\nnew_orders = \"manual\"\n").unwrap();
    configuration(&mut http, |shown| shown["version"] == 2);
    assert_eq!(pay(&mut http, "y"), "pending");

    // What was put holds until the restart, the file's content after it.
    let ledger = json!({"processor": {"new_orders": "ledger"}});
    assert_eq!(http.put("/v1/config", &ledger).unwrap().body["version"], 3);
    assert_eq!(pay(&mut http, "z"), "confirmed");
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(0));
    let server = Server::start(&data, &["--config", &path]);
    let mut http = server.http();
    let shown = http.get("/v1/config").unwrap().body;
    assert_eq!(shown["settings"]["processor"]["new_orders"], "manual");
    assert_eq!(pay(&mut http, "last"), "pending");
    assert_eq!(http.get("/v1/orders/y").unwrap().body["state"], "pending");
}

/// What `printf %s boss | sha256sum` prints, and so on.
const KEYS: &str = "
    [keys.shop]
    scope = \"write\"
    sha256 = [\"87eba76e7f3164534045ba922e7770fb58bbd14ad732bbf5ba6f11cc56989e6e\"]
    [keys.operator]
    scope = \"admin\"
    sha256 = [\"a5e7c002443743c5836758c7d1cd8ddefd9fcf2061daa0efaac683fb99966057\"]
";

#[test]
fn keys_from_the_file_guard_the_service_on_any_address_and_are_followed() {
    let folder = Folder::new("serve-keys");
    let (path, data) = (folder.join("norace.toml"), folder.join("data"));
    let everywhere = ["serve", "--data", &data, "--listen", "0.0.0.0:0", "--config", &path];
    fs::write(&path, "").unwrap();
    let refused = norace(&everywhere);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.stderr.contains("[keys]"), "{refused:?}");

    fs::write(&path, KEYS).unwrap();
    let server = Server::start_on("0.0.0.0:0", &data, &["--config", &path]);
    let mut http = server.http();
    let mut put = |key: &str| {
        let headers = format!("Authorization: Bearer {key}\r\n");
        http.send("PUT", "/v1/config", &headers, &json!({})).unwrap().status
    };
    assert_eq!((put("nobody"), put("worker"), put("boss")), (401, 403, 200));
    let load = ["load", "--orders", "3", "--connections", "1", "--format", "json", "--url"];
    let url = format!("http://127.0.0.1:{}", server.address().port());
    let loaded = end(binary().args(load).arg(&url).env("NORACE_KEY", "worker"));
    assert_eq!((loaded.code, &loaded.json()["orders"]), (Some(0), &json!(3)), "{loaded:?}");
    assert_eq!(end(binary().args(load).arg(&url)).code, Some(2));

    // A key changes hands without a restart; the last one stays.
    fs::write(&path, KEYS.replace("\"admin\"", "\"read\"").replace("\"write\"", "\"admin\""))
        .unwrap();
    let begun = Instant::now();
    while (put("worker"), put("boss")) != (200, 403) {
        assert!(begun.elapsed() < Duration::from_secs(20));
        thread::sleep(Duration::from_millis(20));
    }
    fs::write(&path, "").unwrap();
    let mut http = server.http();
    let begun = Instant::now();
    loop {
        let text =
            http.send("GET", "/v1/config", "Authorization: Bearer boss\r\n", &Value::Null).unwrap();
        let detail = text.body["last_error"]["detail"].as_str();
        if detail.is_some_and(|detail| detail.contains("keys: the last one can't be taken away")) {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{text:?}");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn clients_drive_every_move_with_the_manual_processor() {
    let folder = Folder::new("serve-manual");
    let server = Server::start(&folder.join("data"), &["--processor", "manual"]);
    let mut http = server.http();
    open_books(&mut http);
    let order = json!({"id": "o", "payer": "bank", "payee": "shop", "amount": 5});
    assert_eq!(http.post("/v1/orders", &order).unwrap().body["state"], "pending");
    assert_eq!(http.post("/v1/orders/o/process", &json!({})).unwrap().body["version"], 2);
    assert_eq!(http.post("/v1/orders/o/confirm", &json!({})).unwrap().body["state"], "confirmed");
    assert_eq!(http.post("/v1/orders/o/cancel", &json!({})).unwrap().status, 409);
}

#[test]
fn the_simulated_provider_refuses_the_share_it_is_told() {
    let folder = Folder::new("serve-simulated");
    let options =
        ["--processor", "simulated", "--simulated-delay-ms", "1", "--simulated-refuse", "1"];
    let server = Server::start(&folder.join("data"), &options);
    let mut http = server.http();
    open_books(&mut http);
    let order = json!({"id": "o", "payer": "bank", "payee": "shop", "amount": 5});
    let answer = http.post("/v1/orders?wait=final", &order).unwrap();
    assert_eq!((answer.status, &answer.body["state"]), (201, &json!("failed")), "{answer:?}");
    assert_eq!(http.get("/v1/accounts/shop").unwrap().body["credits_posted"], 0);
}
