//! The threads of one execution: how they begin, what is known of each, how they end.
//!
//! An *alarm* is a thread that waits for one instant and then runs one closure: a timer of a library. It needs no
//! stack before it fires, and its number is used again when it is cancelled before that.
//!
//! Sets of threads are words, so a thread beyond the last number takes over that of one that is done. What reports say
//! of threads tells them apart: there a *follower* has a number of its own.

use std::ops::{Index, IndexMut};
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::fairness::PassedOver;
use super::suspicion::Held;
use super::{At, Ended, Engine, Keep, Pending, Phase};
use crate::clock::Row;
use crate::config::THREADS_MAX;
use crate::driver::members;
use crate::event::{EventId, Kind, MessageId, ObjectId, Op, ThreadId};
use crate::finding::{Finding, Place, ThreadInfo, Waits};
use crate::job::Job;
use crate::meta;
use crate::probe::Moment;
use crate::trace::PanicBegun;

/// A place where a thread reads the same store, or finds an object unchanged, again and again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spin {
    pub(super) location: Place,
    pub(super) object: ObjectId,
    /// The store, of an atomic.
    pub(super) message: Option<MessageId>,
    /// The event of that store; elsewhere the last one that had changed the object.
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

/// What reports may have to say of a thread whose number another has by now.
#[derive(Debug)]
struct Former {
    /// Its last event, by number.
    last: u32,
    object: ObjectId,
    spawned_at: Option<Place>,
    name: Option<Arc<str>>,
    is_alarm: bool,
    /// Who has its number next, in reports.
    follower: ThreadId,
}

#[derive(Debug, Default)]
pub(crate) struct Thread {
    pub(crate) pending: Option<Pending>,
    pub(crate) hb: Row,
    pub(crate) causal: Row,
    /// How many events the thread has made, and those that had its number before.
    pub(crate) number: u32,
    /// How many threads had its number before.
    pub(crate) generation: u16,
    /// Those threads.
    formers: Vec<Former>,
    /// How often others went on since its last step.
    pub(super) passed_over: PassedOver,
    /// What an acquire fence would take over.
    pub(super) acquire: Row,
    /// What the last release fence published.
    pub(super) release: Row,
    /// What came before by spawn and join alone.
    pub(super) descent: Row,
    /// What the unparks since the last park published; `EMPTY` when there is none.
    pub(super) token_hb: Row,
    /// The park token.
    pub(super) token: bool,
    pub(crate) finished: bool,
    pub(super) joined: bool,
    /// Who has announced to wait for its end.
    pub(super) joining: u64,
    /// Whether somebody may still ask for its result.
    is_owed: bool,
    /// Whether somebody has looked whether it has finished.
    pub(super) is_watched: bool,
    is_alarm: bool,
    /// Whether there was a handle to join it with, and is none any more.
    is_released: bool,
    pub(super) failed_spuriously: bool,
    /// The thread's own object.
    pub(crate) object: ObjectId,
    /// Set by a notification: the event that made it.
    pub(crate) notified: Option<EventId>,
    pub(super) deadline: Option<u64>,
    /// The last notification that found nobody, when the thread began to wait.
    pub(super) missed: Option<Place>,
    spawned_at: Option<Place>,
    /// The step that spawned it.
    pub(crate) spawned_in: u32,
    /// What it runs, or has run for somebody who may ask for the result.
    job: Option<Rc<dyn Job>>,
    /// Its events, in order, where events are kept.
    pub(crate) events: Vec<EventId>,
    pub(super) spins: Vec<Spin>,
    /// The locks it holds.
    pub(super) held: Vec<Held>,
    /// What a library said that the thread waits for, since it last did something else.
    pub(super) waits: Vec<Waits>,
    pub(crate) name: Option<Arc<str>>,
    panicked: Option<Panicked>,
    /// Where the last panic in this thread began.
    panic_at: Option<String>,
}

