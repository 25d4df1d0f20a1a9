//! Tokens, and executions that are kept.

use norace_check::{Builder, Token};
use norace_explore::sync::atomic::Ordering;

use crate::models;

fn token_of(model: impl Fn()) -> Token {
    let outcome = Builder::new().direct().run(model);
    outcome.finding.unwrap().token.parse().unwrap()
}

#[test]
fn a_token_says_what_it_replays() {
    let token = token_of(models::opposite_locks);
    assert_eq!(token.model(), "replays::a_token_says_what_it_replays");
    assert_eq!(token.test(), token.model());
    assert_eq!(token.kind(), "deadlock");
}

#[test]
fn the_same_defect_has_the_same_token_and_report() {
    let run = || {
        let builder = Builder::new().direct().name("replays::same");
        let finding =
            builder.run(|| models::hand_over(Ordering::Relaxed, Ordering::Relaxed)).finding;
        finding.unwrap().to_json()
    };
    assert_eq!(run(), run());
}
