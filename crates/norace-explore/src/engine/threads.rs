//! The threads of one execution: how they begin, what is known of each, how they end.
//!
//! An *alarm* is a thread that waits for one instant and then runs one closure: a timer of a library. It needs no
//! stack before it fires, and its number is used again when it is cancelled before that.

use std::fmt;
use std::ops::{Index, IndexMut};
use std::panic::Location;
use std::rc::Rc;
use std::sync::atomic::Ordering;

use super::suspicion::Held;
use super::{At, Ended, Engine, Keep, Pending, Phase};
use crate::clock::Row;
use crate::config::THREADS_MAX;
use crate::event::{EventId, Kind, MessageId, ObjectId, Op, ThreadId};
use crate::finding::{Finding, Place, ThreadInfo, Waits};
use crate::job::Job;
use crate::meta;

/// A place where a thread reads the same store again and again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spin {
    pub(super) location: Place,
    pub(super) object: ObjectId,
    pub(super) message: MessageId,
    /// The event of that store.
    pub(super) store: Option<EventId>,
    pub(super) repeats: u32,
}

impl Spin {
    #[inline]
    pub(super) fn is_at(&self, at: At) -> bool {
        self.object == at.object && std::ptr::eq(self.location, at.location)
    }
}

/// A panic that has not reached anybody.
#[derive(Debug)]
pub(crate) struct Panicked {
    pub(crate) message: String,
    location: Option<String>,
}

#[derive(Debug)]
pub(crate) struct Thread {
    pub(crate) pending: Option<Pending>,
    pub(crate) finished: bool,
    started: bool,
    /// Whether somebody may still ask for its result.
    is_owed: bool,
    pub(super) joined: bool,
    panicked: Option<Panicked>,
    /// Where the last panic in this thread began.
    panic_at: Option<String>,
    name: Option<String>,
    spawned_at: Option<Place>,
    is_alarm: bool,
    /// How many events the thread has made.
    pub(crate) number: u32,
    /// These events, in order, where events are kept.
    pub(crate) events: Vec<EventId>,
    pub(crate) causal: Row,
    pub(crate) hb: Row,
    /// What an acquire fence would take over.
    pub(super) acquire: Row,
    /// What the last release fence published.
    pub(super) release: Row,
    pub(super) failed_spuriously: bool,
    pub(super) spins: Vec<Spin>,
    /// Set by a notification: the event that made it.
    pub(crate) notified: Option<EventId>,
    /// The last notification that found nobody, when the thread began to wait.
    pub(super) missed: Option<Place>,
    pub(super) deadline: Option<u64>,
    /// The park token.
    pub(super) token: bool,
    /// What the unparks since the last park published; `EMPTY` when there is none.
    pub(super) token_hb: Row,
    /// The thread's own object.
    pub(super) object: ObjectId,
    /// What a library said that the thread waits for, since it last did something else.
    pub(super) waits: Vec<Waits>,
    /// How often timers alone went on while this thread waited for something else.
    pub(super) starved: u32,
    /// The locks it holds.
    pub(super) held: Vec<Held>,
    /// What came before by spawn and join alone.
    pub(super) descent: Row,
}

impl Thread {
    pub(super) fn new() -> Self {
        Self {
            pending: None,
            finished: false,
            started: false,
            is_owed: false,
            joined: false,
            panicked: None,
            panic_at: None,
            name: None,
            spawned_at: None,
            is_alarm: false,
            number: 0,
            events: Vec::new(),
            causal: Row::EMPTY,
            hb: Row::EMPTY,
            acquire: Row::EMPTY,
            release: Row::EMPTY,
            failed_spuriously: false,
            spins: Vec::new(),
            notified: None,
            missed: None,
            deadline: None,
            token: false,
            token_hb: Row::EMPTY,
            object: ObjectId::CLOCK,
            waits: Vec::new(),
            starved: 0,
            held: Vec::new(),
            descent: Row::EMPTY,
        }
    }

    fn reset(&mut self) {
        let events = std::mem::take(&mut self.events);
        let spins = std::mem::take(&mut self.spins);
        let waits = std::mem::take(&mut self.waits);
        let held = std::mem::take(&mut self.held);
        *self = Self { events, spins, waits, held, ..Self::new() };
        self.events.clear();
        self.spins.clear();
        self.waits.clear();
        self.held.clear();
    }

    pub(crate) fn is_live(&self) -> bool {
        self.started && !self.finished
    }
}

/// By thread: what it runs, or has run for somebody who may ask for the result.
#[derive(Default)]
pub(super) struct Jobs(Vec<Option<Rc<dyn Job>>>);

impl fmt::Debug for Jobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jobs").finish_non_exhaustive()
    }
}

/// All threads there may be, by number.
#[derive(Debug)]
pub(crate) struct Threads(Box<[Thread; THREADS_MAX]>);

