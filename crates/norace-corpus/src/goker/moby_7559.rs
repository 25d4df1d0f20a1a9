//! moby/moby#7559: a proxy for UDP keeps its lock when it cannot reach the other side, and hangs on the next datagram.
//!
//! For each datagram the proxy locks its table of connections and, for a sender that is not in it, connects. Where that
//! fails it goes on to the next datagram without unlocking. Fixed by unlocking there.

use super::BLOCKS;
use crate::case::Case;
use crate::go::{Lock, go, settle};
use norace_prim::rand;

pub(super) const CASE: Case =
    Case { name: "moby_7559", class: "Double locking", kinds: BLOCKS, blames: &["proxy"], program };

/// Of different senders.
const DATAGRAMS: usize = 2;

struct UdpProxy {
    /// Guards the senders that have a connection.
    conn_track: Lock<Vec<usize>>,
}

impl UdpProxy {
    fn run(&self, fixed: bool) {
        for sender in 0..DATAGRAMS {
            let mut conn_track = self.conn_track.lock();
            if !dial_udp() {
                if !fixed {
                    std::mem::forget(conn_track);
                }
                continue;
            }
            conn_track.push(sender);
        }
    }
}

fn dial_udp() -> bool {
    rand::choose(2) == 0
}

fn program(fixed: bool) {
    go("proxy", move || UdpProxy { conn_track: Lock::new(Vec::new()) }.run(fixed));
    settle();
}
