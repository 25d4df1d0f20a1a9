//! Random requests from pools so small that they collide all the time.

use super::Seeded;
use crate::model::{
    AMOUNT_MAX, Action, Amount, Command, Id, IdempotencyKey, Metadata, NewId, Reason, Request,
    Settlement, TransferMode,
};

pub(crate) const ACCOUNTS: u64 = 6;

pub(crate) fn id(text: &str) -> Id {
    Id::new(text).unwrap()
}

pub(crate) fn given(text: &str) -> NewId {
    NewId::Given(id(text))
}

pub(crate) fn amount(minor_units: u64) -> Amount {
    Amount::new(minor_units).unwrap()
}

/// Opens the account that all money comes from, in ledger `main`.
pub(crate) fn open_bank() -> Command {
    Command::CreateAccount { id: given("bank"), ledger: id("main"), allow_overdraft: true }
}

pub(crate) fn open(name: &str) -> Command {
    Command::CreateAccount { id: given(name), ledger: id("main"), allow_overdraft: false }
}

pub(crate) fn fund(name: &str, minor_units: u64) -> Command {
    Command::CreateTransfer {
        id: given(&format!("fund-{name}")),
        from: id("bank"),
        to: id(name),
        amount: amount(minor_units),
        mode: TransferMode::Single,
    }
}

pub(crate) fn order(name: &str, payer: &str, payee: &str, minor_units: u64) -> Command {
    Command::CreateOrder {
        id: given(name),
        payer: id(payer),
        payee: id(payee),
        amount: amount(minor_units),
        metadata: Metadata::default(),
    }
}

pub(crate) fn step(name: &str, action: Action) -> Command {
    Command::MoveOrder { order: id(name), action, reason: None, expected_version: None }
}

/// Accounts to begin a random history with: one that may overdraw, some with money, one in another ledger.
pub(crate) fn prelude() -> Vec<Request> {
    let open = |name: &str, ledger: &str, allow_overdraft| Command::CreateAccount {
        id: given(name),
        ledger: id(ledger),
        allow_overdraft,
    };
    let fund = |name: &str| Command::CreateTransfer {
        id: given(&format!("fund-{name}")),
        from: id("a0"),
        to: id(name),
        amount: amount(60),
        mode: TransferMode::Single,
    };
    let commands = [open("a0", "main", true), open("a1", "main", false), open("a2", "main", false)];
    let more = [open("a3", "eur", true), fund("a1"), fund("a2")];
    commands.into_iter().chain(more).map(Request::new).collect()
}

/// One request out of everything a client may ask; most ids exist, most keys were used before.
pub(crate) fn random_request(random: &mut Seeded) -> Request {
    let command = match random.below(20) {
        0 | 1 => random_account(random),
        2..=5 => random_transfer(random),
        6 | 7 => Command::SettleTransfer {
            transfer: id(&format!("t{}", random.below(8))),
            settlement: *random.pick(&[Settlement::Post, Settlement::Void, Settlement::Expire]),
        },
        8..=11 => random_order(random),
        _ => random_move(random),
    };
    Request { command, key: random_key(random) }
}

fn random_key(random: &mut Seeded) -> Option<IdempotencyKey> {
    random.one_in(3).then(|| {
        let credential = *random.pick(&["", "shop"]);
        IdempotencyKey::new(credential, &format!("key-{}", random.below(40))).unwrap()
    })
}

fn random_new_id(random: &mut Seeded, prefix: &str, pool: u64) -> NewId {
    if random.one_in(3) {
        NewId::Made(id(&format!("{prefix}-made-{}", random.below(1 << 20))))
    } else {
        NewId::Given(id(&format!("{prefix}{}", random.below(pool))))
    }
}

fn random_account_id(random: &mut Seeded) -> Id {
    id(&format!("a{}", random.below(ACCOUNTS + 1)))
}

fn random_amount(random: &mut Seeded) -> Amount {
    amount(match random.below(12) {
        0 => AMOUNT_MAX,
        1 => AMOUNT_MAX / 2,
        2 => 1 + random.below(AMOUNT_MAX),
        _ => 1 + random.below(40),
    })
}

fn random_account(random: &mut Seeded) -> Command {
    let ledger = if random.one_in(4) { "eur" } else { "main" };
    Command::CreateAccount {
        id: random_new_id(random, "a", ACCOUNTS),
        ledger: id(ledger),
        allow_overdraft: random.one_in(3),
    }
}

fn random_transfer(random: &mut Seeded) -> Command {
    let mode = match random.below(3) {
        0 => TransferMode::Single,
        1 => TransferMode::Pending { timeout_us: None },
        _ => TransferMode::Pending { timeout_us: Some(random.below(200)) },
    };
    Command::CreateTransfer {
        id: random_new_id(random, "t", 8),
        from: random_account_id(random),
        to: random_account_id(random),
        amount: random_amount(random),
        mode,
    }
}

fn random_order(random: &mut Seeded) -> Command {
    let metadata = match random.below(3) {
        0 => Metadata::new([("b", "2"), ("a", "1")]).unwrap(),
        _ => Metadata::default(),
    };
    Command::CreateOrder {
        id: random_new_id(random, "o", 10),
        payer: random_account_id(random),
        payee: random_account_id(random),
        amount: random_amount(random),
        metadata,
    }
}

fn random_move(random: &mut Seeded) -> Command {
    Command::MoveOrder {
        order: id(&format!("o{}", random.below(10))),
        action: *random.pick(&Action::ALL),
        reason: random.one_in(4).then(|| Reason::new("because").unwrap()),
        expected_version: random.one_in(4).then(|| random.below(4)),
    }
}