impl Thread {
    /// Makes it a thread that has done nothing, field by field: most have the value already, and lists keep their
    /// memory.
    #[inline(always)]
    fn reset(&mut self) {
        let Self { pending, hb, causal, number, passed_over, acquire, release, descent, .. } = self;
        *pending = None;
        (*number, *passed_over, self.generation) = (0, PassedOver::default(), 0);
        [hb, causal, acquire, release, descent].into_iter().for_each(|row| *row = Row::EMPTY);
        let Self { token_hb, token, finished, joined, is_owed, is_watched, .. } = self;
        *token_hb = Row::EMPTY;
        let flags = [token, finished, joined, is_owed, is_watched];
        flags.into_iter().for_each(|flag| *flag = false);
        (self.is_alarm, self.is_released) = (false, false);
        self.joining = 0;
        let Self { failed_spuriously, object, notified, deadline, missed, spawned_at, .. } = self;
        *failed_spuriously = false;
        *object = ObjectId::CLOCK;
        *notified = None;
        *deadline = None;
        (*missed, *spawned_at) = (None, None);
        let Self { job, formers, events, spins, held, waits, name, panicked, panic_at, .. } = self;
        *job = None;
        formers.clear();
        events.clear();
        spins.clear();
        held.clear();
        waits.clear();
        *name = None;
        *panicked = None;
        *panic_at = None;
    }

    /// Makes it another thread, `follower` in reports, that goes on where the one so far has ended, as far as others
    /// can tell.
    fn follow(&mut self, follower: ThreadId) {
        let Self { number, generation, object, spawned_at, is_alarm, .. } = *self;
        let name = self.name.take();
        let (mut formers, events) =
            (std::mem::take(&mut self.formers), std::mem::take(&mut self.events));
        formers.push(Former { last: number, object, spawned_at, name, is_alarm, follower });
        self.reset();
        (self.number, self.generation) = (number, generation.wrapping_add(1));
        (self.formers, self.events) = (formers, events);
    }

    /// Where the one that made an event of this `number` is among those that had the thread's number; after them, if it
    /// is the one that has it now.
    fn position_of(&self, number: u32) -> usize {
        self.formers.partition_point(|former| former.last < number)
    }
}

/// All threads there may be, by number.
#[derive(Debug)]
pub(crate) struct Threads(Box<[Thread; THREADS_MAX]>);

impl Default for Threads {
    fn default() -> Self {
        let all: Vec<Thread> = (0..THREADS_MAX).map(|_| Thread::default()).collect();
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
        let main = self.new_number();
        debug_assert_eq!(main, ThreadId::MAIN);
        self.add_thread(main, job, Location::caller());
        self.live = 1;
        if self.keep == Keep::Clocks {
            self.threads[main].hb = self.clocks.zero();
        }
    }

    #[inline(always)]
    fn add_thread(&mut self, id: ThreadId, job: Rc<dyn Job>, created: Place) {
        let object = self.objects.add_plain(&meta::THREAD, created);
        let thread = &mut self.threads[id];
        thread.object = object;
        thread.job = Some(job);
        self.jobs |= 1 << id.index();
    }

    /// The number for a thread that is about to be spawned. None if there are too many: the execution is over, and who
    /// would spawn it has to wait for its end.
    #[inline]
    pub(crate) fn number_for_thread(&mut self, created: Place) -> Option<ThreadId> {
        match self.unused.pop() {
            None if self.count == THREADS_MAX => self.number_of_finished(created),
            None => Some(self.new_number()),
            Some(id) => {
                self.threads[id].reset();
                Some(id)
            }
        }
    }

