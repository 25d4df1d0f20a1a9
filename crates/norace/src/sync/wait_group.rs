//! The wait group: waiting until all who joined have left.

use super::event::{Event, Inside, Wait};
use crate::wait::{BlockedOn, block_for, block_on};
use norace_prim::atomic::{AtomicU64, Ordering};
use norace_prim::probe::{Effect, Kind, Site};
use norace_prim::sync::Arc;
use norace_prim::time::Duration;
use std::fmt;
use std::pin::Pin;

/// What the checker calls it.
#[derive(Debug)]
pub struct WaitGroupName;

impl Kind for WaitGroupName {
    const WORD: &'static str = "wait group";
    type Holds = u32;
}

/// One round in the word; the members are counted below it.
const ROUND: u64 = 1 << 32;

/// A count of members; a wait ends when it falls to 0.
///
/// A member is a guard: it is counted from [`add`](Self::add) on until it is dropped, by a panic too. So there is no
/// `done` too many and none forgotten on the way out, the two mistakes that Go's `WaitGroup` answers with a panic and a
/// deadlock.
///
/// ```
/// use norace::sync::WaitGroup;
/// let group = WaitGroup::new();
/// for _ in 0..4 {
///     let member = group.add();
///     std::thread::spawn(move || member.done());
/// }
/// group.wait_blocking();
/// assert_eq!(group.members(), 0);
/// ```
///
/// # When to use it, and when not
///
/// To wait for work that was started in many places and has no results: connections that drain, callbacks. Tasks whose
/// outcomes matter belong in a group of tasks (`norace::group`), which also cancels them.
///
/// # What a wait sees
///
/// A wait ends if there is no member when it begins, or when the last one leaves after that, whoever joins later. The
/// group can be used again at once; each round ends those waits that began in it.
///
/// # Cost and ordering
///
/// Joining and leaving is one exchange each. What members did before they left happens before the wait ends.
///
/// # Panics
///
/// When a member joins 2^31 others; it is none then. The rounds are counted modulo 2^32; a wait would have to be asleep
/// for exactly that many of them to miss one.
///
/// # Cancel safety
///
/// Waits may be dropped at any time.
#[derive(Clone)]
pub struct WaitGroup(Arc<Core>);

/// What a group and its members share.
struct Core {
    /// The round above, the number of members below.
    word: AtomicU64,
    event: Event<WaitGroup>,
}

fn members(word: u64) -> u64 {
    word % ROUND
}

impl Core {
    fn word(&self) -> u64 {
        // SeqCst: as the waiting protocol asks, see there; it includes the Acquire that pairs with the Release in
        // leave.
        self.word.load(Ordering::SeqCst)
    }

    fn join(self: &Arc<Self>, site: Site) -> Member {
        let before = self.event.change("join", site, |_| {
            // Relaxed: who joins publishes nothing; leaving does.
            (Effect::Changed, self.word.fetch_add(1, Ordering::Relaxed))
        });
        // It leaves again when it is one too many.
        let member = Member { core: self.clone(), site };
        assert!(members(before) < ROUND / 2, "2^31 members of a wait group");
        member
    }

    fn leave(&self, site: Site) {
        self.event.change("leave", site, |wakes| {
            // Relaxed: the exchange decides.
            let mut word = self.word.load(Ordering::Relaxed);
            loop {
                let last = members(word) == 1;
                let after = if last { (word - 1).wrapping_add(ROUND) } else { word - 1 };
                let (success, failure) = (Ordering::SeqCst, Ordering::Relaxed);
                // SeqCst: as the waiting protocol asks; it includes the Release for who waits. Relaxed: tried again.
                match self.word.compare_exchange(word, after, success, failure) {
                    Ok(_) if last => break,
                    Ok(_) => return (Effect::Changed, ()),
                    Err(now) => word = now,
                }
            }
            let ended = word / ROUND;
            self.event.notify(wakes, |round| (*round == ended).then_some(()));
            (Effect::Changed, ())
        });
    }
}

impl WaitGroup {
    /// A group without members.
    #[track_caller]
    pub fn new() -> Self {
        Self(Arc::new(Core { word: AtomicU64::new(0), event: Event::new() }))
    }

    /// A new member.
    #[track_caller]
    pub fn add(&self) -> Member {
        self.0.join(Site::here())
    }

    /// How many members there are now.
    #[track_caller]
    pub fn members(&self) -> usize {
        let word = self.0.event.read("look at", Site::here(), || self.0.word());
        usize::try_from(members(word)).unwrap_or(usize::MAX)
    }

    /// Waits until there is no member.
    #[track_caller]
    pub fn wait(&self) -> Wait<'_, Self> {
        Wait::new(self, (), BlockedOn::Members, Site::here())
    }

    /// As [`wait`](Self::wait); this thread sleeps. For plain threads.
    #[track_caller]
    pub fn wait_blocking(&self) {
        block_on(self.wait());
    }

    /// As [`wait_blocking`](Self::wait_blocking), for at most `timeout`; whether all have left.
    #[track_caller]
    pub fn wait_timeout(&self, timeout: Duration) -> bool {
        block_for(Pin::new(&mut self.wait()), timeout).is_some()
    }
}

impl Default for WaitGroup {
    #[track_caller]
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for WaitGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitGroup")
            .field("members", &members(self.0.word()))
            .finish_non_exhaustive()
    }
}

/// A member of a [`WaitGroup`]; it leaves when it is dropped. Its clone is one more.
#[must_use = "a member that is dropped has left"]
pub struct Member {
    core: Arc<Core>,
    site: Site,
}

impl Member {
    /// Leaves; the same as dropping it, in a word.
    pub fn done(self) {}

    /// The group.
    pub fn group(&self) -> WaitGroup {
        WaitGroup(self.core.clone())
    }
}

impl Clone for Member {
    #[track_caller]
    fn clone(&self) -> Self {
        self.core.join(Site::here())
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.core.leave(self.site);
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member").finish_non_exhaustive()
    }
}

impl Inside for WaitGroup {
    type Asked = ();
    /// The round in which the wait began.
    type Wish = u64;
    type Answer = ();
    type Output = ();
    type Name = WaitGroupName;

    fn event(&self) -> &Event<Self> {
        &self.0.event
    }

    fn look(&self, (): ()) -> Result<(), u64> {
        let word = self.0.word();
        if members(word) == 0 { Ok(()) } else { Err(word / ROUND) }
    }

    fn look_again(&self, round: &mut u64) -> Option<()> {
        (self.0.word() / ROUND != *round).then_some(())
    }

    fn output(&self, (): ()) {}
}

#[cfg(test)]
mod tests;
