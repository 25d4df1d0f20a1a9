//! Good and bad READMEs.

use super::{check, commands, grouped};
use crate::ci::demo::Ends;

const LOG: &str = "head\n1,d,1,10000\n1,d,1,1\n1,d,1,2\n1,d,1,3\n1,d,1,0\n1,d,1,0\n";

const README: &str = "# A\n
6 orders: 1 confirmed, 3 failed, 2 rejected
```sh
cargo run --release -- demo  # stays until Ctrl-C
cargo test --workspace
```
";

#[track_caller]
fn verdict(text: &str) -> bool {
    check(text, &Ends::of_log(LOG).expect("the log is sound")).is_ok()
}

#[test]
fn a_readme_that_says_what_is_run_and_found_passes() {
    assert!(verdict(README));
}

#[test]
fn other_commands_and_counts_are_found() {
    for (good, bad) in [
        ("cargo test --workspace", "cargo nextest run"),
        ("cargo test --workspace", ""),
        ("-- demo", "-- demo --orders 5"),
        ("6 orders", "7 orders"),
        ("3 failed", "no failed"),
    ] {
        assert!(README.contains(good), "{good}");
        assert!(!verdict(&README.replace(good, bad)), "{bad}");
    }
}

#[test]
fn only_blocks_of_commands_are_commands() {
    assert_eq!(commands(README).len(), 2);
    assert_eq!(commands("```rust\nfn a() {}\n```\ncargo none\n"), [""; 0]);
}

#[test]
fn numbers_are_grouped_by_thousands() {
    for (number, expected) in [(7, "7"), (80, "80"), (26_431, "26,431"), (1_234_567, "1,234,567")] {
        assert_eq!(grouped(number), expected);
    }
}
