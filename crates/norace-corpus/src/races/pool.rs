//! A pool: giving something back happens before it is taken out again.

use crate::go::{Lock, sleep};
use norace_check::RaceCell;
use norace_prim::sync::Arc;
use norace_prim::thread::scope;

races! {
    racy pool,
    free no_race_pool,
}

/// `sync.Pool`, which never loses anything.
#[derive(Default)]
struct Pool(Lock<Vec<Arc<RaceCell<u8>>>>);

impl Pool {
    fn get(&self) -> Arc<RaceCell<u8>> {
        let kept = self.0.lock().pop();
        kept.unwrap_or_else(|| Arc::new(RaceCell::named("buffer", 0)))
    }

    fn put(&self, buffer: Arc<RaceCell<u8>>) {
        self.0.lock().push(buffer);
    }
}

/// None: it is used after it was given back.
fn pool() {
    let pool = Pool::default();
    let buffer = pool.get();
    buffer.set(1);
    pool.put(buffer.clone());
    scope(|s| {
        s.spawn(|| pool.get().set(2));
        buffer.set(3);
    });
}

/// The pool.
fn no_race_pool() {
    let pool = Pool::default();
    let buffer = pool.get();
    buffer.set(1);
    pool.put(buffer);
    scope(|s| {
        s.spawn(|| {
            let buffer = pool.get();
            buffer.set(2);
            pool.put(buffer);
        });
        sleep(100);
        pool.get().set(3);
    });
}
