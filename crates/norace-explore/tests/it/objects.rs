//! Reduction against no reduction: on random programs over locks, condition variables, park tokens, time and atomics
//! the exhaustive search shows the same outcomes and the same ways to get stuck as a search over all schedules.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::Mutex as StdMutex;
use std::time::Duration;

use norace_explore::probe::{self, Alarm, Effect, Holders, Kind, Monitor, Site};
use norace_explore::sync::atomic::{AtomicU32, Ordering};
use norace_explore::sync::{Condvar, Mutex, RwLock};
use norace_explore::time::Instant;
use norace_explore::{Choice, Config, Explorer, Finding, Mode, Strategy, Traces, thread};

#[derive(Clone, Copy, Debug)]
enum Op {
    /// Takes the lock, adds one to what it guards, releases it.
    Lock(usize),
    /// Takes both locks, this one first.
    LockBoth(usize),
    TryLock(usize),
    Read,
    ReadTwice,
    Write,
    TryRead,
    TryWrite,
    Wait,
    WaitWithLimit,
    NotifyOne,
    NotifyAll,
    Park,
    ParkWithLimit,
    /// Unparks the main thread's first child.
    Unpark,
    /// Whether that has finished.
    IsFinished,
    Sleep,
    Now,
    Load,
    Add,
    Exchange,
    /// A critical section of a monitor, that adds one to what it guards.
    Enter,
    /// The same, and to the atomic.
    EnterAndAdd,
    /// A section that takes one off what the monitor guards, or changes nothing where that is zero.
    Take,
    /// The same, and adds to the atomic, or reads it.
    TakeAndAdd,
    /// A section that adds one where the atomic is not zero.
    EnterIfSet,
    /// A section that only reads.
    Look,
    /// Lets go of a share of the monitor, which every thread has; the last to do so adds to what it guards.
    LetGo,
    /// Has one share more for a moment.
    LetGoOfAnother,
    Choose,
    /// Sets an alarm that adds to the atomic, and waits until it has done so.
    Alarm,
    /// Sets one, adds to the atomic, and cancels the alarm.
    AlarmCancelled,
    /// Sets one for all, which adds to the atomic; the former is cancelled.
    AlarmShared,
    /// Cancels the alarm of all.
    AlarmSharedCancelled,
}

const LOCKS: &[Op] =
    &[Op::Lock(0), Op::Lock(1), Op::LockBoth(0), Op::LockBoth(1), Op::TryLock(0), Op::TryLock(1)];
const READERS: &[Op] = &[Op::Read, Op::ReadTwice, Op::Write, Op::TryRead, Op::TryWrite];
const WAITERS: &[Op] = &[Op::Wait, Op::WaitWithLimit, Op::NotifyOne, Op::NotifyAll, Op::Lock(0)];
const PARKS: &[Op] = &[Op::Park, Op::ParkWithLimit, Op::Unpark, Op::Load, Op::Add];
const TIMES: &[Op] =
    &[Op::Sleep, Op::Now, Op::ParkWithLimit, Op::Unpark, Op::WaitWithLimit, Op::NotifyOne];
const MONITORS: &[Op] = &[Op::Enter, Op::EnterAndAdd, Op::Load, Op::Choose, Op::Lock(0)];
const ATTEMPTS: &[Op] = &[Op::Enter, Op::Take, Op::Take, Op::Look];
const ATTEMPTS_INSIDE: &[Op] =
    &[Op::Enter, Op::Take, Op::TakeAndAdd, Op::EnterIfSet, Op::Look, Op::Load, Op::Add];
const HOLDERS: &[Op] =
    &[Op::LetGo, Op::LetGo, Op::LetGo, Op::LetGoOfAnother, Op::Enter, Op::Take, Op::Look];
const TRIES: &[Op] = &[
    Op::TryLock(0),
    Op::TryLock(0),
    Op::LockBoth(0),
    Op::TryRead,
    Op::TryWrite,
    Op::TryWrite,
    Op::ReadTwice,
];
const ALARMS: &[Op] = &[Op::Alarm, Op::AlarmCancelled, Op::Load, Op::Enter, Op::Now];
const SHARED: &[Op] =
    &[Op::AlarmShared, Op::AlarmSharedCancelled, Op::AlarmSharedCancelled, Op::Load, Op::Enter];
