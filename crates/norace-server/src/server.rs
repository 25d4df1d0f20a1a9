//! The listening socket and the life of the server.
//!
//! **Shutdown**, when the context given to [`Server::serve`] is cancelled:
//! 1. Accepting ends and the listening socket closes: new connections are refused by the system.
//! 2. Idle connections close, event streams end, requests in flight are answered with `Connection: close`.
//! 3. When the drain time-out has passed, what is left is dropped, and counted in [`Drained`].
//! 4. When the last connection is gone, limits that are shared tell Redis what was admitted and give back what was not
//!    used. What can't be told in a second is lost, as in a crash.
//! 5. `serve` returns. The engine is its owner's to stop, after this.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};

use norace::bus::Subscriber;
use norace::context::Context;
use norace::net::{TcpListener, TcpStream};
use norace::sync::WaitGroup;
use norace::task;
use norace::time::{sleep, timeout};
use norace_engine::{Engine, OrderEvent};
use norace_prim::sync::Arc;
use norace_prim::time::Duration;

use crate::api::App;
use crate::buffers::Buffers;
use crate::conn::{self, Slot};
use crate::limits::Limiters;
use crate::metrics::{Entered, Gauge, Metrics};
use crate::problem::Code;
use crate::settings::{InvalidSetting, LiveSettings, Settings};

/// Connections over the bound that are told so at once; any more are closed without a word.
const REFUSALS_MAX: usize = 64;
/// The pause after a failed accept: out of file descriptors is the usual cause, and asking again at once finds none.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);
/// How long dropped connections may take to be gone.
const DROP_TIMEOUT: Duration = Duration::from_secs(1);

/// The engine's HTTP server, listening.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    local_addr: SocketAddr,
    app: Arc<App>,
    /// For the counts of order moves.
    events: Subscriber<OrderEvent>,
}

impl Server {
    /// Listens on `addr`; port 0 picks a free one. Connections queue in the system until [`serve`](Self::serve).
    ///
    /// Has to be called inside the runtime, which watches the socket.
    ///
    /// # Errors
    ///
    /// When the address is not a loopback one, and no keys are configured that would tell callers apart; when a
    /// bound in the configuration can't work; and when the system refuses the address.
    pub fn bind(
        addr: SocketAddr,
        engine: Engine,
        settings: impl Into<LiveSettings>,
    ) -> Result<Self, BindError> {
        let live = settings.into();
        if !addr.ip().is_loopback() && live.hot.load().keys.is_empty() {
            return Err(BindError::NotLoopback { addr });
        }
        live.hot.load().check().map_err(BindError::Config)?;
        let listen = || {
            let listener = TcpListener::bind(addr)?;
            let local_addr = listener.local_addr()?;
            Ok((listener, local_addr))
        };
        let (listener, local_addr) =
            listen().map_err(|source| BindError::Listen { addr, source })?;
        let events = engine.events().watch();
        let limits = Limiters::new(&live.hot.load());
        let app = App {
            limits,
            engine,
            live,
            metrics: Metrics::new(),
            buffers: Buffers::new(),
            stopping: Context::new(),
            hurry: Context::new(),
        };
        Ok(Self { listener, local_addr, app: Arc::new(app), events })
    }

