//! A small log, and what the demo has to answer.

use super::Ends;
use crate::service::parse;

const LOG: &str = "customer,date,cds,cents
1,d,1,6000
1,d,1,4001
2,d,1,10000
1,d,1,4000
2,d,1,0
2,d,1,1
";

const ANSWER: &str = r#"{"schema":"norace.demo/1","load":{"orders":6,"confirmed":3,"failed":2,"cancelled":0,
    "rejected":1,"errors":0,"confirmed_amount":20000},"verify":{"ok":true,"orders":5,"open_orders":0}}"#;

#[track_caller]
fn check(answer: &str, good: bool) {
    let ends = Ends::of_log(LOG).expect("the log is sound");
    let outcome = ends.check(&parse(answer).expect("the answer is JSON"));
    assert_eq!(outcome.is_ok(), good, "{answer}: {outcome:?}");
}

#[test]
fn customers_pay_while_their_money_lasts() {
    let ends = Ends::of_log(LOG).expect("the log is sound");
    let expected =
        Ends { orders: 6, confirmed: 3, failed: 2, rejected: 1, confirmed_amount: 20_000 };
    assert_eq!(ends, expected);
}

#[test]
fn a_row_that_is_no_purchase_is_an_error() {
    for row in ["1,d,1", "1,d,1,x", "1,d,1,2,3", ""] {
        assert!(Ends::of_log(&format!("head\n{row}\n")).is_err(), "{row}");
    }
}

#[test]
fn a_demo_that_did_all_its_work_passes() {
    check(ANSWER, true);
}

#[test]
fn a_demo_that_left_something_undone_fails() {
    for (good, bad) in [
        ("norace.demo/1", "norace.load/1"),
        ("\"orders\":6", "\"orders\":5"),
        ("\"errors\":0", "\"errors\":1"),
        ("\"errors\":0", "\"mistakes\":0"),
        ("\"confirmed\":3", "\"confirmed\":2"),
        ("\"failed\":2", "\"failed\":1"),
        ("20000", "20001"),
        ("\"ok\":true", "\"ok\":false"),
        ("\"orders\":5", "\"orders\":6"),
        ("\"open_orders\":0", "\"open_orders\":1"),
    ] {
        assert!(ANSWER.contains(good), "{good}");
        check(&ANSWER.replace(good, bad), false);
    }
}
