//! A user's processor on the real runtime: whatever it does, it does to its own order alone.

use std::future::pending;

use norace::config::Hot;
use norace::rt::Runtime;
use norace_journal::sim::SimStorage;
use norace_prim::atomic::{AtomicUsize, Ordering};
use norace_prim::sync::Arc;
use norace_prim::time::Duration;

use crate::engine::{
    Engine, EngineConfig, EngineSettings, Found, OpenError, Query, SettingsSource,
};
use crate::model::{Done, Order, OrderState, Reason, Request};
use crate::processor::{
    AsyncOptions, BoxFuture, Decision, Processor, ProcessorChoice, ProcessorError,
    SimulatedOptions, SimulatedProvider,
};
use crate::testing::commands::{id, open, open_bank, order};
use crate::testing::rig::{config, threaded};

/// Does what the order's id says.
#[derive(Default)]
struct Obedient {
    has_outside_effects: bool,
    calls: AtomicUsize,
}

impl Processor for Obedient {
    fn process(&self, order: Order) -> BoxFuture<Result<Decision, ProcessorError>> {
        // Relaxed: a count, read after the orders are final.
        self.calls.fetch_add(1, Ordering::Relaxed);
        let name = order.id.as_str().to_owned();
        assert!(!name.starts_with("early-panic"), "before the first await");
        Box::pin(async move {
            norace::task::yield_now().await;
            match name.split('-').next() {
                Some("panic") => panic!("after the first await"),
                Some("hang") => pending().await,
                Some("error") => Err(ProcessorError(Reason::new("unsure").unwrap())),
                Some("refuse") => Ok(Decision::Refuse(Reason::new("no").unwrap())),
                _ => Ok(Decision::Confirm),
            }
        })
    }

    fn has_outside_effects(&self) -> bool {
        self.has_outside_effects
    }
}

fn options() -> AsyncOptions {
    AsyncOptions {
        concurrency: 4,
        timeout: Duration::from_millis(20),
        attempts_max: 2,
        backoff_min: Duration::from_millis(1),
        backoff_max: Duration::from_millis(2),
    }
}

fn runtime() -> Runtime {
    norace::rt::Builder::new().workers(2).build().unwrap()
}

fn start(disk: &SimStorage, runtime: &Runtime, processor: Arc<dyn Processor>) -> Engine {
    start_with(disk, runtime, processor, options())
}

fn by(runtime: &Runtime, processor: Arc<dyn Processor>, options: AsyncOptions) -> EngineConfig {
    EngineConfig {
        runtime: Some(runtime.handle()),
        settings: EngineSettings { processor: options, ..EngineSettings::default() }.into(),
        ..config(ProcessorChoice::Async(processor))
    }
}

fn start_with(
    disk: &SimStorage,
    runtime: &Runtime,
    processor: Arc<dyn Processor>,
    options: AsyncOptions,
) -> Engine {
    let engine = threaded(disk, by(runtime, processor, options));
    let setup = [open_bank(), open("a")].map(Request::new).to_vec();
    engine.execute_many(setup).unwrap().wait().unwrap();
    engine
}

fn final_order(engine: &Engine, name: &str) -> Order {
    let created = engine.execute(order(name, "bank", "a", 1).into()).unwrap().wait().unwrap();
    assert!(matches!(created.result, Ok(Done::Order { created: true, .. })), "{created:?}");
    engine.wait_final(id(name)).unwrap().wait().unwrap().result.unwrap()
}

/// Sends orders of these kinds in turn, waits for all, and compares how each ended.
fn ends(engine: &Engine, orders: usize, expected: &[(&str, OrderState, Option<&str>)]) {
    let mut replies = Vec::new();
    for n in 0..orders {
        let (kind, ..) = expected[n % expected.len()];
        let name = format!("{kind}-{n}");
        let created = engine.execute(order(&name, "bank", "a", 1).into()).unwrap();
        replies.push((created, engine.wait_final(id(&name)).unwrap()));
    }
    for (n, (created, ended)) in replies.into_iter().enumerate() {
        assert!(matches!(created.wait().unwrap().result, Ok(Done::Order { created: true, .. })));
        let order = ended.wait().unwrap().result.unwrap();
        let (_, state, reason) = expected[n % expected.len()];
        assert_eq!((order.state, order.reason.as_ref().map(Reason::as_str)), (state, reason));
    }
}

