//! Threads end with their runtime.

#![cfg(target_os = "linux")]

use super::support::{PATIENCE, hog_until};
use norace::rt::Builder;
use norace::task;

/// Threads of this process whose name begins with `prefix`.
fn threads_named(prefix: &str) -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").expect("list the threads");
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        std::fs::read_to_string(entry.expect("list the threads").path().join("comm"))
            .unwrap_or_default()
    };
    tasks.map(name).filter(|name| name.starts_with(prefix)).count()
}

#[test]
fn no_thread_is_left_when_the_runtime_has_been_shut_down() {
    for _ in 0..5 {
        let runtime = Builder::new().workers(3).thread_name("leak").build().unwrap();
        runtime.block_on(async {
            let jobs: Vec<_> = (0..4).map(|n| task::spawn_blocking(move || n)).collect();
            let place = task::spawn(async { task::block_in_place(|| 1) });
            place.await.unwrap();
            for job in jobs {
                job.await.unwrap();
            }
        });
        runtime.shutdown(PATIENCE).unwrap();
        // Joined, but the kernel may list them for a moment longer.
        hog_until(|| threads_named("leak") == 0);
    }
}
