//! moby/moby#27037: goroutines that a loop starts all read the loop's counter, which the loop increments meanwhile.
//!
//! The test asks for versions v1.17, v1.18 and so on at the same time. Before Go 1.22 all of its goroutines share one
//! counter, so that some versions are asked for twice and others never. Fixed by handing the number over.

use super::RACES;
use crate::case::Case;
use crate::go::{WaitGroup, go};
use norace_check::RaceCell;
use norace_prim::sync::Arc;

pub(super) const CASE: Case = Case {
    name: "moby_27037",
    class: "Anonymous function",
    kinds: RACES,
    blames: &["request"],
    program,
};

/// As many as it takes.
const VERSIONS: std::ops::Range<u32> = 17..19;

fn ask(version: u32) -> String {
    format!("v1.{version}")
}

fn program(fixed: bool) {
    let wait_group = WaitGroup::new();
    let i = Arc::new(RaceCell::named("i", VERSIONS.start));
    while i.get() < VERSIONS.end {
        wait_group.add(1);
        let (captured, passed, done) = (i.clone(), i.get(), wait_group.clone());
        go("request", move || {
            ask(if fixed { passed } else { captured.get() });
            done.done();
        });
        i.update(|i| i + 1);
    }
    wait_group.wait();
}
