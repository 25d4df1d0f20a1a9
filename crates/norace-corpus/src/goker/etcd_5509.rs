//! etcd-io/etcd#5509: a client that is closed during a request waits for a lock that the failed request has kept.
//!
//! `acquire` returns with the client's read lock held, for the time of the request. Where it finds the client closed it
//! returns an error, but the lock as well, which nobody then releases. `Close` lets go of the lock for a moment, and
//! hangs when it wants it back. Fixed by releasing the lock before the error is returned.

use super::BLOCKS;
use crate::case::Case;
use crate::go::{Chan, Lock, RwMutex, go};
use norace::context::Context;
use norace::select_blocking;
use norace_prim::sync::{Arc, RwLockReadGuard};

pub(super) const CASE: Case =
    Case { name: "etcd_5509", class: "Double locking", kinds: BLOCKS, blames: &["main"], program };

type Connection = u32;

struct State {
    /// None when the client is closed.
    cancel: Option<Context>,
    connection: Connection,
}

struct Client {
    context: Context,
    mu: RwMutex<State>,
}

impl Client {
    fn close(&self) {
        let mut state = self.mu.write();
        let Some(cancel) = state.cancel.take() else { return };
        cancel.cancel();
        drop(state);
        // Here it waits for the last attempt to connect.
        let mut state = self.mu.write();
        state.connection = 0;
    }
}

#[derive(Debug)]
struct ConnectionClosed;

struct RemoteClient {
    client: Arc<Client>,
    connection: Lock<Connection>,
}

impl RemoteClient {
    /// The client's read lock, when it is connected.
    fn acquire(&self, fixed: bool) -> Result<RwLockReadGuard<'_, State>, ConnectionClosed> {
        loop {
            let state = self.client.mu.read();
            let matches = *self.connection.lock() == state.connection;
            if state.cancel.is_none() {
                if !fixed {
                    std::mem::forget(state);
                }
                return Err(ConnectionClosed);
            }
            if matches {
                return Ok(state);
            }
            drop(state);
            self.reconnect_wait();
        }
    }

    /// Nobody connects in this model: it ends when the client is closed.
    fn reconnect_wait(&self) {
        select_blocking! {
            _ = self.client.context.cancelled() => {}
        }
    }
}

fn program(fixed: bool) {
    let context = Context::new();
    let state = RwMutex::new(State { cancel: Some(context.clone()), connection: 2 });
    let client = Arc::new(Client { context, mu: state });
    let kv = RemoteClient { client: client.clone(), connection: Lock::new(1) };
    let done = Chan::<()>::new(0);
    let is_done = done.clone();
    go("get", move || {
        assert!(kv.acquire(fixed).is_err(), "never connected");
        done.close();
    });
    client.close();
    is_done.recv();
}
