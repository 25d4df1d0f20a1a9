//! kubernetes/kubernetes#82550: pulls of images make the provider of their credentials at its first use, all at once.
//!
//! Each asks whether there is one, makes it if not, and uses what is there by then; another one may just have put a new
//! one there that is not ready, and the kubelet panicked. Fixed here by a lock.

use super::RACES;
use crate::case::Case;
use crate::go::{Lock, go};
use norace_check::RaceCell;
use norace_prim::sync::Arc;

pub(super) const CASE: Case =
    Case { name: "kubernetes_82550", class: "Data race", kinds: RACES, blames: &["pull"], program };

/// The credentials of a registry.
type Provider = &'static str;

struct LazyProvider {
    lock: Lock<()>,
    actual: RaceCell<Option<Provider>>,
}

impl LazyProvider {
    fn provide(&self, fixed: bool) -> Provider {
        let _guard = fixed.then(|| self.lock.lock());
        if self.actual.get().is_none() {
            self.actual.set(Some("AWS"));
        }
        self.actual.get().expect("made above at the latest")
    }
}

fn program(fixed: bool) {
    let actual = RaceCell::named("actualProvider", None);
    let provider = Arc::new(LazyProvider { lock: Lock::default(), actual });
    for _ in 0..3 {
        let provider = provider.clone();
        go("pull", move || {
            provider.provide(fixed);
        });
    }
}
