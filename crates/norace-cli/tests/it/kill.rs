//! kill -9 at any moment: whatever was answered is there after a restart, and a repeat never pays twice.
//!
//! Clients send orders, each with its own idempotency key and most without an id, while the service is killed at seeded
//! random times, [`KILLS`] times in all, half of them with a slow asynchronous processor. A client whose answer got
//! lost repeats the same request after the restart. After each kill the journal is audited, and after each restart
//! every answer of the round before is compared with what the service says now. The rest is compared once at the end,
//! with the sums.
//!
//! This shows that recovery works, not that syncing does: the kernel keeps what a killed process wrote. The simulated
//! storage of the journal's tests is what drops it.

use std::collections::HashMap;
use std::process::Stdio;
use std::time::Duration;
use std::{mem, thread};

use serde_json::{Value, json};

use crate::http::{Answer, Http};
use crate::process::{Folder, Server, binary, norace};

const KILLS: u32 = 50;
const CLIENTS: u64 = 4;
const DEPOSIT: u64 = 100_000;

/// SplitMix64: seeded, so that a failure can be repeated as far as a race can.
struct Seeded(u64);

impl Seeded {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % bound
    }
}

/// What a client was told about one order.
#[derive(Clone, Debug)]
struct Told {
    id: String,
    version: u64,
    state: String,
    amount: u64,
}

impl Told {
    fn from(order: &Value) -> Self {
        Self {
            id: order["id"].as_str().unwrap().to_owned(),
            version: order["version"].as_u64().unwrap(),
            state: order["state"].as_str().unwrap().to_owned(),
            amount: order["amount"].as_u64().unwrap(),
        }
    }

    fn is_final(&self) -> bool {
        matches!(self.state.as_str(), "confirmed" | "failed" | "cancelled")
    }

    /// Panics when `now` takes back what was told.
    fn assert_kept_by(&self, now: &Told) {
        assert!(
            now.version >= self.version && now.amount == self.amount,
            "{self:?} became {now:?}"
        );
        assert!(!self.is_final() || now.state == self.state, "{self:?} became {now:?}");
    }
}

/// A request that may have to be sent again.
#[derive(Clone, Debug)]
struct Attempt {
    key: String,
    path: &'static str,
    body: Value,
}

/// One client: what it was told, by key, and the request whose answer it has not seen.
struct Client {
    name: String,
    random: Seeded,
    sent: u64,
    unanswered: Option<Attempt>,
    told: HashMap<String, Told>,
    fresh: Vec<String>,
}

impl Client {
    fn new(number: u64, seed: u64) -> Self {
        Self {
            name: format!("payer-{number}"),
            random: Seeded(seed ^ number),
            sent: 0,
            unanswered: None,
            told: HashMap::new(),
            fresh: Vec::new(),
        }
    }

    fn attempt(&mut self) -> Attempt {
        self.sent += 1;
        let key = format!("{}-{}", self.name, self.sent);
        let amount = 1 + self.random.below(1_500);
        let mut body = json!({"payer": self.name, "payee": "shop", "amount": amount});
        if self.random.below(4) == 0 {
            body["id"] = json!(key);
        }
        let patient = self.random.below(2) == 0;
        Attempt { key, path: if patient { "/v1/orders?wait=final" } else { "/v1/orders" }, body }
    }

    /// Sends orders until the service is gone.
    fn send_until_killed(&mut self, mut http: Http) {
        loop {
            let attempt = match self.unanswered.take() {
                Some(attempt) => attempt,
                None => self.attempt(),
            };
            let sent = http.post_keyed(attempt.path, Some(&attempt.key), &attempt.body);
            let Ok(Answer { status, body }) = sent else {
                self.unanswered = Some(attempt);
                return;
            };
            assert_eq!(status, 201, "{attempt:?}: {body}");
            let told = Told::from(&body);
            if let Some(before) = self.told.insert(attempt.key.clone(), told.clone()) {
                assert_eq!(before.id, told.id, "a repeat made another order");
                before.assert_kept_by(&told);
            }
            self.fresh.push(attempt.key);
        }
    }

    /// Compares what was told since the last time with what the service says now.
    fn compare_fresh(&mut self, http: &mut Http) {
        for key in mem::take(&mut self.fresh) {
            let told = self.told.get_mut(&key).unwrap();
            let answer = http.get(&format!("/v1/orders/{}", told.id)).unwrap();
            assert_eq!(answer.status, 200, "{told:?} is gone: {answer:?}");
            let now = Told::from(&answer.body);
            told.assert_kept_by(&now);
            *told = now;
        }
    }
}

/// Starts, compares, lets the clients run, kills at a random time, audits. One start in four is killed too, in the
/// middle of recovery or just after it.
fn round(data: &str, options: &[&str], clients: &mut [Client], random: &mut Seeded) {
    if random.below(4) == 0 {
        let mut starting = binary();
        starting.args(["serve", "--listen", "127.0.0.1:0", "--data", data]).args(options);
        let mut starting = starting.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(Duration::from_micros(random.below(40_000)));
        starting.kill().unwrap();
        starting.wait().unwrap();
    }
    let mut server = Server::start(data, options);
    let mut http = server.http();
    for client in clients.iter_mut() {
        client.compare_fresh(&mut http);
    }
    let connections: Vec<_> = clients.iter().map(|_| server.http()).collect();
    thread::scope(|scope| {
        for (client, http) in clients.iter_mut().zip(connections) {
            scope.spawn(move || client.send_until_killed(http));
        }
        // Not a synchronisation: the moment of the kill is what varies.
        thread::sleep(Duration::from_micros(random.below(120_000)));
        server.kill();
    });
    let verified = norace(&["verify", "--format", "json", "--data", data]);
    assert_eq!(verified.code, Some(0), "{verified:?}");
    let report = verified.json();
    assert_eq!(report["debits"], report["credits"], "{report}");
}

