//! What a connection waits for, and since when.
//!
//! States of the reading side, moved by the [`Io`](super::io::Io) under hyper and the service on top of it:
//!
//! ```text
//!          bytes              head parsed            answer ready
//!   Idle ---------> Arriving -------------> Answering ------------> Answered
//!    ^                                                                 |
//!    |            hyper asks for the next head, nothing is here        |
//!    +-----------------------------------------------------------------+
//! ```
//!
//! From `Answered`, bytes lead straight to `Arriving`; a pipelined head that was read with the one before leads
//! straight to `Answering`. Of one that was read in part with the one before nothing is known here, since how much of
//! its input hyper has used up is hyper's secret: it counts as begun when more of it comes, and until then the
//! connection is idle. So it has at most the idle time-out and then the request's own.
//!
//! While `Answering`, the call's own deadline covers the body. The writing side is stuck or not, in any state. All
//! parts run inside one task: the lock is never contended and only makes the sharing safe.

use norace_prim::sync::{Mutex, lock};
use norace_prim::time::{Duration, Instant};

use crate::config::Config;

/// What came too late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Late {
    /// The next request; nobody waits for anything.
    Request,
    /// The rest of a request's head.
    Head,
    /// The client's reading of its answer.
    Reader,
}

/// The shared state.
#[derive(Debug)]
pub(super) struct Pace {
    state: Mutex<State>,
    idle_timeout: Duration,
    request_timeout: Duration,
    write_timeout: Duration,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    /// When the phase began.
    since: Instant,
    /// When writing got stuck.
    stuck: Option<Instant>,
    /// True when the client has ended its side.
    ended: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Idle,
    Arriving,
    Answering,
    Answered,
}

impl Pace {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            state: Mutex::new(State {
                phase: Phase::Idle,
                since: Instant::now(),
                stuck: None,
                ended: false,
            }),
            idle_timeout: config.idle_timeout,
            request_timeout: config.request_timeout,
            write_timeout: config.write_timeout,
        }
    }

    /// Input came, `count` bytes of it; 0 is its end.
    pub(super) fn read(&self, count: usize) {
        let mut state = lock(&self.state);
        if count == 0 {
            state.ended = true;
        } else if matches!(state.phase, Phase::Idle | Phase::Answered) {
            state.phase = Phase::Arriving;
            state.since = Instant::now();
        }
    }

    /// Input was asked for and none is here.
    pub(super) fn read_pending(&self) {
        let mut state = lock(&self.state);
        if state.phase == Phase::Answered {
            state.phase = Phase::Idle;
            state.since = Instant::now();
        }
    }

    /// Output was taken, or was not.
    pub(super) fn wrote(&self, taken: bool) {
        let mut state = lock(&self.state);
        if taken {
            state.stuck = None;
        } else if state.stuck.is_none() {
            state.stuck = Some(Instant::now());
        }
    }

    /// A head is whole; answers when its first byte came.
    pub(super) fn begin(&self) -> Instant {
        let mut state = lock(&self.state);
        if state.phase != Phase::Arriving {
            state.since = Instant::now();
        }
        state.phase = Phase::Answering;
        state.since
    }

    /// The answer is ready; answers the time.
    pub(super) fn answered(&self) -> Instant {
        let mut state = lock(&self.state);
        state.phase = Phase::Answered;
        state.since = Instant::now();
        state.since
    }

    /// True when the client has ended its side, so that nothing of it is left unread.
    pub(super) fn ended(&self) -> bool {
        lock(&self.state).ended
    }

    /// The deadline of a fresh connection.
    pub(super) fn first_deadline(&self) -> Instant {
        lock(&self.state).since + self.idle_timeout
    }

    /// When the connection is late, and with what; none while the client is owed an answer.
    pub(super) fn deadline(&self) -> Option<(Instant, Late)> {
        let state = lock(&self.state);
        if let Some(stuck) = state.stuck {
            return Some((stuck + self.write_timeout, Late::Reader));
        }
        match state.phase {
            Phase::Idle => Some((state.since + self.idle_timeout, Late::Request)),
            Phase::Arriving => Some((state.since + self.request_timeout, Late::Head)),
            Phase::Answering | Phase::Answered => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Late, Pace};
    use crate::config::Config;

    fn pace() -> (Pace, Config) {
        let config = Config::default();
        (Pace::new(&config), config)
    }

    fn late(pace: &Pace) -> Option<Late> {
        pace.deadline().map(|(_, late)| late)
    }

    #[test]
    fn each_phase_waits_for_its_own_thing() {
        let (pace, _) = pace();
        assert_eq!(late(&pace), Some(Late::Request));
        pace.read(1);
        assert_eq!(late(&pace), Some(Late::Head));
        pace.begin();
        assert_eq!(late(&pace), None);
        pace.read_pending();
        assert_eq!(late(&pace), None, "a body that is still to come is the call's business");
        pace.answered();
        assert_eq!(late(&pace), None);
        pace.read_pending();
        assert_eq!(late(&pace), Some(Late::Request));
        pace.wrote(false);
        assert_eq!(late(&pace), Some(Late::Reader));
        pace.wrote(true);
        assert_eq!(late(&pace), Some(Late::Request));
        assert!(!pace.ended());
        pace.read(0);
        assert!(pace.ended());
    }

    #[test]
    fn a_head_that_trickles_in_does_not_move_its_deadline() {
        let (pace, config) = pace();
        pace.read(1);
        let (first, _) = pace.deadline().unwrap();
        pace.read(1);
        pace.read_pending();
        assert_eq!(pace.deadline(), Some((first, Late::Head)));
        assert_eq!(pace.begin() + config.request_timeout, first);
    }

    #[test]
    fn a_reader_that_stays_stuck_does_not_move_its_deadline() {
        let (pace, _) = pace();
        pace.wrote(false);
        let first = pace.deadline();
        pace.wrote(false);
        assert_eq!(pace.deadline(), first);
    }
}
