//! cockroachdb/cockroach#7504: looking a table's lease up by name and giving the lease back take two locks in opposite
//! orders.
//!
//! The lookup locks the cache of names and, in it, the lease that it finds. Who gives a lease back locks the table and
//! the lease, and with both locked takes the lease out of the cache. Fixed by letting go of the lease, once its
//! references are counted, before it is taken out.

use super::BLOCKS;
use crate::case::Case;
use crate::go::{Lock, WaitGroup, go};
use norace_prim::sync::Arc;
use std::collections::BTreeMap;

pub(super) const CASE: Case = Case {
    name: "cockroach_7504",
    class: "AB-BA deadlock",
    kinds: BLOCKS,
    blames: &["release"],
    program,
};

struct LeaseState {
    id: usize,
    refcount: Lock<i32>,
}

struct TableNameCache {
    tables: Lock<BTreeMap<usize, Arc<LeaseState>>>,
}

impl TableNameCache {
    fn get(&self, id: usize) -> Option<Arc<LeaseState>> {
        let tables = self.tables.lock();
        let lease = tables.get(&id)?;
        *lease.refcount.lock() += 1;
        Some(lease.clone())
    }

    fn remove(&self, lease: &LeaseState) {
        self.tables.lock().remove(&lease.id);
    }
}

struct TableState {
    table_name_cache: Arc<TableNameCache>,
    active: Lock<BTreeMap<usize, Arc<LeaseState>>>,
}

impl TableState {
    fn release(&self, id: usize, fixed: bool) {
        let mut active = self.active.lock();
        let Some(lease) = active.remove(&id) else { return };
        let mut refcount = lease.refcount.lock();
        *refcount -= 1;
        let _locked = (!fixed).then_some(refcount);
        self.table_name_cache.remove(&lease);
    }
}

struct LeaseManager {
    table_names: Arc<TableNameCache>,
    table: TableState,
}

impl LeaseManager {
    fn new(leases: usize) -> Self {
        let lease = |id| (id, Arc::new(LeaseState { id, refcount: Lock::new(1) }));
        let leases = (0..leases).map(lease).collect::<BTreeMap<_, _>>();
        let table_names = Arc::new(TableNameCache { tables: Lock::new(leases.clone()) });
        let active = Lock::new(leases);
        let table = TableState { table_name_cache: table_names.clone(), active };
        Self { table_names, table }
    }
}

fn program(fixed: bool) {
    let manager = Arc::new(LeaseManager::new(2));
    let wait_group = WaitGroup::new();
    wait_group.add(2);
    let (acquiring, acquired) = (manager.clone(), wait_group.clone());
    go("acquire", move || {
        acquiring.table_names.get(0);
        acquired.done();
    });
    let released = wait_group.clone();
    go("release", move || {
        manager.table.release(0, fixed);
        released.done();
    });
    wait_group.wait();
}
