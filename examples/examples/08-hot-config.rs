//! A configuration that is changed under its readers.
//!
//! Observe: readers see whole values and go forward; a value that the validator refuses changes nothing; who waits for
//! one part is woken by its changes alone; and a roll-back is a version of its own.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use norace::config::Hot;
use std::thread;

struct Limits {
    connections: usize,
    greeting: &'static str,
}

fn main() {
    let first = Limits { connections: 100, greeting: "hello" };
    let hot = Hot::builder(first)
        .history(4)
        .validate(|_, new| if new.connections > 0 { Ok(()) } else { Err("nobody could connect") })
        .build();

    // One for each thread that reads often: a read is one atomic load while nothing changes.
    let mut reader = hot.reader();
    let worker = thread::spawn(move || {
        let mut last = reader.version();
        while reader.get().connections != 300 {
            assert!(reader.version() >= last, "readers go forward");
            last = reader.version();
        }
        last.max(reader.version())
    });

    // Waits for one part.
    let mut greetings = hot.subscribe(|limits| limits.greeting);
    let waiter = thread::spawn(move || greetings.changed_blocking().map(|greeting| *greeting));

    let refused = hot.publish(Limits { connections: 0, greeting: "bye" });
    println!("0 connections: {refused:?}, still {}", hot.load().connections);

    let second = hot.update(|old| Limits { connections: old.connections * 2, ..*old });
    println!("version {second:?} allows {} connections", hot.load().connections);

    let stale = hot.compare_publish(1, Limits { connections: 5, greeting: "late" });
    println!("meant for version 1: {stale:?}");

    let third = hot.compare_publish(2, Limits { connections: 300, greeting: "welcome" });
    println!("meant for version 2: {third:?}");
    println!("the reader has seen version {}", worker.join().expect("it does not panic"));
    println!("the greeting became {:?}", waiter.join().expect("it does not panic"));

    let back = hot.rollback(1);
    println!("version {back:?} greets with {:?} again", hot.load().greeting);
    assert_eq!((hot.load().connections, hot.version()), (100, 4));
}
