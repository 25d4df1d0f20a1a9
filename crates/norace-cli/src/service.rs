//! Engine and server as one service, for `serve` and `demo`.
//!
//! **Shutdown**: (1) the server stops accepting, closes idle connections and answers what is in flight; (2) the engine
//! finishes what it has admitted and seals the journal; (3) the caller ends the process. Both steps together take less
//! than [`STOP_TIME_MAX`].
//!
//! **Failure**: an engine that has failed acknowledges nothing any more, and waiting for connections to drain would
//! only delay the restart. Those who wait for an answer have [`FAILURE_GRACE`] to be told that the outcome is unknown;
//! then a thread of its own ends the process, whatever the runtime does.

use std::net::SocketAddr;
use std::path::Path;
use std::process;

use norace::context::Context;
use norace::rt::{Builder, Runtime};
use norace::task;
use norace_engine::{
    Engine, EngineConfig, Failure as EngineFailure, FailureKind, OpenError, StopError, SystemClock,
};
use norace_prim::sync::Arc;
use norace_prim::thread;
use norace_prim::time::{Duration, Instant};
use norace_server::{BindError, Level, LiveSettings, Server};

use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::output;
use crate::verify::OTHER_VERSION_HINT;

/// From the signal to the end of the process.
const STOP_TIME_MAX: Duration = Duration::from_millis(9_500);

/// What the engine gets even when the server's drain has used up the time.
const ENGINE_STOP_TIME_MIN: Duration = Duration::from_millis(300);

/// From the failure of the engine to the end of the process.
const FAILURE_GRACE: Duration = Duration::from_millis(200);

/// The kit's runtime, with a worker for each core.
pub(crate) fn runtime() -> Result<Runtime, Failure> {
    Builder::new()
        .thread_name("norace")
        .build()
        .map_err(|error| Failure::internal("cannot start the runtime").because(error))
}

/// An open journal and a listening server, not yet serving.
#[derive(Debug)]
pub(crate) struct Service {
    engine: Engine,
    server: Server,
}

impl Service {
    /// Opens the journal in `data`, then listens. Must be called within the runtime.
    pub(crate) fn open(
        data: &Path,
        listen: SocketAddr,
        mut config: EngineConfig,
        settings: LiveSettings,
    ) -> Result<Self, Failure> {
        config.on_failure = Some(Arc::new(end_on_failure));
        config.settings = settings.engine();
        let (engine, recovered) = Engine::open_dir(config, data, SystemClock)
            .map_err(|error| cannot_open(data, error))?;
        if recovered.torn_tail_bytes > 0 {
            let bytes = recovered.torn_tail_bytes;
            let text = format!("cut {bytes} bytes of a last write that nobody was told of");
            output::log(Level::Warn, &text);
        }
        if recovered.resumed_orders > 0 {
            let text = format!("open orders taken up again: {}", recovered.resumed_orders);
            output::log(Level::Info, &text);
        }
        let server = match Server::bind(listen, engine.clone(), settings) {
            Ok(server) => server,
            Err(error) => {
                // The cause is in `error`; a journal opened for nothing is closed all the same.
                let _ = engine.stop(ENGINE_STOP_TIME_MIN);
                return Err(cannot_listen(listen, error));
            }
        };
        Ok(Self { engine, server })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.server.local_addr()
    }

    /// Serves until `stop` is cancelled, then shuts down as the module says.
    pub(crate) async fn run(self, stop: Context) -> Result<(), Failure> {
        let Self { engine, server } = self;
        let serving = task::spawn({
            let stop = stop.clone();
            async move { server.serve(&stop).await }
        });
        stop.cancelled().await;
        let begun = Instant::now();
        let drained = serving.await.map_err(|error| ended("the server").because(error))?;
        if drained.dropped > 0 {
            let text = format!("{} busy connections were dropped", drained.dropped);
            output::log(Level::Warn, &text);
        }
        let left = STOP_TIME_MAX.saturating_sub(begun.elapsed()).max(ENGINE_STOP_TIME_MIN);
        let stopped = task::spawn_blocking(move || engine.stop(left)).await;
        stopped.map_err(|error| ended("the engine").because(error))?.map_err(cannot_close)
    }
}

