//! Outcomes and what they come to.

use super::*;
use crate::harness::Tally;

fn model(status: &str, more: &str) -> Model {
    let line = format!(
        r#"{{"schema":"norace.model/1","test":"a","status":"{status}","required_complete":true,
        "executions":1234,"steps":1,"preemptions":2,"up_to_spinning":false,"seconds":0.25{more}}}"#
    );
    serde_json::from_str(&line).expect(&line)
}

fn found(kind: &str) -> String {
    format!(r#","finding":{{"kind":"{kind}","token":"nr1:a:00"}}"#)
}

fn code(statuses: &[&str], failed: bool, tally: Tally) -> ExitCode {
    let models = statuses.iter().map(|status| model(status, r#","finding":null"#)).collect();
    Models(models).exit_code(&Ended { failed, tally })
}

#[test]
fn the_exit_code_says_the_worst_that_is_sure() {
    let failed = |failed| Tally { ran: 9, failed, uncontrolled: 0 };
    let none = failed(0);
    assert_eq!(code(&["complete"], false, none), ExitCode::Ok);
    assert_eq!(code(&["found", "diverged"], true, failed(2)), ExitCode::Finding);
    assert_eq!(code(&["diverged", "incomplete"], true, failed(1)), ExitCode::Uncontrolled);
    assert_eq!(code(&["not-reproduced"], true, failed(1)), ExitCode::Uncontrolled);
    assert_eq!(code(&["within-bound", "complete"], true, failed(1)), ExitCode::Incomplete);
    // One test more than models explain.
    assert_eq!(code(&["within-bound", "complete"], true, failed(2)), ExitCode::Finding);
    assert_eq!(code(&["complete"], true, failed(1)), ExitCode::Finding);
    // A harness of another kind.
    assert_eq!(code(&["complete"], true, none), ExitCode::Finding);
    assert_eq!(code(&["incomplete"], true, none), ExitCode::Incomplete);
    let silent = Tally { uncontrolled: 1, ..none };
    assert_eq!(code(&[], true, silent), ExitCode::Uncontrolled);
}

#[test]
fn each_outcome_is_told_in_a_line() {
    let told = |status: &str, more: &str| {
        let text = Models(vec![model(status, more)]).table();
        anstream::adapter::strip_str(&text).to_string()
    };
    for (status, more, expected) in [
        ("complete", "", "complete: 1,234 executions in 0.2 s"),
        ("within-bound", "", "complete for up to 2 preemptions: 1,234 executions in 0.2 s"),
        ("incomplete", "", "1,234 executions in 0.2 s"),
        (
            "incomplete",
            r#","kept_silent":2,"kept_unread":1"#,
            "1,234 executions in 0.2 s; 2 kept executions show nothing any more; 1 kept line cannot be read",
        ),
        ("found", &found("data-race"), "data-race"),
        ("diverged", &found("diverged"), "diverged"),
        ("diverged", "", "uncontrolled"),
        ("not-reproduced", "", "not reproduced"),
    ] {
        assert_eq!(told(status, more), format!("  a  {expected}"));
    }
}

#[test]
fn text_of_outcomes_cannot_steer_the_terminal() {
    let text = model("found", &found("x\\u001b[2J")).verdict();
    let text = anstream::adapter::strip_str(&text).to_string();
    assert_eq!(text, "x\\u{1b}[2J");
}
