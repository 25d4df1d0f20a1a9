//! A worker: a thread that fills one of the runtime's places, runs its tasks, searches for more, and sleeps.
//!
//! Where the next task comes from, in this order: every 61st time, and whenever the stall monitor asks for it, the
//! injector, after a look at the netpoller without waiting; this thread's pinned tasks, taking turns with the others;
//! the place's own queue; a share of the injector; half of another worker's ring; and, on the last pass, the `runnext`
//! of a worker that the stall monitor has found stuck.
//!
//! `block_in_place` separates the thread from its place: another thread fills it, this one finishes its poll, then runs
//! what is pinned to it, and ends. What it wakes meanwhile goes to the injector.

use super::current::{self, Role};
use super::idle::Announced;
use super::park::Parker;
use super::queue::{Injector, LocalQueue, Pushed};
use super::scheduler::{Place, Scheduler};
use crate::task::cell::Task;
use crate::task::pinned::PinnedHost;
use norace_prim::rand;
use norace_prim::sync::{Arc, Mutex, lock};
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::task::Waker;

/// Tasks between two looks at the injector and the netpoller; prime, so that it falls in step with nothing.
const FAIRNESS_INTERVAL: u32 = norace_prim::model_or!(61, 3);

/// The right to fill a place: who has it owns the place's queue.
pub(crate) struct Seat {
    index: usize,
    queue: LocalQueue,
}

impl Seat {
    pub(super) fn new(index: usize, queue: LocalQueue) -> Self {
        Self { index, queue }
    }

    /// Makes the host of the thread that is about to fill the place, where pinned tasks find it from now on.
    pub(super) fn new_host(&self, scheduler: &Scheduler) -> Arc<PinnedHost> {
        let host = PinnedHost::new(Parker::new(scheduler.driver().clone()));
        scheduler.places[self.index].set_host(host.clone());
        host
    }
}

/// A place on its way from one thread to another; whoever takes it fills it.
pub(crate) type Handoff = Arc<Mutex<Option<Seat>>>;

/// The part of a worker that only its own thread touches.
pub(crate) struct Worker {
    scheduler: Arc<Scheduler>,
    /// For the place it fills; none once it has handed that off. Not borrowed while foreign code runs.
    seat: RefCell<Option<Seat>>,
    parker: Arc<Parker>,
    host: Arc<PinnedHost>,
    /// It is the searcher, in the words of `rt/idle.rs`.
    searching: Cell<bool>,
    /// It hands out what the netpoller found: wakes push to the back and announce nothing until the end, and the worker
    /// keeps its place.
    dispatching: Cell<bool>,
    /// How many `block_in_place` it is inside.
    blocking: Cell<u32>,
    count: Cell<u32>,
    taken: RefCell<Vec<Task>>,
    wakers: RefCell<Vec<Waker>>,
}

/// Fills the place in `handoff`, if it is still there, until it is handed off or the runtime stops.
pub(crate) fn run(scheduler: &Arc<Scheduler>, handoff: &Handoff) {
    let (seat, host) = {
        let mut handoff = lock(handoff);
        let Some(seat) = handoff.take() else { return };
        // Under the lock: the place's former worker looks here before it closes its own host, so one is always open.
        let host = seat.new_host(scheduler);
        (seat, host)
    };
    run_in(scheduler, seat, host);
}

/// Fills the place of `seat`, whose host is `host`.
pub(crate) fn run_in(scheduler: &Arc<Scheduler>, seat: Seat, host: Arc<PinnedHost>) {
    let worker = Rc::new(Worker {
        scheduler: scheduler.clone(),
        seat: RefCell::new(Some(seat)),
        parker: host.parker().clone(),
        host,
        searching: Cell::new(false),
        dispatching: Cell::new(false),
        blocking: Cell::new(0),
        count: Cell::new(0),
        taken: RefCell::default(),
        wakers: RefCell::default(),
    });
    let _entered = current::enter(scheduler.clone(), Role::Worker(worker.clone()));
    worker.fill_place();
    worker.run_pinned();
    if worker.place().is_some() {
        scheduler.leave_place();
    }
}

impl Worker {
    pub(crate) fn scheduler(&self) -> &Arc<Scheduler> {
        &self.scheduler
    }

    /// The number of its place.
    fn index(&self) -> Option<usize> {
        self.seat.borrow().as_ref().map(|seat| seat.index)
    }

    fn place(&self) -> Option<&Place> {
        self.index().map(|index| &self.scheduler.places[index])
    }

    fn pop(&self) -> Option<Task> {
        self.seat.borrow().as_ref()?.queue.pop()
    }

