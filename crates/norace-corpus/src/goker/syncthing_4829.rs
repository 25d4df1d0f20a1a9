//! syncthing/syncthing#4829: removing a port mapping hangs on the mapping's own lock.
//!
//! `clearAddresses` forgets the addresses under the write lock and tells the subscribers, and that takes the read lock.
//! Fixed by unlocking before they are told.

use super::BLOCKS;
use crate::case::Case;
use crate::go::RwMutex;
use norace_prim::sync::Arc;
use std::collections::BTreeMap;

pub(super) const CASE: Case = Case {
    name: "syncthing_4829",
    class: "Double locking",
    kinds: BLOCKS,
    blames: &["main"],
    program,
};

type Address = u32;

#[derive(Default)]
struct Addresses {
    external: BTreeMap<&'static str, Address>,
    subscribers: Vec<fn(&[Address])>,
}

struct Mapping {
    addresses: RwMutex<Addresses>,
}

impl Mapping {
    fn clear_addresses(&self, fixed: bool) {
        let mut addresses = self.addresses.write();
        let removed: Vec<Address> = std::mem::take(&mut addresses.external).into_values().collect();
        let _locked = (!fixed).then_some(addresses);
        if !removed.is_empty() {
            self.notify(&removed);
        }
    }

    fn on_changed(&self, subscriber: fn(&[Address])) {
        self.addresses.write().subscribers.push(subscriber);
    }

    fn notify(&self, removed: &[Address]) {
        for tell in &self.addresses.read().subscribers {
            tell(removed);
        }
    }
}

struct Service {
    mappings: RwMutex<Vec<Arc<Mapping>>>,
}

impl Service {
    fn new_mapping(&self) -> Arc<Mapping> {
        let mapping = Arc::new(Mapping { addresses: RwMutex::new(Addresses::default()) });
        self.mappings.write().push(mapping.clone());
        mapping
    }

    fn remove_mapping(&self, mapping: &Arc<Mapping>, fixed: bool) {
        self.mappings.write().retain(|existing| {
            let is_it = Arc::ptr_eq(existing, mapping);
            if is_it {
                existing.clear_addresses(fixed);
            }
            !is_it
        });
    }
}

fn program(fixed: bool) {
    let service = Service { mappings: RwMutex::new(Vec::new()) };
    let mapping = service.new_mapping();
    mapping.on_changed(|_| {});
    mapping.addresses.write().external.insert("test", 0);
    service.remove_mapping(&mapping, fixed);
}
