//! The rules against the naive rules, and the parts against plain collections.

use std::collections::{BTreeSet, HashMap};

use super::chunks::Chunks;
use super::index::BitIndex;
use super::table::IdTable;
use super::*;
use crate::codec::{DecodeError, Record, ReplayError, decode_frame, encode_record};
use crate::model::AMOUNT_MAX;
use crate::model::Request;
use crate::testing::Seeded;
use crate::testing::commands::{
    amount, fund, given, id, open, open_bank, order, prelude, random_request, step,
};
use crate::testing::naive::Naive;

fn apply(state: &mut State, command: &Command) -> Result<Applied, Rejection> {
    apply_at(state, command, 0)
}

fn apply_at(state: &mut State, command: &Command, now: u64) -> Result<Applied, Rejection> {
    state.apply(&Input { now, command, key: None, handling: Handling::Manual })
}

fn subject_id(state: &State, subject: Subject) -> Id {
    match subject {
        Subject::Account(at) => state.account(at).id,
        Subject::Transfer(at) => state.transfer(at).id,
        Subject::Order(at) => state.order(at).id,
    }
}

/// The state, the naive rules, and the journal of what was accepted, kept in step.
#[derive(Default)]
struct Pair {
    state: State,
    naive: Naive,
    journal: Vec<u8>,
    records: u32,
}

impl Pair {
    fn step(&mut self, request: &Request, now: u64) {
        let before = self.state.encode();
        let input = Input {
            now,
            command: &request.command,
            key: request.key.as_ref(),
            handling: Handling::Manual,
        };
        let applied = self.state.apply(&input);
        let verdict = self.naive.apply(request, now);
        let seen = applied.map(|applied| {
            let id = subject_id(&self.state, applied.subject());
            (id, matches!(applied, Applied::Changed(_)))
        });
        assert_eq!(seen, verdict, "{request:?} at {now}");
        match applied {
            Ok(Applied::Changed(change)) => {
                encode_record(&mut self.journal, &input, &change);
                self.records += 1;
            }
            _ => assert!(self.state.encode() == before, "{request:?} left a trace"),
        }
        self.state.assert_conserved();
        self.compare();
    }

    fn compare(&self) {
        for id in self.naive.account_ids() {
            let at = self.state.find_account(id).unwrap();
            assert_eq!(self.state.account(at), self.naive.account(id));
        }
        for order in &self.naive.orders {
            let seen = self.state.order(self.state.find_order(&order.id).unwrap());
            assert_eq!(
                (seen.state, seen.version, &seen.reason),
                (order.state, order.version, &order.reason)
            );
        }
        for transfer in &self.naive.transfers {
            let seen = self.state.transfer(self.state.find_transfer(&transfer.id).unwrap());
            assert_eq!(seen.state, transfer.state);
        }
        for state in OrderState::ALL {
            let of = self.naive.orders.iter().filter(|order| order.state == state).count();
            assert_eq!(self.state.count_orders(state), of as u64);
        }
    }

    fn replay(&self) -> State {
        let mut state = State::new();
        decode_frame(&self.journal, self.records, |record: &Record| record.replay(&mut state))
            .unwrap();
        state
    }
}

#[test]
fn random_histories_follow_the_naive_rules_and_replay_to_the_same_bytes() {
    let mut accepted = 0;
    for seed in 0..200 {
        let mut random = Seeded::new(seed);
        let mut pair = Pair::default();
        let mut now = 1000;
        for request in prelude() {
            pair.step(&request, now);
        }
        for _ in 0..150 {
            now = (now + random.below(60)).saturating_sub(random.below(20));
            pair.step(&random_request(&mut random), now);
        }
        assert_eq!(pair.replay().encode(), pair.state.encode(), "seed {seed}");
        accepted += pair.records;
    }
    assert!(accepted > 4000, "the histories must get somewhere: {accepted} accepted");
}

#[test]
fn totals_may_reach_the_largest_amount_and_not_pass_it() {
    let mut state = State::new();
    for command in [open_bank(), open("a")] {
        apply(&mut state, &command).unwrap();
    }
    apply(&mut state, &fund("a", AMOUNT_MAX - 1)).unwrap();
    let (bank, a) = (id("bank"), id("a"));
    let one_more = |id: &str| Command::CreateTransfer {
        id: given(id),
        from: bank.clone(),
        to: a.clone(),
        amount: amount(1),
        mode: TransferMode::Pending { timeout_us: None },
    };
    apply(&mut state, &one_more("t1")).unwrap();
    assert_eq!(apply(&mut state, &one_more("t2")), Err(Rejection::Overflow));
    let void = Command::SettleTransfer { transfer: id("t1"), settlement: Settlement::Void };
    apply(&mut state, &void).unwrap();
    apply(&mut state, &one_more("t2")).unwrap();
}

