//! What pgbench prints.

use super::{read_latency, read_report};

const REPORT: &str = "\
transaction type: steps.sql
number of transactions actually processed: 31676
number of failed transactions: 0 (0.000%)
latency average = 20.205 ms
tps = 3167.550432 (without initial connection time)
";

#[test]
fn transactions_and_their_rate_are_read() {
    let (transactions, rate) = read_report(REPORT).expect("the report is whole");
    assert_eq!(transactions, 31_676);
    assert!((rate - 3_167.550_432).abs() < 1e-9);
}

#[test]
fn failures_and_reports_without_numbers_are_errors() {
    assert!(read_report(&REPORT.replace("transactions: 0", "transactions: 1")).is_err());
    assert!(read_report(&REPORT.replace("tps = ", "")).is_err());
    assert!(read_report(&REPORT.replace("31676", "many")).is_err());
}

#[test]
fn a_latency_is_the_third_field() {
    assert_eq!(read_latency("0 199 2241 0 1175850568 995598"), Some(2241));
    assert_eq!(read_latency("0 199"), None);
}
