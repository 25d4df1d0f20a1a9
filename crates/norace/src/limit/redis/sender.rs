//! The thread that talks to the store.
//!
//! It sleeps until a key has something to say or `every` has passed, collects what there is, at most [`ROUND`]
//! messages, and sends it in one round trip. What is not answered is said again, with the same numbers, until it is.
//! A store that does not answer in time is *down*: it is tried again after a pause that doubles, up to [`PAUSE_MAX`],
//! and each key learns of it when it is next asked.
//!
//! **Shutdown.** 1. `closing` is set, the thread is woken. 2. It says what was admitted and gives back what is held,
//! once, if the store is there. 3. It ends, and is joined.

use norace_prim::atomic::{AtomicBool, AtomicU64, Ordering};
use norace_prim::sync::{Arc, Condvar, Mutex, lock, wait_timeout};
use norace_prim::time::{Duration, Instant};

use super::link::{Link, Names};
use super::table::Entry;
use crate::limit::clock::Clock;

/// Messages of one round trip.
const ROUND: usize = 128;

const PAUSE_MIN: Duration = Duration::from_millis(20);
const PAUSE_MAX: Duration = Duration::from_secs(1);

#[derive(Default)]
struct Told {
    /// Keys that have something to say; each at most once beside `listed` of the sender, so no more than the table
    /// holds.
    keys: Vec<Arc<Entry>>,
    closing: bool,
}

/// What the sender and the deciders share.
pub(super) struct Board<C> {
    told: Mutex<Told>,
    changed: Condvar,
    pub(super) down: AtomicBool,
    pub(super) calls: AtomicU64,
    pub(super) messages: AtomicU64,
    pub(super) failures: AtomicU64,
    pub(super) clock: C,
}

impl<C: Clock> Board<C> {
    pub(super) fn new(clock: C) -> Self {
        Self {
            told: Mutex::default(),
            changed: Condvar::new(),
            down: AtomicBool::new(false),
            calls: AtomicU64::new(0),
            messages: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            clock,
        }
    }

    pub(super) fn now(&self) -> u64 {
        self.clock.nanos() / 1000
    }

    pub(super) fn is_down(&self) -> bool {
        // Relaxed: a hint; a node learns of it sooner or later.
        self.down.load(Ordering::Relaxed)
    }

    pub(super) fn tell(&self, entry: &Arc<Entry>) {
        let mut told = lock(&self.told);
        if !told.keys.iter().any(|known| Arc::ptr_eq(known, entry)) {
            told.keys.push(Arc::clone(entry));
        }
        drop(told);
        self.changed.notify_one();
    }

    pub(super) fn close(&self) {
        lock(&self.told).closing = true;
        self.changed.notify_one();
    }

    /// What was told, at `until` the latest; whether to close.
    fn listen(&self, until: Instant) -> (Vec<Arc<Entry>>, bool) {
        let mut told = lock(&self.told);
        loop {
            let now = Instant::now();
            if told.closing || !told.keys.is_empty() || now >= until {
                return (std::mem::take(&mut told.keys), told.closing);
            }
            told = wait_timeout(&self.changed, told, until - now).0;
        }
    }

    fn note_down(&self, down: bool) {
        // Relaxed: a hint.
        self.down.store(down, Ordering::Relaxed);
    }
}

pub(super) struct Sender<C> {
    pub(super) board: Arc<Board<C>>,
    pub(super) client: redis::Client,
    pub(super) names: Names,
    pub(super) every: Duration,
    pub(super) timeout: Duration,
    link: Option<Link>,
    /// Keys it looks at each `every`, until nothing of them is left to say.
    listed: Vec<Arc<Entry>>,
    pause: Duration,
    /// Nothing is sent before.
    try_at: Instant,
}

impl<C: Clock> Sender<C> {
    pub(super) fn new(
        board: Arc<Board<C>>,
        client: redis::Client,
        names: Names,
        every: Duration,
        timeout: Duration,
    ) -> Self {
        let (link, listed) = (None, Vec::new());
        let (pause, try_at) = (PAUSE_MIN, Instant::now());
        Self { board, client, names, every, timeout, link, listed, pause, try_at }
    }

