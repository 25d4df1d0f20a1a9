//! Power losses at every operation: whatever anybody saw is a prefix of what is recovered.

use norace_journal::sim::{Fault, SimStorage};

use crate::codec::{Record, decode_frame};
use crate::engine::{Answer, Found, OpenError, Outcome, Query, Reply};
use crate::model::{
    Command, Done, Handling, IdempotencyKey, Metadata, NewId, OrderEvent, OrderState, Rejection,
    Request,
};
use crate::ports::Clock;
use crate::processor::ProcessorChoice;
use crate::state::{Input, State};
use crate::testing::Seeded;
use crate::testing::commands::{amount, fund, id, open, open_bank, order, prelude, random_request};
use crate::testing::rig::{Rig, ready};

/// Something that left the engine, with the position it says it rests on.
enum Seen {
    Outcome(u64, Request, Handling, u64, Outcome),
    Found(u64, Query, Result<Found, Rejection>),
}

impl Seen {
    fn sequence(&self) -> u64 {
        match self {
            Self::Outcome(sequence, ..) | Self::Found(sequence, ..) => *sequence,
        }
    }
}

/// Questions under way.
#[derive(Default)]
struct Asked {
    outcomes: Vec<(Request, Handling, u64, Reply<Outcome>)>,
    reads: Vec<(Query, Reply<Result<Found, Rejection>>)>,
}

impl Asked {
    /// Moves what was answered over to `seen`.
    fn collect(&mut self, seen: &mut Vec<Seen>) {
        self.outcomes.retain_mut(|(request, handling, now, reply)| match reply.try_take() {
            None => true,
            Some(Ok(Answer { sequence, result })) => {
                seen.push(Seen::Outcome(sequence, request.clone(), *handling, *now, result));
                false
            }
            Some(Err(_)) => false,
        });
        self.reads.retain_mut(|(query, reply)| match reply.try_take() {
            None => true,
            Some(Ok(Answer { sequence, result })) => {
                seen.push(Seen::Found(sequence, query.clone(), result));
                false
            }
            Some(Err(_)) => false,
        });
    }
}

fn random_query(random: &mut Seeded) -> Query {
    match random.below(4) {
        0 => Query::Account(id(&format!("a{}", random.below(6)))),
        1 => Query::Transfer(id(&format!("t{}", random.below(8)))),
        2 => Query::Order(id(&format!("o{}", random.below(10)))),
        _ => Query::Orders { state: None, limit: 5, cursor: None },
    }
}

/// Opens the engine on a disk whose power may fail meanwhile.
fn reopen(disk: &SimStorage, choice: &ProcessorChoice, now_us: u64) -> Option<Rig> {
    let config = crate::testing::rig::config(choice.clone());
    match Rig::open_with(disk, config, now_us) {
        Ok(rig) => Some(rig),
        // The fault struck while it opened. Damage would be a different matter.
        Err(OpenError::Journal(cause)) if !cause.contains("damaged") => None,
        Err(other) => panic!("a crash must not damage the journal: {other}"),
    }
}

/// What left the engine, in all its lives.
#[derive(Default)]
struct Told {
    seen: Vec<Seen>,
    /// From the journal's first event on.
    events: Vec<OrderEvent>,
}

/// One life of the engine, ended by a fault or by the number of steps.
fn live(rig: &mut Rig, random: &mut Seeded, handling: Handling, told: &mut Told) {
    let mut asked = Asked::default();
    let mut follower = rig.events().follow_blocking(rig.events().durable_sequence()).unwrap();
    for _ in 0..30 {
        match random.below(8) {
            0..=3 => {
                let request = random_request(random);
                let reply = rig.execute(request.clone());
                asked.outcomes.push((request, handling, rig.clock.now_us(), reply));
            }
            4 => {
                let query = random_query(random);
                let reply = rig.query(query.clone());
                asked.reads.push((query, reply));
            }
            5 => rig.clock.advance_us(random.below(100)),
            _ => {
                rig.commit_one();
            }
        }
        asked.collect(&mut told.seen);
        told.events.extend(ready(&mut follower));
        if rig.ended {
            return;
        }
    }
}

/// Replays the journal and finds, at each position, everything that was seen there.
fn check_seen(disk: &SimStorage, seen: &[Seen], seed: u64) {
    let mut by_sequence: Vec<&Seen> = seen.iter().collect();
    by_sequence.sort_by_key(|seen| seen.sequence());
    let mut pending = by_sequence.into_iter().peekable();
    let mut state = State::new();
    while let Some(first) = pending.next_if(|seen| seen.sequence() == 0) {
        check_one(&mut state, first, seed);
    }
    norace_journal::read_only(disk, |frame| {
        decode_frame(frame.payload, frame.count, |record: &Record| {
            record.replay(&mut state)?;
            while let Some(next) = pending.next_if(|seen| seen.sequence() == state.sequence()) {
                check_one(&mut state, next, seed);
            }
            Ok::<_, crate::codec::ReplayError>(())
        })
    })
    .unwrap();
    let lost = pending.count();
    assert_eq!(lost, 0, "seed {seed}: {lost} answers rest on something lost");
}

fn check_one(state: &mut State, seen: &Seen, seed: u64) {
    match seen {
        Seen::Found(_, query, found) => {
            assert_eq!(&read(state, query), found, "seed {seed}: {query:?}");
        }
        Seen::Outcome(_, request, handling, now, outcome) => match outcome {
            Ok(Done::Account { account, .. }) => {
                assert_eq!(&state.account(state.find_account(&account.id).unwrap()), account);
            }
            Ok(Done::Transfer { transfer, .. }) => {
                assert_eq!(&state.transfer(state.find_transfer(&transfer.id).unwrap()), transfer);
            }
            Ok(Done::Order { order, .. }) => {
                assert_eq!(&state.order(state.find_order(&order.id).unwrap()), order);
            }
            Err(rejection) => {
                let (command, key) = (&request.command, request.key.as_ref());
                let input = Input { now: *now, command, key, handling: *handling };
                assert_eq!(state.apply(&input), Err(*rejection), "seed {seed}: {request:?}");
            }
        },
    }
}

