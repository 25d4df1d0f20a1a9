//! grpc/grpc-go#1424: whoever dials waits for a first connection that a closed balancer will never bring.
//!
//! Dialling starts the watcher of the balancer's addresses and waits until it closes a channel, which it does when an
//! address is connected. When the balancer's own channel is closed before that, the watcher ends and the wait does not.
//! Fixed by closing the channel at the watcher's end, too.

use super::BLOCKS;
use crate::case::Case;
use crate::go::{Chan, go};

pub(super) const CASE: Case =
    Case { name: "grpc_1424", class: "Channel", kinds: BLOCKS, blames: &["connect"], program };

struct RoundRobin {
    addr_ch: Chan<()>,
}

/// Connects addresses as they come; here none does.
fn lb_watcher(notify: &Chan<()>, done: &Chan<()>, fixed: bool) {
    let mut connected = false;
    while notify.recv().is_some() {
        if !connected {
            connected = true;
            done.close();
        }
    }
    if fixed && !connected {
        done.close();
    }
}

fn dial_context(balancer: &RoundRobin, fixed: bool) -> Chan<()> {
    let wait_c = Chan::new(1);
    let (waits, notify) = (wait_c.clone(), balancer.addr_ch.clone());
    go("connect", move || {
        let done = Chan::new(0);
        let does = done.clone();
        go("lbWatcher", move || lb_watcher(&notify, &does, fixed));
        done.recv();
        waits.close();
    });
    wait_c
}

fn program(fixed: bool) {
    let balancer = RoundRobin { addr_ch: Chan::new(0) };
    let wait_c = dial_context(&balancer, fixed);
    balancer.addr_ch.close();
    wait_c.recv();
}
