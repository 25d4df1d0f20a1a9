//! Short windows, at whose edges more may be admitted than in one, and a node whose clock steps.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use norace::limit::redis::{Config, Shared, WhenDown};
use norace::limit::{Clock, Monotonic, Quota};
use norace_bench_measure::usage::Watch;
use norace_bench_measure::{Done, Run, p99};

use super::INSTALLED;
use super::nodes::mode;
use super::server::Server;

const LIMIT: u64 = 500;
const PERIOD: Duration = Duration::from_millis(250);
const BATCH: u64 = 50;
const EVERY: Duration = Duration::from_millis(20);
const PAUSE: Duration = Duration::from_micros(50);
const STEP_MILLIS: i64 = 1_000;
/// So that a clock can step back.
const BASE_NANOS: u64 = 3_600_000_000_000;

/// By how much a node's clock is ahead, in milliseconds.
#[derive(Default)]
struct Step(AtomicI64);

impl Step {
    fn millis(&self) -> i64 {
        // Relaxed: it carries nothing.
        self.0.load(Ordering::Relaxed)
    }
}

struct Stepping(Monotonic, &'static Step);

impl Clock for Stepping {
    fn nanos(&self) -> u64 {
        (self.0.nanos() + BASE_NANOS).saturating_add_signed(self.1.millis() * 1_000_000)
    }
}

/// What nodes saw.
#[derive(Default)]
struct Seen {
    /// Before and after a request that was admitted, in microseconds of the store's clock, which is the machine's.
    admitted: Vec<(u64, u64)>,
    /// How long each decision took, in nanoseconds.
    times: Vec<u64>,
}

fn micros() -> u64 {
    let time = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than 1970");
    u64::try_from(time.as_micros()).expect("it does not take so long")
}

/// `limit-window:NODES:steady|forward|back`: the clock of the first node may step when half of the time is over.
pub fn window(run: Run, contender: &str, parameters: &[&str]) -> Option<Done> {
    let [nodes, step] = parameters else { return None };
    let nodes: u64 = nodes.parse().ok()?;
    let millis = match *step {
        "steady" => 0,
        "forward" => STEP_MILLIS,
        "back" => -STEP_MILLIS,
        _ => return None,
    };
    // A clock has to live as long as the thread that it is for.
    let steps: &'static [Step] = (0..nodes).map(|_| Step::default()).collect::<Vec<_>>().leak();
    let watch = Watch::start();
    if contender == "each" {
        let server = Server::start().expect(INSTALLED);
        let connect = || server.client().get_connection().expect("it is there");
        let nodes: Vec<_> = steps.iter().map(|step| (Mutex::new(connect()), step)).collect();
        let seen = ask_all(run, &nodes, (&steps[0], millis), |(connection, step)| {
            // As everybody does it: the window is in the key, by the node's own clock.
            let now = micros().saturating_add_signed(step.millis() * 1_000);
            let key = format!("key:{}", now / PERIOD.as_micros() as u64);
            let mut connection = connection.lock().expect("nothing panics");
            let mut increment = redis::cmd("INCR");
            let count: u64 = increment.arg(key).query(&mut *connection).expect("it answers");
            count <= LIMIT
        });
        let calls = seen.times.len() as u64;
        return Some(told(&watch, seen, calls, None));
    }
    let server = Server::known().expect(INSTALLED);
    let mode = mode(contender, BATCH, EVERY)?;
    let quota = Quota::fixed_window(LIMIT, PERIOD).expect("it can be");
    let config = Config::new(&server.url(), quota, mode, nodes, WhenDown::Closed);
    let start = |(at, step): (usize, _)| {
        let clock = Stepping(Monotonic::new(), step);
        Shared::with_clock(config.clone().node(&at.to_string()), clock).expect("it can work")
    };
    let nodes: Vec<_> = steps.iter().enumerate().map(start).collect();
    // A step forward counts as a crash; a clock that runs back is against what it promises.
    let bound = (millis >= 0).then(|| nodes[0].error_bound(u64::from(millis > 0)));
    let seen = ask_all(run, &nodes, (&steps[0], millis), |node| node.check("key").is_allowed());
    let calls = nodes.iter().map(|node| node.metrics().calls).sum();
    Some(told(&watch, seen, calls, bound))
}

/// A thread for each node, which asks all the time.
fn ask_all<N: Sync>(
    run: Run,
    nodes: &[N],
    (step, millis): (&Step, i64),
    ask: impl Fn(&N) -> bool + Sync,
) -> Seen {
    let watch = Watch::start();
    let serve = |node: &N| {
        let mut seen = Seen::default();
        while watch.wall() < run.limit {
            let (before, begun) = (micros(), Instant::now());
            let is_allowed = ask(node);
            seen.times.push(u64::try_from(begun.elapsed().as_nanos()).expect("it is short"));
            if is_allowed {
                seen.admitted.push((before, micros()));
            }
            thread::sleep(PAUSE);
        }
        seen
    };
    thread::scope(|scope| {
        let serve = &serve;
        let serving: Vec<_> = nodes.iter().map(|node| scope.spawn(move || serve(node))).collect();
        thread::sleep(run.limit / 2);
        // Relaxed: it carries nothing.
        step.0.store(millis, Ordering::Relaxed);
        serving.into_iter().fold(Seen::default(), |mut all, node| {
            let mut seen = node.join().expect("it does not panic");
            all.admitted.append(&mut seen.admitted);
            all.times.append(&mut seen.times);
            all
        })
    })
}

fn told(watch: &Watch, seen: Seen, calls: u64, bound: Option<u64>) -> Done {
    let Seen { admitted: mut times, times: mut decisions } = seen;
    times.sort_unstable();
    let period = PERIOD.as_micros() as u64;
    let mut windows = BTreeMap::<u64, u64>::new();
    // One at an edge may belong to either side.
    let certain = times.iter().filter(|(before, after)| before / period == after / period);
    certain.for_each(|(before, _)| *windows.entry(before / period).or_default() += 1);
    let over = windows.values().map(|count| count.saturating_sub(LIMIT)).max().unwrap_or_default();
    // From each one on: how many were answered before a period had passed since it was asked for.
    let at_once = times.iter().enumerate().map(|(at, (from, _))| {
        let later = times[at..].iter().take_while(|(before, _)| *before < from + period);
        later.filter(|(_, after)| *after < from + period).count() as u64
    });
    let most = at_once.max().unwrap_or_default();
    // Those at the ends are not whole.
    let whole = windows.len().saturating_sub(2);
    let used: u64 = windows.values().skip(1).take(whole).map(|count| *count.min(&LIMIT)).sum();
    let wrong = times.is_empty() || bound.is_some_and(|bound| over > bound);
    Done::timed(times.len() as u64, watch)
        .with("over", over as f64)
        .with("most_percent", 100.0 * most as f64 / LIMIT as f64)
        .with("calls_per_1000", calls as f64 * 1e3 / times.len() as f64)
        .with("p99_us", p99(&mut decisions) as f64 / 1e3)
        .with("used_percent", 100.0 * used as f64 / (LIMIT * whole.max(1) as u64) as f64)
        .with("wrong", f64::from(u8::from(wrong)))
}
