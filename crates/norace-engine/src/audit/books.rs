//! Books that know nothing of the rules: sums of recorded movements, states as recorded.
//!
//! Double entry is checked here from the records alone: what each movement takes from one account it gives to another
//! of the same ledger, held money is never given back or moved twice, nobody without overdraft goes below 0.

use crate::codec::Record;
use crate::model::{AMOUNT_MAX, Command, OrderState};
use crate::state::{Leg, LegKind, State, Subject};

use super::{VIOLATIONS_MAX, VerifyReport};

#[derive(Debug, Default)]
pub(super) struct Books {
    accounts: Vec<BookedAccount>,
    orders: Vec<BookedOrder>,
    movements: u64,
    last_sequence: u64,
    last_now: u64,
    violations: Vec<String>,
}

#[derive(Debug)]
struct BookedAccount {
    ledger: String,
    allow_overdraft: bool,
    debits: Side,
    credits: Side,
}

#[derive(Clone, Copy, Debug, Default)]
struct Side {
    pending: i128,
    posted: i128,
}

#[derive(Debug)]
struct BookedOrder {
    state: OrderState,
    version: u64,
    /// What is held for it now.
    held: Option<Leg>,
}

impl Side {
    fn add(&mut self, kind: LegKind, amount: u64) {
        let amount = i128::from(amount);
        let (pending, posted) = match kind {
            LegKind::Post => (0, amount),
            LegKind::Reserve => (amount, 0),
            LegKind::PostReserved => (-amount, amount),
            LegKind::Release => (-amount, 0),
        };
        self.pending += pending;
        self.posted += posted;
    }

    fn is_sound(self) -> bool {
        self.pending >= 0
            && self.posted >= 0
            && self.pending + self.posted <= i128::from(AMOUNT_MAX)
    }
}

impl Books {
    /// Notes a broken rule.
    pub(super) fn object(&mut self, violation: String) {
        if self.violations.len() < VIOLATIONS_MAX {
            self.violations.push(violation);
        }
    }

    /// Enters a record as it is written.
    pub(super) fn enter(&mut self, record: &Record) {
        let change = &record.change;
        let at = change.sequence;
        if at != self.last_sequence + 1 {
            self.object(format!("record {at} comes after {}", self.last_sequence));
        }
        if change.now < self.last_now {
            self.object(format!("record {at}: its time is before that of the one before it"));
        }
        (self.last_sequence, self.last_now) = (at, change.now);
        if let Command::CreateAccount { ledger, allow_overdraft, .. } = &record.command {
            self.accounts.push(BookedAccount {
                ledger: ledger.as_str().to_owned(),
                allow_overdraft: *allow_overdraft,
                debits: Side::default(),
                credits: Side::default(),
            });
        }
        if let Some(leg) = &change.leg {
            self.book(at, leg);
        }
        if let (Subject::Order(order), Some(step)) = (change.subject, change.order) {
            let problem = self.step(order as usize, step.from, step.to, change.version, change.leg);
            if let Err(problem) = problem {
                self.object(format!("record {at}: order {order}: {problem}"));
            }
        }
    }

    fn book(&mut self, at: u64, leg: &Leg) {
        self.movements += 1;
        let (debit, credit) = (leg.debit as usize, leg.credit as usize);
        let accounts = self.accounts.get_disjoint_mut([debit, credit]);
        let Ok([from, to]) = accounts else {
            return self.object(format!("record {at}: it moves money between no two accounts"));
        };
        from.debits.add(leg.kind, leg.amount);
        to.credits.add(leg.kind, leg.amount);
        let spent = from.debits.posted + from.debits.pending;
        let overdrawn = !from.allow_overdraft && from.credits.posted < spent;
        let same_ledger = from.ledger == to.ledger;
        let sound = from.debits.is_sound() && to.credits.is_sound();
        if !same_ledger {
            self.object(format!("record {at}: it moves money between two ledgers"));
        }
        if overdrawn {
            self.object(format!("record {at}: account {debit} is overdrawn"));
        }
        if !sound {
            self.object(format!("record {at}: a total of account {debit} or {credit} is wrong"));
        }
    }