    /// The number of a thread that has finished, of which nobody speaks any more, and of which the running thread knows
    /// all: who gets its number may be taken for it. Without one there are too many threads, and the execution is over.
    #[cold]
    fn number_of_finished(&mut self, spawned_at: Place) -> Option<ThreadId> {
        let hb = self.threads[self.running].hb;
        let is_known = |&thread: &ThreadId| {
            let state = &self.threads[thread];
            // Only who joins a thread learns of its end, which belongs to its last step.
            let known = self.clocks.get(hb, thread) + 1 >= state.number;
            let told = state.joined || state.panicked.is_none();
            let forgotten = (state.is_alarm || state.is_released) && told && state.held.is_empty();
            state.finished && forgotten && self.keep >= Keep::Clocks && known
        };
        let found = (0..self.count).map(ThreadId::new).find(is_known);
        match found {
            Some(id) => {
                self.followers += 1;
                let follower = u16::try_from(THREADS_MAX + self.followers - 1).unwrap_or(u16::MAX);
                self.threads[id].follow(ThreadId(follower));
            }
            None => {
                // Who knows what was not kept may be why none was found.
                self.wants_clocks |= self.keep == Keep::Nothing;
                if self.keep != Keep::Nothing {
                    let thread = self.thread_info(self.running);
                    self.findings.push(Finding::TooManyThreads { thread, spawned_at });
                }
                self.phase = Phase::Ending;
                self.set_inside(false);
            }
        }
        found
    }

    #[inline]
    fn new_number(&mut self) -> ThreadId {
        self.threads[ThreadId::new(self.count)].reset();
        if self.count == self.clocks.width() {
            self.clocks.widen();
            self.objects.widen(self.clocks.width());
        }
        self.count += 1;
        ThreadId::new(self.count - 1)
    }

    /// Records that the running thread spawns one, whose result somebody may ask for or nobody; not a scheduling point,
    /// as nothing depends on when it happens.
    #[inline(always)]
    pub(crate) fn spawn(
        &mut self,
        id: ThreadId,
        job: Rc<dyn Job>,
        is_owed: bool,
        name: Option<Arc<str>>,
        location: Place,
    ) {
        self.add_child(id, job, location);
        let thread = &mut self.threads[id];
        thread.name = name;
        thread.is_owed = is_owed;
        self.fresh.push(id);
    }

    #[inline(always)]
    fn add_child(&mut self, id: ThreadId, job: Rc<dyn Job>, location: Place) {
        let parent = self.running;
        self.add_thread(id, job, location);
        let object = self.threads[id].object;
        // Relaxed: unused, a spawn has no ordering of its own.
        self.record(parent, Kind::Spawn, At { object, location }, Ordering::Relaxed);
        self.threads[parent].spins.clear();
        self.threads[id].spawned_at = Some(location);
        self.threads[id].spawned_in = self.steps;
        if self.keep >= Keep::Clocks {
            let hb = self.publish(parent);
            let Thread { causal, descent, number, .. } = self.threads[parent];
            let descent = self.clocks.copy_with(descent, parent, number);
            let child = &mut self.threads[id];
            (child.hb, child.causal, child.descent) = (hb, causal, descent);
        }
    }

    /// Whether the thread has begun and not ended.
    #[inline]
    pub(crate) fn is_live(&self, thread: ThreadId) -> bool {
        self.live >> thread.index() & 1 == 1
    }

    #[inline]
    fn begins(&mut self, thread: ThreadId) {
        self.live |= 1 << thread.index();
    }

    #[inline]
    fn ends(&mut self, thread: ThreadId) {
        self.live &= !(1 << thread.index());
        self.threads[thread].finished = true;
        self.threads[thread].pending = None;
    }

    /// The running thread sets an alarm that runs `job` once it is `deadline_ns`.
    pub(crate) fn set_alarm(
        &mut self,
        id: ThreadId,
        job: Rc<dyn Job>,
        deadline_ns: u64,
        location: Place,
    ) {
        self.add_child(id, job, location);
        self.begins(id);
        let thread = &mut self.threads[id];
        thread.is_alarm = true;
        thread.deadline = Some(deadline_ns);
        let object = thread.object;
        let pending = Pending { op: Op::AlarmFire, object, location };
        thread.pending = Some(pending);
        self.make_ready(id);
    }

    /// Whether the alarm has not fired and was not cancelled.
    pub(crate) fn is_alarm_set(&self, alarm: ThreadId) -> bool {
        let pending = self.threads[alarm].pending;
        self.is_live(alarm) && matches!(pending, Some(Pending { op: Op::AlarmFire, .. }))
    }