const ENDS: &[Op] = &[Op::IsFinished, Op::IsFinished, Op::Load, Op::Add, Op::Lock(0)];
const ATOMICS: &[Op] = &[Op::Load, Op::Add, Op::Exchange, Op::TryLock(0), Op::Lock(0)];

const ALL: [&[Op]; 14] = [
    LOCKS,
    READERS,
    WAITERS,
    PARKS,
    TIMES,
    ATOMICS,
    MONITORS,
    ATTEMPTS,
    ATTEMPTS_INSIDE,
    HOLDERS,
    TRIES,
    ALARMS,
    SHARED,
    ENDS,
];

struct World {
    locks: [Mutex<u32>; 2],
    readers: RwLock<u32>,
    condvar: Condvar,
    atomic: AtomicU32,
    monitor: Monitor<Counter>,
    count: StdMutex<u32>,
    holders: Holders,
    /// How many hold it, and who does not any more.
    left: StdMutex<(usize, Vec<thread::Id>)>,
    first: StdMutex<Option<thread::Thread>>,
    /// Until the main thread joins it, when all others have finished.
    handle: StdMutex<Option<Arc<thread::JoinHandle<()>>>>,
    alarm: StdMutex<Option<Alarm>>,
}

struct Counter;

impl Kind for Counter {
    const WORD: &'static str = "counter";
    type Holds = u32;
}

const TIME: Duration = Duration::from_nanos(1);

fn run(op: Op, world: &Arc<World>) -> u32 {
    let add = |value: &mut u32| {
        *value += 1;
        *value
    };
    match op {
        Op::Lock(at) => add(&mut world.locks[at].lock().unwrap()),
        Op::LockBoth(at) => {
            let mut one = world.locks[at].lock().unwrap();
            let mut two = world.locks[1 - at].lock().unwrap();
            add(&mut one) * 10 + add(&mut two)
        }
        Op::TryLock(at) => world.locks[at].try_lock().map_or(0, |mut guard| add(&mut guard)),
        Op::Read => *world.readers.read().unwrap(),
        Op::ReadTwice => {
            let one = world.readers.read().unwrap();
            let two = world.readers.read().unwrap();
            *one + *two
        }
        Op::Write => add(&mut world.readers.write().unwrap()),
        Op::TryRead => world.readers.try_read().map_or(90, |guard| *guard),
        Op::TryWrite => world.readers.try_write().map_or(90, |mut guard| add(&mut guard)),
        Op::Wait => *world.condvar.wait(world.locks[0].lock().unwrap()).unwrap(),
        Op::WaitWithLimit => {
            let guard = world.locks[0].lock().unwrap();
            let (guard, result) = world.condvar.wait_timeout(guard, TIME).unwrap();
            *guard * 10 + u32::from(result.timed_out())
        }
        Op::NotifyOne => {
            world.condvar.notify_one();
            0
        }
        Op::NotifyAll => {
            world.condvar.notify_all();
            0
        }
        Op::Park => {
            thread::park();
            0
        }
        Op::ParkWithLimit => {
            thread::park_timeout(TIME);
            run(Op::Now, world)
        }
        Op::Unpark => {
            let first = world.first.lock().unwrap().clone();
            first.unwrap().unpark();
            0
        }
        Op::Sleep => {
            thread::sleep(TIME);
            0
        }
        Op::Now => u32::from(Instant::now() == EARLY.with(std::cell::Cell::get).unwrap()),
        Op::Load => world.atomic.load(Ordering::SeqCst),
        Op::Add => world.atomic.fetch_add(1, Ordering::SeqCst),
        Op::Exchange => {
            let found = world.atomic.compare_exchange(1, 5, Ordering::SeqCst, Ordering::SeqCst);
            found.unwrap_or_else(|found| found + 10)
        }
        Op::IsFinished => {
            let first = world.first.lock().unwrap().clone().unwrap();
            u32::from(thread::current().id() != first.id() && is_finished(world))
        }
        op => run_library(op, world),
    }
}

fn is_finished(world: &World) -> bool {
    let handle = world.handle.lock().unwrap().clone();
    handle.unwrap().is_finished()
}

