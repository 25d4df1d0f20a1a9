//! The attributes.

use norace::rt::Handle;
use norace::task::{self, TaskError};

#[norace::test]
async fn an_async_test_runs_inside_a_runtime() {
    assert_eq!(task::spawn(async { 6 * 7 }).await.unwrap(), 42);
}

#[norace::test(workers = 3)]
async fn a_test_chooses_its_workers() {
    assert_eq!(Handle::current().metrics().workers, 3);
}

#[norace::test(workers = 1)]
fn a_plain_test_may_spawn_and_block() {
    assert_eq!(task::spawn(async { 5 }).join_blocking().unwrap(), 5);
}

#[norace::test]
async fn a_test_may_return_a_result() -> Result<(), TaskError> {
    task::spawn(async {}).await
}

#[norace::test]
#[should_panic(expected = "seen by the harness")]
async fn a_panic_of_the_body_fails_the_test() {
    panic!("seen by the harness");
}

#[norace::main(workers = 2)]
async fn start() -> usize {
    Handle::current().metrics().workers
}

#[test]
fn an_entry_point_gives_the_value_of_its_body() {
    assert_eq!(start(), 2);
}