    /// Makes sure that the alarm never fires; its closure is for the caller to drop.
    pub(super) fn remove_alarm(&mut self, alarm: ThreadId) {
        if self.is_alarm_set(alarm) {
            self.ends(alarm);
            self.make_unready(alarm);
            if self.threads[alarm].number == 0 {
                self.unused.push(alarm);
            }
        }
    }

    pub(crate) fn thread_object(&self, thread: ThreadId) -> ObjectId {
        self.threads[thread].object
    }

    /// What the running thread is to run.
    #[inline]
    pub(crate) fn start(&mut self) -> Option<Rc<dyn Job>> {
        self.threads[self.running].job.clone()
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
        state.is_released = true;
        if state.finished { self.discard_job(thread) } else { state.job.clone() }
    }

    /// Marks fresh threads as begun, the last one first.
    #[inline]
    pub(super) fn next_fresh(&mut self) -> Option<ThreadId> {
        let thread = self.fresh.pop()?;
        self.begins(thread);
        Some(thread)
    }

    /// The running thread's closure ended.
    pub(crate) fn thread_ended(&mut self, ended: Ended) {
        let me = self.running;
        self.ends_to_unwind(me);
        if self.inside {
            self.set_inside(false);
        }
        if self.phase != Phase::Teardown {
            let object = self.threads[me].object;
            let at = At { object, location: Location::caller() };
            // Relaxed: unused, as above.
            let event = self.record(me, Kind::Finish, at, Ordering::Relaxed);
            if self.keep == Keep::Causes && self.threads[me].is_watched {
                self.order_after_dependent(self.threads[me].causal, me, object, Kind::Finish);
                self.close_step(me);
            }
            self.changed(object, event);
            self.driver.dpor.note_end(self.steps, me);
            self.let_go_on(self.threads[me].joining, true);
        }
        self.ends(me);
        if !self.threads[me].is_owed {
            // The coroutine still has it.
            drop(self.discard_job(me));
        }
        if let Ended::Panicked(message) = ended {
            let thread = &mut self.threads[me];
            let location = thread.panic_at.take();
            if me == ThreadId::MAIN {
                let thread = self.thread_info(me);
                self.findings.push(Finding::Panic { thread, message, location });
            } else {
                thread.panicked = Some(Panicked { message, location });
                self.some_panicked = true;
            }
        }
    }

    /// The running thread begins to panic at `location`.
    pub(crate) fn note_panic(&mut self, location: Option<String>, message: String) {
        self.begins_to_unwind();
        self.threads[self.running].panic_at.clone_from(&location);
        if self.phase != Phase::Teardown {
            let thread = self.shown(self.running);
            self.panics.push(PanicBegun { thread, before: self.happened, message, location });
        }
    }

    pub(crate) fn last_panic(&self) -> Option<String> {
        self.threads[self.running].panic_at.clone()
    }

    /// This moment of the running thread.
    pub(crate) fn moment(&mut self) -> Moment {
        self.wants_clocks |= self.keep == Keep::Nothing;
        let Thread { hb, number, .. } = self.threads[self.running];
        let mut seen: Vec<u32> =
            (0..self.count).map(|index| self.clocks.get(hb, ThreadId::new(index))).collect();
        // The last events may be accesses to plain data, which have no clock of their own.
        seen[self.running.index()] = number;
        Moment { thread: self.running.index(), events: number, seen }
    }

    /// Names the running thread, unless it has a name.
    pub(crate) fn name_thread(&mut self, name: &str) {
        self.threads[self.running].name.get_or_insert_with(|| Arc::from(name));
    }

