//! A server on a free port over an engine in a temporary folder.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use norace::context::Context;
use norace::rt;
use norace_engine::{Engine, EngineConfig, Found, ProcessorChoice, Query, Stats, SystemClock};
use norace_server::{Config, Drained, LiveSettings, Server};
use serde_json::json;

use crate::client::Client;

/// A running server; dropping it stops it and removes its folder.
pub(crate) struct Service {
    pub(crate) addr: SocketAddr,
    pub(crate) engine: Engine,
    shutdown: Context,
    thread: Option<JoinHandle<Drained>>,
    _folder: Option<Folder>,
}

impl Service {
    /// Orders are moved by the engine itself.
    pub(crate) fn ledger() -> Self {
        Self::with(ProcessorChoice::Ledger, |_| {})
    }

    /// Orders are moved by clients.
    pub(crate) fn manual() -> Self {
        Self::with(ProcessorChoice::Manual, |_| {})
    }

    pub(crate) fn with(processor: ProcessorChoice, configure: impl FnOnce(&mut Config)) -> Self {
        let engine = EngineConfig { processor, ..EngineConfig::default() };
        let folder = Folder::new();
        let (engine, _) = Engine::open_dir(engine, folder.path(), SystemClock).unwrap();
        Self::over(engine, Some(folder), configure)
    }

    /// Serves `engine`.
    pub(crate) fn over(
        engine: Engine,
        folder: Option<Folder>,
        configure: impl FnOnce(&mut Config),
    ) -> Self {
        let mut config = Config::default();
        configure(&mut config);
        Self::serve(engine, folder, config.into())
    }

    /// Serves a fresh engine with settings that the test holds as well.
    pub(crate) fn over_settings(settings: LiveSettings) -> Self {
        Self::live(ProcessorChoice::Ledger, settings)
    }

    /// Serves a fresh engine that follows the settings, as the command does.
    pub(crate) fn live(processor: ProcessorChoice, settings: LiveSettings) -> Self {
        let folder = Folder::new();
        let opened = settings.engine();
        let path = folder.path().to_owned();
        let open = move || {
            let config = EngineConfig { processor, settings: opened, ..EngineConfig::default() };
            Engine::open_dir(config, &path, SystemClock).unwrap().0
        };
        Self::serve_opened(open, Some(folder), settings)
    }

    fn serve(engine: Engine, folder: Option<Folder>, settings: LiveSettings) -> Self {
        Self::serve_opened(move || engine, folder, settings)
    }

    /// Serves what `open` opens inside the runtime, which an asynchronous processor needs.
    fn serve_opened(
        open: impl FnOnce() -> Engine + Send + 'static,
        folder: Option<Folder>,
        settings: LiveSettings,
    ) -> Self {
        let shutdown = Context::new();
        let (listening, bound) = mpsc::channel();
        let thread = {
            let shutdown = shutdown.clone();
            thread::spawn(move || {
                let runtime = rt::Builder::new().workers(2).build().unwrap();
                let drained = runtime.block_on(async {
                    let addr = "127.0.0.1:0".parse().unwrap();
                    let engine = open();
                    let server = Server::bind(addr, engine.clone(), settings).unwrap();
                    listening.send((server.local_addr(), engine)).unwrap();
                    server.serve(&shutdown).await
                });
                runtime.shutdown(Duration::from_secs(5)).unwrap();
                drained
            })
        };
        let (addr, engine) = bound.recv().unwrap();
        Self { addr, engine, shutdown, thread: Some(thread), _folder: folder }
    }

    pub(crate) fn client(&self) -> Client {
        Client::connect(self.addr)
    }

    /// Begins the shutdown.
    pub(crate) fn begin_shutdown(&self) {
        self.shutdown.cancel();
    }

    /// Shuts down and waits until the server and its runtime have ended.
    pub(crate) fn stop(&mut self) -> Drained {
        self.shutdown.cancel();
        self.thread.take().unwrap().join().unwrap()
    }

    /// The engine's figures.
    pub(crate) fn stats(&self) -> Stats {
        match self.engine.query(Query::Stats).unwrap().wait().unwrap().result {
            Ok(Found::Stats(stats)) => *stats,
            other => panic!("{other:?}"),
        }
    }

    /// One sample of the metrics page.
    pub(crate) fn metric(&self, sample: &str) -> f64 {
        let page = String::from_utf8(self.client().get("/metrics").body).unwrap();
        let line = page.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
        line.map_or(0.0, |value| value.parse().unwrap())
    }

    /// Accounts `bank` (with overdraft), `a` (with 10,000) and `b` (with nothing).
    pub(crate) fn funded(self) -> Self {
        let mut client = self.client();
        let accounts = json!([{"id": "bank", "allow_overdraft": true}, {"id": "a"}, {"id": "b"}]);
        assert_eq!(client.post("/v1/accounts", accounts).status, 200);
        let deposit = json!({"id": "deposit", "from": "bank", "to": "a", "amount": 10_000});
        assert_eq!(client.post("/v1/transfers", deposit).status, 201);
        self
    }

    /// Waits until no connection, request or stream is left but the one that asks.
    #[track_caller]
    pub(crate) fn assert_nothing_left(&self) {
        eventually("only the asking connection is left", || {
            self.metric("norace_http_connections") == 1.0
                && self.metric("norace_http_requests_in_flight") == 1.0
                && self.metric("norace_http_event_streams") == 0.0
                && self.metric("norace_task_panics_total{in=\"poll\"}") == 0.0
        });
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.shutdown.cancel();
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            let stopped = self.engine.stop(Duration::from_secs(5));
            if !thread::panicking() {
                ended.unwrap();
                // A test that breaks the journal stops its engine itself.
                drop(stopped);
            }
        }
    }
}

/// Asks until `holds`; fails after ten seconds.
#[track_caller]
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(10), "it never came true that {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// A folder of its own for one engine.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        // Relaxed: only the numbers have to differ.
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("norace-server-{}-{number}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A folder left behind in the temporary directory does no harm.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
