//! Measures one thing about the runtime.
//!
//! `norace-bench-runtime spawn|yield|ping-pong|wake-then-hog WORKERS ROUNDS [HOG_MS]`: prints one line of JSON.
//!
//! * `spawn`: a task spawns ROUNDS tasks and joins them.
//! * `yield`: 200 tasks yield ROUNDS times each.
//! * `ping-pong`: two tasks hand a value to and fro ROUNDS times, over channels without capacity.
//! * `wake-then-hog`: ROUNDS times a task wakes another one and then computes for HOG_MS; told is how long the woken
//!   task waited, which a runtime makes as long as that unless somebody else gets to the task.

use norace::rt::{Builder, Runtime};
use norace::{chan, task, time};
use std::process::ExitCode;
use std::time::{Duration, Instant};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match measure(&arguments) {
        Some(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        None => {
            let what = "spawn|yield|ping-pong|wake-then-hog";
            eprintln!("usage: norace-bench-runtime {what} WORKERS ROUNDS [HOG_MS]");
            ExitCode::from(2)
        }
    }
}

fn measure(arguments: &[String]) -> Option<String> {
    let [what, workers, rounds, hog @ ..] = arguments else { return None };
    let (workers, rounds) = (workers.parse().ok()?, rounds.parse().ok()?);
    let runtime = Builder::new().workers(workers).build().expect("start the runtime");
    match (what.as_str(), hog) {
        ("spawn", []) => Some(per_round(rounds, timed(&runtime, spawn(rounds)))),
        ("yield", []) => Some(per_round(200 * rounds, timed(&runtime, yields(rounds)))),
        ("ping-pong", []) => Some(per_round(rounds, timed(&runtime, ping_pong(rounds)))),
        ("wake-then-hog", [hog]) => {
            let hog = Duration::from_millis(hog.parse().ok()?);
            let waits = wake_then_hog(rounds, hog);
            Some(distribution(runtime.spawn(waits).join_blocking().expect("no panic")))
        }
        _ => None,
    }
}

/// Runs `work` in a task; how long that took.
fn timed(runtime: &Runtime, work: impl Future<Output = ()> + Send + 'static) -> Duration {
    let start = Instant::now();
    runtime.spawn(work).join_blocking().expect("no panic");
    start.elapsed()
}

fn per_round(rounds: u64, took: Duration) -> String {
    format!(r#"{{"rounds":{rounds},"ns":{:.1}}}"#, took.as_nanos() as f64 / rounds as f64)
}

async fn spawn(rounds: u64) {
    let tasks: Vec<_> = (0..rounds).map(|round| task::spawn(async move { round })).collect();
    let mut sum = 0;
    for task in tasks {
        sum += task.await.expect("no panic");
    }
    assert_eq!(sum, rounds * (rounds - 1) / 2);
}

async fn yields(rounds: u64) {
    let yielding = || async move {
        for _ in 0..rounds {
            task::yield_now().await;
        }
    };
    let tasks: Vec<_> = (0..200).map(|_| task::spawn(yielding())).collect();
    for task in tasks {
        task.await.expect("no panic");
    }
}

async fn ping_pong(rounds: u64) {
    let (ping, pinged) = chan::bounded(0);
    let (pong, ponged) = chan::bounded(0);
    let echo = task::spawn(async move {
        while let Ok(round) = pinged.recv().await {
            pong.send(round).await.expect("somebody listens");
        }
    });
    for round in 0..rounds {
        ping.send(round).await.expect("somebody listens");
        assert_eq!(ponged.recv().await, Ok(round));
    }
    drop(ping);
    echo.await.expect("no panic");
}

/// How long each woken task waited.
async fn wake_then_hog(rounds: u64, hog: Duration) -> Vec<Duration> {
    let mut waits = Vec::new();
    for _ in 0..rounds {
        let (tx, rx) = chan::bounded(1);
        let woken = task::spawn(async move {
            let sent: Instant = rx.recv().await.expect("the hog sends first");
            sent.elapsed()
        });
        // It waits by now, and the other workers sleep.
        time::sleep(Duration::from_millis(5)).await;
        let start = Instant::now();
        tx.send(start).await.expect("somebody listens");
        while start.elapsed() < hog {
            std::hint::spin_loop();
        }
        waits.push(woken.await.expect("no panic"));
    }
    waits
}

fn distribution(mut waits: Vec<Duration>) -> String {
    waits.sort_unstable();
    let at = |share: f64| {
        let index = ((waits.len() - 1) as f64 * share) as usize;
        waits[index].as_nanos() as f64 / 1e3
    };
    let (median, p99, max) = (at(0.5), at(0.99), at(1.0));
    format!(
        r#"{{"rounds":{},"median_us":{median:.1},"p99_us":{p99:.1},"max_us":{max:.1}}}"#,
        waits.len()
    )
}