/// What only libraries do.
fn run_library(op: Op, world: &Arc<World>) -> u32 {
    let add = |value: &mut u32| {
        *value += 1;
        *value
    };
    match op {
        Op::Enter => world
            .monitor
            .enter("count with", Site::here(), || add(&mut world.count.lock().unwrap())),
        Op::EnterAndAdd => world.monitor.enter("count with", Site::here(), || {
            add(&mut world.count.lock().unwrap()) * 10 + world.atomic.fetch_add(1, Ordering::SeqCst)
        }),
        Op::Take | Op::TakeAndAdd | Op::EnterIfSet | Op::Look => attempt(op, world),
        Op::LetGo | Op::LetGoOfAnother => let_go(op, world),
        Op::Choose => u32::try_from(probe::choose(2).unwrap()).unwrap(),
        Op::Alarm => {
            let (other, waiter) = (world.clone(), thread::current());
            let act = move || {
                other.atomic.fetch_add(1, Ordering::SeqCst);
                waiter.unpark();
            };
            let _alarm = Alarm::set(Instant::now() + TIME, act);
            thread::park();
            world.atomic.load(Ordering::SeqCst)
        }
        Op::AlarmCancelled => {
            let other = world.clone();
            let act = move || {
                other.atomic.fetch_add(1, Ordering::SeqCst);
            };
            let alarm = Alarm::set(Instant::now() + TIME, act);
            let fired = alarm.as_ref().is_ok_and(Alarm::has_fired);
            let seen = world.atomic.fetch_add(10, Ordering::SeqCst);
            drop(alarm);
            seen * 2 + u32::from(fired)
        }
        Op::AlarmShared => {
            let other = Arc::downgrade(world);
            let act = move || {
                let world = other.upgrade();
                if let Some(world) = world {
                    world.atomic.fetch_add(1, Ordering::SeqCst);
                }
            };
            let alarm = Alarm::set(Instant::now() + TIME, act).ok();
            let mut former = alarm;
            world.monitor.enter("set the alarm of", Site::here(), || {
                std::mem::swap(&mut *world.alarm.lock().unwrap(), &mut former);
            });
            drop(former);
            0
        }
        Op::AlarmSharedCancelled => {
            let take = || world.alarm.lock().unwrap().take();
            let alarm = world.monitor.enter("take the alarm of", Site::here(), take);
            let had = alarm.is_some();
            drop(alarm);
            u32::from(had)
        }
        op => unreachable!("{op:?} is no operation of a library"),
    }
}

/// Lets go of a share of the monitor; whether it was the last one.
fn let_go(op: Op, world: &World) -> u32 {
    let me = thread::current().id();
    if world.left.lock().unwrap().1.contains(&me) {
        return 2;
    }
    if matches!(op, Op::LetGo) {
        world.left.lock().unwrap().1.push(me);
    } else {
        world.holders.add();
        world.left.lock().unwrap().0 += 1;
    }
    let section = || {
        let mut left = world.left.lock().unwrap();
        left.0 -= 1;
        let last = u32::from(left.0 == 0);
        *world.count.lock().unwrap() += last;
        last
    };
    world.monitor.let_go(&world.holders, "let go of", Site::here(), section)
}

/// Sections that may come to nothing.
fn attempt(op: Op, world: &World) -> u32 {
    let by_change = |changed| if changed { Effect::Changed } else { Effect::Nothing };
    let section = || {
        let mut count = world.count.lock().unwrap();
        let (before, some) = (*count, u32::from(*count > 0));
        match op {
            Op::Take => {
                *count -= some;
                (by_change(some == 1), before)
            }
            Op::TakeAndAdd if some == 1 => {
                *count -= 1;
                (Effect::Changed, before * 10 + world.atomic.fetch_add(1, Ordering::SeqCst))
            }
            Op::TakeAndAdd => (Effect::Nothing, world.atomic.load(Ordering::SeqCst)),
            Op::EnterIfSet => {
                let set = world.atomic.load(Ordering::SeqCst) != 0;
                *count += u32::from(set);
                (by_change(set), *count)
            }
            _ => (Effect::Nothing, before),
        }
    };
    world.monitor.attempt("try to count with", Site::here(), section)
}

