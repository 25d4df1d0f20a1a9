//! Nodes that ask until a limit is used up that they share, while its store is well, frozen or killed.

use std::hint::black_box;
use std::ops::RangeInclusive;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use norace::limit::redis::{Config, Mode, Shared, WhenDown};
use norace::limit::{Decision, Quota, Reason};
use norace_bench_measure::usage::Watch;
use norace_bench_measure::{Done, p99};

use super::INSTALLED;
use super::server::Server;

const DAY: Duration = Duration::from_secs(86_400);
/// Who was denied so often in a row believes it.
const DENIED: u32 = 500;
/// From one request of a node to the next; and of the nodes that ask a hundredth as often.
const PAUSE: Duration = Duration::from_micros(50);
const LONG_PAUSE: Duration = Duration::from_millis(10);

/// Trouble begins after so long. A store is frozen for that time, or killed, and is another one after this.
const WELL: Duration = Duration::from_millis(200);
const FROZEN: Duration = Duration::from_secs(1);
const GONE: Duration = Duration::from_millis(300);

pub(super) fn mode(contender: &str, batch: u64, every: Duration) -> Option<Mode> {
    match contender {
        "delayed" => Some(Mode::Delayed { batch, every }),
        "leased" => Some(Mode::Leased { batch, every }),
        _ => None,
    }
}