fn read(state: &State, query: &Query) -> Result<Found, Rejection> {
    match query {
        Query::Account(id) => state.find_account(id).map(|at| Found::Account(state.account(at))),
        Query::Transfer(id) => {
            state.find_transfer(id).map(|at| Found::Transfer(state.transfer(at)))
        }
        Query::Order(id) => state.find_order(id).map(|at| Found::Order(state.order(at))),
        Query::Orders { state: filter, limit, cursor } => {
            Some(Found::Orders(state.orders_page(*filter, *limit, *cursor)))
        }
        Query::Stats => None,
    }
    .ok_or(Rejection::NotFound)
}

/// Several lives of one journal, each ended by a fault at a random operation.
fn lives(seed: u64, choice: &ProcessorChoice, handling: Handling) -> usize {
    let mut random = Seeded::new(seed);
    let disk = SimStorage::new(seed);
    let mut told = Told::default();
    let mut now_us = 1000;
    for life in 0..4 {
        let fault = *random.pick(&[Fault::PowerOff, Fault::PowerOff, Fault::Error]);
        disk.plan(random.below(40) as usize, fault);
        let Some(mut rig) = reopen(&disk, choice, now_us) else {
            disk.crash();
            continue;
        };
        let Ok(kept) = rig.events().recorded_after(0) else {
            // The fault struck in between.
            disk.crash();
            continue;
        };
        assert!(kept.starts_with(&told.events), "seed {seed}: an event was taken back");
        told.events = kept;
        if life == 0 {
            for request in prelude() {
                drop(rig.execute(request));
            }
        }
        live(&mut rig, &mut random, handling, &mut told);
        now_us = rig.clock.now_us();
        drop(rig);
        if random.one_in(4) {
            disk.kill();
        } else {
            disk.crash();
        }
    }
    let rig = reopen(&disk, choice, now_us).expect("no fault is planned");
    let kept = rig.events().recorded_after(0).unwrap();
    assert!(kept.starts_with(&told.events), "seed {seed}: an event was taken back");
    drop(rig);
    check_seen(&disk, &told.seen, seed);
    let report = crate::verify(&disk).unwrap();
    assert!(report.ok, "seed {seed}: {report:?}");
    told.seen.len()
}

#[test]
fn what_anyone_saw_is_a_prefix_of_what_is_recovered() {
    let mut seen = 0;
    for seed in 0..1500 {
        seen += lives(seed, &ProcessorChoice::Ledger, Handling::Ledger);
        seen += lives(seed, &ProcessorChoice::Manual, Handling::Manual);
    }
    assert!(seen > 20_000, "the lives must get somewhere: {seen} answers");
}

/// A client that wants one order and repeats itself, with the same key and ever new ids, until it has an answer.
fn pay_once(disk: &SimStorage, key: &IdempotencyKey) {
    for attempt in 0..10 {
        let Some(mut rig) = reopen(disk, &ProcessorChoice::Ledger, 1000) else {
            disk.crash();
            continue;
        };
        for command in [open_bank(), open("a"), open("b"), fund("a", 100)] {
            drop(rig.execute(command));
        }
        let command = Command::CreateOrder {
            id: NewId::Made(id(&format!("made-{attempt}"))),
            payer: id("a"),
            payee: id("b"),
            amount: amount(30),
            metadata: Metadata::default(),
        };
        let mut reply = rig.execute(Request { command, key: Some(key.clone()) });
        rig.commit();
        let answer = reply.try_take();
        drop(rig);
        disk.crash();
        if let Some(Ok(Answer { result: Ok(Done::Order { order, .. }), .. })) = answer {
            assert_eq!(order.state, OrderState::Confirmed);
            return;
        }
    }
    panic!("nine attempts without a fault must succeed");
}

#[test]
fn a_retry_with_the_same_key_pays_once_wherever_the_power_fails() {
    let key = IdempotencyKey::new("shop", "order-1").unwrap();
    for seed in 0..12 {
        for at in 0..40 {
            let disk = SimStorage::new(seed);
            disk.plan(at, Fault::PowerOff);
            pay_once(&disk, &key);
            let mut rig = reopen(&disk, &ProcessorChoice::Ledger, 1000).unwrap();
            let Found::Orders(page) =
                rig.found(Query::Orders { state: None, limit: 10, cursor: None })
            else {
                panic!("a page");
            };
            assert_eq!(page.items.len(), 1, "seed {seed}, fault at {at}");
            let Found::Account(payer) = rig.found(Query::Account(id("a"))) else {
                panic!("an account");
            };
            assert_eq!(payer.available(), 70, "seed {seed}, fault at {at}");
        }
    }
}

#[test]
fn a_ledger_order_is_never_found_half_way() {
    for at in 0..40 {
        let disk = SimStorage::new(at as u64);
        disk.plan(at, Fault::PowerOff);
        if let Some(mut rig) = reopen(&disk, &ProcessorChoice::Ledger, 1000) {
            for command in [open_bank(), open("a"), order("x", "bank", "a", 5)] {
                drop(rig.execute(command));
            }
            rig.commit();
        }
        disk.crash();
        drop(reopen(&disk, &ProcessorChoice::Ledger, 1000).unwrap());
        let report = crate::verify(&disk).unwrap();
        assert_eq!((report.ok, report.open_orders), (true, 0), "fault at {at}");
    }
}