    pub(super) fn run(mut self) {
        let mut tick_at = Instant::now() + self.every;
        loop {
            let (told, closing) = self.board.listen(tick_at);
            let tick = Instant::now() >= tick_at;
            for entry in &told {
                if !self.listed.iter().any(|known| Arc::ptr_eq(known, entry)) {
                    self.listed.push(Arc::clone(entry));
                }
            }
            if closing {
                self.part();
                return;
            }
            if Instant::now() >= self.try_at {
                let keys = if tick { self.listed.clone() } else { told };
                self.send(&keys, tick);
            }
            if tick {
                tick_at = Instant::now() + self.every;
                self.tidy();
            }
        }
    }

    /// Lets go of keys that have nothing to say.
    fn tidy(&mut self) {
        let now = self.board.now();
        self.listed.retain(|entry| !entry.gate.unlist(now));
    }

    fn send(&mut self, keys: &[Arc<Entry>], tick: bool) {
        let down = self.board.is_down();
        let mut round = Vec::new();
        for entry in keys {
            let message = entry.gate.message(self.board.now(), tick, down);
            round.extend(message.map(|message| (entry, message)));
            if round.len() == ROUND && !self.say(&mut round) {
                return;
            }
        }
        // A store that is down is asked how it is, also when nothing is to be said.
        if !round.is_empty() || down {
            self.say(&mut round);
        }
    }

    /// One round trip; false when the store is down.
    fn say(&mut self, round: &mut Vec<(&Arc<Entry>, Message)>) -> bool {
        // Relaxed: counts for people.
        self.board.calls.fetch_add(1, Ordering::Relaxed);
        let count = u64::try_from(round.len()).expect("a round is short");
        // Relaxed: the same.
        self.board.messages.fetch_add(count, Ordering::Relaxed);
        match self.exchange(round) {
            Ok(answers) => {
                self.board.note_down(false);
                self.pause = PAUSE_MIN;
                for ((entry, _), answer) in round.drain(..).zip(answers) {
                    if entry.gate.answer(self.board.now(), &answer.0) {
                        self.board.tell(entry);
                    }
                }
                true
            }
            Err(_) => {
                // Relaxed: a count for people.
                self.board.failures.fetch_add(1, Ordering::Relaxed);
                self.board.note_down(true);
                self.link = None;
                round.clear();
                self.try_at = Instant::now() + self.pause + jitter(self.pause);
                self.pause = (self.pause * 2).min(PAUSE_MAX);
                false
            }
        }
    }

    fn exchange(
        &mut self,
        round: &[(&Arc<Entry>, Message)],
    ) -> redis::RedisResult<Vec<(crate::limit::shared::Answer, u64)>> {
        let link = match &mut self.link {
            Some(link) => link,
            none => none.insert(Link::open(&self.client, self.timeout)?),
        };
        if round.is_empty() {
            return Ok(Vec::new());
        }
        let messages: Vec<_> = round
            .iter()
            .map(|(entry, (request, terms))| (entry.key.as_str(), *request, *terms))
            .collect();
        link.exchange(&self.names, &messages)
    }

    /// Step 2 of the shutdown.
    fn part(&mut self) {
        if self.board.is_down() {
            return;
        }
        let listed = std::mem::take(&mut self.listed);
        // What is under way first; then what its answer granted.
        for _ in 0..2 {
            let mut round = Vec::new();
            for entry in &listed {
                let message = entry.gate.farewell(self.board.now());
                round.extend(message.map(|message| (entry, message)));
                if round.len() == ROUND && !self.say(&mut round) {
                    return;
                }
            }
            if !round.is_empty() && !self.say(&mut round) {
                return;
            }
        }
    }
}

type Message = (crate::limit::shared::Request, crate::limit::shared::Terms);

/// Up to a quarter of `pause`, so that nodes do not come back all at once.
fn jitter(pause: Duration) -> Duration {
    let micros = u64::try_from(pause.as_micros() / 4).unwrap_or(u64::MAX);
    Duration::from_micros(norace_prim::rand::below(micros.max(1)))
}
