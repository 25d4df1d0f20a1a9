//! Asynchronous orders: reserved before the call, one outcome, repeated and flagged as promised.

use norace::config::Hot;
use norace_journal::sim::{Fault, SimStorage};
use norace_prim::sync::Arc;
use norace_prim::time::Duration;

use crate::engine::{
    EngineConfig, EngineSettings, Found, Message, NewOrders, OpenError, Query, SettingsSource,
    Unavailable,
};
use crate::model::{Action, Done, Order, OrderState, Reason};
use crate::processor::{
    AsyncOptions, BoxFuture, Decision, Processor, ProcessorChoice, ProcessorError, Report,
};
use crate::testing::commands::{fund, id, open, open_bank, order, step};
use crate::testing::rig::{Rig, config};

/// Never called here: the test takes the jobs and reports by itself.
struct Scripted {
    has_outside_effects: bool,
}

impl Processor for Scripted {
    fn process(&self, _order: Order) -> BoxFuture<Result<Decision, ProcessorError>> {
        unreachable!("the rig has no runtime")
    }

    fn has_outside_effects(&self) -> bool {
        self.has_outside_effects
    }
}

fn options() -> AsyncOptions {
    AsyncOptions {
        concurrency: 2,
        attempts_max: 3,
        backoff_min: Duration::from_millis(10),
        backoff_max: Duration::from_millis(15),
        ..AsyncOptions::default()
    }
}

fn asynchronous(has_outside_effects: bool) -> EngineConfig {
    let settings = EngineSettings { processor: options(), ..EngineSettings::default() };
    asynchronous_by(has_outside_effects, settings.into())
}

fn asynchronous_by(has_outside_effects: bool, settings: SettingsSource) -> EngineConfig {
    let choice = ProcessorChoice::Async(Arc::new(Scripted { has_outside_effects }));
    EngineConfig { settings, ..config(choice) }
}

fn opened(disk: &SimStorage, config: EngineConfig) -> Result<Rig, OpenError> {
    Rig::open_with(disk, config, 1_000_000)
}

fn begin(disk: &SimStorage, config: EngineConfig) -> Rig {
    let mut rig = opened(disk, config).unwrap();
    for command in [open_bank(), open("a"), open("b"), fund("a", 100)] {
        rig.done(command).unwrap();
    }
    rig
}

fn next_job(rig: &Rig) -> Option<u32> {
    rig.jobs().try_recv().ok().map(|job| job.at)
}

fn no_result() -> Result<Decision, ProcessorError> {
    Err(ProcessorError(Reason::new("time-out").unwrap()))
}

#[test]
fn the_funds_are_durably_reserved_before_the_processor_is_called() {
    let disk = SimStorage::new(1);
    let mut rig = begin(&disk, asynchronous(false));
    let mut reply = rig.execute(order("x", "a", "b", 60));
    assert_eq!(next_job(&rig), None, "not before it is durable");
    rig.commit();
    let Ok(Done::Order { order: x, .. }) = reply.try_take().unwrap().unwrap().result else {
        panic!("an order");
    };
    assert_eq!((x.state, x.version), (OrderState::Processing, 2));
    let job = rig.jobs().try_recv().unwrap();
    assert_eq!(job.order, x);
    assert!(matches!(rig.done(order("y", "a", "b", 60)), Ok(Done::Order { order, .. })
        if order.state == OrderState::Failed && order.reason == Some(Reason::INSUFFICIENT_FUNDS)));
    rig.report(Report { at: job.at, result: Ok(Decision::Confirm) });
    assert_eq!(rig.order("x").state, OrderState::Confirmed);
}

#[test]
fn at_most_as_many_orders_run_as_there_are_slots() {
    let disk = SimStorage::new(2);
    let mut rig = begin(&disk, asynchronous(false));
    for name in ["x", "y", "z"] {
        rig.done(order(name, "a", "b", 10)).unwrap();
    }
    let (x, y) = (next_job(&rig).unwrap(), next_job(&rig).unwrap());
    assert_eq!(next_job(&rig), None);
    assert_eq!(rig.stats().processing_now, 2);
    rig.report(Report { at: y, result: Ok(Decision::Refuse(Reason::new("no").unwrap())) });
    rig.commit();
    let z = next_job(&rig).unwrap();
    for at in [x, z] {
        rig.report(Report { at, result: Ok(Decision::Confirm) });
    }
    let states = ["x", "y", "z"].map(|name| rig.order(name).state);
    assert_eq!(states, [OrderState::Confirmed, OrderState::Failed, OrderState::Confirmed]);
    assert_eq!(rig.order("y").reason, Some(Reason::new("no").unwrap()));
    assert_eq!(rig.stats().processing_now, 0);
}

