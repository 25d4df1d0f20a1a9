//! Nodes over a real Redis, which is killed, frozen, emptied, and whose answers are lost.
//!
//! The bound is asserted, never a time. Most tests use windows of a day; one that runs over midnight in UTC has two.

mod ends;
mod nodes;
mod processes;
mod server;

use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::link::{Link, Names};
use super::{Config, ConfigError, Mode, Shared, WhenDown};
use crate::limit::shared::{Central, Mode as Order, Request, Shape, Terms};
use crate::limit::{Decision, ManualClock, Quota, Reason};
use nodes::Nodes;
use norace_prim::rand;
use norace_prim::time::Instant;
use server::{Proxy, Server};

const DAY: Duration = Duration::from_secs(86_400);
const EVERY: Duration = Duration::from_millis(20);

fn delayed(batch: u64) -> Mode {
    Mode::Delayed { batch, every: EVERY }
}

fn leased(batch: u64) -> Mode {
    Mode::Leased { batch, every: EVERY }
}

fn a_day(limit: u64) -> Quota {
    Quota::fixed_window(limit, DAY).unwrap()
}

fn config(url: &str, limit: u64, mode: Mode, nodes: u64) -> Config {
    let config = Config::new(url, a_day(limit), mode, nodes, WhenDown::Closed);
    config.timeout(Duration::from_millis(200))
}

/// Random messages, some of them twice, to the script and to the machine.
fn same(server: &Server, shape: Shape, mode: Order, key: &str) {
    let terms = Terms {
        shape,
        mode,
        nodes: 3,
        batch: 5,
        every: 1000,
        idle: 1000,
        down: WhenDown::Closed,
        slack: 0,
        trust_empty: true,
    };
    let deadline = || Instant::now() + Duration::from_secs(5);
    let mut link = Link::open(&server.client(), deadline()).unwrap();
    let mut central = Central::default();
    let mut names = ["a", "b", "c"].map(|name| Names::new(name, key));
    let old = names.clone();
    let mut seqs = [0_u64; 3];
    let mut last = [None::<Request>; 3];
    let mut epoch = 0;
    for step in 0..400 {
        let node = rand::below(3);
        let at = usize::try_from(node).unwrap();
        let below = rand::below;
        let fresh = Request {
            seq: seqs[at] + 1,
            spent: below(2) * below(6),
            back: below(3) / 2 * below(4),
            back_window: central.window(),
            want: below(6),
            // A node that knew another store.
            epoch: if step > 300 && below(20) == 0 { 77 } else { epoch },
        };
        let request = if below(4) == 0 { last[at].unwrap_or(fresh) } else { fresh };
        (seqs[at], last[at]) = (request.seq, Some(request));
        // A restart; and a message of the life before.
        if below(20) == 0 {
            names[at] = Names::new(&old[at].node, key);
        } else if below(20) == 0 {
            names[at] = old[at].clone();
        }
        let life = names[at].life;
        let messages = [("k", request, terms)];
        let answers = link.exchange(&names[at], &messages, deadline()).unwrap();
        let (answer, now) = answers[0];
        let expected = central.exchange(now, &terms, (node, life), &request);
        assert_eq!(answer, expected, "step {step}: {request:?}");
        epoch = answer.epoch;
    }
}

#[test]
fn the_script_is_the_machine() {
    let Some(server) = Server::start() else { return };
    let window = Shape::Window { limit: 40, period: 50_000 };
    let bucket = Shape::Bucket { count: 700, period: 1_000_000, burst: 40 };
    same(&server, window, Order::Delayed, "dw");
    same(&server, window, Order::Leased, "lw");
    same(&server, bucket, Order::Delayed, "db");
    same(&server, bucket, Order::Leased, "lb");
}

#[test]
fn nodes_that_count_first_admit_the_limit_and_at_most_the_bound_more() {
    let Some(server) = Server::known() else { return };
    for (nodes, prefix) in [(2, "two"), (4, "four")] {
        server.know(prefix);
        let config = config(&server.url(), 2000, delayed(50), nodes).prefix(prefix);
        let nodes = Nodes::start(&config);
        assert_eq!(nodes.error_bound(0), (nodes.len() - 1) * 50);
        let admitted = nodes.until_refused("k");
        let bound = 2000 + nodes.error_bound(0);
        assert!((2000..=bound).contains(&admitted), "{admitted} of 2000, at most {bound}");
        // Each message charges up to a batch; some are of what was left when time was up.
        assert!(nodes.calls() < 400, "{} calls for {admitted} requests", nodes.calls());
    }
}

