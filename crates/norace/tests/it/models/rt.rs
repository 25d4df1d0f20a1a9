//! The real scheduler under the checker.

use norace::task;

#[norace::test(level = "rt", workers = 1, budget_ms = 3000)]
async fn a_task_is_run_and_joined() {
    assert_eq!(task::spawn(async { 6 * 7 }).await.unwrap(), 42);
}