/// What a node does with one request.
enum Said {
    Admitted,
    /// Not now.
    Later,
    /// The limit is used up.
    Denied,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Trouble {
    None,
    Frozen,
    Killed,
    /// All nodes but one ask a hundredth as often.
    Skewed,
}

impl Trouble {
    /// What nodes may admit together.
    fn limit(self) -> u64 {
        if self == Self::None { 20_000 } else { 8_000 }
    }
}

/// `limit-shared:NODES`, and the same with trouble: so many nodes that ask some 10,000 times a second each, of a Redis
/// of their own.
pub fn shared(contender: &str, name: &str, parameters: &[&str]) -> Option<Done> {
    let nodes = parameters.first()?.parse().ok()?;
    let trouble = match name {
        "limit-frozen" => Trouble::Frozen,
        "limit-killed" => Trouble::Killed,
        "limit-skew" => Trouble::Skewed,
        _ => Trouble::None,
    };
    if contender == "each" {
        return Some(each(nodes, trouble));
    }
    Some(own(nodes, trouble, mode(contender, 50, Duration::from_millis(100))?))
}

fn own(nodes: u64, trouble: Trouble, mode: Mode) -> Done {
    let mut server = Server::known().expect(INSTALLED);
    let limit = trouble.limit();
    let quota = Quota::fixed_window(limit, DAY).expect("it can be");
    let config = Config::new(&server.url(), quota, mode, nodes, WhenDown::Closed);
    let nodes: Vec<_> = (0..nodes)
        .map(|node| Shared::new(config.clone().node(&node.to_string())).expect("it can work"))
        .collect();
    let asked = all(&nodes, trouble, &mut server, |node| match node.check("key") {
        Decision::Allowed { .. } => Said::Admitted,
        Decision::Denied { reason: Reason::Quota | Reason::StoreForgot, .. } => Said::Denied,
        Decision::Denied { .. } => Said::Later,
    });
    let calls = nodes.iter().map(|node| node.metrics().calls).sum();
    // A store that forgot admits nothing more.
    let least = if trouble == Trouble::Killed { 0 } else { limit / 2 };
    asked.told(limit, calls, least..=limit + nodes[0].error_bound(0))
}

/// The same with a question to Redis for each request.
fn each(nodes: u64, trouble: Trouble) -> Done {
    let mut server = Server::start().expect(INSTALLED);
    let limit = trouble.limit();
    let client = server.client();
    let nodes: Vec<_> = (0..nodes).map(|_| Mutex::new(client.get_connection().ok())).collect();
    let count = AtomicU64::new(0);
    let asked = all(&nodes, trouble, &mut server, |connection| {
        // Relaxed: only the number counts.
        count.fetch_add(1, Ordering::Relaxed);
        let mut connection = connection.lock().expect("nothing panics");
        if connection.is_none() {
            *connection = client.get_connection().ok();
        }
        let increment = |connection: &mut redis::Connection| {
            redis::cmd("INCR").arg("key").query::<u64>(connection).ok()
        };
        match connection.as_mut().and_then(increment) {
            Some(count) if count <= limit => Said::Admitted,
            Some(_) => Said::Denied,
            None => {
                *connection = None;
                Said::Later
            }
        }
    });
    // A store that forgot begins anew.
    let most = if trouble == Trouble::Killed { 2 * limit } else { limit };
    // Relaxed: who counted was joined.
    asked.told(limit, count.load(Ordering::Relaxed), limit / 2..=most)
}

/// What came of it.
struct Asked {
    admitted: u64,
    /// Of each decision.
    times: Vec<u64>,
    watch: Watch,
}

impl Asked {
    fn told(mut self, limit: u64, calls: u64, right: RangeInclusive<u64>) -> Done {
        let longest = self.times.iter().copied().max().unwrap_or_default();
        let p99_us = p99(&mut self.times) as f64 / 1e3;
        Done::timed(self.admitted, &self.watch)
            .with("over", self.admitted.saturating_sub(limit) as f64)
            .with("under", limit.saturating_sub(self.admitted) as f64)
            .with("wrong", f64::from(u8::from(!right.contains(&self.admitted))))
            .with("calls_per_1000", calls as f64 * 1e3 / self.admitted as f64)
            .with("p99_us", p99_us)
            .with("longest_ms", longest as f64 / 1e6)
    }
}

/// A thread for each node, which asks until it is told no for long; a slow one, until the quick one is.
fn all<N: Sync>(
    nodes: &[N],
    trouble: Trouble,
    server: &mut Server,
    ask: impl Fn(&N) -> Said + Sync,
) -> Asked {
    let (watch, ended) = (Watch::start(), AtomicBool::new(false));
    let serve = |at: usize, node: &N| {
        let slow = trouble == Trouble::Skewed && at > 0;
        let (mut admitted, mut times, mut denied) = (0, Vec::new(), 0);
        // Relaxed: it carries nothing.
        while denied < DENIED && !(slow && ended.load(Ordering::Relaxed)) {
            let begun = Instant::now();
            let said = black_box(ask(node));
            times.push(u64::try_from(begun.elapsed().as_nanos()).expect("it is short"));
            match said {
                Said::Admitted => (admitted, denied) = (admitted + 1, 0),
                Said::Denied => denied += 1,
                Said::Later => {}
            }
            thread::sleep(if slow { LONG_PAUSE } else { PAUSE });
        }
        if at == 0 {
            // Relaxed: as above.
            ended.store(true, Ordering::Relaxed);
        }
        (admitted, times)
    };
    let (mut admitted, mut times) = (0, Vec::new());
    thread::scope(|scope| {
        let serve = &serve;
        scope.spawn(|| come_over(server, trouble));
        let start = |(at, node)| scope.spawn(move || serve(at, node));
        let serving: Vec<_> = nodes.iter().enumerate().map(start).collect();
        for node in serving {
            let (more, mut taken) = node.join().expect("it does not panic");
            admitted += more;
            times.append(&mut taken);
        }
    });
    Asked { admitted, times, watch }
}

fn come_over(server: &mut Server, trouble: Trouble) {
    match trouble {
        Trouble::None | Trouble::Skewed => {}
        Trouble::Frozen => {
            thread::sleep(WELL);
            server.pause();
            thread::sleep(FROZEN);
            server.resume();
        }
        Trouble::Killed => {
            thread::sleep(WELL);
            server.stop();
            thread::sleep(GONE);
            server.restart();
        }
    }
}
