//! SIGINT and SIGTERM end a command in order: the first of either cancels its context. A SIGINT after that is somebody
//! who does not want to wait, and ends the process at once; a repeated SIGTERM changes nothing, since those who send it
//! again (supervisors, scripts) mean the same thing.

use norace::context::Context;
use norace::signal::{Signal, SignalKind};
use norace::task;
use norace_prim::sync::{Arc, OnceLock};

use crate::exit_code::ExitCode;
use crate::failure::Failure;

/// Which signal asked the command to end, if one did.
#[derive(Clone, Debug)]
pub(crate) struct Ended(Arc<OnceLock<ExitCode>>);

impl Ended {
    /// Cancels `stop` at the first SIGINT or SIGTERM. Must be called within the runtime.
    pub(crate) fn watch(stop: &Context) -> Result<Self, Failure> {
        let ended = Self(Arc::new(OnceLock::new()));
        for (kind, code) in [
            (SignalKind::Interrupt, ExitCode::Interrupted),
            (SignalKind::Terminate, ExitCode::Terminated),
        ] {
            let mut signal = Signal::new(kind)
                .map_err(|error| Failure::internal("cannot watch for signals").because(error))?;
            let (ended, stop) = (ended.clone(), stop.clone());
            task::spawn(async move {
                loop {
                    signal.recv().await;
                    let is_first = ended.0.set(code).is_ok();
                    if !is_first && code == ExitCode::Interrupted {
                        std::process::exit(code as i32);
                    }
                    stop.cancel();
                }
            });
        }
        Ok(ended)
    }

    /// The exit code of the signal that came first.
    pub(crate) fn get(&self) -> Option<ExitCode> {
        self.0.get().copied()
    }
}