fn open_books(data: &str, options: &[&str]) {
    let mut server = Server::start(data, options);
    let mut http = server.http();
    let mut accounts = vec![json!({"id": "bank", "allow_overdraft": true}), json!({"id": "shop"})];
    let names: Vec<_> = (0..CLIENTS).map(|number| format!("payer-{number}")).collect();
    accounts.extend(names.iter().map(|name| json!({"id": name})));
    assert_eq!(http.post("/v1/accounts", &json!(accounts)).unwrap().status, 200);
    for name in &names {
        let deposit = json!({"id": name, "from": "bank", "to": name, "amount": DEPOSIT});
        assert_eq!(http.post("/v1/transfers", &deposit).unwrap().status, 201);
    }
    server.kill();
}

/// All orders of the service, by id.
fn all_orders(http: &mut Http) -> HashMap<String, (String, Told)> {
    let mut found = HashMap::new();
    let mut path = "/v1/orders?limit=1000".to_owned();
    loop {
        let page = http.get(&path).unwrap().body;
        for order in page["items"].as_array().unwrap() {
            let told = Told::from(order);
            let payer = order["payer"].as_str().unwrap().to_owned();
            assert!(
                found.insert(told.id.clone(), (payer, told)).is_none(),
                "listed twice: {order}"
            );
        }
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/v1/orders?limit=1000&cursor={cursor}"),
            None => return found,
        }
    }
}

/// Repeats what is unanswered, waits for what is open, and adds everything up.
fn settle(data: &str, options: &[&str], clients: &mut [Client]) {
    let mut server = Server::start(data, options);
    let mut http = server.http();
    for client in clients.iter_mut() {
        if let Some(attempt) = client.unanswered.take() {
            let answer = http.post_keyed(attempt.path, Some(&attempt.key), &attempt.body).unwrap();
            assert_eq!(answer.status, 201, "{answer:?}");
            client.told.insert(attempt.key.clone(), Told::from(&answer.body));
        }
        client.compare_fresh(&mut http);
    }
    let open = all_orders(&mut http).into_values().filter(|(_, told)| !told.is_final());
    for (_, told) in open {
        let path = format!("/v1/orders/{}?wait=final&timeout=30s", told.id);
        let now = Told::from(&http.get(&path).unwrap().body);
        assert!(now.is_final(), "{told:?} is not taken up again");
    }
    let all = all_orders(&mut http);
    let keys: u64 = clients.iter().map(|client| client.sent).sum();
    assert_eq!(all.len() as u64, keys, "one order for each key, however often it was sent");
    let mut received = 0;
    for client in clients {
        assert_eq!(client.told.len() as u64, client.sent);
        for told in client.told.values() {
            told.assert_kept_by(&all[&told.id].1);
        }
        let mine = all.values().filter(|(payer, _)| *payer == client.name);
        let paid: u64 =
            mine.filter(|(_, told)| told.state == "confirmed").map(|(_, told)| told.amount).sum();
        let account = http.get(&format!("/v1/accounts/{}", client.name)).unwrap().body;
        assert_eq!(
            (&account["debits_posted"], &account["debits_pending"]),
            (&json!(paid), &json!(0))
        );
        assert_eq!(account["available"], json!(DEPOSIT - paid));
        received += paid;
    }
    assert_eq!(http.get("/v1/accounts/shop").unwrap().body["credits_posted"], json!(received));
    server.signal("TERM");
    assert!(server.wait().success());
    let report = norace(&["verify", "--format", "json", "--data", data]).json();
    assert_eq!((&report["ok"], &report["open_orders"]), (&json!(true), &json!(0)), "{report}");
    assert_eq!(
        (&report["orders"], &report["torn_tail_bytes"]),
        (&json!(keys), &json!(0)),
        "{report}"
    );
}

fn survive(name: &str, options: &[&str], kills: u32, seed: u64) {
    let folder = Folder::new(name);
    let data = folder.join("data");
    open_books(&data, options);
    let mut clients: Vec<_> = (0..CLIENTS).map(|number| Client::new(number, seed)).collect();
    let mut random = Seeded(seed);
    for _ in 0..kills {
        round(&data, options, &mut clients, &mut random);
    }
    let answered: usize = clients.iter().map(|client| client.told.len()).sum();
    assert!(answered > kills as usize, "only {answered} answers: the clients hardly ran");
    settle(&data, options, &mut clients);
}

#[test]
fn acknowledged_orders_survive_kill_9_with_the_ledger() {
    survive("kill-ledger", &[], KILLS / 2, 0x5EED_0001);
}

#[test]
fn acknowledged_orders_survive_kill_9_with_a_slow_processor() {
    let slow =
        ["--processor", "simulated", "--simulated-delay-ms", "15", "--simulated-refuse", "0.1"];
    survive("kill-slow", &slow, KILLS / 2, 0x5EED_0002);
}