impl Default for Threads {
    fn default() -> Self {
        let all: Vec<Thread> = (0..THREADS_MAX).map(|_| Thread::new()).collect();
        Self(all.try_into().expect("so many were made"))
    }
}

impl Index<ThreadId> for Threads {
    type Output = Thread;

    #[inline]
    fn index(&self, thread: ThreadId) -> &Thread {
        // Without the remainder there would be a check at every access.
        &self.0[thread.index() % THREADS_MAX]
    }
}

impl IndexMut<ThreadId> for Threads {
    #[inline]
    fn index_mut(&mut self, thread: ThreadId) -> &mut Thread {
        &mut self.0[thread.index() % THREADS_MAX]
    }
}

impl Engine {
    /// Adds the thread that runs the model itself.
    pub(super) fn add_main(&mut self, job: Rc<dyn Job>) {
        self.add_thread(job, None, None);
        self.threads[ThreadId::MAIN].started = true;
        if self.keep == Keep::Nothing {
            self.threads[ThreadId::MAIN].hb = self.clocks.zero();
        }
    }

    fn add_thread(
        &mut self,
        job: Rc<dyn Job>,
        name: Option<String>,
        spawned_at: Option<Place>,
    ) -> ThreadId {
        let id = self.unused.pop().unwrap_or_else(|| self.new_number());
        let created = spawned_at.unwrap_or_else(|| Location::caller());
        let object = self.objects.add(&meta::THREAD, created);
        let thread = &mut self.threads[id];
        thread.reset();
        thread.name = name;
        thread.spawned_at = spawned_at;
        thread.object = object;
        self.jobs.0[id.index()] = Some(job);
        id
    }

    fn new_number(&mut self) -> ThreadId {
        assert!(self.count < THREADS_MAX, "a model may have at most {THREADS_MAX} threads");
        if self.count == self.clocks.width() {
            self.clocks.widen();
            self.objects.widen(self.clocks.width());
        }
        if self.jobs.0.len() == self.count {
            self.jobs.0.push(None);
        }
        self.count += 1;
        ThreadId::new(self.count - 1)
    }

    /// Records that the running thread spawns one; not a scheduling point, as nothing depends on when it happens.
    pub(crate) fn spawn(
        &mut self,
        job: Rc<dyn Job>,
        name: Option<String>,
        location: Place,
    ) -> ThreadId {
        let is_owed = job.result().is_some();
        let id = self.add_child(job, name, location);
        self.threads[id].is_owed = is_owed;
        self.fresh.push(id);
        id
    }

    fn add_child(&mut self, job: Rc<dyn Job>, name: Option<String>, location: Place) -> ThreadId {
        let parent = self.running;
        let id = self.add_thread(job, name, Some(location));
        let object = self.threads[id].object;
        // Relaxed: unused, a spawn has no ordering of its own.
        self.record(parent, Kind::Spawn, At { object, location }, Ordering::Relaxed);
        let hb = self.publish(parent);
        let Thread { number, causal, descent, .. } = self.threads[parent];
        let descent = self.clocks.copy(descent);
        self.clocks.set(descent, parent, number);
        let child = &mut self.threads[id];
        child.causal = causal;
        child.hb = hb;
        child.descent = descent;
        self.threads[parent].spins.clear();
        id
    }

    /// The running thread sets an alarm that runs `job` once it is `deadline_ns`.
    pub(crate) fn set_alarm(
        &mut self,
        job: Rc<dyn Job>,
        deadline_ns: u64,
        location: Place,
    ) -> ThreadId {
        let id = self.add_child(job, None, location);
        let thread = &mut self.threads[id];
        thread.started = true;
        thread.is_alarm = true;
        thread.deadline = Some(deadline_ns);
        let object = thread.object;
        let pending = Pending { op: Op::AlarmFire, object, location };
        thread.pending = Some(pending);
        self.make_ready(id);
        id
    }

    /// Whether the alarm has not fired and was not cancelled.
    pub(crate) fn is_alarm_set(&self, alarm: ThreadId) -> bool {
        let thread = &self.threads[alarm];
        thread.is_live() && thread.number == 0
    }

    /// Makes sure that the alarm never fires; its closure is for the caller to drop.
    pub(super) fn remove_alarm(&mut self, alarm: ThreadId) {
        if self.is_alarm_set(alarm) {
            let thread = &mut self.threads[alarm];
            thread.finished = true;
            thread.pending = None;
            self.make_unready(alarm);
            self.unused.push(alarm);
        }
    }

    pub(crate) fn thread_object(&self, thread: ThreadId) -> ObjectId {
        self.threads[thread].object
    }

    /// Hands the picked thread what it runs, after the step that lets an alarm run.
    pub(crate) fn start(&mut self) -> Option<Rc<dyn Job>> {
        let me = self.running;
        if self.threads[me].pending.is_some() && self.phase != Phase::Teardown {
            self.resumed();
        }
        self.jobs.0[me.index()].clone()
    }