    /// Follows an order's move; the money must go with it.
    fn step(
        &mut self,
        order: usize,
        from: Option<OrderState>,
        to: OrderState,
        version: u64,
        leg: Option<Leg>,
    ) -> Result<(), &'static str> {
        use OrderState::{Cancelled, Confirmed, Failed, Pending, Processing};
        let Some(from) = from else {
            let is_new = order == self.orders.len() && to == Pending && version == 1;
            self.orders.push(BookedOrder { state: to, version, held: None });
            return if is_new && leg.is_none() { Ok(()) } else { Err("it is not created as one") };
        };
        let known = self.orders.get_mut(order).ok_or("it was never created")?;
        if known.state != from || known.version + 1 != version {
            return Err("its state or version does not continue the last one");
        }
        let legal = matches!(
            (from, to),
            (Pending, Processing | Failed | Cancelled)
                | (Processing, Confirmed | Failed | Cancelled)
        );
        let expected = match (from, to) {
            (Pending, Processing) => Some(LegKind::Reserve),
            (Processing, Confirmed) => Some(LegKind::PostReserved),
            (Processing, Failed | Cancelled) => Some(LegKind::Release),
            _ => None,
        };
        (known.state, known.version) = (to, version);
        let held = known.held.take();
        if to == Processing {
            known.held = leg;
        }
        let same_money = |held: Leg, leg: Leg| {
            (held.debit, held.credit, held.amount) == (leg.debit, leg.credit, leg.amount)
        };
        if !legal {
            return Err("the move is illegal");
        }
        if leg.map(|leg| leg.kind) != expected {
            return Err("the movement of money does not go with the move");
        }
        match (held, leg) {
            (Some(held), Some(leg)) if same_money(held, leg) => Ok(()),
            (Some(_), _) => Err("what was held for it is not what is settled"),
            (None, _) => Ok(()),
        }
    }

    /// Compares with what the rules made of the same records, and checks that every ledger balances.
    pub(super) fn compare(&mut self, state: &State) {
        let mut problems = Vec::new();
        if state.counts().accounts != self.accounts.len() as u64 {
            problems.push("the number of accounts differs".to_owned());
        }
        for (at, booked) in self.accounts.iter().enumerate().take(state.counts().accounts as usize)
        {
            let account = state.account(at as u32);
            let by_rules = [
                account.debits_pending,
                account.debits_posted,
                account.credits_pending,
                account.credits_posted,
            ];
            let by_books = [
                booked.debits.pending,
                booked.debits.posted,
                booked.credits.pending,
                booked.credits.posted,
            ];
            if by_rules.map(i128::from) != by_books {
                problems.push(format!("account {} differs from its movements", account.id));
            }
        }
        for (ledger, _) in state.ledgers() {
            let of = self.accounts.iter().filter(|a| a.ledger == ledger.as_str());
            let (mut pending, mut posted) = (0, 0);
            for account in of {
                pending += account.debits.pending - account.credits.pending;
                posted += account.debits.posted - account.credits.posted;
            }
            if pending != 0 || posted != 0 {
                problems.push(format!("ledger {ledger}: debits and credits differ"));
            }
        }
        problems.into_iter().for_each(|problem| self.object(problem));
    }

    /// Puts the figures into `report`.
    pub(super) fn report(self, report: &mut VerifyReport) {
        report.accounts = self.accounts.len() as u64;
        report.orders = self.orders.len() as u64;
        report.transfers = self.movements;
        report.open_orders =
            self.orders.iter().filter(|order| !order.state.is_final()).count() as u64;
        let sum = |of: fn(&BookedAccount) -> i128| {
            self.accounts.iter().map(|account| of(account).unsigned_abs()).sum()
        };
        report.debits = sum(|account| account.debits.posted);
        report.credits = sum(|account| account.credits.posted);
        report.violations = self.violations;
    }
}
