//! The thread that talks to the store.
//!
//! It sleeps until a key has something to say or `every` has passed, collects what there is, at most [`ROUND`]
//! messages, and sends it in one round trip. What is not answered is said again, with the same numbers, until it is.
//! A store that does not answer in time is *down*: it is tried again after a pause that doubles, up to [`PAUSE_MAX`],
//! and each key learns of it when it is next asked.
//!
//! **Shutdown.** 1. `closing` is set, the thread is woken. 2. It ends the round trip under way, and begins no other of
//! what it was at. 3. It says what was admitted and gives back what is held, if the store is there, for one time-out.
//! 4. It ends, and is joined.

use norace_prim::atomic::{AtomicBool, AtomicU64, Ordering};
use norace_prim::sync::{Arc, Condvar, Mutex, lock, wait_timeout};
use norace_prim::time::{Duration, Instant};

use super::link::{Link, Names};
use super::table::Entry;
use crate::limit::clock::Clock;
use crate::limit::shared::{Answer, Gate, Request, Terms};

/// Messages of one round trip.
const ROUND: usize = 128;

const PAUSE_MIN: Duration = Duration::from_millis(20);
const PAUSE_MAX: Duration = Duration::from_secs(1);

#[derive(Default)]
struct Told {
    /// Keys that have something to say; each at most once, for its gate says so once until it is heard.
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
        lock(&self.told).keys.push(Arc::clone(entry));
        self.changed.notify_one();
    }

    pub(super) fn close(&self) {
        lock(&self.told).closing = true;
        self.changed.notify_one();
    }

    fn is_closing(&self) -> bool {
        lock(&self.told).closing
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
                if entry.gate.heard() {
                    self.listed.push(Arc::clone(entry));
                }
            }
            if closing {
                self.part();
                return;
            }
            if Instant::now() >= self.try_at {
                self.send(&told, tick);
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

    /// Says what there is to say of `told`, and at a tick of all keys.
    fn send(&mut self, told: &[Arc<Entry>], tick: bool) {
        let listed = std::mem::take(&mut self.listed);
        let timeout = self.timeout;
        let more = self.rounds(
            if tick { &listed } else { told },
            |gate, board| gate.message(board.now(), tick, board.is_down()),
            |board| (!board.is_closing()).then(|| Instant::now() + timeout),
        );
        self.listed = listed;
        // A store that is down is asked how it is, also when nothing is to be said.
        if more && self.board.is_down() {
            self.say(&mut Vec::new(), Instant::now() + timeout);
        }
    }

    /// Sends the messages of `keys` in as many round trips as it takes. Each has to end by a deadline; where there is
    /// none for the next one, or the store is down, it gives up and is false.
    fn rounds(
        &mut self,
        keys: &[Arc<Entry>],
        message: impl Fn(&Gate, &Board<C>) -> Option<Message>,
        deadline: impl Fn(&Board<C>) -> Option<Instant>,
    ) -> bool {
        let mut round = Vec::new();
        for (at, entry) in (1..).zip(keys) {
            round.extend(message(&entry.gate, &self.board).map(|message| (entry, message)));
            if round.len() < ROUND && (at < keys.len() || round.is_empty()) {
                continue;
            }
            let deadline = deadline(&self.board);
            if !deadline.is_some_and(|deadline| self.say(&mut round, deadline)) {
                return false;
            }
        }
        true
    }

    /// One round trip; false when the store is down, which it is if it has not answered by `deadline`.
    fn say(&mut self, round: &mut Vec<(&Arc<Entry>, Message)>, deadline: Instant) -> bool {
        // Relaxed: counts for people.
        self.board.calls.fetch_add(1, Ordering::Relaxed);
        let count = u64::try_from(round.len()).expect("a round is short");
        // Relaxed: the same.
        self.board.messages.fetch_add(count, Ordering::Relaxed);
        match self.exchange(round, deadline) {
            Ok(answers) => {
                self.board.note_down(false);
                self.pause = PAUSE_MIN;
                for (answer, _) in &answers {
                    self.names.outlive(answer.heard);
                }
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
        deadline: Instant,
    ) -> redis::RedisResult<Vec<(Answer, u64)>> {
        let link = match &mut self.link {
            Some(link) => link,
            none => none.insert(Link::open(&self.client, deadline)?),
        };
        if round.is_empty() {
            return Ok(Vec::new());
        }
        let messages: Vec<_> = round
            .iter()
            .map(|(entry, (request, terms))| (entry.key.as_str(), *request, *terms))
            .collect();
        link.exchange(&self.names, &messages, deadline)
    }

    /// Step 3 of the shutdown.
    fn part(&mut self) {
        if self.board.is_down() {
            return;
        }
        let listed = std::mem::take(&mut self.listed);
        let end = Instant::now() + self.timeout;
        // What is under way first; then what its answer granted.
        for _ in 0..2 {
            let more = self.rounds(
                &listed,
                |gate, board| gate.farewell(board.now()),
                |_| (Instant::now() < end).then_some(end),
            );
            if !more {
                return;
            }
        }
    }
}

type Message = (Request, Terms);

/// Up to a quarter of `pause`, so that nodes do not come back all at once.
fn jitter(pause: Duration) -> Duration {
    let micros = u64::try_from(pause.as_micros() / 4).unwrap_or(u64::MAX);
    Duration::from_micros(norace_prim::rand::below(micros.max(1)))
}
