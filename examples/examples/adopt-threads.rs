//! Norace without any runtime: the same channels, selects and contexts between plain threads.
//!
//! Observe: a pool of two threads takes jobs from one channel and answers on another; the main thread waits for answers
//! or for the deadline, whichever comes first. `default-features = false` is enough for this.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use norace::{chan, context::Context, select_blocking};
use std::{thread, time::Duration};

fn main() {
    let context = Context::new().with_timeout(Duration::from_secs(5));
    let (jobs, todo) = chan::bounded::<u64>(2);
    let (done, answers) = chan::unbounded();
    let workers = [0, 1].map(|_| {
        let (todo, done) = (todo.clone(), done.clone());
        // The loop ends when the last sender of jobs is gone.
        thread::spawn(move || todo.iter().try_for_each(|job| done.send_blocking((job, job * job))))
    });
    // Theirs are the only ones left: the end of the workers is the end of the answers.
    drop((todo, done));

    let feeder = thread::spawn(move || (1..=5).try_for_each(|job| jobs.send_blocking(job)));
    let mut sum = 0;
    loop {
        select_blocking! {
            answer = answers.recv() => match answer {
                Ok((_, square)) => sum += square,
                Err(_) => break,
            },
            cause = context.cancelled() => {
                println!("given up: {cause}");
                break;
            }
        }
    }
    println!("the squares of 1 to 5 add up to {sum}");
    feeder.join().expect("it does not panic").expect("the workers take all jobs");
    for worker in workers {
        worker.join().expect("it does not panic").expect("the answers are taken");
    }
}