#[test]
fn without_outside_effects_no_result_fails_the_order() {
    let disk = SimStorage::new(3);
    let mut rig = begin(&disk, asynchronous(false));
    rig.done(order("x", "a", "b", 10)).unwrap();
    let at = next_job(&rig).unwrap();
    rig.report(Report { at, result: no_result() });
    let x = rig.order("x");
    assert_eq!((x.state, x.reason), (OrderState::Failed, Some(Reason::new("time-out").unwrap())));
    let Found::Account(payer) = rig.found(Query::Account(id("a"))) else { panic!("an account") };
    assert_eq!(payer.available(), 100, "the funds are given back");
}

#[test]
fn with_outside_effects_it_is_tried_again_later_and_then_flagged() {
    let disk = SimStorage::new(4);
    let mut rig = begin(&disk, asynchronous(true));
    rig.done(order("x", "a", "b", 10)).unwrap();
    for pause_us in [10_000, 15_000] {
        let at = next_job(&rig).unwrap();
        rig.report(Report { at, result: no_result() });
        rig.clock.advance_us(pause_us - 1);
        rig.wake_up();
        rig.commit();
        assert_eq!(next_job(&rig), None, "too early");
        rig.clock.advance_us(1);
        rig.wake_up();
        rig.commit();
    }
    let at = next_job(&rig).unwrap();
    rig.report(Report { at, result: no_result() });
    rig.clock.advance_us(60_000_000);
    rig.wake_up();
    rig.commit();
    assert_eq!(next_job(&rig), None, "its attempts are used up");
    assert_eq!(rig.order("x").state, OrderState::Processing, "the funds stay reserved");
    let stats = rig.stats();
    assert_eq!((stats.flagged, stats.flagged_orders), (1, vec![id("x")]));
    rig.done(step("x", Action::Cancel)).unwrap();
    assert_eq!(rig.stats().flagged, 0, "a person ended it");
}

#[test]
fn a_client_that_moves_an_order_first_wins_over_the_processor() {
    let disk = SimStorage::new(5);
    let mut rig = begin(&disk, asynchronous(true));
    rig.done(order("x", "a", "b", 10)).unwrap();
    let at = next_job(&rig).unwrap();
    rig.done(step("x", Action::Cancel)).unwrap();
    rig.report(Report { at, result: Ok(Decision::Confirm) });
    let x = rig.order("x");
    assert_eq!((x.state, x.version), (OrderState::Cancelled, 3));
    assert_eq!(rig.stats().processing_now, 0, "its slot is free again");
}

#[test]
fn a_restart_resumes_asynchronous_orders_and_never_manual_ones() {
    let disk = SimStorage::new(6);
    let mut rig = begin(&disk, config(ProcessorChoice::Manual));
    rig.done(order("by-hand", "a", "b", 10)).unwrap();
    rig.done(step("by-hand", Action::Process)).unwrap();
    rig.done(order("by-hand-pending", "a", "b", 10)).unwrap();
    drop(rig);
    disk.crash();
    let mut rig = opened(&disk, asynchronous(true)).unwrap();
    assert_eq!(rig.resumed_orders(), 0);
    rig.done(order("x", "a", "b", 10)).unwrap();
    drop(rig);
    disk.crash();
    let mut rig = opened(&disk, asynchronous(true)).unwrap();
    assert_eq!(rig.resumed_orders(), 1);
    rig.wake_up();
    rig.commit();
    let job = rig.jobs().try_recv().unwrap();
    assert_eq!(job.order.id, id("x"));
    assert_eq!(next_job(&rig), None);
    rig.report(Report { at: job.at, result: Ok(Decision::Confirm) });
    assert_eq!(rig.order("x").state, OrderState::Confirmed);
    assert_eq!(rig.order("by-hand").state, OrderState::Processing);
    assert_eq!(rig.order("by-hand-pending").state, OrderState::Pending);
}

