//! grpc/grpc-go#1353: the round-robin balancer tells of new addresses under the lock that closing a connection takes.
//!
//! The balancer sends each list of addresses to the client's watcher while it holds its lock. The watcher tears down
//! connections whose addresses are gone, of which it tells the balancer, under the same lock. A second list is sent
//! before the first has been worked off, and each waits for the other. Fixed by a channel that holds one list: a list
//! that was not taken yet is replaced by the newer one.

use super::BLOCKS;
use crate::case::Case;
use crate::go::{Chan, Lock, go};
use norace_prim::sync::Arc;

pub(super) const CASE: Case = Case {
    name: "grpc_1353",
    class: "Channel & Lock",
    kinds: BLOCKS,
    blames: &["lbWatcher"],
    program,
};

const UPDATES: usize = 2;
const CONNECTIONS: usize = 2;

struct RoundRobin {
    mu: Lock<()>,
    addr_ch: Chan<()>,
}

impl RoundRobin {
    fn watch_addr_updates(&self, fixed: bool) {
        let _guard = self.mu.lock();
        if fixed {
            self.addr_ch.try_recv();
        }
        self.addr_ch.send(());
    }

    fn down(&self) {
        drop(self.mu.lock());
    }

    fn close(&self) {
        let _guard = self.mu.lock();
        self.addr_ch.close();
    }
}

struct AddrConn {
    mu: Lock<()>,
    balancer: Arc<RoundRobin>,
}

impl AddrConn {
    fn tear_down(&self) {
        let _guard = self.mu.lock();
        self.balancer.down();
    }
}

fn lb_watcher(balancer: &Arc<RoundRobin>) {
    let connect = |_| AddrConn { mu: Lock::new(()), balancer: balancer.clone() };
    let connections: Vec<AddrConn> = (0..CONNECTIONS).map(connect).collect();
    while balancer.addr_ch.recv().is_some() {
        for connection in &connections {
            connection.tear_down();
        }
    }
}

fn program(fixed: bool) {
    let addr_ch = Chan::new(usize::from(fixed));
    let balancer = Arc::new(RoundRobin { mu: Lock::new(()), addr_ch });
    let updated = Chan::<()>::new(0);
    let (updates, ends) = (balancer.clone(), updated.clone());
    go("watchAddrUpdates", move || {
        for _ in 0..UPDATES {
            updates.watch_addr_updates(fixed);
        }
        ends.close();
    });
    let watches = balancer.clone();
    go("lbWatcher", move || lb_watcher(&watches));
    updated.recv();
    balancer.close();
}
