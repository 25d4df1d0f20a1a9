//! kubernetes/kubernetes#80284: two clients that update the same authenticator's transport write its callback at once.
//!
//! Fixed by setting the callback once, where the authenticator is made.

use super::RACES;
use crate::case::Case;
use crate::go::{WaitGroup, go};
use norace_check::RaceCell;
use norace_prim::sync::Arc;

pub(super) const CASE: Case = Case {
    name: "kubernetes_80284",
    class: "Data race",
    kinds: RACES,
    blames: &["client"],
    program,
};

#[derive(Clone, Copy)]
struct Dialer;

impl Dialer {
    /// What is to be called when the certificate changes.
    fn close_all(self) {}
}

type Callback = fn(Dialer);

struct Authenticator {
    on_rotate: RaceCell<Option<Callback>>,
}

impl Authenticator {
    fn update_transport_config(&self, fixed: bool) {
        if fixed {
            assert!(self.on_rotate.get().is_some());
        } else {
            self.on_rotate.set(Some(Dialer::close_all));
        }
    }
}

fn program(fixed: bool) {
    let first: Option<Callback> = fixed.then_some(Dialer::close_all);
    let authenticator = Authenticator { on_rotate: RaceCell::named("onRotate", first) };
    let authenticator = Arc::new(authenticator);
    let wait_group = WaitGroup::new();
    wait_group.add(2);
    for _ in 0..2 {
        let (authenticator, wait_group) = (authenticator.clone(), wait_group.clone());
        go("client", move || {
            authenticator.update_transport_config(fixed);
            wait_group.done();
        });
    }
    wait_group.wait();
}
