//! A panic as a value.

use norace::context::Context;
use norace::group::Group;
use norace::task::TaskError;

#[norace::test]
async fn one_order_panics_and_the_others_are_paid() {
    let group = Group::isolate(&Context::new());
    for order in [10, 0, 30] {
        group.spawn(async move { 300 / order }).await;
    }
    let outcomes = group.join().await;
    assert_eq!(*outcomes[0].as_ref().unwrap(), 30);
    assert!(matches!(outcomes[1], Err(TaskError::Panicked { .. })));
    assert_eq!(*outcomes[2].as_ref().unwrap(), 10);
}