std::thread_local! {
    static EARLY: std::cell::Cell<Option<Instant>> = const { std::cell::Cell::new(None) };
}

type Outcome = (Vec<Vec<u32>>, bool);

type Log = Arc<StdMutex<Vec<Vec<u32>>>>;

/// The model that runs `program`; what each operation answers goes to `log`.
fn play(program: &[Vec<Op>], log: &Log) {
    EARLY.set(Some(Instant::now()));
    *log.lock().unwrap() = vec![Vec::new(); program.len()];
    let world = Arc::new(World {
        locks: [Mutex::new(0), Mutex::new(0)],
        readers: RwLock::new(0),
        condvar: Condvar::new(),
        atomic: AtomicU32::new(0),
        monitor: Monitor::new(),
        count: StdMutex::new(0),
        holders: Holders::new(),
        left: StdMutex::new((program.len(), Vec::new())),
        first: StdMutex::new(None),
        handle: StdMutex::new(None),
        alarm: StdMutex::new(None),
    });
    (1..program.len()).for_each(|_| world.holders.add());
    // They start behind a lock, so that all know the first.
    let start = world.locks[0].lock().unwrap();
    let mut threads: Vec<_> = program
        .iter()
        .enumerate()
        .map(|(index, ops)| {
            let (ops, world, log) = (ops.clone(), Arc::clone(&world), Arc::clone(log));
            thread::spawn(move || {
                for op in ops {
                    let result = run(op, &world);
                    log.lock().unwrap()[index].push(result);
                }
            })
        })
        .collect();
    let first = threads.remove(0);
    *world.first.lock().unwrap() = Some(first.thread().clone());
    *world.handle.lock().unwrap() = Some(Arc::new(first));
    drop(start);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    let first = world.handle.lock().unwrap().take();
    first.and_then(Arc::into_inner).unwrap().join().unwrap();
    // While the world is still there for it.
    let alarm = world.alarm.lock().unwrap().take();
    drop(alarm);
}

