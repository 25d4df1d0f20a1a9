//! knative/serving#5865: a watcher of endpoints ends and closes the channel that its manager goes on sending into.
//!
//! The manager makes a watcher for each revision and hands it the endpoints it learns of. When the context ends, so
//! does the watcher, and closes the channel of endpoints; an update that comes a little late panics. Fixed by a sender
//! that also waits for the end of the context, and by never closing the channel.

use crate::case::Case;
use crate::go::{Chan, RwMutex, go, sent};
use norace::select_blocking;
use norace_prim::sync::Arc;

pub(super) const CASE: Case = Case {
    name: "serving_5865",
    class: "Misuse channel",
    kinds: &["panic"],
    blames: &["informer"],
    program,
};

type Endpoints = &'static str;

struct Manager {
    /// Closed when the context ends.
    context: Chan<()>,
    /// Where the watcher of the one revision takes its endpoints from.
    watcher: RwMutex<Option<Arc<Chan<Endpoints>>>>,
}

impl Manager {
    fn endpoints_updated(self: &Arc<Self>, endpoints: Endpoints, fixed: bool) {
        let watcher = self.get_or_create_watcher(fixed);
        if fixed {
            select_blocking! {
                _ = self.context.receiver().recv() => {}
                result = watcher.sender().send(endpoints) => sent(result.is_ok()),
            }
        } else {
            watcher.send(endpoints);
        }
    }

    fn get_or_create_watcher(self: &Arc<Self>, fixed: bool) -> Arc<Chan<Endpoints>> {
        let mut watcher = self.watcher.write();
        let new = || {
            let endpoints = Arc::new(Chan::new(0));
            let (manager, watched) = (self.clone(), endpoints.clone());
            go("watcher", move || manager.watch(&watched, fixed));
            endpoints
        };
        watcher.get_or_insert_with(new).clone()
    }

    /// Takes endpoints until the context ends.
    fn watch(&self, endpoints: &Chan<Endpoints>, fixed: bool) {
        loop {
            select_blocking! {
                _ = self.context.receiver().recv() => break,
                _ = endpoints.receiver().recv() => {}
            }
        }
        if !fixed {
            endpoints.close();
        }
    }
}

fn program(fixed: bool) {
    let manager = Manager { context: Chan::new(0), watcher: RwMutex::new(None) };
    let manager = Arc::new(manager);
    let informed = manager.clone();
    go("informer", move || informed.endpoints_updated("10.0.0.1", fixed));
    manager.context.close();
}