#[test]
fn processing_reserves_confirming_posts_and_failing_gives_back() {
    let mut state = State::new();
    for command in [open_bank(), open("a"), open("b"), fund("a", 100)] {
        apply(&mut state, &command).unwrap();
    }
    for name in ["x", "y", "z"] {
        apply(&mut state, &order(name, "a", "b", 60)).unwrap();
    }
    let figures = |state: &State| {
        let (a, b) = (state.account(1), state.account(2));
        (a.available(), a.debits_pending, a.debits_posted, b.credits_pending, b.credits_posted)
    };
    assert_eq!(figures(&state), (100, 0, 0, 0, 0), "a new order touches no money");
    apply(&mut state, &step("x", Action::Process)).unwrap();
    assert_eq!(figures(&state), (40, 60, 0, 60, 0));
    assert_eq!(
        apply(&mut state, &step("y", Action::Process)),
        Err(Rejection::InsufficientFunds),
        "what is reserved can't be reserved again"
    );
    apply(&mut state, &step("x", Action::Fail)).unwrap();
    assert_eq!(figures(&state), (100, 0, 0, 0, 0));
    apply(&mut state, &step("y", Action::Process)).unwrap();
    apply(&mut state, &step("y", Action::Confirm)).unwrap();
    assert_eq!(figures(&state), (40, 0, 60, 0, 60));
    apply(&mut state, &step("z", Action::Cancel)).unwrap();
    assert_eq!(figures(&state), (40, 0, 60, 0, 60), "nothing was reserved for it");
}

#[test]
fn checks_come_in_the_contract_s_order() {
    let mut state = State::new();
    for command in [open_bank(), open("a"), open("b"), order("x", "a", "b", 5)] {
        apply(&mut state, &command).unwrap();
    }
    let key = IdempotencyKey::new("", "k").unwrap();
    let mut attempt = |order: &str, action, expected_version| {
        let command =
            Command::MoveOrder { order: id(order), action, reason: None, expected_version };
        let key = Some(&key);
        state.apply(&Input { now: 0, command: &command, key, handling: Handling::Manual })
    };
    let stale = Rejection::StaleVersion { current_version: 1 };
    assert_eq!(attempt("nobody", Action::Confirm, Some(7)), Err(Rejection::NotFound));
    assert_eq!(attempt("x", Action::Confirm, Some(7)), Err(stale), "version before transition");
    let illegal = Rejection::IllegalTransition { state: OrderState::Pending };
    assert_eq!(attempt("x", Action::Confirm, Some(1)), Err(illegal));
    assert_eq!(attempt("x", Action::Process, None), Err(Rejection::InsufficientFunds));
    assert!(matches!(attempt("x", Action::Fail, Some(1)), Ok(Applied::Changed(_))));
    assert!(matches!(attempt("x", Action::Fail, Some(1)), Ok(Applied::Repeat(_))));
    assert_eq!(
        attempt("x", Action::Fail, Some(2)),
        Err(Rejection::IdempotencyConflict),
        "a repeat is looked for before the version"
    );
}

#[test]
fn a_retry_without_an_id_of_its_own_is_known_by_its_key() {
    let mut state = State::new();
    for command in [open_bank(), open("a")] {
        apply(&mut state, &command).unwrap();
    }
    let key = IdempotencyKey::new("shop", "k").unwrap();
    let mut attempt = |new: NewId, minor_units| {
        let command = Command::CreateOrder {
            id: new,
            payer: id("bank"),
            payee: id("a"),
            amount: amount(minor_units),
            metadata: Metadata::default(),
        };
        let key = Some(&key);
        state.apply(&Input { now: 0, command: &command, key, handling: Handling::Manual })
    };
    let made = |name: &str| NewId::Made(id(name));
    assert!(matches!(attempt(made("m1"), 5), Ok(Applied::Changed(_))));
    assert_eq!(attempt(made("m2"), 5), Ok(Applied::Repeat(Subject::Order(0))));
    assert_eq!(attempt(given("m1"), 5), Ok(Applied::Repeat(Subject::Order(0))));
    assert_eq!(attempt(given("m2"), 5), Err(Rejection::IdempotencyConflict));
    assert_eq!(attempt(made("m3"), 6), Err(Rejection::IdempotencyConflict));
}

#[test]
fn a_key_belongs_to_one_call_of_its_credential_whatever_the_kind() {
    let mut state = State::new();
    for command in [open_bank(), open("a")] {
        apply(&mut state, &command).unwrap();
    }
    let mut attempt = |command: &Command, credential: &str| {
        let key = IdempotencyKey::new(credential, "k").unwrap();
        state.apply(&Input { now: 0, command, key: Some(&key), handling: Handling::Manual })
    };
    let start = Command::MoveOrder {
        order: id("x"),
        action: Action::Process,
        reason: None,
        expected_version: None,
    };
    assert!(matches!(attempt(&order("x", "bank", "a", 5), "shop"), Ok(Applied::Changed(_))));
    assert_eq!(attempt(&start, "shop"), Err(Rejection::IdempotencyConflict));
    assert_eq!(attempt(&open("b"), "shop"), Err(Rejection::IdempotencyConflict));
    assert!(matches!(attempt(&start, ""), Ok(Applied::Changed(_))), "another credential's key");
}

