//! The main job of the README, held against the purchase log itself.

use std::{collections::HashMap, fs, path::Path};

use serde_json::Value;

use super::STEP_MAX;
use crate::{
    process::{cargo, output},
    service::{expect, parse},
};

#[cfg(test)]
mod tests;

/// The README's command, with an answer that a program can read.
pub(crate) const DEMO: &str = "run --release -- demo --exit --format json";

/// The log that the binary carries inside.
const LOG: &str = "data/cdnow.csv";

/// What each customer's account holds before the first purchase.
const DEPOSIT_CENTS: u64 = 10_000;

/// How the log's orders have to end, whoever counts.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Ends {
    pub(crate) orders: u64,
    pub(crate) confirmed: u64,
    pub(crate) failed: u64,
    pub(crate) rejected: u64,
    confirmed_amount: u64,
}

impl Ends {
    /// Goes through the log as a customer with a purse would: pay while the money lasts.
    pub(crate) fn of_log(csv: &str) -> Result<Self, String> {
        let mut ends = Self::default();
        let mut purses = HashMap::new();
        for row in csv.lines().skip(1) {
            let (customer, cents) = read_row(row).ok_or_else(|| format!("no purchase: {row}"))?;
            let purse = purses.entry(customer).or_insert(DEPOSIT_CENTS);
            ends.orders += 1;
            if cents == 0 {
                ends.rejected += 1;
            } else if let Some(rest) = purse.checked_sub(cents) {
                *purse = rest;
                ends.confirmed += 1;
                ends.confirmed_amount += cents;
            } else {
                ends.failed += 1;
            }
        }
        Ok(ends)
    }

    /// Reads the log of the tree at `root`.
    pub(crate) fn read(root: &Path) -> Result<Self, String> {
        let csv = fs::read_to_string(root.join(LOG));
        Self::of_log(&csv.map_err(|error| format!("cannot read {LOG}: {error}"))?)
    }

    /// Compares the demo's answer with how the orders have to end.
    fn check(&self, answer: &Value) -> Result<(), String> {
        let load = &answer["load"];
        expect(answer["schema"] == "norace.demo/1", "the demo's schema is not norace.demo/1")?;
        for (name, expected) in [
            ("errors", 0),
            ("orders", self.orders),
            ("confirmed", self.confirmed),
            ("failed", self.failed),
            ("cancelled", 0),
            ("rejected", self.rejected),
            ("confirmed_amount", self.confirmed_amount),
        ] {
            let what = format!("the demo's `load.{name}` is {}, not {expected}", load[name]);
            expect(load[name] == expected, &what)?;
        }
        let accepted = self.confirmed + self.failed;
        expect(answer["verify"]["ok"] == true, "the demo's `verify.ok` is not true")?;
        let what = format!("the journal does not hold {accepted} orders: {}", answer["verify"]);
        expect(answer["verify"]["orders"] == accepted, &what)?;
        expect(answer["verify"]["open_orders"] == 0, "the demo left orders open")
    }
}

/// The customer and the cents of `customer,date,cds,cents`.
fn read_row(row: &str) -> Option<(&str, u64)> {
    let mut fields = row.split(',');
    let customer = fields.next()?;
    let cents = fields.nth(2)?.parse().ok()?;
    fields.next().is_none().then_some((customer, cents))
}

/// The whole purchase log: every order final, the money balanced, the journal verified.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    let text = output(&mut cargo(root, DEMO), STEP_MAX)?;
    let line = text.lines().next_back().unwrap_or_default();
    println!("{line}");
    Ends::read(root)?.check(&parse(line)?)
}
