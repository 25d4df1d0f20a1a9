//! A thread that sees when a model blocks in something the checker does not control.
//!
//! Time counts only while the watchdog itself is run in time: on a machine that is too busy for that, a model that is
//! silent may just be waiting for its turn.

use std::io::Write as _;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use norace_explore::pulse;

/// How long a model may be silent.
const SILENCE_MAX: Duration = Duration::from_secs(5);

/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// A look that comes so late says that the machine is busy, and counts for nothing.
const LATE: Duration = Duration::from_millis(150);

/// The exit code of what the checker does not control.
const UNCONTROLLED: i32 = 4;

/// Watches until it is dropped.
pub(crate) struct Watchdog {
    /// Hangs up when it is dropped.
    _end: Sender<()>,
}

impl Watchdog {
    /// Watches the models of the test `test`; `report` is called before the process ends.
    pub(crate) fn start(test: &str, report: impl FnOnce(&str) + Send + 'static) -> Self {
        let (end, ended) = channel();
        let test = test.to_owned();
        let watch = move || {
            let mut last = pulse();
            let mut silence = Duration::ZERO;
            loop {
                let begun = Instant::now();
                if ended.recv_timeout(LOOK) != Err(RecvTimeoutError::Timeout) {
                    return;
                }
                let now = pulse();
                if now != last || now.is_none() {
                    (last, silence) = (now, Duration::ZERO);
                } else if begun.elapsed() < LATE {
                    silence += LOOK;
                }
                if silence >= SILENCE_MAX {
                    let place = now.and_then(|now| now.place);
                    let text = describe(&test, place.map(ToString::to_string));
                    report(&text);
                    end_process(&text);
                }
            }
        };
        // Without a thread to spare there is no watchdog; the check itself needs none.
        drop(thread::Builder::new().name("norace-watchdog".to_owned()).spawn(watch));
        Self { _end: end }
    }
}

fn describe(test: &str, place: Option<String>) -> String {
    let seconds = SILENCE_MAX.as_secs();
    let last = place.map_or_else(String::new, |place| format!(", last seen at {place}"));
    format!(
        "norace: UNCONTROLLED: {test} has been silent for {seconds} s{last}\n  it blocks or computes in something \
         the checker does not control: a lock or channel of another library, a system call, a loop without an \
         operation of norace_prim"
    )
}

fn end_process(text: &str) -> ! {
    // Not by a macro: a test harness would keep what those print until the test ends.
    let _ = writeln!(std::io::stderr(), "\n{text}");
    std::process::exit(UNCONTROLLED)
}
