//! syncthing/syncthing#5795: a connection is closed by the model that its own dispatcher is calling.
//!
//! Closing a connection closes a channel that tells its loops to end, and waits for the dispatcher's end. The
//! dispatcher hands each message to the model; a model that answers a cluster configuration by closing the connection
//! makes the dispatcher wait for itself. Fixed by closing in a goroutine of its own.

use super::BLOCKS;
use crate::case::Case;
use crate::go::{Chan, go};
use norace::select_blocking;
use norace_prim::sync::{Arc, Once};

pub(super) const CASE: Case = Case {
    name: "syncthing_5795",
    class: "Channel",
    kinds: BLOCKS,
    blames: &["dispatcher"],
    program,
};

struct ClusterConfig;

struct Connection {
    inbox: Chan<ClusterConfig>,
    dispatcher_loop_stopped: Chan<()>,
    closed: Chan<()>,
    close_once: Once,
}

impl Connection {
    fn start(self: &Arc<Self>, fixed: bool) {
        let (reader, dispatcher) = (self.clone(), self.clone());
        go("reader", move || reader.reader_loop());
        go("dispatcher", move || dispatcher.dispatcher_loop(fixed));
    }

    /// Reads from the network, from where nothing comes.
    fn reader_loop(&self) {
        self.closed.recv();
    }

    fn dispatcher_loop(self: &Arc<Self>, fixed: bool) {
        loop {
            select_blocking! {
                _ = self.inbox.receiver().recv() => self.cluster_config(fixed),
                _ = self.closed.receiver().recv() => break,
            }
        }
        self.dispatcher_loop_stopped.close();
    }

    /// The model's answer to a configuration.
    fn cluster_config(self: &Arc<Self>, fixed: bool) {
        self.close(fixed);
    }

    fn close(self: &Arc<Self>, fixed: bool) {
        if fixed {
            let connection = self.clone();
            go("close", move || connection.internal_close());
        } else {
            self.internal_close();
        }
    }

    fn internal_close(&self) {
        self.close_once.call_once(|| {
            self.closed.close();
            self.dispatcher_loop_stopped.recv();
        });
    }
}

fn program(fixed: bool) {
    let connection = Arc::new(Connection {
        inbox: Chan::new(0),
        dispatcher_loop_stopped: Chan::new(0),
        closed: Chan::new(0),
        close_once: Once::new(),
    });
    connection.start(fixed);
    connection.inbox.send(ClusterConfig);
    connection.dispatcher_loop_stopped.recv();
}