fn outcomes(
    mode: Mode,
    program: &[Vec<Op>],
    strategy: Strategy,
    max: usize,
) -> Option<(BTreeSet<Outcome>, usize)> {
    let config = Config { mode, stop_at_first: false, ..Config::default() };
    let log = Log::default();
    let mut seen = BTreeSet::new();
    let mut runs = 0;
    Explorer::new(config).explore_with(strategy, &|| play(program, &log), &mut |execution| {
        runs += 1;
        let stuck =
            |finding: &Finding| matches!(finding, Finding::Deadlock { .. } | Finding::Leak { .. });
        let stuck = execution.findings().iter().any(stuck);
        seen.insert((log.lock().unwrap().clone(), stuck));
        if runs < max { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    (runs < max).then_some((seen, runs))
}

/// Choices, fingerprint, answers and findings of random executions, with or without recording.
type Walked = Vec<(Vec<Choice>, u64, Vec<Vec<u32>>, Vec<Finding>)>;

fn walk(program: &[Vec<Op>], seed: u64, traces: Traces) -> Walked {
    let config = Config { mode: Mode::Sc, stop_at_first: false, traces, ..Config::default() };
    let (log, mut walked) = (Log::default(), Vec::new());
    let strategy = Strategy::Random { seed, executions: 30 };
    Explorer::new(config).explore_with(strategy, &|| play(program, &log), &mut |execution| {
        let (choices, findings) = (execution.choices().to_vec(), execution.findings().to_vec());
        let answers = log.lock().unwrap().clone();
        walked.push((choices, execution.fingerprint(), answers, findings));
        ControlFlow::Continue(())
    });
    walked
}

/// Programs of up to three threads with up to three operations each.
fn programs(ops: &[Op], seed: u64, count: usize) -> impl Iterator<Item = Vec<Vec<Op>>> {
    let mut state = seed;
    let mut below = move |bound: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap() % bound
    };
    (0..count).map(move |_| {
        let threads = 2 + below(2);
        (0..threads).map(|_| (0..1 + below(3)).map(|_| ops[below(ops.len())]).collect()).collect()
    })
}

fn compare(ops: &[Op], seed: u64, count: usize) {
    compare_in(Mode::Sc, ops, seed, count);
}

fn compare_in_both_modes(ops: &[Op], seed: u64, count: usize) {
    compare_in(Mode::Sc, ops, seed, count);
    compare_in(Mode::Rc11, ops, seed, count);
}

fn compare_in(mode: Mode, ops: &[Op], seed: u64, count: usize) {
    let mut compared = 0;
    for program in programs(ops, seed, count) {
        let all = Strategy::Bounded { preemptions: 100 };
        let Some((expected, all_runs)) = outcomes(mode, &program, all, 1_500) else { continue };
        let (reduced, runs) = outcomes(mode, &program, Strategy::Exhaustive, usize::MAX).unwrap();
        let missing: Vec<_> = expected.difference(&reduced).collect();
        assert!(missing.is_empty(), "{program:?}: {missing:?} in {runs} of {all_runs} runs");
        assert_eq!(reduced, expected, "{program:?}");
        compared += 1;
    }
    assert!(compared * 10 >= count, "only {compared} programs were small enough");
}

#[test]
fn what_is_not_recorded_happens_all_the_same() {
    for ops in ALL {
        for (seed, program) in (1..).zip(programs(ops, 0x1bad_b002_cafe, 12)) {
            let recorded = walk(&program, seed, Traces::All);
            for traces in [Traces::Nothing, Traces::OneIn(3)] {
                assert_eq!(walk(&program, seed, traces), recorded, "{traces:?} {program:?}");
            }
        }
    }
}

#[test]
fn mutexes_lose_nothing_by_reduction() {
    compare(LOCKS, 0x1357_9bdf_0246, 20);
}

#[test]
fn rwlocks_lose_nothing_by_reduction() {
    compare(READERS, 0x2468_ace0_1357, 20);
}

#[test]
fn condvars_lose_nothing_by_reduction() {
    compare(WAITERS, 0x1122_3344_5566, 20);
}

#[test]
fn parking_loses_nothing_by_reduction() {
    compare(PARKS, 0x9988_7766_5544, 20);
}

#[test]
fn time_loses_nothing_by_reduction() {
    compare(TIMES, 0x5566_7788_99aa, 20);
}

#[test]
fn monitors_and_choices_lose_nothing_by_reduction() {
    compare(MONITORS, 0x3141_5926_5358, 20);
}

#[test]
fn alarms_lose_nothing_by_reduction() {
    compare(ALARMS, 0x2718_2818_2845, 20);
}

#[test]
fn alarms_of_all_lose_nothing_by_reduction() {
    compare(SHARED, 0x1618_0339_8874, 60);
}

#[test]
fn ends_of_threads_lose_nothing_by_reduction() {
    compare_in_both_modes(ENDS, 0x1414_2135_6237, 40);
}

#[test]
fn attempts_lose_nothing_by_reduction() {
    compare_in_both_modes(ATTEMPTS, 0x1732_0508_0756, 60);
    compare(ATTEMPTS_INSIDE, 0x2236_0679_7749, 60);
}

#[test]
fn holders_lose_nothing_by_reduction() {
    compare_in_both_modes(HOLDERS, 0x2645_7513_1106, 60);
}

#[test]
fn who_sleeps_is_woken_by_what_its_section_looked_at_alone() {
    let program = vec![vec![Op::Look], vec![Op::EnterIfSet], vec![Op::Add]];
    let (seen, _) = outcomes(Mode::Sc, &program, Strategy::Exhaustive, 100).unwrap();
    // The section comes before the addition, or after it and the look before or after both.
    assert_eq!(seen.len(), 3);
}

#[test]
fn failed_tries_lose_nothing_by_reduction() {
    compare_in_both_modes(TRIES, 0x2449_4897_4278, 60);
}

#[test]
fn atomics_and_locks_lose_nothing_by_reduction() {
    compare(ATOMICS, 0x0f0f_1e1e_2d2d, 20);
}

#[test]
#[ignore = "takes minutes: for changes to the search or the objects"]
fn many_programs_lose_nothing_by_reduction() {
    for seed in 1..=10 {
        for ops in ALL {
            compare(ops, seed * 0x9E37_79B9, 100);
        }
    }
}
