//! Limits: one place, many keys, and one key that two nodes share through Redis.

use std::fs;
use std::hint::black_box;
use std::net::TcpListener;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use norace::limit::redis::{Config, Mode, Shared, WhenDown};
use norace::limit::{Decision, Keyed, Limiter, Quota, Reason};
use norace_bench_measure::{Done, Run, p99, usage::Watch};

use crate::locks::on_threads;

/// More in a second than can be asked for.
const PLENTY: u32 = 1_000_000_000;

/// Decisions at one place, all of them to admit or all of them to deny.
pub fn one(run: Run, contender: &str, parameters: &[&str]) -> Option<Done> {
    let [threads, answer] = parameters else { return None };
    let (threads, admit) = (threads.parse().ok()?, *answer == "allow");
    Some(match contender {
        "norace" => {
            let day = Quota::gcra(1, Duration::from_secs(86_400));
            let quota = if admit { Quota::per_second(u64::from(PLENTY)) } else { day };
            let limiter = Limiter::new(quota.expect("it can be"));
            _ = limiter.check();
            on_threads(run, threads, || assert_eq!(limiter.check().is_allowed(), admit))
        }
        "governor" => {
            let plenty = governor::Quota::per_second(NonZeroU32::new(PLENTY)?);
            let day = governor::Quota::with_period(Duration::from_secs(86_400))?;
            let limiter = governor::RateLimiter::direct(if admit { plenty } else { day });
            _ = limiter.check();
            on_threads(run, threads, || assert_eq!(limiter.check().is_ok(), admit))
        }
        _ => return None,
    })
}

/// Decisions for many keys in turns, all of which are there.
pub fn many(run: Run, contender: &str, parameters: &[&str]) -> Option<Done> {
    let [threads, keys] = parameters else { return None };
    let (threads, keys): (u64, u64) = (threads.parse().ok()?, keys.parse().ok()?);
    let turn = AtomicU64::new(0);
    // Relaxed: only the number counts. The step is coprime to the usual counts, so that neighbours are far apart.
    let next = || turn.fetch_add(1, Ordering::Relaxed).wrapping_mul(7_919) % keys;
    Some(match contender {
        "norace" => {
            let quota = Quota::per_second(u64::from(PLENTY)).expect("it can be");
            let limits = Keyed::new(quota, usize::try_from(keys * 2).ok()?);
            on_threads(run, threads, || assert!(limits.check(&next()).is_allowed()))
        }
        "governor" => {
            let quota = governor::Quota::per_second(NonZeroU32::new(PLENTY)?);
            let limits = governor::RateLimiter::keyed(quota);
            on_threads(run, threads, || assert!(limits.check_key(&next()).is_ok()))
        }
        _ => return None,
    })
}

/// What a node does with one request.
enum Said {
    Admitted,
    /// Not now.
    Later,
    /// The limit is used up.
    Denied,
}

/// What nodes admit together of a limit that they share.
const LIMIT: u64 = 20_000;

/// So many nodes that ask some 10,000 times a second each until the limit is used up, of a Redis of their own.
pub fn shared(contender: &str, parameters: &[&str]) -> Option<Done> {
    let nodes: u64 = parameters.first()?.parse().ok()?;
    let (batch, every) = (50, Duration::from_millis(100));
    let mode = match contender {
        "delayed" => Mode::Delayed { batch, every },
        "leased" => Mode::Leased { batch, every },
        "each" => return Some(each(nodes)),
        _ => return None,
    };
    let server = Server::start();
    let quota = Quota::fixed_window(LIMIT, Duration::from_secs(86_400)).expect("it can be");
    let config = Config::new(&server.url(), quota, mode, nodes, WhenDown::Closed).trust_empty(true);
    let nodes: Vec<_> = (0..nodes)
        .map(|node| Shared::new(config.clone().node(&node.to_string())).expect("it can work"))
        .collect();
    let ask = |node: &Shared| match node.check("key") {
        Decision::Allowed { .. } => Said::Admitted,
        Decision::Denied { reason: Reason::Quota, .. } => Said::Denied,
        Decision::Denied { .. } => Said::Later,
    };
    let done = all(&nodes, ask);
    let calls: u64 = nodes.iter().map(|node| node.metrics().calls).sum();
    let bound = nodes[0].error_bound(0);
    Some(told(done, calls, bound))
}