    /// Panics that nobody took.
    pub(super) fn report_panics(&mut self) {
        if !self.some_panicked {
            return;
        }
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

    /// The number of the event that `thread` makes next.
    pub(super) fn next_number(&self, thread: ThreadId) -> u32 {
        self.threads[thread].number + 1
    }

    /// Who has the number of `thread` now.
    pub(crate) fn thread_info(&self, thread: ThreadId) -> ThreadInfo {
        self.info_at(thread, self.threads[thread].formers.len())
    }

    /// Who has made, or will make, the event of `thread` with this `number`.
    pub(crate) fn who_made(&self, thread: ThreadId, number: u32) -> ThreadInfo {
        self.info_at(thread, self.threads[thread].position_of(number))
    }

    /// The one at a position among those that had the number of `thread`.
    fn info_at(&self, thread: ThreadId, at: usize) -> ThreadInfo {
        let state = &self.threads[thread];
        let (name, spawned_at, is_timer) = match state.formers.get(at) {
            Some(former) => (&former.name, former.spawned_at, former.is_alarm),
            None => (&state.name, state.spawned_at, state.is_alarm),
        };
        let name = name.as_deref().map(str::to_owned);
        ThreadInfo { id: self.shown_at(thread, at), name, spawned_at, is_timer }
    }

    fn shown_at(&self, thread: ThreadId, at: usize) -> ThreadId {
        let former = at.checked_sub(1).map(|former| &self.threads[thread].formers[former]);
        former.map_or(thread, |former| former.follower)
    }

    /// What reports call the one that has the number of `thread` now.
    pub(crate) fn shown(&self, thread: ThreadId) -> ThreadId {
        self.shown_at(thread, self.threads[thread].formers.len())
    }

    /// What reports call the one that made the event of `thread` with this `number`.
    pub(crate) fn shown_maker(&self, thread: ThreadId, number: u32) -> ThreadId {
        self.shown_at(thread, self.threads[thread].position_of(number))
    }

    /// All threads there were, each with its object.
    pub(crate) fn all_threads(&self) -> impl Iterator<Item = (ThreadInfo, ObjectId)> {
        (0..self.count).map(ThreadId::new).flat_map(move |thread| {
            let state = &self.threads[thread];
            let objects = state.formers.iter().map(|former| former.object).chain([state.object]);
            objects.enumerate().map(move |(at, object)| (self.info_at(thread, at), object))
        })
    }

    /// The next thread to unwind, the last spawned first; from here on operations do nothing.
    pub(crate) fn next_teardown(&mut self) -> Option<ThreadId> {
        self.phase = Phase::Teardown;
        self.section = None;
        self.set_inside(false);
        self.teardown_ops = 0;
        let unwinds = |&thread: &ThreadId| !self.is_alarm_set(thread);
        // Numbers are used again; objects are numbered in the order of spawning.
        let spawned = |&thread: &ThreadId| self.thread_object(thread);
        self.running = members(self.live).filter(unwinds).max_by_key(spawned)?;
        Some(self.running)
    }

    /// What `thread` has run, or would have, for the caller to drop; nothing while it can go on, or somebody may ask
    /// for the result.
    pub(crate) fn discard_job(&mut self, thread: ThreadId) -> Option<Rc<dyn Job>> {
        let Thread { finished, is_owed, .. } = self.threads[thread];
        if finished && !is_owed { self.take_job(thread) } else { None }
    }

    /// The scope of `thread` is over, and with it all handles; its job, for the caller to drop.
    pub(crate) fn leave_scope(&mut self, thread: ThreadId) -> Option<Rc<dyn Job>> {
        self.threads[thread].is_released = true;
        self.take_job(thread)
    }

    /// What `thread` has run, or would, for the caller to drop.
    fn take_job(&mut self, thread: ThreadId) -> Option<Rc<dyn Job>> {
        self.jobs &= !(1 << thread.index());
        self.threads[thread].job.take()
    }

    /// The message of the panic that ended `thread`.
    pub(crate) fn panic_message(&self, thread: ThreadId) -> Option<String> {
        let panicked = self.threads[thread].panicked.as_ref();
        panicked.map(|panicked| panicked.message.clone())
    }

    /// What threads have not begun to run, for the caller to drop. A result whose handle was forgotten is, too.
    pub(crate) fn discard_jobs(&mut self) -> Vec<Rc<dyn Job>> {
        let mut unused = Vec::new();
        for thread in members(self.jobs) {
            match self.take_job(thread) {
                Some(job) if !self.threads[thread].finished => unused.push(job),
                job => std::mem::forget(job),
            }
        }
        unused
    }

    /// Marks the running thread as gone although its frames were not unwound.
    pub(crate) fn abandon(&mut self) {
        self.ends(self.running);
    }
}
