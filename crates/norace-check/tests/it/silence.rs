//! Models that block where the checker does not see it: the process ends, and says which model it was.

use std::process::{Command, Stdio};
use std::{env, fs, process, thread};

use norace_check::Builder;

/// Set in the process that is to end.
const TOLD: &str = "NORACE_TEST_SILENCE";

#[test]
fn a_silent_model_ends_the_process_and_is_recorded_by_its_own_name() {
    let folder = env::temp_dir().join(format!("norace-check-{}-silence", process::id()));
    fs::create_dir_all(&folder).unwrap();
    let mut child = Command::new(env::current_exe().unwrap());
    child.args(["silence::model_that", "--test-threads=2"]);
    child.envs([("NORACE_RUN", folder.as_os_str()), (TOLD, "1".as_ref())]);
    let ended = child.stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(4), "{said}");
    assert!(said.contains("UNCONTROLLED: silence::model_that_blocks has been silent"), "{said}");
    let outcomes = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let outcomes: Vec<String> = outcomes.map(|path| fs::read_to_string(path).unwrap()).collect();
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!(outcomes.len(), 1, "{outcomes:?}");
    let outcome: serde_json::Value = serde_json::from_str(&outcomes[0]).unwrap();
    assert_eq!(outcome["test"], "silence::model_that_blocks");
    assert_eq!((&outcome["status"], &outcome["finding"]), (&"diverged".into(), &().into()));
}

#[test]
fn model_that_blocks() {
    if env::var_os(TOLD).is_some() {
        Builder::new().direct().run(thread::park);
    }
}

/// In the same process, to wait for its turn meanwhile: its own watchdog must not take the silence for its model's.
#[test]
fn model_that_waits() {
    if env::var_os(TOLD).is_some() {
        Builder::new().direct().run(|| {});
    }
}