#[test]
fn nodes_that_have_it_granted_never_admit_more_than_the_limit() {
    let Some(server) = Server::known() else { return };
    for (nodes, prefix) in [(2, "two"), (4, "four")] {
        server.know(prefix);
        let config = config(&server.url(), 2000, leased(50), nodes).prefix(prefix);
        let nodes = Nodes::start(&config);
        assert_eq!(nodes.error_bound(3), 0);
        let admitted = nodes.until_refused("k");
        let least = 2000 - (nodes.len() - 1) * 50;
        assert!((least..=2000).contains(&admitted), "{admitted} of 2000, at least {least}");
    }
}

#[test]
fn answers_that_are_lost_are_neither_forgotten_nor_counted_twice() {
    let Some(server) = Server::known() else { return };
    for (mode, prefix) in [(delayed(20), "delayed"), (leased(20), "leased")] {
        server.know(prefix);
        let proxy = Proxy::to(&server);
        let config = config(&proxy.url(), 400, mode, 2).prefix(prefix);
        let nodes = Nodes::start(&config);
        // Relaxed: a test's knob.
        proxy.each.store(5, Ordering::Relaxed);
        let mut admitted = nodes.for_a_while("k", Duration::from_millis(1500));
        // Relaxed: the same.
        proxy.each.store(0, Ordering::Relaxed);
        admitted += nodes.until_refused("k");
        let bound = 400 + nodes.error_bound(0);
        assert!(admitted <= bound, "{admitted} of 400, at most {bound}");
        assert!(admitted >= 380, "{admitted} of 400 although nothing was lost for good");
        assert!(nodes.failures() > 0, "no answer was lost");
    }
}

#[test]
fn a_store_that_comes_back_empty_admits_nothing_more() {
    let Some(mut server) = Server::known() else { return };
    for mode in [delayed(20), leased(20)] {
        server.know("norace");
        let nodes = Nodes::start(&config(&server.url(), 400, mode, 2));
        let before = nodes.until_admitted("k", 50);
        server.restart();
        let after = nodes.until("k", |decision| is_denied(decision, Reason::StoreForgot))
            + nodes.for_a_while("k", Duration::from_millis(300));
        assert_eq!(before, 2 * 50);
        // What was left of a batch or a lease.
        assert!(after <= 2 * 20, "{after} after the store came back");
    }
}

fn is_denied(decision: Decision, wanted: Reason) -> bool {
    matches!(decision, Decision::Denied { reason, .. } if reason == wanted)
}

#[test]
fn a_frozen_store_is_noticed_and_costs_nothing_beyond_the_bound() {
    let Some(server) = Server::known() else { return };
    for (mode, prefix) in [(delayed(20), "delayed"), (leased(20), "leased")] {
        server.know(prefix);
        let nodes = Nodes::start(&config(&server.url(), 600, mode, 2).prefix(prefix));
        let mut admitted = nodes.until_admitted("k", 60);
        server.pause();
        admitted += nodes.until("k", |decision| is_denied(decision, Reason::StoreDown));
        assert!(admitted <= 2 * (60 + 20), "{admitted} before the store was noticed to be frozen");
        admitted += nodes.for_a_while("k", Duration::from_millis(300));
        assert!(nodes.all_down() && admitted <= 2 * (60 + 20), "{admitted} while it was frozen");
        server.resume();
        admitted += nodes.until_refused("k");
        let (least, bound) = (600 - 20, 600 + nodes.error_bound(0));
        assert!((least..=bound).contains(&admitted), "{admitted} of 600, at most {bound}");
        assert!(nodes.failures() > 0 && !nodes.all_down());
    }
}

