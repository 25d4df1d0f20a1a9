//! moby/moby#25384: the daemon restores its plugins one by one, and after the first waits for all of them.
//!
//! A wait group counts all plugins; each is restored by a goroutine. The wait stands inside of the loop that starts
//! them, so that with two plugins the second is never started. Fixed by moving it behind the loop.

use super::BLOCKS;
use crate::case::Case;
use crate::go::{WaitGroup, go, settle};

pub(super) const CASE: Case = Case {
    name: "moby_25384",
    class: "Misuse WaitGroup",
    kinds: BLOCKS,
    blames: &["manager"],
    program,
};

struct Manager {
    plugins: [&'static str; 2],
}

impl Manager {
    fn init(&self, fixed: bool) {
        let group = WaitGroup::new();
        group.add(2);
        for plugin in self.plugins {
            let restored = group.clone();
            go(plugin, move || restored.done());
            if !fixed {
                group.wait();
            }
        }
        if fixed {
            group.wait();
        }
    }
}

fn program(fixed: bool) {
    go("manager", move || Manager { plugins: ["plugin 1", "plugin 2"] }.init(fixed));
    settle();
}