#[test]
fn waiters_get_the_end_of_an_order_when_it_is_durable() {
    let disk = SimStorage::new(7);
    let mut rig = begin(&disk, asynchronous(false));
    let mut created = rig.execute(order("x", "a", "b", 10));
    let mut waiter = rig.wait_final(&id("x"));
    let mut absent = rig.wait_final(&id("nobody"));
    rig.commit();
    let created = created.try_take().unwrap().unwrap();
    assert!(matches!(created.result, Ok(Done::Order { order, created: true })
        if order.state == OrderState::Processing && order.version == 2));
    assert!(waiter.try_take().is_none());
    assert!(absent.try_take().unwrap().unwrap().result.is_err());
    assert_eq!(rig.stats().waiters, 1);
    let at = next_job(&rig).unwrap();
    rig.report(Report { at, result: Ok(Decision::Confirm) });
    assert!(waiter.try_take().is_none(), "not durable yet");
    rig.commit();
    let waited = waiter.try_take().unwrap().unwrap();
    assert_eq!(waited.sequence, created.sequence + 1);
    let ended = waited.result.unwrap();
    assert_eq!((ended.state, ended.version), (OrderState::Confirmed, 3));
    assert_eq!(rig.stats().waiters, 0);
}

/// An open order `x`, for which no more than `max` may wait.
fn begin_with_waiters(disk: &SimStorage, max: usize) -> Rig {
    let settings = EngineSettings { waiters_max: max, ..EngineSettings::default() };
    let config = EngineConfig { settings: settings.into(), ..config(ProcessorChoice::Manual) };
    let mut rig = Rig::open_with(disk, config, 0).unwrap();
    for command in [open_bank(), open("a"), order("x", "bank", "a", 1)] {
        rig.done(command).unwrap();
    }
    rig
}

#[test]
fn waiters_are_bounded_and_forgotten_when_their_receiver_goes() {
    let disk = SimStorage::new(8);
    let mut rig = begin_with_waiters(&disk, 3);
    let mut waiting: Vec<_> = (0..3).map(|_| rig.wait_final(&id("x"))).collect();
    let mut refused = rig.wait_final(&id("x"));
    assert_eq!(refused.try_take(), Some(Err(Unavailable::Overloaded)));
    drop(waiting.pop());
    waiting.push(rig.wait_final(&id("x")));
    assert!(waiting[2].try_take().is_none(), "the place of one that has gone is free");
    waiting.truncate(1);
    rig.clock.advance_us(1_000_000);
    rig.wake_up();
    assert_eq!(rig.stats().waiters, 1, "the sweep found two gone");
}

#[test]
fn among_many_waiters_the_place_of_one_that_has_gone_is_free_after_a_few_refusals() {
    let disk = SimStorage::new(16);
    // Between two powers of two: a sweep that the mere number brings about must not be in the way, in models neither.
    let mut rig = begin_with_waiters(&disk, 48);
    let mut waiting: Vec<_> = (0..48).map(|_| rig.wait_final(&id("x"))).collect();
    drop(waiting.pop());
    // To look at all of them at each refusal would be more work than refusing is worth.
    for _ in 0..3 {
        let mut refused = rig.wait_final(&id("x"));
        assert_eq!(refused.try_take(), Some(Err(Unavailable::Overloaded)));
    }
    assert!(rig.wait_final(&id("x")).try_take().is_none());
}

#[test]
fn a_report_that_finds_no_room_is_kept_until_there_is() {
    let disk = SimStorage::new(9);
    let mut rig = begin(&disk, asynchronous(true));
    rig.done(order("x", "a", "b", 10)).unwrap();
    let at = next_job(&rig).unwrap();
    disk.set_capacity(0);
    let mut filled = false;
    for n in 0..10_000 {
        let mut reply = rig.execute(open(&format!("n{n}")));
        rig.commit();
        filled = reply.try_take() == Some(Err(Unavailable::StorageFull));
        if filled {
            break;
        }
    }
    assert!(filled, "the disk fills");
    rig.report(Report { at, result: Ok(Decision::Confirm) });
    assert_eq!(rig.order("x").state, OrderState::Processing);
    disk.set_capacity(64 << 20);
    for _ in 0..3 {
        rig.clock.advance_us(200_000);
        rig.wake_up();
        rig.commit();
    }
    assert_eq!(rig.order("x").state, OrderState::Confirmed);
}