#[test]
fn a_panicking_or_failing_processor_harms_no_other_order() {
    let (disk, runtime) = (SimStorage::new(1), runtime());
    let patient = AsyncOptions { timeout: Duration::from_secs(600), ..options() };
    let engine = start_with(&disk, &runtime, Arc::new(Obedient::default()), patient);
    let expected = [
        ("ok", OrderState::Confirmed, None),
        ("panic", OrderState::Failed, Some("panicked: after the first await")),
        ("early-panic", OrderState::Failed, Some("panicked: before the first await")),
        ("error", OrderState::Failed, Some("unsure")),
        ("refuse", OrderState::Failed, Some("no")),
    ];
    ends(&engine, 40, &expected);
    engine.stop(Duration::from_secs(10)).unwrap();
    assert!(crate::verify(&disk).unwrap().ok);
    runtime.shutdown(Duration::from_secs(10)).unwrap();
}

#[test]
fn a_runtime_with_room_for_few_tasks_gets_through_all_orders() {
    // The one that takes the orders, and so many more.
    for more in [1, 2] {
        let disk = SimStorage::new(7);
        let runtime = norace::rt::Builder::new().workers(2).max_tasks(1 + more).build().unwrap();
        let patient = AsyncOptions { timeout: Duration::from_secs(1), ..options() };
        let engine = start_with(&disk, &runtime, Arc::new(Obedient::default()), patient);
        let expected = [
            ("hang", OrderState::Failed, Some("timed out")),
            ("ok", OrderState::Confirmed, None),
            ("panic", OrderState::Failed, Some("panicked: after the first await")),
        ];
        ends(&engine, 6, &expected);
        engine.stop(Duration::from_secs(10)).unwrap();
        runtime.shutdown(Duration::from_secs(10)).unwrap();
    }
}

#[test]
fn a_hanging_processor_fails_its_own_order_and_no_other() {
    let (disk, runtime) = (SimStorage::new(6), runtime());
    let patient = AsyncOptions { timeout: Duration::from_secs(2), ..options() };
    let engine = start_with(&disk, &runtime, Arc::new(Obedient::default()), patient);
    let expected = [
        ("hang", OrderState::Failed, Some("timed out")),
        ("ok", OrderState::Confirmed, None),
        ("ok", OrderState::Confirmed, None),
        ("ok", OrderState::Confirmed, None),
    ];
    ends(&engine, 12, &expected);
    engine.stop(Duration::from_secs(10)).unwrap();
    runtime.shutdown(Duration::from_secs(10)).unwrap();
}

#[test]
fn with_outside_effects_only_a_refusal_fails_an_order() {
    let (disk, runtime) = (SimStorage::new(2), runtime());
    let processor = Arc::new(Obedient { has_outside_effects: true, ..Obedient::default() });
    let calls = Arc::clone(&processor);
    let patient = AsyncOptions { timeout: Duration::from_secs(1), ..options() };
    let engine = start_with(&disk, &runtime, processor, patient);
    for name in ["panic-1", "hang-1", "error-1"] {
        engine.execute(order(name, "bank", "a", 1).into()).unwrap().wait().unwrap();
    }
    assert_eq!(final_order(&engine, "refuse-1").state, OrderState::Failed);
    assert_eq!(final_order(&engine, "ok-1").state, OrderState::Confirmed);
    let flagged = loop {
        let found = engine.query(Query::Stats).unwrap().wait().unwrap().result.unwrap();
        let Found::Stats(stats) = found else { panic!("figures") };
        if stats.flagged == 3 {
            break stats;
        }
        norace_prim::thread::yield_now();
    };
    assert_eq!(flagged.orders, [0, 3, 1, 1, 0]);
    // Relaxed: everything was reported through channels.
    assert_eq!(calls.calls.load(Ordering::Relaxed), 3 * 2 + 2);
    engine.stop(Duration::from_secs(10)).unwrap();
    runtime.shutdown(Duration::from_secs(10)).unwrap();
}

