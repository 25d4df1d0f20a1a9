//! A file that is replaced: how long until all who wait for a change have seen it.

use std::fs;
use std::path::Path;
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use norace::config::Hot;
use norace::config::file::{Event, Source};
use norace_bench_measure::usage::Watch;
use norace_bench_measure::{Done, Run, percentile};

const READERS: usize = 4;
/// A change that nobody sees by then is an error.
const PATIENCE: Duration = Duration::from_secs(10);

fn parse(text: &[u8]) -> Result<u64, String> {
    let text = str::from_utf8(text).map_err(|error| error.to_string())?;
    let (first, last) = text.split_once('\n').ok_or("half a file")?;
    if first != last {
        return Err(format!("{first} and {last}"));
    }
    first.parse().map_err(|error| format!("{error}"))
}

/// Replaces the file at once.
fn replace(path: &Path, number: u64) {
    let beside = path.with_extension("new");
    fs::write(&beside, format!("{number}\n{number}")).expect("the folder can be written to");
    fs::rename(&beside, path).expect("the folder can be written to");
}

/// `file`: changes for as long as there is time, two at least.
pub fn follow(run: Run, contender: &str) -> Option<Done> {
    let interval = match contender {
        "norace" => Duration::from_millis(500),
        "norace-50" => Duration::from_millis(50),
        _ => return None,
    };
    let name = format!("norace-bench-config-{}", std::process::id());
    let folder = std::env::temp_dir().join(name);
    fs::create_dir_all(&folder).expect("a folder can be made");
    let path = folder.join("number");
    replace(&path, 1);
    let done = changes(run, &path, interval);
    fs::remove_dir_all(&folder).expect("it is there");
    Some(done)
}

fn changes(run: Run, path: &Path, interval: Duration) -> Done {
    let mut source = Source::new(path, parse).interval(interval);
    let hot = Hot::new(source.read().expect("it was written"));
    let report = |event: &Event<String, _>| {
        let Event::Published(_) = event else { panic!("{event:?}") };
    };
    let follower = source.follow(&hot, report).expect("start a thread");
    let (tx, rx) = channel();
    thread::scope(|scope| {
        for _ in 0..READERS {
            let mut changes = hot.subscribe(|number| *number);
            changes.current();
            let tx: Sender<u64> = tx.clone();
            scope.spawn(move || {
                while let Ok(number) = changes.changed_blocking() {
                    tx.send(*number).expect("somebody listens");
                }
            });
        }
        let (watch, mut times) = (Watch::start(), Vec::new());
        while times.len() < 2 || watch.wall() < run.limit {
            let number = times.len() as u64 + 2;
            let begun = Instant::now();
            replace(path, number);
            for _ in 0..READERS {
                let seen = rx.recv_timeout(PATIENCE).expect("everybody sees it");
                assert_eq!(seen, number, "what was written");
            }
            times.push(u64::try_from(begun.elapsed().as_nanos()).expect("it is short"));
        }
        let done = Done::timed(times.len() as u64, &watch);
        drop(follower);
        // Who waits ends with it.
        drop(hot);
        done.with("seen_ms", percentile(&mut times, 50) as f64 / 1e6)
    })
}