    /// Runs tasks while it has a place and the runtime goes on.
    fn fill_place(&self) {
        while let Some(place) = self.place() {
            if let Some(task) = self.next(place) {
                self.run_task(place, task);
            } else if self.scheduler.idle.is_stopping() {
                return;
            } else {
                self.sleep(place);
            }
        }
    }

    /// Runs what can run nowhere else, until none of it is left.
    fn run_pinned(&self) {
        while !self.host.try_close() {
            match self.host.pop() {
                Some(task) => task.run(),
                None => self.parker.park(),
            }
        }
    }

    fn run_task(&self, place: &Place, task: Task) {
        if self.searching.replace(false) {
            self.scheduler.idle.end_search();
            if self.scheduler.has_visible_work() {
                self.scheduler.idle.wake_one();
            }
        }
        place.begin(task.header().id());
        task.run();
        // After a hand-off the tick belongs to the place's new worker.
        if self.place().is_some() {
            place.advance_tick();
        }
    }

    fn next(&self, place: &Place) -> Option<Task> {
        let count = self.count.get().wrapping_add(1);
        self.count.set(count);
        if count.is_multiple_of(FAIRNESS_INTERVAL) || place.is_look_due() {
            self.look_at_driver(place);
            if let Some(task) = self.take_injected(Injector::take_one) {
                return Some(task);
            }
        }
        let pinned_first = count.is_multiple_of(2);
        let pinned = || self.host.pop();
        pinned_first
            .then(pinned)
            .flatten()
            .or_else(|| self.pop())
            .or_else(pinned)
            .or_else(|| {
                let workers = self.scheduler.places.len();
                self.take_injected(|injector, taken| injector.take_share(workers, taken))
            })
            .or_else(|| self.search(place))
    }

    fn take_injected(&self, take: impl FnOnce(&Injector, &mut Vec<Task>)) -> Option<Task> {
        let injector = &self.scheduler.injector;
        if !injector.has_work() {
            return None;
        }
        let mut taken = self.taken.borrow_mut();
        take(injector, &mut taken);
        let queues = taken.len() > 1;
        let first = self.keep_all_but_one(&mut taken);
        // P2 of the sleep protocol in rt/idle.rs, for what was queued, and for what was left there: P1' is over. What a
        // searcher leaves is announced at the end of its search.
        if !self.searching.get() && (queues || injector.has_work()) {
            self.scheduler.idle.wake_one();
        }
        first
    }

    /// Gives the oldest of `taken` and queues the rest, which the caller announces.
    fn keep_all_but_one(&self, taken: &mut Vec<Task>) -> Option<Task> {
        let mut taken = taken.drain(..);
        let first = taken.next()?;
        for task in taken {
            let queued = self.push(task, LocalQueue::push_back);
            assert!(queued.is_ok(), "who takes tasks has a place");
        }
        Some(first)
    }

    /// The passes over the other workers. What is visible beside the task found is announced when that runs.
    fn search(&self, place: &Place) -> Option<Task> {
        if !self.searching.get() && !self.scheduler.idle.try_search() {
            return None;
        }
        self.searching.set(true);
        let mut taken = self.taken.borrow_mut();
        for victim in self.others() {
            victim.queue.steal_half(&mut taken);
            if !taken.is_empty() {
                place.steals.add_alone(1);
                place.stolen.add_alone(taken.len() as u64);
                return self.keep_all_but_one(&mut taken);
            }
        }
        self.steal_next(place)
    }

    /// The last pass: tasks that were to run next, of workers that the stall monitor has found stuck.
    fn steal_next(&self, place: &Place) -> Option<Task> {
        let mut stuck = self.others().filter(|victim| victim.is_stuck());
        let task = stuck.find_map(|victim| victim.queue.steal_next())?;
        place.steals.add_alone(1);
        place.stolen.add_alone(1);
        Some(task)
    }

    /// The other places, starting at a random one.
    fn others(&self) -> impl Iterator<Item = &Place> {
        let places = &self.scheduler.places;
        let start = rand::below(places.len() as u64);
        let start = usize::try_from(start).expect("below the number of places");
        let me = self.index();
        (0..places.len())
            .map(move |offset| (start + offset) % places.len())
            .filter(move |index| Some(*index) != me)
            .map(move |index| &places[index])
    }

    /// Sleeps until there is something to do; see the protocol in `rt/idle.rs`.
    fn sleep(&self, place: &Place) {
        let driver = self.scheduler.driver();
        let poller = driver.try_enter();
        let idle = &self.scheduler.idle;
        let announced =
            idle.announce(&self.parker, poller.is_some(), self.searching.replace(false));
        if announced == Announced::Stopping {
            return;
        }
        if self.host.has_work() {
            self.searching.set(idle.retract(&self.parker));
            return;
        }
        if self.scheduler.has_visible_work() && idle.retract_to_search(&self.parker) {
            self.searching.set(true);
            return;
        }
        place.parks.add_alone(1);
        match poller {
            None => self.parker.park(),
            Some(mut poller) => {
                let mut wakers = self.wakers.borrow_mut();
                self.parker.park_in_driver(|| driver.turn(&mut poller, &mut wakers));
            }
        }
        self.searching.set(idle.retract(&self.parker));
        self.dispatch();
    }

