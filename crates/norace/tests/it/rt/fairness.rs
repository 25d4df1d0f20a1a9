//! Nobody starves: neither behind a hog, nor behind a pair that wake each other.

use super::support::{Count, Flag, PATIENCE, event, hog_until, runtime};
use norace::rt::Builder;
use norace::{task, time};
use std::time::{Duration, Instant};

#[test]
fn a_task_woken_by_a_hog_runs_while_the_hog_still_computes() {
    let runtime = runtime(2);
    let ran = Flag::default();
    let (tx, rx) = norace::chan::bounded::<()>(1);
    let woken = {
        let ran = ran.clone();
        runtime.spawn(async move {
            rx.recv().await.unwrap();
            ran.set();
        })
    };
    let hog = runtime.spawn(async move {
        // Let the receiver wait, and the other worker fall asleep.
        time::sleep(Duration::from_millis(20)).await;
        tx.send(()).await.unwrap();
        hog_until(|| ran.is_set());
    });
    hog.join_blocking().unwrap();
    woken.join_blocking().unwrap();
    assert!(runtime.handle().metrics().tasks_stolen >= 1);
}

/// Nobody else may take it meanwhile: woken tasks stay with the worker that woke them.
#[test]
fn before_a_poll_counts_as_stalled_what_it_woke_waits_for_it() {
    let runtime = Builder::new().workers(2).stall_after(PATIENCE).build().expect("start a runtime");
    let ran = Flag::default();
    let hog = runtime.spawn({
        let ran = ran.clone();
        async move {
            let woken = task::spawn({
                let ran = ran.clone();
                async move { ran.set() }
            });
            let start = Instant::now();
            while start.elapsed() < Duration::from_millis(50) {
                assert!(!ran.is_set(), "another worker took the task");
                std::hint::spin_loop();
            }
            woken.await.unwrap();
        }
    });
    hog.join_blocking().unwrap();
    assert!(ran.is_set());
    assert_eq!(runtime.handle().metrics().stalls, 0);
}

#[test]
#[should_panic(expected = "a stall begins after")]
fn a_monitor_that_never_rests_is_refused() {
    Builder::new().stall_after(Duration::from_micros(1));
}

/// Every one of them gets past its hog, and none has to wait for the hog's end.
#[test]
fn tasks_woken_by_hogs_again_and_again_run_while_the_hogs_compute() {
    let runtime = runtime(2);
    let hogs = runtime.spawn(async {
        for _ in 0..50 {
            let ran = Flag::default();
            let (tx, rx) = norace::chan::bounded::<()>(0);
            let woken = {
                let ran = ran.clone();
                task::spawn(async move {
                    rx.recv().await.unwrap();
                    ran.set();
                })
            };
            time::sleep(Duration::from_millis(1)).await;
            tx.send(()).await.unwrap();
            hog_until(|| ran.is_set());
            woken.await.unwrap();
        }
    });
    hogs.join_blocking().unwrap();
    let metrics = runtime.handle().metrics();
    assert!(metrics.stalls >= 1, "the monitor has seen none of 50 hogs");
}

#[test]
fn tasks_spawned_by_a_hog_run_while_the_hog_still_computes() {
    let runtime = runtime(2);
    let hog = runtime.spawn(async {
        time::sleep(Duration::from_millis(20)).await;
        let ran = Count::default();
        let add = |ran: Count| async move { ran.add_one() };
        let tasks: Vec<_> = (0..10).map(|_| task::spawn(add(ran.clone()))).collect();
        hog_until(|| ran.get() == 10);
        drop(tasks);
    });
    hog.join_blocking().unwrap();
}

#[test]
fn timers_fire_while_the_worker_that_served_them_computes() {
    let runtime = runtime(2);
    let (fired, has_fired) = event();
    let hog = runtime.spawn(async move {
        task::spawn(async move {
            time::sleep(Duration::from_millis(10)).await;
            fired.send(()).unwrap();
        });
        // Let the timer be set, then come back through the netpoller, which this worker serves.
        time::sleep(Duration::from_millis(5)).await;
        hog_until(|| has_fired.try_recv().is_ok());
    });
    hog.join_blocking().unwrap();
}

