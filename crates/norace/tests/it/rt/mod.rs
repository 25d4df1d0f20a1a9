//! Runtime and tasks.

use norace::rt::Runtime;
use norace::task;

#[test]
fn tasks_give_their_values_to_who_joins_them() {
    let runtime = Runtime::new().unwrap();
    let sum = runtime.block_on(async {
        let square = |n: u64| async move {
            task::yield_now().await;
            n * n
        };
        let tasks: Vec<_> = (0..1000).map(|n| task::spawn(square(n))).collect();
        let mut sum = 0;
        for task in tasks {
            sum += task.await.unwrap();
        }
        sum
    });
    assert_eq!(sum, 332_833_500);
    assert_eq!(runtime.handle().metrics().tasks_live, 0);
}
