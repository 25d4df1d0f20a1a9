//! kubernetes/kubernetes#62464: the state of the manager of CPUs is read under two read locks, and a writer comes
//! between.
//!
//! `GetCPUSetOrDefault` takes the read lock and calls `GetCPUSet` and perhaps `GetDefaultCPUSet`, which take it again.
//! A container that is removed meanwhile writes the default set; while it waits no new reader gets in. Fixed by taking
//! no lock in `GetCPUSetOrDefault`.

use super::BLOCKS;
use crate::case::Case;
use crate::go::{RwMutex, go, settle};
use norace_prim::rand;
use norace_prim::sync::Arc;

pub(super) const CASE: Case = Case {
    name: "kubernetes_62464",
    class: "RWR deadlock",
    kinds: BLOCKS,
    blames: &["reconcile"],
    program,
};

type CpuSet = u64;

struct StateMemory {
    default_cpu_set: RwMutex<CpuSet>,
}

impl StateMemory {
    fn get_cpu_set_or_default(&self, fixed: bool) -> CpuSet {
        let _locked = (!fixed).then(|| self.default_cpu_set.read());
        self.get_cpu_set().unwrap_or_else(|| self.get_default_cpu_set())
    }

    /// Of a container that may have one of its own.
    fn get_cpu_set(&self) -> Option<CpuSet> {
        let _locked = self.default_cpu_set.read();
        (rand::choose(2) == 0).then_some(1)
    }

    fn get_default_cpu_set(&self) -> CpuSet {
        *self.default_cpu_set.read()
    }

    fn set_default_cpu_set(&self, set: CpuSet) {
        *self.default_cpu_set.write() = set;
    }
}

/// The static policy's.
fn remove_container(state: &StateMemory) {
    let set = state.get_default_cpu_set();
    state.set_default_cpu_set(set | 1);
}

fn program(fixed: bool) {
    let state = Arc::new(StateMemory { default_cpu_set: RwMutex::new(0) });
    let reconciled = state.clone();
    go("reconcile", move || {
        reconciled.get_cpu_set_or_default(fixed);
    });
    go("remove", move || remove_container(&state));
    settle();
}