    /// Whether somebody may ask for the result of the running thread.
    pub(crate) fn is_owed(&self) -> bool {
        self.threads[self.running].is_owed
    }

    /// Nobody will ask any more for the result of `thread`; its job, if it is one of this execution.
    pub(crate) fn release(&mut self, thread: ThreadId, epoch: u64) -> Option<Rc<dyn Job>> {
        if epoch != self.epoch {
            return None;
        }
        let state = &mut self.threads[thread];
        state.is_owed = false;
        let job = &mut self.jobs.0[thread.index()];
        if state.finished { job.take() } else { job.clone() }
    }

    /// Marks fresh threads as begun, the last one first.
    #[inline]
    pub(super) fn next_fresh(&mut self) -> Option<ThreadId> {
        let thread = self.fresh.pop()?;
        self.threads[thread].started = true;
        Some(thread)
    }

    /// The running thread's closure ended.
    pub(crate) fn thread_ended(&mut self, ended: Ended) {
        let me = self.running;
        self.inside = false;
        if self.phase != Phase::Teardown {
            let object = self.threads[me].object;
            let at = At { object, location: Location::caller() };
            // Relaxed: unused, as above.
            self.record(me, Kind::Finish, at, Ordering::Relaxed);
            self.unsettle();
        }
        let thread = &mut self.threads[me];
        thread.finished = true;
        thread.pending = None;
        if !thread.is_owed {
            // The coroutine still has it.
            self.jobs.0[me.index()] = None;
        }
        if let Ended::Panicked(message) = ended {
            let location = thread.panic_at.take();
            if me == ThreadId::MAIN {
                let thread = self.thread_info(me);
                self.findings.push(Finding::Panic { thread, message, location });
            } else {
                thread.panicked = Some(Panicked { message, location });
            }
        }
    }

    /// The running thread begins to panic at `location`.
    pub(crate) fn note_panic(&mut self, location: Option<String>) {
        self.threads[self.running].panic_at = location;
    }

    pub(crate) fn last_panic(&self) -> Option<String> {
        self.threads[self.running].panic_at.clone()
    }

    /// Names the running thread, unless it has a name.
    pub(crate) fn name_thread(&mut self, name: &str) {
        self.threads[self.running].name.get_or_insert_with(|| name.to_owned());
    }

    /// Panics that nobody took.
    pub(super) fn report_panics(&mut self) {
        for index in 0..self.count {
            let state = &mut self.threads[ThreadId::new(index)];
            if let Some(Panicked { message, location }) = state.panicked.take()
                && !state.joined
            {
                let thread = self.thread_info(ThreadId::new(index));
                self.findings.push(Finding::Panic { thread, message, location });
            }
        }
    }

    pub(crate) fn thread_info(&self, thread: ThreadId) -> ThreadInfo {
        let state = &self.threads[thread];
        ThreadInfo {
            id: thread,
            name: state.name.clone(),
            spawned_at: state.spawned_at,
            is_timer: state.is_alarm,
        }
    }

    /// The next thread to unwind, the last spawned first; from here on operations do nothing.
    pub(crate) fn next_teardown(&mut self) -> Option<ThreadId> {
        self.phase = Phase::Teardown;
        self.inside = false;
        self.teardown_ops = 0;
        let unwinds = |index: &usize| {
            let thread = &self.threads[ThreadId::new(*index)];
            thread.is_live() && !(thread.is_alarm && thread.number == 0)
        };
        let left = (0..self.count).rev().find(unwinds);
        self.running = ThreadId::new(left?);
        Some(self.running)
    }

    /// What `thread` has not begun to run.
    pub(crate) fn discard_job(&mut self, thread: ThreadId) -> Option<Rc<dyn Job>> {
        self.jobs.0[thread.index()].take()
    }

    /// The message of the panic that ended `thread`.
    pub(crate) fn panic_message(&self, thread: ThreadId) -> Option<String> {
        let panicked = self.threads[thread].panicked.as_ref();
        panicked.map(|panicked| panicked.message.clone())
    }

    /// What threads have not begun to run, for the caller to drop. A result whose handle was forgotten is, too.
    pub(crate) fn discard_jobs(&mut self) -> Vec<Rc<dyn Job>> {
        let mut unused = Vec::new();
        for thread in (0..self.count).map(ThreadId::new) {
            let job = self.jobs.0[thread.index()].take();
            match job {
                Some(job) if !self.threads[thread].finished => unused.push(job),
                job => std::mem::forget(job),
            }
        }
        unused
    }

    /// Marks the running thread as gone although its frames were not unwound.
    pub(crate) fn abandon(&mut self) {
        self.threads[self.running].finished = true;
    }
}
