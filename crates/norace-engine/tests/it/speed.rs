//! How fast the engine is without anything around it. Not run by default: figures need a quiet machine.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use norace_engine::{Engine, EngineConfig, Found, Query, SystemClock};

use super::{Folder, account, order, transfer};

fn begin(folder: &Folder) -> Engine {
    let (engine, _) = Engine::open_dir(EngineConfig::default(), &folder.0, SystemClock).unwrap();
    let mut setup = vec![account("bank", true), account("shop", false)];
    for n in 0..1000 {
        setup.push(account(&format!("c{n}"), false));
        setup.push(transfer(&format!("t{n}"), "bank", &format!("c{n}"), 1_000_000_000));
    }
    engine.execute_many(setup).unwrap().wait().unwrap();
    engine
}

fn print_latencies(rate: f64, mut latencies: Vec<Duration>) {
    latencies.sort_unstable();
    let at = |permille: usize| latencies[(latencies.len() - 1) * permille / 1000];
    println!(
        "{rate:.0} orders/s; a call took {:?} (p50), {:?} (p99), {:?} (max)",
        at(500),
        at(990),
        at(1000)
    );
}

fn end(engine: &Engine) {
    let stats = engine.query(Query::Stats).unwrap().wait().unwrap().result.unwrap();
    let Found::Stats(stats) = stats else { panic!("figures") };
    println!("  {} frames, {:?}", stats.frames, stats.append_latency);
    engine.stop(Duration::from_secs(10)).unwrap();
}

#[test]
#[ignore = "a measurement: run it alone and with --release"]
fn arrays_of_a_thousand() {
    let folder = Folder::new("arrays");
    let engine = begin(&folder);
    let chunks = 600;
    let array = |chunk: usize| {
        let make = |n| order(&format!("order-{chunk:04}-{n:04}"), &format!("c{n}"), "shop", 100);
        (0..1000).map(make).collect::<Vec<_>>()
    };
    let arrays: Vec<_> = (0..chunks).map(array).collect();
    let begun = Instant::now();
    let mut waiting = VecDeque::new();
    let mut latencies = Vec::new();
    for array in arrays {
        waiting.push_back((Instant::now(), engine.execute_many(array).unwrap()));
        if waiting.len() >= 8 {
            let (sent, reply) = waiting.pop_front().unwrap();
            assert!(reply.wait().unwrap().result.iter().all(Result::is_ok));
            latencies.push(sent.elapsed());
        }
    }
    waiting.into_iter().for_each(|(_, reply)| drop(reply.wait().unwrap()));
    let rate = chunks as f64 * 1000.0 / begun.elapsed().as_secs_f64();
    print_latencies(rate, latencies);
    end(&engine);
    drop(engine);
    let begun = Instant::now();
    let (engine, recovered) =
        Engine::open_dir(EngineConfig::default(), &folder.0, SystemClock).unwrap();
    println!("  {} records recovered in {:?}", recovered.records, begun.elapsed());
    engine.stop(Duration::from_secs(10)).unwrap();
    assert!(rate > 100_000.0, "{rate:.0} orders/s");
}

#[test]
#[ignore = "a measurement: run it alone and with --release"]
fn single_orders_of_64_clients() {
    let folder = Folder::new("singles");
    let engine = begin(&folder);
    let (clients, each) = (64, 1500);
    let begun = Instant::now();
    let latencies: Vec<Duration> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..clients)
            .map(|client| {
                let engine = engine.clone();
                let pay = move |n| {
                    let payer = format!("c{}", (client * each + n) % 1000);
                    let order = order(&format!("o-{client}-{n}"), &payer, "shop", 1);
                    let sent = Instant::now();
                    engine.execute(order).unwrap().wait().unwrap().result.unwrap();
                    sent.elapsed()
                };
                scope.spawn(move || (0..each).map(pay).collect::<Vec<_>>())
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let rate = (clients * each) as f64 / begun.elapsed().as_secs_f64();
    print_latencies(rate, latencies);
    end(&engine);
    assert!(rate > 5_000.0, "{rate:.0} orders/s");
}
