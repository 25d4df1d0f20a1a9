//! The commit protocol: one core, one journal thread, a caller for each decision.

use norace_check::choose;
use norace_prim::atomic::{AtomicU64, Ordering};
use norace_prim::sync::Arc;
use norace_prim::thread;
use norace_prim::time::{Duration, Instant};

use super::{Disk, feed};
use crate::engine::commit::{Batch, BatchLimits, Commit, Effect};
use crate::engine::journal::Committer;
use crate::engine::{FailureHook, Outcome, Reply, Unavailable};
use crate::model::Rejection;

const LIMITS: BatchLimits = BatchLimits { records_max: 2, bytes_max: 64, effects_max: 2 };

/// A batch of one record and the answer that rests on it.
fn decided(sequence: u64, batch: &mut Batch) -> Reply<Outcome> {
    let (replier, reply) = Reply::channel();
    batch.last_sequence = sequence;
    batch.count = 1;
    batch.payload.push(0);
    batch.effects.push(Effect::Outcome(replier, sequence, Err(Rejection::NotFound)));
    reply
}

/// A core that hands over `decisions` batches and closes, beside its journal thread; the answers, in order.
fn run(decisions: u64, fails_at: u64, reports: &Arc<AtomicU64>) -> (Disk, Vec<Reply<Outcome>>) {
    let counted = Arc::clone(reports);
    let report: FailureHook = Arc::new(move |_| {
        // Relaxed: read after the threads have been joined.
        counted.fetch_add(1, Ordering::Relaxed);
    });
    let commit = Arc::new(Commit::new(LIMITS, Some(report), 0));
    let disk = Disk { fails_at, ..Disk::default() };
    let mut committer = Committer::new(disk.clone(), Arc::clone(&commit), feed(&disk));
    let committing = Arc::clone(&commit);
    let journal = thread::spawn(move || {
        committer.run(|| Duration::from_millis(1));
        committing.report_failure();
        committing.end();
    });
    let mut local = Batch::default();
    let replies = (1..=decisions)
        .map(|sequence| {
            let reply = decided(sequence, &mut local);
            if commit.hand_over(&mut local).is_err() {
                // The answer goes down with its batch.
                local = Batch::default();
            }
            reply
        })
        .collect();
    commit.close();
    commit.report_failure();
    // Time may pass at any moment in a model.
    while !commit.wait_ended(Instant::now() + Duration::from_secs(9)) {}
    journal.join().unwrap();
    (disk, replies)
}

#[norace::test(model_only)]
fn an_answer_comes_after_what_it_rests_on_and_after_the_answers_before_it() {
    answers_come_after_what_they_rest_on(Disk::default());
}

#[cfg(norace)]
#[norace::test]
#[should_panic(expected = "answered before it was durable")]
fn mutant_an_answer_that_rests_on_nothing_is_seen() {
    answers_come_after_what_they_rest_on(Disk { forgets: true, ..Disk::default() });
}

fn answers_come_after_what_they_rest_on(disk: Disk) {
    let commit = Arc::new(Commit::new(LIMITS, None, 0));
    let mut committer = Committer::new(disk.clone(), Arc::clone(&commit), feed(&disk));
    let journal = thread::spawn(move || committer.run(|| Duration::from_millis(1)));
    let (mut first, mut second) = (Batch::default(), Batch::default());
    let mut earlier = decided(1, &mut first);
    let later = decided(2, &mut second);
    let caller = thread::spawn(move || {
        let answer = later.wait().unwrap();
        assert!(disk.durable() >= answer.sequence, "answered before it was durable");
        assert!(earlier.try_take().is_some(), "answered before its predecessor");
    });
    commit.hand_over(&mut first).unwrap();
    second.last_sequence = 2;
    commit.hand_over(&mut second).unwrap();
    caller.join().unwrap();
    commit.close();
    journal.join().unwrap();
}

#[norace::test(model_only)]
fn a_full_batch_holds_the_core_up_and_nothing_is_lost() {
    let reports = Arc::new(AtomicU64::new(0));
    let (disk, replies) = run(4, 0, &reports);
    for (sequence, mut reply) in (1..).zip(replies) {
        let answer = reply.try_take().expect("everything was released").unwrap();
        assert_eq!(answer.sequence, sequence);
    }
    assert_eq!(disk.durable(), 4);
    // Relaxed: the threads are joined.
    assert_eq!(reports.load(Ordering::Relaxed), 0);
}

#[norace::test(model_only)]
fn after_a_failed_write_nothing_more_is_answered_and_the_failure_is_reported_once() {
    let reports = Arc::new(AtomicU64::new(0));
    let (disk, replies) = run(3, 1 + choose(2) as u64, &reports);
    for (sequence, mut reply) in (1..).zip(replies) {
        match reply.try_take().expect("nobody is left waiting") {
            Ok(answer) => assert!(answer.sequence == sequence && sequence <= disk.durable()),
            Err(unavailable) => assert_eq!(unavailable, Unavailable::OutcomeUnknown),
        }
    }
    if disk.durable() < 3 {
        // Relaxed: the threads are joined.
        assert_eq!(reports.load(Ordering::Relaxed), 1);
    }
}