#[test]
fn time_never_goes_back_in_what_is_recorded() {
    let mut state = State::new();
    apply_at(&mut state, &open_bank(), 50).unwrap();
    let Ok(Applied::Changed(change)) = apply_at(&mut state, &open("a"), 20) else {
        panic!("a new account");
    };
    assert_eq!(change.now, 50);
}

#[test]
fn a_record_that_the_rules_contradict_is_found_on_replay() {
    let mut state = State::new();
    apply(&mut state, &open_bank()).unwrap();
    apply(&mut state, &open("a")).unwrap();
    let command = fund("a", 5);
    let input = Input { now: 1, command: &command, key: None, handling: Handling::Manual };
    let Ok(Applied::Changed(change)) = state.apply(&input) else { panic!("a new transfer") };
    let tampered: [fn(&mut Change); 4] = [
        |change| change.sequence += 1,
        |change| change.version += 1,
        |change| change.leg.as_mut().unwrap().amount = 6,
        |change| change.leg.as_mut().unwrap().credit = 0,
    ];
    for tamper in tampered {
        let mut bytes = Vec::new();
        let mut lie = change;
        tamper(&mut lie);
        encode_record(&mut bytes, &input, &lie);
        let mut fresh = State::new();
        apply(&mut fresh, &open_bank()).unwrap();
        apply(&mut fresh, &open("a")).unwrap();
        let found = decode_frame(&bytes, 1, |record: &Record| record.replay(&mut fresh));
        assert!(matches!(found, Err(ReplayError::Differs { .. })), "{found:?}");
    }
    let twice = decode_frame(&[], 1, |_: &Record| Ok::<_, ReplayError>(()));
    assert_eq!(twice, Err(ReplayError::Decode(DecodeError::Truncated)));
}

#[test]
fn pages_go_through_all_orders_in_creation_order() {
    let mut state = State::new();
    for command in [open_bank(), open("a"), open("b")] {
        apply(&mut state, &command).unwrap();
    }
    for at in 0..50 {
        apply(&mut state, &order(&format!("o{at:02}"), "a", "b", 1)).unwrap();
        if at % 3 == 0 {
            apply(&mut state, &step(&format!("o{at:02}"), Action::Cancel)).unwrap();
        }
    }
    for (filter, expected) in [
        (None, (0..50).collect::<Vec<_>>()),
        (Some(OrderState::Cancelled), (0..50).filter(|at| at % 3 == 0).collect()),
        (Some(OrderState::Pending), (0..50).filter(|at| at % 3 != 0).collect()),
        (Some(OrderState::Failed), Vec::new()),
    ] {
        let (mut seen, mut cursor) = (Vec::new(), None);
        loop {
            let page = state.orders_page(filter, 7, cursor);
            assert!(page.items.len() <= 7);
            seen.extend(page.items.iter().map(|order| order.id.as_str().to_owned()));
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        let expected: Vec<_> = expected.iter().map(|at| format!("o{at:02}")).collect();
        assert_eq!(seen, expected, "{filter:?}");
    }
}

#[test]
fn the_bit_index_finds_what_a_search_tree_finds() {
    let mut random = Seeded::new(7);
    let (mut index, mut tree) = (BitIndex::default(), BTreeSet::new());
    for _ in 0..4000 {
        // Clusters far apart, so that all levels are climbed.
        let at = (random.below(4) * 300_000 + random.below(200)) as u32;
        if tree.remove(&at) {
            index.remove(at);
        } else {
            tree.insert(at);
            index.insert(at);
        }
        let from = (random.below(4) * 300_000 + random.below(300)) as u32;
        assert_eq!(index.next(from), tree.range(from..).next().copied(), "from {from}");
        assert_eq!(index.len(), tree.len() as u64);
    }
    assert_eq!(index.next(u32::MAX), None);
}

#[test]
fn the_id_table_finds_what_a_hash_map_finds() {
    let ids: Vec<Id> = (0..20_000).map(|at| id(&format!("id-{at}"))).collect();
    let mut table = IdTable::new();
    let mut map = HashMap::new();
    let (present, absent) = ids.split_at(15_000);
    for (at, id) in present.iter().enumerate() {
        table.insert(table.hash(id), at as u32);
        map.insert(id, at as u32);
    }
    let find = |id: &Id| table.find(table.hash(id), |at| ids[at as usize] == *id);
    for id in present {
        assert_eq!(find(id), map.get(id).copied());
    }
    assert!(absent.iter().all(|id| find(id).is_none()));
}

#[test]
fn chunks_keep_order_across_their_edges() {
    let mut chunks = Chunks::new();
    for at in 0..10_000u32 {
        assert_eq!(chunks.push(at * 2), at);
    }
    chunks[9_999] += 1;
    assert_eq!((chunks[4095], chunks[4096], chunks[9_999]), (8190, 8192, 19_999));
    assert_eq!(chunks.iter().count(), chunks.len() as usize);
}