#[test]
fn transfers_expire_by_the_engine_s_clock_and_that_is_journaled() {
    use crate::model::{Command, TransferMode, TransferState};
    use crate::testing::commands::{amount, given};
    let disk = SimStorage::new(10);
    let mut rig = begin(&disk, config(ProcessorChoice::Ledger));
    rig.done(Command::CreateTransfer {
        id: given("hold"),
        from: id("a"),
        to: id("b"),
        amount: amount(80),
        mode: TransferMode::Pending { timeout_us: Some(5_000) },
    })
    .unwrap();
    rig.clock.advance_us(5_000);
    rig.wake_up();
    rig.commit();
    let Found::Transfer(hold) = rig.found(Query::Transfer(id("hold"))) else { panic!("it is") };
    assert_eq!(hold.state, TransferState::Expired);
    drop(rig);
    disk.crash();
    let mut rig = opened(&disk, config(ProcessorChoice::Ledger)).unwrap();
    let Found::Transfer(again) = rig.found(Query::Transfer(id("hold"))) else { panic!("it is") };
    assert_eq!(again, hold);
}

#[test]
fn every_reserved_order_is_finished_after_any_crash() {
    for at in 0..60 {
        let disk = SimStorage::new(at as u64);
        disk.plan(at, Fault::PowerOff);
        let mut acknowledged = Vec::new();
        if let Ok(mut rig) = opened(&disk, asynchronous(true)) {
            for command in [open_bank(), open("a"), open("b"), fund("a", 100)] {
                drop(rig.execute(command));
            }
            for name in ["x", "y", "z"] {
                let mut reply = rig.execute(order(name, "a", "b", 10));
                rig.commit();
                acknowledged.extend(matches!(reply.try_take(), Some(Ok(_))).then_some(name));
                if let Some(at) = next_job(&rig) {
                    rig.report(Report { at, result: Ok(Decision::Confirm) });
                }
            }
        }
        disk.crash();
        let mut rig = opened(&disk, asynchronous(true)).unwrap();
        rig.wake_up();
        rig.commit();
        while let Some(at) = next_job(&rig) {
            rig.report(Report { at, result: Ok(Decision::Confirm) });
            rig.commit();
        }
        for name in acknowledged {
            assert_eq!(rig.order(name).state, OrderState::Confirmed, "fault at {at}: {name}");
        }
        drop(rig);
        assert!(crate::verify(&disk).unwrap().ok);
    }
}

/// Settings that the test changes.
fn changing(first: EngineSettings) -> (Hot<EngineSettings>, SettingsSource) {
    let hot = Hot::new(first);
    let read = hot.clone();
    (hot, SettingsSource::new(move || *read.load()))
}

#[test]
fn slots_that_are_added_are_used_at_once_and_those_taken_away_when_they_are_free() {
    let disk = SimStorage::new(12);
    let of = |concurrency| EngineSettings {
        processor: AsyncOptions { concurrency, ..options() },
        ..EngineSettings::default()
    };
    let (hot, source) = changing(of(1));
    let mut rig = begin(&disk, asynchronous_by(false, source));
    for name in ["w", "x", "y", "z"] {
        rig.done(order(name, "a", "b", 10)).unwrap();
    }
    let first = next_job(&rig).unwrap();
    assert_eq!(next_job(&rig), None);
    let Ok(_) = hot.publish(of(3));
    rig.decide(Message::Wake);
    rig.commit();
    let (second, third) = (next_job(&rig).unwrap(), next_job(&rig).unwrap());
    assert_eq!(next_job(&rig), None);

    let Ok(_) = hot.publish(of(1));
    for at in [first, second] {
        rig.report(Report { at, result: Ok(Decision::Confirm) });
        rig.commit();
        assert_eq!(next_job(&rig), None, "one still runs");
    }
    rig.report(Report { at: third, result: Ok(Decision::Confirm) });
    rig.commit();
    let fourth = next_job(&rig).unwrap();
    rig.report(Report { at: fourth, result: Ok(Decision::Confirm) });
    assert_eq!(rig.stats().orders, [0, 0, 4, 0, 0]);
}

