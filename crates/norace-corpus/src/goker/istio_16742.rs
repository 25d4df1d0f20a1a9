//! istio/istio#16742: a change of a workload writes the labels of connected proxies whose streams are reading them.
//!
//! Streams register their connections in a map. When a workload changes, the labels of all proxies in it are reset,
//! with the lock of the map held; but the stream reads those of its own proxy without it. Fixed by telling the stream,
//! over a channel of its connection, to set them itself.

use super::RACES;
use crate::case::Case;
use crate::go::{Chan, RwMutex, WaitGroup, go};
use norace_check::RaceCell;
use norace_prim::sync::Arc;

pub(super) const CASE: Case =
    Case { name: "istio_16742", class: "Data race", kinds: RACES, blames: &["stream"], program };

type Labels = Option<&'static str>;

struct Connection {
    workload_labels: RaceCell<Labels>,
    updates: Chan<()>,
}

/// The connections of all streams; a variable of the package in Go.
#[derive(Default)]
struct Clients(RwMutex<Vec<Arc<Connection>>>);

impl Clients {
    fn stream(&self) {
        let workload_labels = RaceCell::named("WorkloadLabels", Some("app=web"));
        let connection = Arc::new(Connection { workload_labels, updates: Chan::new(1) });
        self.0.write().push(connection.clone());
        connection.push_routes();
        if connection.updates.try_recv().is_some() {
            connection.workload_labels.set(None);
            connection.push_routes();
        }
    }

    fn workload_update(&self, fixed: bool) {
        for connection in &*self.0.read() {
            if fixed {
                connection.updates.try_send(());
            } else {
                connection.workload_labels.set(None);
            }
        }
    }
}

impl Connection {
    /// Builds the routes for the proxy's labels.
    fn push_routes(&self) -> usize {
        self.workload_labels.get().map_or(0, str::len)
    }
}

fn program(fixed: bool) {
    let clients = Arc::new(Clients::default());
    let wait_group = WaitGroup::new();
    wait_group.add(2);
    let (streamed, done) = (clients.clone(), wait_group.clone());
    go("stream", move || {
        streamed.stream();
        done.done();
    });
    let done = wait_group.clone();
    go("registry", move || {
        clients.workload_update(fixed);
        done.done();
    });
    wait_group.wait();
}