#[test]
fn each_outage_policy_does_what_its_name_says() {
    let Some(mut server) = Server::start() else { return };
    server.stop();
    let admitted = |when_down, shape: Quota| {
        let mode = delayed(10);
        let config = Config::new(&server.url(), shape, mode, 4, when_down);
        let nodes = Nodes::start(&config.timeout(Duration::from_millis(50)));
        // What the bound counts on is admitted before the node knows that the store is down.
        let before = nodes.for_a_while("k", Duration::from_millis(50));
        nodes.until("other", |_| nodes.all_down());
        before + nodes.for_a_while("k", Duration::from_millis(200))
    };
    assert!(admitted(WhenDown::Closed, a_day(400)) <= 4 * 10);
    let share = admitted(WhenDown::Share, a_day(400));
    // Each counts its own batch against its part, which is a part of the bound.
    assert!((4 * 90..=400 + 3 * 10).contains(&share), "{share} of 400");
    assert!(admitted(WhenDown::Open, a_day(400)) > 1000);
    let slow = Quota::gcra(1, Duration::from_secs(60)).unwrap().burst(400).unwrap();
    let share = admitted(WhenDown::Share, slow);
    assert!((4 * 80..=404 + 3 * 10).contains(&share), "{share} of 400");
}

#[test]
fn a_clock_that_jumps_forward_counts_as_a_crash_and_hurts_no_lease() {
    let Some(server) = Server::known() else { return };
    for (mode, over, prefix) in [(delayed(20), 20, "delayed"), (leased(20), 0, "leased")] {
        server.know(prefix);
        let (clock, other) = (ManualClock::new(), ManualClock::new());
        let start = |clock: &ManualClock| {
            let config = config(&server.url(), 300, mode, 2).prefix(prefix);
            Shared::with_clock(config, clock.clone()).unwrap()
        };
        let nodes = [start(&clock), start(&other)];
        let (begun, mut admitted, mut jumps, mut refused) = (Instant::now(), 0, 0, [0; 2]);
        // After the third jump, until both are refused for good.
        while jumps < 3 || refused.iter().any(|count| *count < 300) {
            assert!(
                begun.elapsed() < Duration::from_secs(20),
                "{admitted} admitted, {jumps} jumps"
            );
            for (node, refused) in nodes.iter().zip(&mut refused) {
                match node.check("k") {
                    Decision::Allowed { .. } => (admitted, *refused) = (admitted + 1, 0),
                    decision => *refused += u32::from(is_denied(decision, Reason::Quota)),
                }
            }
            std::thread::sleep(Duration::from_micros(300));
            [&clock, &other]
                .into_iter()
                .for_each(|clock| clock.advance(Duration::from_micros(300)));
            if jumps < 3 && admitted > 50 * (jumps + 1) {
                clock.advance(2 * DAY);
                jumps += 1;
            }
        }
        let bound = 300 + over * (1 + jumps);
        // With each jump a lease is lost.
        let least = if over > 0 { 300 } else { 300 - 20 * (1 + jumps) };
        assert!((least..=bound).contains(&admitted), "{admitted} of 300, at most {bound}");
    }
}

/// The number of the window that a time lies in, by the system's clock, which is the store's.
fn window_of(time: SystemTime, period: Duration) -> u128 {
    time.duration_since(UNIX_EPOCH).unwrap().as_micros() / period.as_micros()
}

#[test]
fn each_window_keeps_its_own_limit() {
    let Some(server) = Server::known() else { return };
    let period = Duration::from_millis(250);
    for (mode, prefix) in [(delayed(20), "delayed"), (leased(20), "leased")] {
        server.know(prefix);
        let quota = Quota::fixed_window(100, period).unwrap();
        let config = Config::new(&server.url(), quota, mode, 2, WhenDown::Closed).prefix(prefix);
        let nodes = Nodes::start(&config);
        let mut counts = std::collections::BTreeMap::<u128, u64>::new();
        for (before, after) in nodes.times("k", Duration::from_millis(1500)) {
            let window = window_of(before, period);
            // One at an edge may belong to either side.
            if window == window_of(after, period) {
                *counts.entry(window).or_default() += 1;
            }
        }
        let bound = 100 + nodes.error_bound(0);
        assert!(counts.values().all(|count| *count <= bound), "{counts:?}, at most {bound}");
        assert!(counts.values().sum::<u64>() > 200, "{counts:?}");
    }
}