/// The same with a question to Redis for each request.
fn each(nodes: u64) -> Done {
    let server = Server::start();
    let client = redis::Client::open(server.url()).expect("it is an address");
    let connect = || client.get_connection().expect("it is there");
    let nodes: Vec<_> = (0..nodes).map(|_| std::sync::Mutex::new(connect())).collect();
    let asked = AtomicU64::new(0);
    let done = all(&nodes, |connection| {
        // Relaxed: only the number counts.
        asked.fetch_add(1, Ordering::Relaxed);
        let mut connection = connection.lock().expect("nothing panics");
        let count: u64 = redis::cmd("INCR").arg("key").query(&mut *connection).expect("it answers");
        if count <= LIMIT { Said::Admitted } else { Said::Denied }
    });
    // Relaxed: who counted was joined.
    told(done, asked.load(Ordering::Relaxed), 0)
}

fn told((admitted, mut times, watch): (u64, Vec<u64>, Watch), calls: u64, bound: u64) -> Done {
    let over = admitted.saturating_sub(LIMIT);
    let wrong = u64::from(over > bound || admitted < LIMIT / 2);
    let p99_us = p99(&mut times) as f64 / 1e3;
    Done::timed(admitted, &watch)
        .with("over", over as f64)
        .with("under", LIMIT.saturating_sub(admitted) as f64)
        .with("wrong", wrong as f64)
        .with("calls_per_1000", calls as f64 * 1e3 / admitted as f64)
        .with("p99_us", p99_us)
}

/// A thread for each node, which asks until it is told no for long; what they admitted, and how long decisions took.
fn all<N: Sync>(nodes: &[N], ask: impl Fn(&N) -> Said + Sync) -> (u64, Vec<u64>, Watch) {
    let watch = Watch::start();
    let serve = |node: &N| {
        let (mut admitted, mut times, mut denied) = (0, Vec::new(), 0);
        while denied < 500 {
            let begun = Instant::now();
            let said = black_box(ask(node));
            times.push(u64::try_from(begun.elapsed().as_nanos()).expect("it is short"));
            match said {
                Said::Admitted => (admitted, denied) = (admitted + 1, 0),
                Said::Denied => denied += 1,
                Said::Later => {}
            }
            thread::sleep(Duration::from_micros(50));
        }
        (admitted, times)
    };
    let (mut admitted, mut times) = (0, Vec::new());
    thread::scope(|scope| {
        let serving: Vec<_> = nodes.iter().map(|node| scope.spawn(|| serve(node))).collect();
        for node in serving {
            let (more, mut taken) = node.join().expect("it does not panic");
            admitted += more;
            times.append(&mut taken);
        }
    });
    (admitted, times, watch)
}

/// A `redis-server` with an empty folder; it ends with this value.
struct Server {
    port: u16,
    folder: PathBuf,
    child: Child,
}

impl Server {
    fn start() -> Self {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = free.expect("there is a free port").port();
        let folder = std::env::temp_dir().join(format!("norace-bench-redis-{port}"));
        fs::create_dir_all(&folder).expect("a folder can be made");
        let child = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port"])
            .arg(port.to_string())
            .arg("--dir")
            .arg(&folder)
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is installed");
        let server = Self { port, folder, child };
        let begun = Instant::now();
        let client = redis::Client::open(server.url()).expect("it is an address");
        while client.get_connection().is_err() {
            assert!(begun.elapsed() < Duration::from_secs(10), "redis-server does not answer");
            thread::sleep(Duration::from_millis(5));
        }
        server
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended, and its folder holds nothing.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}