#[test]
fn time_outs_attempts_and_pauses_hold_from_the_next_call_on() {
    let disk = SimStorage::new(13);
    let (hot, source) =
        changing(EngineSettings { processor: options(), ..EngineSettings::default() });
    let mut rig = begin(&disk, asynchronous_by(true, source));
    rig.done(order("x", "a", "b", 10)).unwrap();
    let job = rig.jobs().try_recv().unwrap();
    assert_eq!(job.timeout, options().timeout);
    let new = AsyncOptions {
        timeout: Duration::from_secs(1),
        attempts_max: 2,
        backoff_min: Duration::from_millis(1),
        ..options()
    };
    let Ok(_) = hot.publish(EngineSettings { processor: new, ..EngineSettings::default() });
    rig.report(Report { at: job.at, result: no_result() });
    rig.clock.advance_us(1_000);
    rig.wake_up();
    rig.commit();
    let job = rig.jobs().try_recv().unwrap();
    assert_eq!(job.timeout, Duration::from_secs(1));
    rig.report(Report { at: job.at, result: no_result() });
    assert_eq!(rig.stats().flagged, 1, "two attempts are all now");
}

#[test]
fn an_order_keeps_who_drives_it_and_new_ones_get_who_is_asked_for() {
    let disk = SimStorage::new(14);
    let of = |new_orders| EngineSettings { new_orders, ..EngineSettings::default() };
    let (hot, source) = changing(of(NewOrders::AsOpened));
    let mut rig = begin(&disk, asynchronous_by(false, source));
    rig.done(order("async", "a", "b", 10)).unwrap();
    let Ok(_) = hot.publish(of(NewOrders::Manual));
    rig.done(order("manual", "a", "b", 10)).unwrap();
    let Ok(_) = hot.publish(of(NewOrders::Ledger));
    rig.done(order("ledger", "a", "b", 10)).unwrap();
    let states = ["async", "manual", "ledger"].map(|name| rig.order(name).state);
    assert_eq!(states, [OrderState::Processing, OrderState::Pending, OrderState::Confirmed]);
    // A repeat is one, whoever would drive it now.
    let repeat = rig.done(order("manual", "a", "b", 10)).unwrap();
    assert!(matches!(repeat, Done::Order { created: false, .. }), "{repeat:?}");

    // The one that has its call goes on, whatever drives new ones.
    let at = next_job(&rig).unwrap();
    assert_eq!(next_job(&rig), None);
    rig.report(Report { at, result: Ok(Decision::Confirm) });
    let states = ["async", "manual", "ledger"].map(|name| rig.order(name).state);
    assert_eq!(states, [OrderState::Confirmed, OrderState::Pending, OrderState::Confirmed]);

    // The journal says of each order who drives it: a restart under other settings changes nothing.
    let before = rig.order("manual");
    rig.commit();
    drop(rig);
    let mut rig = opened(&disk, asynchronous(false)).unwrap();
    assert_eq!((rig.resumed_orders(), next_job(&rig)), (0, None));
    assert_eq!(rig.order("manual"), before);
    assert!(crate::verify(&disk).unwrap().ok);
}

#[test]
fn a_lower_bound_on_waiters_turns_newcomers_away_and_keeps_who_waits() {
    let disk = SimStorage::new(15);
    let of = |waiters_max| EngineSettings { waiters_max, ..EngineSettings::default() };
    let (hot, settings) = changing(of(2));
    let config = EngineConfig { settings, ..config(ProcessorChoice::Manual) };
    let mut rig = opened(&disk, config).unwrap();
    for command in [open_bank(), open("a"), order("x", "bank", "a", 1)] {
        rig.done(command).unwrap();
    }
    let mut waiting = [rig.wait_final(&id("x")), rig.wait_final(&id("x"))];
    let Ok(_) = hot.publish(of(1));
    assert_eq!(rig.wait_final(&id("x")).try_take(), Some(Err(Unavailable::Overloaded)));
    let Ok(_) = hot.publish(of(3));
    assert_eq!(rig.wait_final(&id("x")).try_take(), None);
    rig.done(step("x", Action::Cancel)).unwrap();
    assert!(waiting.iter_mut().all(|reply| matches!(reply.try_take(), Some(Ok(_)))));
}