    /// The address it listens on.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Serves until `shutdown` is cancelled, then drains; see the crate's description of the steps.
    ///
    /// Not cancel safe: dropping the future closes the listening socket and leaves open connections to themselves until
    /// the runtime ends.
    pub async fn serve(self, shutdown: &Context) -> Drained {
        let Self { listener, app, events, .. } = self;
        let force = Context::new();
        // Whatever holds the app is a member.
        let users = WaitGroup::new();
        let refusals = Arc::new(Gauge::new());
        app.buffers.spawn_ageing(&app.stopping);
        keep_engine(&app, &users);
        count_moves(&app, events, &users);
        loop {
            let accepted = norace::select! {
                biased;
                _ = shutdown.cancelled() => break,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, from)) => admit(&app, &refusals, (stream, from.ip()), &force, &users),
                Err(_) => {
                    app.metrics.accept_errors.add(1);
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(listener);
        app.stopping.cancel();
        // Half of the time is for orders that become final meanwhile, half for answering who still waits then.
        let drain_timeout = app.live.hot.load().server.drain_timeout;
        let patience = drain_timeout / 2;
        let mut drained = timeout(patience, users.wait()).await.is_ok();
        if !drained {
            app.hurry.cancel();
            let rest = drain_timeout - patience;
            drained = timeout(rest, users.wait()).await.is_ok();
        }
        let dropped = if drained { 0 } else { app.metrics.connections.get() };
        force.cancel();
        // A task that is gone late is not worth holding the process for.
        let _ = timeout(DROP_TIMEOUT, users.wait()).await;
        if let Some(app) = Arc::into_inner(app) {
            // Step 4: it waits for Redis.
            let parting = task::spawn_blocking(move || drop(app));
            let _ = timeout(DROP_TIMEOUT, parting).await;
        }
        Drained { dropped }
    }
}

/// Has the engine look at its settings when they have changed. It does so before each message anyway; this is for what
/// it does unasked.
fn keep_engine(app: &Arc<App>, users: &WaitGroup) {
    let mut changes = app.live.hot.subscribe(Settings::of_engine);
    let (app, member) = (Arc::clone(app), users.add());
    task::spawn(async move {
        let keep = async {
            while changes.changed().await.is_ok() {
                app.engine.settings_changed();
            }
        };
        // Over when the server stops.
        let _ = app.stopping.run(keep).await;
        drop(app);
        member.done();
    });
}

/// Counts the moves of orders until the server stops.
fn count_moves(app: &Arc<App>, events: Subscriber<OrderEvent>, users: &WaitGroup) {
    let (app, member) = (Arc::clone(app), users.add());
    task::spawn(async move {
        let _ = app.stopping.run(app.metrics.moves.follow(events)).await;
        drop(app);
        member.done();
    });
}

/// Starts a connection's task, or refuses it over the bound.
fn admit(
    app: &Arc<App>,
    refusals: &Arc<Gauge>,
    (stream, client): (TcpStream, IpAddr),
    force: &Context,
    users: &WaitGroup,
) {
    app.metrics.connections_accepted.add(1);
    // Answers are written whole; waiting for more to send would only delay them. Refused only on a dead socket.
    let _ = stream.set_nodelay(true);
    let (force, member) = (force.clone(), users.add());
    let spawned =
        match Entered::new(Slot(Arc::clone(app)), app.live.hot.load().server.connections_max) {
            Some(slot) => task::Builder::new().spawn(async move {
                conn::serve(slot, (stream, client), force).await;
                member.done();
            }),
            None => {
                app.metrics.connections_refused.add(1);
                let Some(slot) = Entered::new(Arc::clone(refusals), REFUSALS_MAX) else { return };
                let app = Arc::clone(app);
                task::Builder::new().spawn(async move {
                    let refuse = async {
                        conn::refuse(
                            &app,
                            &stream,
                            Code::Overloaded,
                            "too many connections are open",
                        )
                        .await;
                        conn::linger(&stream).await;
                    };
                    let _ = force.run(refuse).await;
                    drop((slot, app));
                    member.done();
                })
            }
        };
    if spawned.is_err() {
        // The runtime is full or stopping; the future was dropped, and the socket with it.
        app.metrics.connections_refused.add(1);
    }
}

/// How a shutdown went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// Connections that were still busy at the deadline and were dropped.
    pub dropped: u64,
}

/// Why a server does not listen.
#[derive(Debug)]
#[non_exhaustive]
pub enum BindError {
    /// Anybody could reach the address, and no keys are configured that would tell callers apart.
    NotLoopback {
        /// The address asked for.
        addr: SocketAddr,
    },
    /// A bound in the configuration can't work.
    Config(InvalidSetting),
    /// The system refused.
    Listen {
        /// The address asked for.
        addr: SocketAddr,
        /// Why.
        source: io::Error,
    },
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotLoopback { addr } => write!(
                f,
                "cannot listen on {addr} without keys: use a loopback address such as 127.0.0.1"
            ),
            Self::Config(invalid) => write!(f, "the configuration: {invalid}"),
            Self::Listen { addr, source } => write!(f, "cannot listen on {addr}: {source}"),
        }
    }
}

impl std::error::Error for BindError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Listen { source, .. } => Some(source),
            Self::Config(invalid) => Some(invalid),
            Self::NotLoopback { .. } => None,
        }
    }
}
