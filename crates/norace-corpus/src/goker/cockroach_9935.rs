//! cockroachdb/cockroach#9935: a logger that cannot create its file locks itself out on its way to the exit.
//!
//! An entry is written under the logger's lock. When the file for it cannot be created the program is to end, and what
//! ends it takes the same lock. Fixed by giving the lock up first.

use super::BLOCKS;
use crate::case::Case;
use crate::go::{Lock, go, settle};
use norace_prim::rand;
use norace_prim::sync::Arc;

pub(super) const CASE: Case = Case {
    name: "cockroach_9935",
    class: "Double locking",
    kinds: BLOCKS,
    blames: &["logger"],
    program,
};

struct Logging {
    /// Guards how many entries were written.
    entries: Lock<usize>,
}

struct CreateFileError;

impl Logging {
    fn output_log_entry(&self, fixed: bool) {
        let mut entries = self.entries.lock();
        if let Err(error) = create_file() {
            let _locked = (!fixed).then_some(entries);
            self.exit(&error);
        } else {
            *entries += 1;
        }
    }

    /// Ends the program, when all entries are where they belong.
    fn exit(&self, _: &CreateFileError) {
        let _locked = self.entries.lock();
    }
}

fn create_file() -> Result<(), CreateFileError> {
    if rand::choose(2) == 0 { Ok(()) } else { Err(CreateFileError) }
}

fn program(fixed: bool) {
    let logging = Arc::new(Logging { entries: Lock::new(0) });
    go("logger", move || logging.output_log_entry(fixed));
    settle();
}
