//! The two numbers that decisions are made of, and the quota they come from, which may be changed meanwhile.

use norace_prim::sync::{Mutex, lock};
use norace_prim::{hint, thread};

use super::quota::{ChangeError, Params, Quota};
use super::versioned::Versioned;

/// A quota that may be changed while it is in use.
pub(super) struct Live {
    /// Those of [`Params`].
    numbers: Versioned<2>,
    /// The whole quota; writers hold it.
    quota: Mutex<Quota>,
}

fn numbers(quota: Quota) -> [u64; 2] {
    let Params { unit, all } = quota.params();
    [unit, all]
}

impl Live {
    pub(super) fn new(quota: Quota) -> Self {
        Self { numbers: Versioned::new(numbers(quota)), quota: Mutex::new(quota) }
    }

    #[inline]
    pub(super) fn params(&self) -> Params {
        let mut looks = 0;
        loop {
            if let Some([unit, all]) = self.numbers.read() {
                return Params { unit, all };
            }
            // After some looks the writer may have lost the processor.
            looks += 1;
            if looks < 100 { hint::spin_loop() } else { thread::yield_now() }
        }
    }

    pub(super) fn quota(&self) -> Quota {
        *lock(&self.quota)
    }

    pub(super) fn change(&self, to: Quota) -> Result<(), ChangeError> {
        let mut quota = lock(&self.quota);
        quota.check_change(to)?;
        self.numbers.write(numbers(to));
        *quota = to;
        Ok(())
    }
}
