//! Reading the list of exceptions.

use super::{Exception, exceptions};

#[test]
fn a_line_names_a_test_and_a_reason() {
    let text = "# comment\n\ncrossbeam-channel array::panic_on_drop drops them all\n";
    let expected = Exception { suite: "crossbeam-channel", file: "array", test: "panic_on_drop" };
    assert_eq!(exceptions(text), Ok(vec![expected]));
}

#[test]
fn a_line_without_a_reason_is_refused() {
    for line in ["crossbeam-channel array::drops", "crossbeam-channel array why", "array::drops"] {
        assert!(exceptions(line).is_err(), "{line}");
    }
}
