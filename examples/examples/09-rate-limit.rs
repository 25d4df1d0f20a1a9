//! Limits: one per caller, a large cost, a quota that changes while it runs, and waiting for one's turn.
//!
//! Observe: each caller has a burst of three; a cost above the burst is an error and not a refusal; the refused caller
//! learns when to come back; the five waits take turns at the rate of a hundred a second.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use norace::limit::{Decision, Keyed, Limiter, Quota, headers};
use norace::time::Instant;

#[norace::main]
async fn main() {
    let quota = Quota::per_second(1).and_then(|quota| quota.burst(3)).expect("a quota");
    let callers = Keyed::new(quota, 10_000);
    for caller in ["ann", "ann", "bob", "ann", "ann"] {
        match callers.check(caller) {
            Decision::Allowed { remaining, .. } => println!("{caller}: passes, {remaining} left"),
            Decision::Denied { retry_after, .. } => {
                println!("{caller}: denied, may come back in {retry_after:.1?}");
            }
        }
    }
    if let Err(error) = callers.check_n("bob", 10) {
        println!("bob: {error}");
    }
    let decision = callers.check("ann");
    let shown = headers::limit("per-caller", decision).expect("a name of visible ASCII");
    println!("RateLimit: {shown}");

    let outbound = Limiter::new(Quota::per_second(10).expect("a quota"));
    outbound
        .set_quota(Quota::per_second(100).and_then(|quota| quota.burst(1)).expect("a quota"))
        .expect("a rate becomes another rate");
    let begun = Instant::now();
    for _ in 0..5 {
        let _ = outbound.until_ready().await;
    }
    println!("five calls passed, the last after {:.0?}", begun.elapsed());
}
