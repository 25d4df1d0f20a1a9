//! The whole engine: with its threads, and on a rig that takes their place.

mod crash;
mod driven;
mod gate;
mod processors;
mod room;

use super::*;

use crate::ports::SystemClock;
use crate::testing::commands::{fund, open, open_bank, order};

#[test]
#[ignore = "a measurement"]
fn speed() {
    let dir = std::env::temp_dir().join(format!("norace-speed-{}", std::process::id()));
    let (engine, _) = Engine::open_dir(EngineConfig::default(), &dir, SystemClock).unwrap();
    let mut setup = vec![Request::new(open_bank()), Request::new(open("shop"))];
    for n in 0..1000 {
        setup.push(Request::new(open(&format!("c{n}"))));
        setup.push(Request::new(fund(&format!("c{n}"), 1_000_000_000)));
    }
    engine.execute_many(setup).unwrap().wait().unwrap();
    let total = 600_000;
    let mut messages = Vec::new();
    for chunk in 0..total / 1000 {
        let make = |n: usize| {
            let at = chunk * 1000 + n;
            Request::new(order(&format!("order-{at:08}"), &format!("c{n}"), "shop", 100))
        };
        messages.push((0..1000).map(make).collect::<Vec<_>>());
    }
    let begun = Instant::now();
    let mut waiting = std::collections::VecDeque::new();
    for message in messages {
        waiting.push_back(engine.execute_many(message).unwrap());
        if waiting.len() >= 8 {
            waiting.pop_front().unwrap().wait().unwrap();
        }
    }
    waiting.into_iter().for_each(|reply| drop(reply.wait().unwrap()));
    let took = begun.elapsed();
    println!("{:.0} orders/s", total as f64 / took.as_secs_f64());
    let stats = engine.query(Query::Stats).unwrap().wait().unwrap().result;
    println!("{stats:?}");
    engine.stop(Duration::from_secs(10)).unwrap();
    let begun = Instant::now();
    let (engine, recovered) = Engine::open_dir(EngineConfig::default(), &dir, SystemClock).unwrap();
    println!("{recovered:?} in {:?}", begun.elapsed());
    engine.stop(Duration::from_secs(10)).unwrap();
    let begun = Instant::now();
    let report = crate::verify_dir(&dir).unwrap();
    println!("{report:?} in {:?}", begun.elapsed());
    std::fs::remove_dir_all(dir).unwrap();
}
