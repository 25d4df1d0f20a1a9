//! Tables of made-up samples.

use super::{Environment, Measure, NORACE, Report, number};

const RATE: Measure = Measure { name: "rate", unit: "orders/s", rises: true };
const P99: Measure = Measure { name: "p99", unit: "ms", rises: false };

/// Norace at twice the rate and twice the latency of the other, in two runs each.
fn report() -> Report {
    let environment = Environment(vec![("command", "none".to_owned())]);
    let mut report = Report::new("engine", "# Engine\n", environment);
    let task = ("one.8", "one order");
    for (contender, factor) in [("other", 1.0), (NORACE, 2.0)] {
        for run in [90.0, 110.0] {
            report.add(task, RATE, contender, factor * run);
            report.add(task, P99, contender, factor * 5.0);
        }
    }
    report.remark("one.8", P99, "other", "when it answered");
    report
}

#[test]
fn a_ratio_above_one_is_a_win_in_either_direction() {
    let json = report().json();
    let rows = json["rows"].as_array().expect("rows are a list");
    let find = |id: &str, contender: &str| {
        rows.iter().find(|row| row["id"] == id && row["contender"] == contender).expect("the row")
    };
    let rate = find("engine.one.8.rate", "other");
    assert_eq!(rate["median"], 100.0);
    assert_eq!(rate["iqr"], 10.0);
    assert_eq!(rate["unit"], "orders/s");
    assert_eq!(rate["ratio"], 2.0);
    assert_eq!(find("engine.one.8.p99", "other")["ratio"], 0.5);
    assert_eq!(find("engine.one.8.p99", NORACE)["ratio"], 1.0);
    assert_eq!(rows.len(), 4);
}

#[test]
fn the_table_says_where_norace_is_ahead_and_where_it_lost() {
    let table = report().markdown();
    assert!(table.contains("| rate, orders/s | other | 100 | 10.0 | 2.0x as good |"), "{table}");
    assert!(
        table.contains("| p99, ms | other (when it answered) | 5.00 | 0.00 | **behind: 0.50x** |"),
        "{table}"
    );
    assert!(table.contains("* command: none\n"), "{table}");
}

#[test]
fn who_has_none_of_what_should_be_little_is_not_divided_by() {
    let mut report = report();
    let task = ("lost", "given up");
    for (contender, value) in [(NORACE, 0.0), ("other", 0.0), ("worse", 7.0)] {
        report.add(task, P99, contender, value);
    }
    let table = report.markdown();
    assert!(table.contains("| other | 0.00 | 0.00 | 1.0x as good |"), "{table}");
    assert!(table.contains("| worse | 7.00 | 0.00 | without any |"), "{table}");
}

#[test]
fn another_way_to_use_norace_is_told_and_not_compared_with_norace() {
    let mut report = report();
    let task = ("task", "one task");
    for (contender, value) in [(NORACE, 2.0), ("Norace, an Arc", 6.0), ("Norace2", 8.0)] {
        report.add(task, P99, contender, value);
    }
    let table = report.markdown();
    assert!(table.contains("| Norace, an Arc | 6.00 | 0.00 |  |"), "{table}");
    assert!(table.contains("| Norace2 | 8.00 | 0.00 | 4.0x as good |"), "{table}");
    let picture = report.picture();
    assert!(!picture.contains("Norace, an Arc"), "{picture}");
}

#[test]
fn numbers_have_the_digits_that_matter() {
    for (value, expected) in
        [(0.1234, "0.12"), (12.34, "12.3"), (123.4, "123"), (35_567.0, "35567")]
    {
        assert_eq!(number(value), expected);
    }
}
