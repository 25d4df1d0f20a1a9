//! The plan against a naive reading of the log.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

fn log(text: &str) -> Log {
    Log::parse(&format!("customer,date,cds,cents\n{text}")).unwrap()
}

fn mixed() -> Log {
    log(
        "a,1997-01-01,1,1\nb,1997-01-01,1,2\na,1997-01-02,1,3\nc,1997-01-01,1,4\na,1997-01-03,1,5\n",
    )
}

/// Every order of the plan by account, in the order in which the chain gives it out.
fn all(plan: &Plan) -> BTreeMap<String, Vec<(u64, i64)>> {
    let mut found = BTreeMap::new();
    while let Some(mut chain) = plan.claim() {
        let mut account = String::new();
        plan.push_account(&chain, &mut account);
        let mut orders = Vec::new();
        while let Some(order) = plan.take(&mut chain) {
            orders.push((order.number, order.cents));
        }
        assert!(found.insert(account, orders).is_none(), "claimed twice");
    }
    found
}

#[test]
fn a_customers_orders_come_in_file_order_even_when_they_are_scattered() {
    let found = all(&Plan::new(mixed(), None, Some(5)));
    assert_eq!(found["a"], [(1, 1), (3, 3), (5, 5)]);
    assert_eq!(found["b"], [(2, 2)]);
    assert_eq!(found["c"], [(4, 4)]);
}

#[test]
fn fewer_orders_are_the_first_rows() {
    let found = all(&Plan::new(mixed(), Some("r"), Some(3)));
    assert_eq!(found.keys().collect::<Vec<_>>(), ["r-a", "r-b"]);
    assert_eq!(found["r-a"], [(1, 1), (3, 3)]);
}

#[test]
fn more_orders_repeat_the_log_with_new_customers() {
    let found = all(&Plan::new(mixed(), None, Some(12)));
    assert_eq!(found["a"], [(1, 1), (3, 3), (5, 5)]);
    assert_eq!(found["a.2"], [(6, 1), (8, 3), (10, 5)]);
    assert_eq!(found["a.3"], [(11, 1)]);
    assert_eq!(found["b.3"], [(12, 2)]);
    assert!(!found.contains_key("c.3"));
    let numbers: BTreeSet<_> = found.values().flatten().map(|order| order.0).collect();
    assert_eq!(numbers, (1..=12).collect());
}

#[test]
fn the_longest_chain_is_claimed_first() {
    let plan = Plan::new(log("b,1997-01-01,1,2\na,1997-01-01,1,1\na,1997-01-02,1,3\n"), None, None);
    assert_eq!(plan.claim().unwrap().left(), 2);
    assert_eq!(plan.claim().unwrap().left(), 1);
    assert_eq!(plan.claim().unwrap().left(), 2, "without a number the plan goes on");
}

#[test]
fn a_rewound_plan_gives_out_the_same_chains() {
    let plan = Plan::new(mixed(), None, Some(7));
    let first = all(&plan);
    assert!(plan.claim().is_none());
    plan.rewind();
    assert_eq!(all(&plan), first);
}

#[test]
fn the_longest_ids_stay_within_the_servers_bound() {
    let run = "r".repeat(RUN_CHARS_MAX);
    let name = "c".repeat(crate::purchases::CUSTOMER_CHARS_MAX);
    let plan = Plan::new(
        log(&format!("{name},1997-01-01,1,1\n")),
        Some(&run),
        Some(super::super::ORDERS_MAX),
    );
    let mut chain = Chain { round: super::super::ORDERS_MAX - 1, customer: 0, next: 0, end: 1 };
    let (mut account, mut order) = (String::new(), String::new());
    plan.push_account(&chain, &mut account);
    let planned = plan.take(&mut chain).unwrap();
    plan.push_order(&planned, &mut order);
    assert!(account.len() <= 64 && order.len() <= 64, "{account} {order}");
}