#[cfg(feature = "net")]
#[test]
fn sockets_are_served_while_the_worker_that_served_them_computes() {
    use norace::net::{TcpListener, TcpStream};
    use std::io::Write;
    let runtime = runtime(2);
    let (heard, has_heard) = event();
    let hog = runtime.spawn(async move {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut peer = std::net::TcpStream::connect(address).unwrap();
        let (stream, _): (TcpStream, _) = listener.accept().await.unwrap();
        let reading = task::spawn(async move {
            assert_eq!(stream.read(&mut [0; 8]).await.unwrap(), 1);
            heard.send(()).unwrap();
        });
        // Let it wait, then come back through the netpoller, which this worker serves.
        time::sleep(Duration::from_millis(5)).await;
        peer.write_all(&[1]).unwrap();
        hog_until(|| has_heard.try_recv().is_ok());
        reading.await.unwrap();
    });
    hog.join_blocking().unwrap();
}

/// Counts what a pair of tasks that wake each other, and a task that only yields, get done on one worker.
#[test]
fn a_ping_pong_pair_and_a_yielding_task_share_a_worker() {
    const ROUNDS: u64 = 20_000;
    let runtime = runtime(1);
    let stop = Flag::default();
    let yields = Count::default();
    let yielder = {
        let (stop, yields) = (stop.clone(), yields.clone());
        runtime.spawn(async move {
            while !stop.is_set() {
                yields.add_one();
                task::yield_now().await;
            }
        })
    };
    let (ping, pinged) = norace::chan::bounded::<()>(0);
    let (pong, ponged) = norace::chan::bounded::<()>(0);
    let echo = runtime.spawn(async move {
        while pinged.recv().await.is_ok() {
            pong.send(()).await.unwrap();
        }
    });
    let pinger = runtime.spawn(async move {
        for _ in 0..ROUNDS {
            ping.send(()).await.unwrap();
            ponged.recv().await.unwrap();
        }
    });
    pinger.join_blocking().unwrap();
    let yielded = yields.get();
    stop.set();
    echo.join_blocking().unwrap();
    yielder.join_blocking().unwrap();
    // Go's bound for the same program: neither side gets more than twenty times what the other gets.
    assert!(yielded > ROUNDS / 20, "{yielded} yields in {ROUNDS} rounds");
    assert!(yielded < ROUNDS * 20, "{yielded} yields in {ROUNDS} rounds");
}

#[test]
fn a_task_injected_from_outside_runs_although_the_worker_has_enough_of_its_own() {
    let runtime = runtime(1);
    let stop = Flag::default();
    let busy: Vec<_> = (0..10)
        .map(|_| {
            let stop = stop.clone();
            runtime.spawn(async move {
                while !stop.is_set() {
                    task::yield_now().await;
                }
            })
        })
        .collect();
    for _ in 0..20 {
        runtime.spawn(async {}).join_blocking().unwrap();
    }
    stop.set();
    busy.into_iter().for_each(|task| task.join_blocking().unwrap());
}

/// Long turns are no reason to look at what came from outside once in very many of them.
#[test]
fn a_task_injected_from_outside_passes_long_turns_early() {
    let runtime = runtime(1);
    let (stop, turns) = (Flag::default(), Count::default());
    let busy: Vec<_> = (0..2)
        .map(|_| {
            let (stop, turns) = (stop.clone(), turns.clone());
            runtime.spawn(async move {
                while !stop.is_set() {
                    let start = Instant::now();
                    while start.elapsed() < Duration::from_millis(5) {
                        std::hint::spin_loop();
                    }
                    turns.add_one();
                    task::yield_now().await;
                }
            })
        })
        .collect();
    for _ in 0..5 {
        let counted = turns.clone();
        let before = turns.get();
        let ran_at = runtime.spawn(async move { counted.get() }).join_blocking().unwrap();
        assert!(ran_at - before < 30, "{} turns came first", ran_at - before);
    }
    stop.set();
    busy.into_iter().for_each(|task| task.join_blocking().unwrap());
}

#[test]
fn timers_fire_although_the_workers_never_run_out_of_tasks() {
    let runtime = runtime(2);
    let stop = Flag::default();
    let busy: Vec<_> = (0..4)
        .map(|_| {
            let stop = stop.clone();
            runtime.spawn(async move {
                while !stop.is_set() {
                    task::yield_now().await;
                }
            })
        })
        .collect();
    runtime.spawn(time::sleep(Duration::from_millis(5))).join_blocking().unwrap();
    stop.set();
    busy.into_iter().for_each(|task| task.join_blocking().unwrap());
}
