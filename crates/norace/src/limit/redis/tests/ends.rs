//! How outages, quarantines and limiters end.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use super::nodes::Nodes;
use super::server::{Proxy, Server};
use super::{a_day, config, delayed, is_denied, leased};
use crate::limit::redis::{Config, Mode, Shared, WhenDown};
use crate::limit::{Quota, Reason};

#[test]
fn an_outage_ends_for_each_key_also_for_those_first_asked_of_in_it() {
    let Some(server) = Server::start() else { return };
    for when_down in [WhenDown::Open, WhenDown::Closed, WhenDown::Share] {
        for mode in [delayed(10), leased(10)] {
            let prefix = format!("{when_down:?}-{}", mode == delayed(10));
            server.know(&prefix);
            let config = Config::new(&server.url(), a_day(400), mode, 2, when_down);
            let config = config.prefix(&prefix).timeout(Duration::from_millis(100));
            let nodes = Nodes::start(&config);
            nodes.for_a_while("early", Duration::from_millis(50));
            server.pause();
            nodes.until("other", |_| nodes.all_down());
            nodes.for_a_while("late", Duration::from_millis(50));
            server.resume();
            // Without an end it is either never refused for the quota's sake, or for nothing else.
            let admitted = nodes.until_refused("late");
            assert!(admitted > 0, "{when_down:?}, {mode:?}: nothing was admitted");
            nodes.until_refused("early");
        }
    }
}

#[test]
fn a_store_that_comes_back_empty_admits_again_once_what_it_forgot_is_over() {
    let Some(mut server) = Server::known() else { return };
    for mode in [delayed(20), leased(20)] {
        server.know("norace");
        let quota = Quota::fixed_window(100, Duration::from_millis(500)).unwrap();
        let nodes = Nodes::start(&Config::new(&server.url(), quota, mode, 2, WhenDown::Closed));
        nodes.until("k", |decision| decision.is_allowed());
        server.restart();
        nodes.until("k", |decision| is_denied(decision, Reason::StoreForgot));
        nodes.until("k", |decision| decision.is_allowed());
    }
}

/// How many round trips a limiter makes that is dropped, over a slow store.
fn round_trips_at_the_end(server: &Server, prefix: &str, every: Duration, under_way: bool) -> u64 {
    let proxy = Proxy::to(server);
    let mode = Mode::Delayed { batch: 10, every };
    let shared = Shared::new(config(&proxy.url(), 100, mode, 2).prefix(prefix)).unwrap();
    // Relaxed: a test's knob.
    proxy.delay_ms.store(60, Ordering::Relaxed);
    for key in 0..2000 {
        assert!(shared.check(&key.to_string()).is_allowed());
    }
    let begun = Instant::now();
    while under_way && shared.metrics().calls < 2 {
        assert!(begun.elapsed() < Duration::from_secs(20), "nothing is sent");
        thread::yield_now();
    }
    let (board, before) = (Arc::clone(&shared.board), shared.metrics().calls);
    drop(shared);
    // Relaxed: its thread has ended.
    board.calls.load(Ordering::Relaxed) - before
}

#[test]
fn a_limiter_that_is_dropped_does_not_tell_a_slow_store_everything() {
    let Some(server) = Server::known() else { return };
    // 2000 keys take 16 round trips; four begin in a time-out, one is under way and one may begin before the drop.
    let idle = round_trips_at_the_end(&server, "idle", Duration::from_secs(3600), false);
    assert!(idle <= 6, "{idle} round trips");
    let busy = round_trips_at_the_end(&server, "busy", Duration::from_millis(20), true);
    assert!(busy <= 6, "{busy} round trips");
}
