//! Racy programs and race-free ones, after the suite of Go's race detector (`src/runtime/race/testdata`), which measure
//! both what a checker misses and where it cries wolf.
//!
//! Each is a few lines around one edge of happens-before, or its absence; the line above says which. Names are Go's:
//! `TestRaceChanAsyncRev` is `chan_async_rev`, `TestNoRaceChanSync` is `no_race_chan_sync`. The programs are written
//! anew for the kit, and the verdict in [`PAIRS`] is the one that is true for the kit. A racy program races in some
//! execution of every search that runs all of them, in either memory mode and at either level; a race-free one in none.
//! A *loose* one races by what the kit promises: its locks order more, which shows below the level of applications.
//!
//! Where waiting has a point in Go only because goroutines are not waited for at the end, it is left out: here a scope
//! waits for them. Numbers are smaller where the program stays the same.
//!
//! # Where the verdict is another than Go's
//!
//! A channel of the kit is a critical section to whoever uses it: every operation that changes something happens
//! before all later ones that do, and before those that say that it is closed. Go orders less, namely a send with its
//! receive, a close with the receives that it ends, and the k-th receive with the send that it makes room for, the
//! k + C-th. And Go reports some misuse of its own objects as a race on them. So:
//!
//! - Racy in Go, and free here:
//!   - `chan_sync_close_send`, `chan_async_close_send`: a refused send has seen the close;
//!   - `chan_close_close`: a second close has seen the first;
//!   - `chan_send_close`, `chan_send_select_close`, `chan_close_send`: a close beside a send is no race, but the misuse
//!     `send-after-close`, which is reported to who forbids it;
//!   - `wait_group_wrong_add`, `wait_group_reuse`: an add beside a wait is no race.
//! - Free in Go, and racy here:
//!   - `no_race_mutex_pure_happens_before`: in Go's one run the sleeper wakes last. It may be the first.
//!
//! Beside most of the former stands a program, named `…_late`, with the race that is left; beside the latter one, named
//! `…_seen`, without.
//!
//! # What is not here
//!
//! - Plain and atomic access to one variable (`TestRaceAtomicStoreLoad`, `LoadStore`, `AddLoad`, `AddStore`): an atomic
//!   has no plain access in safe Rust.
//! - Nil pointers (`TestNoRaceNilMutexCrash`, `TestNoRaceAtomicCrash`): there are none.
//! - Timers that are set again (`TestNoRaceAfterFuncReset`, `TimerReset`, `TickerReset`): who waits for a timer of the
//!   kit owns it, so nobody else can set it again.
//! - `TestNoRaceSynctestGoroutinesExit`: a model cannot wait until all others wait.
//! - Keys and values beyond 256 bytes in maps (`TestRaceMapBig…`): a cell has one size.
//! - The other files of the suite: which instructions of compiled Go are watched (`mop`, `comp`, `slice`, `regression`,
//!   `rangefunc`, `reflect`, `cgo`), finalizers, and files of the operating system (`io`).

use crate::case::Limits;
use norace_check::{Builder, Level, Outcome};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// A group's table: the verdict and the program.
macro_rules! races {
    ($($verdict:ident $program:ident,)*) => {
        pub(super) const RACES: &[crate::races::Race] = &[$(crate::races::Race {
            name: stringify!($program),
            racy: races!(@ $verdict),
            loose: races!(@@ $verdict),
            program: $program,
        }),*];
    };
    (@ free) => { false };
    (@ $racy:ident) => { true };
    (@@ loose) => { true };
    (@@ $verdict:ident) => { false };
}

mod atomic;
mod chan;
mod map;
mod mutex;
mod pool;
mod rwmutex;
mod select;
mod sync;
mod synctest;
mod time;
mod waitgroup;

/// A program, and whether it has a race.
#[derive(Clone, Copy, Debug)]
pub struct Race {
    /// Its name.
    pub name: &'static str,
    /// Whether two of its accesses to plain data race, in some execution.
    pub racy: bool,
    /// Whether they only do by what the kit promises, while a lock inside the kit orders them.
    pub loose: bool,
    /// The program.
    pub program: fn(),
}

/// The groups, by subject.
const GROUPS: &[&[Race]] = &[
    chan::RACES,
    select::RACES,
    sync::RACES,
    mutex::RACES,
    rwmutex::RACES,
    waitgroup::RACES,
    atomic::RACES,
    pool::RACES,
    time::RACES,
    synctest::RACES,
    map::RACES,
];

/// All of them, by subject.
pub const PAIRS: &[Race] = &join();

const COUNT: usize = {
    let (mut count, mut group) = (0, 0);
    while group < GROUPS.len() {
        count += GROUPS[group].len();
        group += 1;
    }
    count
};

const fn join() -> [Race; COUNT] {
    let mut all = [GROUPS[0][0]; COUNT];
    let (mut count, mut group) = (0, 0);
    while group < GROUPS.len() {
        let mut index = 0;
        while index < GROUPS[group].len() {
            all[count] = GROUPS[group][index];
            count += 1;
            index += 1;
        }
        group += 1;
    }
    all
}

impl Race {
    /// A search of the program within `limits`.
    pub fn builder(&self, limits: Limits) -> Builder {
        Builder::new().budget(limits.budget).seed(limits.seed).name(self.name)
    }

    /// Explores the program.
    pub fn search(&self, limits: Limits) -> Outcome {
        self.builder(limits).run(self.program)
    }

    /// Whether it races in a model at `level`.
    pub fn races_at(&self, level: Level) -> bool {
        self.racy && !(self.loose && level == Level::Rt)
    }

    /// In what `outcome` of a model at `level` differs from the verdict; `None` when it does not.
    pub fn misjudged(&self, outcome: &Outcome, level: Level) -> Option<String> {
        let found = outcome.finding.as_ref().map(|finding| finding.kind);
        let expected = self.races_at(level).then_some("data-race");
        if found == expected {
            return None;
        }
        let text = outcome.finding.as_ref().map_or_else(|| outcome.extent(), |f| f.to_text());
        let (name, found) = (self.name, found.unwrap_or("nothing"));
        Some(format!("{name}: {found} instead of {}: {text}", expected.unwrap_or("nothing")))
    }
}

/// `recover()`: what `act` panics with, if it does.
fn recover<R>(act: impl FnOnce() -> R) -> Result<R, String> {
    catch_unwind(AssertUnwindSafe(act)).map_err(|payload| {
        let text = payload.downcast_ref::<String>().cloned();
        let text = text.or_else(|| payload.downcast_ref::<&str>().map(ToString::to_string));
        // Whatever else unwinds is not the program's: the execution is being given up.
        text.unwrap_or_else(|| resume_unwind(payload))
    })
}
