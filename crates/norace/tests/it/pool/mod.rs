//! Pools.

mod age;
mod bounds;
mod panics;
mod reuse;
mod stress;

use norace::pool::{Builder, Pool, Reset};

/// A builder whose pools do nothing by chance and nothing by the clock.
fn builder<T: Reset + Send + 'static>(max_live: usize) -> Builder<T> {
    Pool::builder(max_live).predictable().age_every(None)
}

/// A pool of numbers, each of which says which object it is and is reset to it.
fn numbered(max_live: usize) -> Pool<Numbered> {
    numbered_by(builder(max_live))
}

fn numbered_by(builder: Builder<Numbered>) -> Pool<Numbered> {
    let next = std::sync::atomic::AtomicU32::new(0);
    builder.build(move || Numbered {
        // Relaxed: each number is given once.
        number: next.fetch_add(1, std::sync::atomic::Ordering::Relaxed),
        dirt: false,
    })
}

#[derive(Debug, PartialEq, Eq)]
struct Numbered {
    number: u32,
    dirt: bool,
}

impl Reset for Numbered {
    fn reset(&mut self) {
        self.dirt = false;
    }

    fn is_fresh(&self) -> bool {
        !self.dirt
    }
}
