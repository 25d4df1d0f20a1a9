//! Reading the list of exceptions, and what a run of tests says.

use super::{Exception, Listed, Said, Tally, exceptions};

#[test]
fn a_line_names_a_test_and_a_reason() {
    let text = "# comment\n\n\
        crossbeam-channel array::panic_on_drop drops them all\n\
        chance crossbeam-channel golang::chan_test::self_select who comes first\n\
        timed crossbeam-channel tick::fire a bound on what has passed\n";
    let exception = |kind, file, test| Exception { kind, suite: "crossbeam-channel", file, test };
    let expected = vec![
        exception(Listed::Fails, "array", "panic_on_drop"),
        exception(Listed::Chance, "golang", "chan_test::self_select"),
        exception(Listed::Timed, "tick", "fire"),
    ];
    assert_eq!(exceptions(text), Ok(expected));
}

#[test]
fn a_line_without_a_reason_is_refused() {
    for line in [
        "crossbeam-channel array::drops",
        "crossbeam-channel array why",
        "array::drops",
        "timed crossbeam-channel tick::fire",
    ] {
        assert!(exceptions(line).is_err(), "{line}");
    }
}

/// A run in which `one` and `two` failed.
const RUN: &str = "
running 3 tests
test one ... FAILED
test two - should panic ... FAILED
test three ... ok

failures:

failures:
    one
    two

test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out
";

/// What a run comes to where `timed` tests are run again, and those that were.
fn count(
    ended: Result<(), &str>,
    stdout: &str,
    timed: &[&str],
    again: bool,
) -> (Tally, Vec<String>) {
    let (mut tally, mut run) = (Tally::default(), Vec::new());
    let ended = ended.map_err(str::to_owned);
    let said = Said { ended, stdout: stdout.to_owned(), stderr: "a panic\n".to_owned() };
    tally.count("suite file", &said, timed, |test| {
        run.push(test.to_owned());
        again
    });
    (tally, run)
}

fn wrong(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|&line| line.to_owned()).collect()
}

#[test]
fn only_a_test_that_measures_time_is_run_again() {
    let (tally, run) = count(Err("exit 101"), RUN, &["two"], true);
    assert_eq!(run, ["two"]);
    let wrong = wrong(&["suite file::one fails"]);
    assert_eq!(tally, Tally { passed: 2, again: 1, listed: 0, wrong });
}

#[test]
fn a_test_that_measures_time_and_fails_again_is_wrong() {
    let (tally, _) = count(Err("exit 101"), RUN, &["one", "two"], false);
    let wrong = wrong(&["suite file::one fails", "suite file::two fails"]);
    assert_eq!(tally, Tally { passed: 1, again: 0, listed: 0, wrong });
}

#[test]
fn a_run_that_does_not_end_by_itself_is_wrong_with_all_that_it_said() {
    for end in ["ended after 4s", "signal: 6 (SIGABRT)"] {
        let stdout = "test one ... ok\ntest two ... ";
        let expected = vec![format!("suite file: {end}\n{stdout}a panic\n")];
        let (tally, _) = count(Err(end), stdout, &[], true);
        assert_eq!((tally.passed, tally.wrong), (1, expected));
        let stdout = "test one ... FAILED\ntest two ... ";
        let expected = [format!("suite file: {end}\n{stdout}a panic\n")];
        assert_eq!(count(Err(end), stdout, &["one", "two"], true).0.wrong, expected);
    }
}

#[test]
fn a_run_that_fails_though_every_test_passes_is_wrong() {
    let stdout = "test one ... ok\ntest result: ok. 1 passed\n";
    let expected = [format!("suite file: exit 1\n{stdout}a panic\n")];
    assert_eq!(count(Err("exit 1"), stdout, &[], true).0.wrong, expected);
}

#[test]
fn a_listed_test_that_does_not_exist_is_wrong() {
    let stdout = "test one ... ok\ntest result: ok. 1 passed\n";
    assert_eq!(count(Ok(()), stdout, &["one"], true).0.wrong, wrong(&[]));
    let missing = wrong(&["suite file::two is listed and was not run"]);
    assert_eq!(count(Ok(()), stdout, &["one", "two"], true).0.wrong, missing);
}