fn ended(what: &str) -> Failure {
    Failure::internal(format!("cannot stop {what} in order"))
}

/// Starts the end of the process, as the module says. Called on a thread of the engine.
fn end_on_failure(failure: &EngineFailure) {
    let failure = cannot_go_on(failure);
    let code = failure.code();
    // Before the message: a stderr that nobody reads delays nothing.
    let ending = thread::Builder::new().name("norace-end".to_owned());
    if ending.spawn(move || end_after_grace(code)).is_err() {
        process::exit(code as i32);
    }
    output::failure(&failure);
}

fn end_after_grace(code: ExitCode) {
    thread::sleep(FAILURE_GRACE);
    process::exit(code as i32);
}

/// What a failed engine means for the process: a disk is somebody's to see to, a panic is a defect.
fn cannot_go_on(failure: &EngineFailure) -> Failure {
    let (code, hint) = match failure.kind {
        FailureKind::Journal => {
            let hint = "every answer given so far is safe; see to the disk, then start again";
            (ExitCode::Journal, hint)
        }
        FailureKind::Panic => {
            let hint = "this is a defect of norace; every answer given so far is safe, \
                        please report it, then start again";
            (ExitCode::Internal, hint)
        }
    };
    Failure::new(code, "cannot go on").because(failure.to_string()).hint(hint)
}

/// The engine did not stop in order.
fn cannot_close(error: StopError) -> Failure {
    match error {
        StopError::Failed(failure) => cannot_go_on(&failure),
        StopError::TimedOut => {
            Failure::new(ExitCode::Journal, "cannot close the journal in order").because(error)
        }
    }
}

fn cannot_open(data: &Path, error: OpenError) -> Failure {
    let what = format!("cannot open the journal in {}", data.display());
    let hint = match &error {
        OpenError::Locked => "one process at a time may use a folder; --data names another",
        OpenError::OtherVersion(_) => OTHER_VERSION_HINT,
        OpenError::Config(_) => {
            return Failure::usage("cannot use the configuration").because(error);
        }
        OpenError::Thread(_) => return Failure::internal(what).because(error),
        _ => "`norace verify` says more about a damaged journal",
    };
    Failure::new(ExitCode::Journal, what).because(error).hint(hint)
}

fn cannot_listen(listen: SocketAddr, error: BindError) -> Failure {
    let refused = Failure::usage(format!("cannot listen on {listen}"));
    match error {
        BindError::Listen { source, .. } => {
            refused.because(source).hint("--listen names another address; port 0 takes a free one")
        }
        BindError::NotLoopback { .. } => refused
            .because("without keys only the loopback interface is served")
            .hint("use an address such as 127.0.0.1:8080, or give [keys] in --config"),
        error => Failure::usage("cannot use the configuration").because(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_journal_ends_with_74_and_a_panic_with_70() {
        let failed = |kind| EngineFailure { kind, cause: Arc::from("it broke") };
        let cases = [
            (FailureKind::Journal, ExitCode::Journal, "see to the disk"),
            (FailureKind::Panic, ExitCode::Internal, "a defect of norace"),
        ];
        for (kind, code, hint) in cases {
            let stopped = cannot_close(StopError::Failed(failed(kind)));
            for failure in [cannot_go_on(&failed(kind)), stopped] {
                assert_eq!(failure.code(), code);
                assert_eq!(failure.to_string(), "cannot go on: it broke");
                assert!(failure.hint_text().is_some_and(|text| text.contains(hint)), "{failure:?}");
            }
        }
        assert_eq!(cannot_close(StopError::TimedOut).code(), ExitCode::Journal);
    }

    #[test]
    fn a_journal_of_another_version_gets_a_hint_of_its_own() {
        let other = norace_engine::OtherVersion { sequence: 7, version: 9 };
        let failure = cannot_open(Path::new("d"), OpenError::OtherVersion(other));
        assert_eq!(failure.code(), ExitCode::Journal);
        assert_eq!(failure.hint_text(), Some(OTHER_VERSION_HINT));
    }
}