#[test]
fn an_order_whose_call_is_cut_off_by_a_stop_is_finished_after_the_restart() {
    let (disk, runtime) = (SimStorage::new(3), runtime());
    let patient = AsyncOptions { timeout: Duration::from_secs(60), ..options() };
    let engine = threaded(&disk, by(&runtime, Arc::new(Obedient::default()), patient));
    let setup = [open_bank(), open("a"), order("hang-1", "bank", "a", 1)].map(Request::new);
    engine.execute_many(setup.to_vec()).unwrap().wait().unwrap();
    engine.stop(Duration::from_millis(200)).unwrap();
    drop(engine);

    struct Confirming;
    impl Processor for Confirming {
        fn process(&self, _: Order) -> BoxFuture<Result<Decision, ProcessorError>> {
            Box::pin(async { Ok(Decision::Confirm) })
        }
        fn has_outside_effects(&self) -> bool {
            false
        }
    }
    let engine = start(&disk, &runtime, Arc::new(Confirming));
    let order = engine.wait_final(id("hang-1")).unwrap().wait().unwrap().result.unwrap();
    assert_eq!(order.state, OrderState::Confirmed);
    engine.stop(Duration::from_secs(10)).unwrap();
    runtime.shutdown(Duration::from_secs(10)).unwrap();
}

#[test]
fn more_slots_let_orders_pass_one_that_hangs() {
    let (disk, runtime) = (SimStorage::new(7), runtime());
    let of =
        |concurrency| AsyncOptions { concurrency, timeout: Duration::from_secs(600), ..options() };
    let hot = Hot::new(EngineSettings { processor: of(1), ..EngineSettings::default() });
    let read = hot.clone();
    let processor = Arc::new(Obedient::default());
    let config = EngineConfig {
        settings: SettingsSource::new(move || *read.load()),
        ..by(&runtime, processor, of(1))
    };
    let engine = threaded(&disk, config);
    let setup = [open_bank(), open("a")].map(Request::new).to_vec();
    engine.execute_many(setup).unwrap().wait().unwrap();
    for name in ["hang-1", "ok-1"] {
        engine.execute(order(name, "bank", "a", 1).into()).unwrap().wait().unwrap();
    }
    let Ok(_) = hot.publish(EngineSettings { processor: of(2), ..EngineSettings::default() });
    engine.settings_changed();
    let passed = engine.wait_final(id("ok-1")).unwrap().wait().unwrap().result.unwrap();
    assert_eq!(passed.state, OrderState::Confirmed);
    engine.stop(Duration::from_millis(200)).unwrap();
    runtime.shutdown(Duration::from_secs(10)).unwrap();
}

#[test]
fn the_simulated_provider_is_moody_but_keeps_its_word() {
    let (disk, runtime) = (SimStorage::new(4), runtime());
    let habits = SimulatedOptions {
        delay_min: Duration::ZERO,
        delay_max: Duration::from_millis(1),
        panics_permille: 100,
        hangs_permille: 50,
        errors_permille: 100,
        refusals_permille: 300,
        ..SimulatedOptions::default()
    };
    let provider = Arc::new(SimulatedProvider::new(habits));
    let word = Arc::clone(&provider);
    let patient = AsyncOptions { attempts_max: 50, ..options() };
    let engine = threaded(&disk, by(&runtime, provider, patient));
    let setup = [open_bank(), open("a")].map(Request::new).to_vec();
    engine.execute_many(setup).unwrap().wait().unwrap();
    let names: Vec<String> = (0..60).map(|n| format!("o{n}")).collect();
    for name in &names {
        drop(engine.execute(order(name, "bank", "a", 1).into()).unwrap());
    }
    let mut refused = 0;
    for name in &names {
        let order = engine.wait_final(id(name)).unwrap().wait().unwrap().result.unwrap();
        let refuses = matches!(word.verdict(name), Decision::Refuse(_));
        assert_eq!(order.state == OrderState::Failed, refuses, "{name}");
        refused += u32::from(refuses);
    }
    assert!(refused > 0 && refused < 60);
    engine.stop(Duration::from_secs(10)).unwrap();
    runtime.shutdown(Duration::from_secs(10)).unwrap();
}

#[test]
fn an_asynchronous_processor_without_a_runtime_is_refused() {
    let choice = ProcessorChoice::Async(Arc::new(Obedient::default()));
    let (disk, options) = (SimStorage::new(5), crate::testing::rig::options());
    let opened = Engine::open(config(choice), disk, options, crate::SystemClock);
    assert!(matches!(opened, Err(OpenError::Config(_))), "{opened:?}");
}
