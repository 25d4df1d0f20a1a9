//! etcd-io/etcd#7443: the client's balancer sends addresses to gRPC under a lock that gRPC needs to close connections.
//!
//! The first connection that is up is pinned: the balancer sends its address, so that gRPC closes the others, and all
//! addresses again when it goes down. It sends with its lock held, into a channel that holds one list. The reader of
//! the channel closes connections, of which it tells the balancer. It waits for the lock as soon as a connection that
//! goes down and another one that comes up have sent one list too many. Fixed by a goroutine that sends: going up and
//! down only close channels that it waits for.
//!
//! Of two addresses the first one's connection breaks once. Meanwhile the balancer and the client are closed.

use super::BLOCKS;
use crate::case::Case;
use crate::go::{Chan, Lock, go, sent};
use norace::select_blocking;
use norace_prim::sync::Arc;
use std::collections::BTreeMap;
use std::mem::take;

pub(super) const CASE: Case = Case {
    name: "etcd_7443",
    class: "Channel & Lock",
    kinds: BLOCKS,
    blames: &["lbWatcher"],
    program,
};

type Address = u32;

const ADDRESSES: [Address; 2] = [1, 2];

struct SimpleBalancer {
    notify_ch: Chan<Vec<Address>>,
    pins: Lock<Pins>,
    stop_c: Chan<()>,
    done_c: Chan<()>,
    fixed: bool,
}

struct Pins {
    closed: bool,
    pin_addr: Option<Address>,
    up_c: Chan<()>,
    down_c: Chan<()>,
}

impl SimpleBalancer {
    fn new(fixed: bool) -> Arc<Self> {
        let (up_c, down_c) = (Chan::new(0), Chan::new(0));
        let balancer = Arc::new(Self {
            notify_ch: Chan::new(1),
            pins: Lock::new(Pins { closed: false, pin_addr: None, up_c, down_c }),
            stop_c: Chan::new(0),
            done_c: Chan::new(0),
            fixed,
        });
        balancer.notify_ch.send(ADDRESSES.to_vec());
        if fixed {
            let notifies = balancer.clone();
            go("notifyLoop", move || {
                while notifies.notify() {}
                notifies.done_c.close();
            });
        }
        balancer
    }

    /// Tells of one connection going up and down; false once the balancer is closed.
    fn notify(&self) -> bool {
        let up_c = self.pins.lock().up_c.clone();
        if !self.wait_for(&up_c) {
            return false;
        }
        let (pin_addr, down_c) = {
            let pins = self.pins.lock();
            (pins.pin_addr, pins.down_c.clone())
        };
        pin_addr.is_none_or(|addr| self.send(vec![addr]))
            && self.wait_for(&down_c)
            && self.send(ADDRESSES.to_vec())
    }

    fn wait_for(&self, ch: &Chan<()>) -> bool {
        select_blocking! {
            _ = ch.receiver().recv() => true,
            _ = self.stop_c.receiver().recv() => false,
        }
    }

    fn send(&self, addrs: Vec<Address>) -> bool {
        select_blocking! {
            done = self.notify_ch.sender().send(addrs) => {
                sent(done.is_ok());
                true
            }
            _ = self.stop_c.receiver().recv() => false,
        }
    }

    /// Whether the balancer wants to know when the connection goes down.
    fn up(&self, addr: Address) -> bool {
        let mut pins = self.pins.lock();
        if !pins.closed && pins.pin_addr.is_none() {
            pins.pin_addr = Some(addr);
            if self.fixed {
                pins.down_c = Chan::new(0);
                pins.up_c.close();
            } else {
                self.notify_ch.send(vec![addr]);
            }
        }
        !pins.closed
    }

    fn down(&self, addr: Address) {
        let mut pins = self.pins.lock();
        if pins.pin_addr == Some(addr) {
            pins.pin_addr = None;
            if self.fixed {
                pins.up_c = Chan::new(0);
                pins.down_c.close();
            } else {
                self.notify_ch.send(ADDRESSES.to_vec());
            }
        }
    }

    fn close(&self) {
        let mut pins = self.pins.lock();
        let first = !pins.closed;
        pins.closed = true;
        pins.pin_addr = None;
        if self.fixed {
            drop(pins);
            if first {
                self.stop_c.close();
            }
            self.done_c.recv();
        }
        if first {
            self.notify_ch.close();
        }
    }
}

/// A connection of gRPC's: whether the balancer is to be told when it goes down.
struct AddrConn {
    addr: Address,
    up: Lock<bool>,
}

impl AddrConn {
    fn reset_transport(&self, balancer: &SimpleBalancer) {
        let mut up = self.up.lock();
        *up = balancer.up(self.addr);
    }

    /// Because it broke, or is not wanted any more.
    fn tear_down(&self, balancer: &SimpleBalancer) {
        let mut up = self.up.lock();
        if take(&mut *up) {
            balancer.down(self.addr);
        }
    }
}

struct ClientConn {
    balancer: Arc<SimpleBalancer>,
    /// None once it is closed.
    conns: Lock<Option<BTreeMap<Address, Arc<AddrConn>>>>,
}

impl ClientConn {
    fn lb_watcher(&self) {
        let mut breaks = true;
        while let Some(addrs) = self.balancer.notify_ch.recv() {
            let dropped: Vec<_> = match &mut *self.conns.lock() {
                Some(conns) => conns.extract_if(.., |addr, _| !addrs.contains(addr)).collect(),
                None => Vec::new(),
            };
            for addr in addrs {
                self.reset_addr_conn(addr, take(&mut breaks));
            }
            for (_, conn) in dropped {
                conn.tear_down(&self.balancer);
            }
        }
    }

    /// Connects `addr` where it is not connected yet.
    fn reset_addr_conn(&self, addr: Address, breaks: bool) {
        let mut conns = self.conns.lock();
        let Some(conns) = conns.as_mut().filter(|conns| !conns.contains_key(&addr)) else { return };
        let conn = Arc::new(AddrConn { addr, up: Lock::new(false) });
        conns.insert(addr, conn.clone());
        let balancer = self.balancer.clone();
        go("transport", move || {
            conn.reset_transport(&balancer);
            if breaks {
                conn.tear_down(&balancer);
            }
        });
    }

    fn close(&self) {
        let conns = self.conns.lock().take();
        self.balancer.close();
        for conn in conns.into_iter().flat_map(BTreeMap::into_values) {
            conn.tear_down(&self.balancer);
        }
    }
}

fn program(fixed: bool) {
    let balancer = SimpleBalancer::new(fixed);
    let client = Arc::new(ClientConn {
        balancer: balancer.clone(),
        conns: Lock::new(Some(BTreeMap::new())),
    });
    let (watches, closes) = (client.clone(), client);
    go("lbWatcher", move || watches.lb_watcher());
    go("closer", move || closes.close());
    balancer.close();
}
