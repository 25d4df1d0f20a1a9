//! etcd-io/etcd#3077: a raft node makes the channels that stop it in its own goroutine; its server may look earlier.
//!
//! To stop, the server sends on one of the node's channels and waits for the other. It may look at them before the node
//! has made them; a sleep made that rare in the test. Fixed by making them before the goroutine is started.

use super::RACES;
use crate::case::Case;
use crate::go::{Chan, go, sent, sleep};
use norace::select_blocking;
use norace_check::RaceCell;
use norace_prim::sync::Arc;

pub(super) const CASE: Case = Case {
    name: "etcd_3077",
    class: "Misuse channel",
    kinds: RACES,
    blames: &["raft node"],
    program,
};

struct RaftNode {
    stopped: RaceCell<Arc<Chan<()>>>,
    done: RaceCell<Arc<Chan<()>>>,
}

impl RaftNode {
    fn new() -> Self {
        Self {
            stopped: RaceCell::named("stopped", Arc::new(Chan::nil())),
            done: RaceCell::named("done", Arc::new(Chan::nil())),
        }
    }

    fn make_channels(&self) {
        self.stopped.set(Arc::new(Chan::new(0)));
        self.done.set(Arc::new(Chan::new(0)));
    }

    fn run(&self) {
        self.stopped.with(Arc::clone).recv();
        self.done.with(Arc::clone).close();
    }
}

struct Server {
    node: RaftNode,
    stop: Chan<()>,
    done: Chan<()>,
}

impl Server {
    fn run(self: Arc<Self>, fixed: bool) {
        if fixed {
            self.node.make_channels();
        }
        let server = self.clone();
        go("raft node", move || {
            if !fixed {
                server.node.make_channels();
            }
            server.node.run();
        });
        sleep(10);
        self.stop.recv();
        self.node.stopped.with(Arc::clone).send(());
        self.node.done.with(Arc::clone).recv();
        self.done.close();
    }

    fn stop(&self) {
        select_blocking! {
            result = self.stop.sender().send(()) => sent(result.is_ok()),
            _ = self.done.receiver().recv() => return,
        }
        self.done.recv();
    }
}

fn program(fixed: bool) {
    let server = Server { node: RaftNode::new(), stop: Chan::new(0), done: Chan::new(0) };
    let server = Arc::new(server);
    let running = server.clone();
    go("server", move || running.run(fixed));
    server.stop();
}