    /// Looks at the netpoller without waiting, unless another worker is there.
    fn look_at_driver(&self, place: &Place) {
        place.set_look_due(false);
        let driver = self.scheduler.driver();
        if let Some(mut poller) = driver.try_enter() {
            driver.look(&mut poller, &mut self.wakers.borrow_mut());
        }
        self.dispatch();
    }

    /// Wakes what the netpoller found, and one more worker when that is more than this one runs next.
    fn dispatch(&self) {
        let mut wakers = self.wakers.take();
        if wakers.is_empty() {
            return;
        }
        self.dispatching.set(true);
        for waker in wakers.drain(..) {
            if let Err(payload) = catch_unwind(AssertUnwindSafe(|| waker.wake())) {
                self.scheduler.counters().panicked_in_drop();
                // Its destructor may panic as well, and so on for ever.
                std::mem::forget(payload);
            }
        }
        self.dispatching.set(false);
        self.wakers.replace(wakers);
        if self.place().is_some_and(|place| place.queue.len() > 1) {
            self.scheduler.idle.wake_one();
        }
    }

    /// Queues a task that was spawned or woken by this worker; gives it back when the worker has no place.
    pub(crate) fn push_woken(&self, task: Task) -> Result<(), Task> {
        if self.dispatching.get() {
            return self.push(task, LocalQueue::push_back).map(drop);
        }
        if self.push(task, LocalQueue::push_next)? {
            self.scheduler.idle.wake_one();
        }
        Ok(())
    }

    /// Queues a task that has just been polled.
    pub(crate) fn push_yielded(&self, task: Task) -> Result<(), Task> {
        if self.push(task, LocalQueue::push_back)? {
            self.scheduler.idle.wake_one();
        }
        Ok(())
    }

    /// Queues a task, and sends on what does not fit; whether there is more to run than this worker's next task. Gives
    /// the task back when the worker has no place.
    fn push(
        &self,
        task: Task,
        push: impl FnOnce(&LocalQueue, Task) -> Pushed,
    ) -> Result<bool, Task> {
        let (pushed, index) = match &*self.seat.borrow() {
            Some(seat) => (push(&seat.queue, task), seat.index),
            None => return Err(task),
        };
        match pushed {
            Pushed::Quietly => Ok(false),
            Pushed::Visibly => Ok(true),
            Pushed::Overflow(tasks) => {
                self.scheduler.places[index].overflows.add_alone(1);
                self.scheduler.inject(tasks.into_iter());
                Ok(true)
            }
        }
    }

    /// Whether blocking this thread harms nobody: its place is filled by another one.
    pub(crate) fn may_block(&self) -> bool {
        self.blocking.get() > 0 || self.place().is_none()
    }

    /// Runs `act`, which may block, while another thread fills this worker's place.
    pub(crate) fn block_in_place<R>(&self, act: impl FnOnce() -> R) -> R {
        struct Blocking<'a>(&'a Worker, Option<Handoff>);
        impl Drop for Blocking<'_> {
            fn drop(&mut self) {
                self.0.blocking.set(self.0.blocking.get() - 1);
                // If nobody has begun to fill the place, take it back.
                let seat = self.1.take().and_then(|handoff| lock(&handoff).take());
                if let Some(seat) = seat {
                    self.0.enter_place(seat);
                }
            }
        }
        self.blocking.set(self.blocking.get() + 1);
        let _blocking = Blocking(self, self.hand_off());
        act()
    }

    /// Gives up the place; none when it has none, when no thread can be had to fill it, or when what blocks is a waker
    /// that this worker calls between two polls: the worker goes on as one that has its place.
    fn hand_off(&self) -> Option<Handoff> {
        if self.dispatching.get() {
            return None;
        }
        let seat = self.seat.take()?;
        // Inside a poll until now; whoever takes the place begins between two.
        self.scheduler.places[seat.index].advance_tick();
        let handoff: Handoff = Arc::new(Mutex::new(Some(seat)));
        if self.scheduler.blocking.start_worker(&self.scheduler, &handoff) {
            return Some(handoff);
        }
        let seat = lock(&handoff).take().expect("nobody was given it");
        self.enter_place(seat);
        None
    }

    /// Back in its place, inside a poll.
    fn enter_place(&self, seat: Seat) {
        self.scheduler.places[seat.index].advance_tick();
        self.seat.replace(Some(seat));
    }
}

#[cfg(all(test, norace))]
mod models;
