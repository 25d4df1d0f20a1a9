//! moby/moby#30408: whoever waits for a plugin waits on when it has failed to start.
//!
//! A condition is signalled when a plugin's activation is over, and waiters ask whether it has a manifest, which a
//! plugin that failed never gets. Fixed by asking for the error of the activation, too.

use super::BLOCKS;
use crate::case::Case;
use crate::go::{Chan, Cond, Lock, go};
use norace_prim::sync::Arc;

pub(super) const CASE: Case = Case {
    name: "moby_30408",
    class: "Condition Variable",
    kinds: BLOCKS,
    blames: &["waiter"],
    program,
};

struct Plugin {
    activation: Lock<Activation>,
    activate_wait: Cond,
}

struct Activation {
    manifest: Option<&'static str>,
    error: Option<&'static str>,
}

impl Plugin {
    fn wait_active(&self, fixed: bool) {
        let mut activation = self.activation.lock();
        while activation.manifest.is_none() && !(fixed && activation.error.is_some()) {
            activation = self.activate_wait.wait(activation);
        }
    }
}

fn program(fixed: bool) {
    let plugin = Arc::new(Plugin {
        activation: Lock::new(Activation { manifest: None, error: Some("some junk happened") }),
        activate_wait: Cond::new(),
    });
    let done = Chan::<()>::new(0);
    let does = done.clone();
    go("waiter", move || {
        plugin.wait_active(fixed);
        does.close();
    });
    done.recv();
}
