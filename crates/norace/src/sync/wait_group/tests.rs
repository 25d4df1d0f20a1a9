//! What a group does when there are too many.

use super::*;
use std::panic::{AssertUnwindSafe, catch_unwind};

#[test]
fn who_is_one_too_many_is_no_member() {
    let group = WaitGroup::new();
    // Relaxed: nobody else has the group.
    group.0.word.store(ROUND / 2, Ordering::Relaxed);
    assert!(catch_unwind(AssertUnwindSafe(|| group.add())).is_err());
    assert_eq!(members(group.0.word()), ROUND / 2);
}
