//! Programs that end by themselves, and one that does not.

use std::{
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use super::{Said, is_installed, listen, output, program, run};

const LONG: Duration = Duration::from_mins(1);

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]).stdin(Stdio::null());
    command
}

#[test]
fn what_a_program_writes_is_returned() {
    let text = output(&mut program(Path::new("."), "echo", "a  b"), LONG);
    assert_eq!(text.as_deref(), Ok("a b\n"));
}

#[test]
fn more_than_a_pipe_holds_is_returned_whole() {
    let text = output(&mut shell("head -c 1000000 /dev/zero"), LONG);
    assert_eq!(text.map(|text| text.len()), Ok(1_000_000));
}

#[test]
fn a_failure_names_the_command_and_what_it_said() {
    let error = output(&mut shell("echo why; exit 3"), LONG).unwrap_err();
    assert!(error.contains("exit 3") && error.contains("why\n"), "{error}");
    assert!(run(&mut shell("exit 1"), LONG).is_err());
    assert!(run(&mut program(Path::new("."), "no-such-program", ""), LONG).is_err());
}

#[test]
fn a_program_that_hangs_is_ended_with_its_children() {
    let start = Instant::now();
    // The reader sees the end of the pipe only when the grandchild, which holds it, has ended as well.
    let error = output(&mut shell("echo begun; (sleep 600; :) & wait"), Duration::from_millis(500))
        .unwrap_err();
    assert!(error.contains("did not finish") && error.contains("begun\n"), "{error}");
    assert!(start.elapsed() < LONG);
}

#[test]
fn what_a_program_wrote_before_a_signal_ended_it_is_returned() {
    let mut command = shell("echo first; echo why >&2; kill -ABRT $$");
    let Said { ended, stdout, stderr } = listen(command.stderr(Stdio::piped()), LONG);
    assert!(ended.is_err_and(|error| error.contains("SIGABRT")));
    assert_eq!((stdout.as_str(), stderr.as_str()), ("first\n", "why\n"));
}

#[test]
fn installed_programs_are_found() {
    assert!(is_installed("sh"));
    assert!(!is_installed("no-such-program"));
}