#[test]
fn a_rate_is_kept_in_any_time() {
    let Some(server) = Server::known() else { return };
    for (mode, prefix) in [(delayed(20), "delayed"), (leased(20), "leased")] {
        server.know(prefix);
        let quota = Quota::per_second(500).unwrap().burst(100).unwrap();
        let config = Config::new(&server.url(), quota, mode, 2, WhenDown::Closed).prefix(prefix);
        let nodes = Nodes::start(&config);
        let times = nodes.times("k", Duration::from_millis(1500));
        let mut times: Vec<_> = times;
        times.sort();
        let over = 100 + nodes.error_bound(0);
        for (at, (from, _)) in times.iter().enumerate().step_by(50) {
            for (count, (_, to)) in (1..).zip(&times[at..]) {
                let time = to.duration_since(*from).unwrap_or_default().as_micros();
                let allowed = over + u64::try_from(time * 500 / 1_000_000).unwrap();
                assert!(count <= allowed + 1, "{count} in {time} us, at most {allowed}");
            }
        }
        assert!(times.len() > 300, "{} passed", times.len());
    }
}

#[test]
fn a_slow_trickle_is_admitted_and_what_lies_idle_goes_back() {
    let Some(server) = Server::known() else { return };
    let quota = Quota::fixed_window(10, Duration::from_secs(86_400)).unwrap();
    let config = Config::new(&server.url(), quota, leased(5), 2, WhenDown::Closed);
    let one = Shared::new(config.clone()).unwrap();
    crate::block_on(async { assert!(one.until_ready("k").await.is_allowed()) });
    // Gives back what it has.
    drop(one);
    let other = Shared::new(config).unwrap();
    let admitted = crate::block_on(async {
        let mut admitted = 0;
        while admitted < 9 {
            admitted += u64::from(other.until_ready("k").await.is_allowed());
        }
        admitted
    });
    assert_eq!(admitted, 9);
}

#[test]
fn settings_that_cannot_work_are_refused() {
    let refused = |config: Config| Shared::new(config).unwrap_err().to_string();
    let day = |mode, nodes| config("redis://127.0.0.1:1/", 10, mode, nodes);
    assert!(refused(config("http://x/", 10, delayed(1), 1)).contains("URL"));
    assert!(refused(day(delayed(0), 2)).contains("batch"));
    assert!(refused(day(delayed(1), 0)).contains("node"));
    let short = Mode::Delayed { batch: 1, every: Duration::ZERO };
    assert!(refused(day(short, 2)).contains("millisecond"));
    assert!(refused(day(delayed(1), 2).prefix("a{b}")).contains("prefix"));
    let rate = Quota::per_second(100).unwrap();
    let rated = |quota| Config::new("redis://127.0.0.1:1/", quota, leased(50), 2, WhenDown::Closed);
    assert!(refused(rated(rate)).contains("101"));
    assert!(refused(rated(Quota::sliding_window(5, DAY).unwrap())).contains("sliding"));
    let shared = Shared::new(rated(rate.burst(200).unwrap())).unwrap();
    assert_eq!(shared.check_n("k", 51).unwrap_err().cost_max, 50);
    assert!(shared.set_quota(a_day(10)).is_err());
    let faster = Quota::per_second(300).unwrap();
    assert!(shared.set_quota(faster).is_ok());
    assert!(shared.set_quota_of("own", Some(rate.burst(500).unwrap())).unwrap());
    assert_eq!(shared.quota_of("k"), faster);
    assert_eq!(shared.quota_of("own").at_once(), 500);
}

#[test]
fn a_shared_rate_is_never_above_its_quota() {
    for (count, nanos) in [(1000, 1_000_500), (3, 4001), (7, 1_000_000_000), (999, 999_999)] {
        let quota = Quota::gcra(count, Duration::from_nanos(nanos)).unwrap();
        let config = Config::new("redis://127.0.0.1:1/", quota, delayed(1), 1, WhenDown::Closed);
        let shape = config.terms(quota).unwrap().shape;
        let hour_us = 3_600_000_000;
        let most = u128::from(hour_us) * 1000 * u128::from(count) / u128::from(nanos);
        let refilled = shape.refill(hour_us);
        assert!(
            u128::from(refilled) <= most,
            "{refilled} of {count} in {nanos} ns, at most {most}"
        );
    }
    let quota = Quota::gcra(2, Duration::from_nanos(1500)).unwrap();
    let config = Config::new("redis://127.0.0.1:1/", quota, delayed(1), 1, WhenDown::Closed);
    assert!(matches!(config.terms(quota), Err(ConfigError::TooLarge)), "above a million a second");
}
