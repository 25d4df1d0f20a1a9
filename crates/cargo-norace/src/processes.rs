//! The processes that were started, and the signals that end them.
//!
//! Each cargo runs in a process group of its own, because a signal to cargo alone would leave the tests behind. Ending:
//!
//! 1. SIGINT or SIGTERM is noted, and sent on to all groups; no process is started after that.
//! 2. Who waits for a process gets it back when it has ended and so has its group; a group that is still there after
//!    [`GRACE`] is killed.
//! 3. A SIGINT after the first signal is somebody who does not want to wait: groups are killed, and this process ends.
//!    A repeated SIGTERM changes nothing.

use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use std::{io, process, thread};

use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process_group, test_kill_process_group, waitid,
};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::exit_code::ExitCode;
use crate::failure::Failure;

/// How long a group may take to end once it is told to.
const GRACE: Duration = Duration::from_secs(5);

/// How often a group that ends is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// Processes that run, shared with the thread that hears the signals.
#[derive(Clone, Debug, Default)]
pub(crate) struct Processes(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// The leaders of groups. Each is not waited for yet, or left others in its group, so its number is nobody else's.
    groups: Vec<Pid>,
    /// How this process ends, once it was told to.
    end: Option<ExitCode>,
}

/// A process that runs.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) child: Child,
    group: Pid,
}

impl Processes {
    /// Begins to listen for signals.
    pub(crate) fn listen() -> Result<Self, Failure> {
        let failure = |error| Failure::internal("cannot listen for signals").because(error);
        let processes = Self::default();
        let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(failure)?;
        let heard = processes.clone();
        let listen = move || signals.forever().for_each(|signal| heard.hear(signal));
        thread::Builder::new().name("signals".to_owned()).spawn(listen).map_err(failure)?;
        Ok(processes)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hear(&self, signal: i32) {
        let mut state = self.state();
        let (signal, code) = match signal {
            SIGINT => (Signal::INT, ExitCode::Interrupted),
            _ => (Signal::TERM, ExitCode::Terminated),
        };
        let again = state.end.is_some();
        if again && code == ExitCode::Terminated {
            return;
        }
        let sent = if again { Signal::KILL } else { signal };
        for group in &state.groups {
            // One that has just ended has nothing to hear.
            let _ = kill_process_group(*group, sent);
        }
        if again {
            process::exit(code as i32);
        }
        state.end = Some(code);
    }

    /// Forgets a group whose leader has ended, while it still has its number; where everything is to end, others of the
    /// group are still to be told. Whether it is so.
    fn forget_unless_it_ends(&self, group: Pid) -> bool {
        let mut state = self.state();
        if state.end.is_none() {
            state.forget(group);
        }
        state.end.is_some()
    }

    /// Starts a process in a group of its own.
    ///
    /// # Errors
    ///
    /// When it cannot be started, or everything is to end.
    pub(crate) fn start(&self, command: &mut Command) -> Result<Running, Failure> {
        // The lock is held, so that no signal comes between start and note.
        let mut state = self.state();
        state.go_on()?;
        let child = command.process_group(0).spawn().map_err(|error| {
            let program = command.get_program().display();
            Failure::usage(format!("cannot run {program}")).because(error)
        })?;
        let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let group = group.expect("the number of a process is positive");
        state.groups.push(group);
        Ok(Running { child, group })
    }

    /// Waits for the end of a process.
    ///
    /// # Errors
    ///
    /// When it ended because everything is to end.
    pub(crate) fn wait(&self, mut running: Running) -> Result<ExitStatus, Failure> {
        let group = running.group;
        let ended = wait_for(group).and_then(|()| {
            let ends = self.forget_unless_it_ends(group);
            let ended = running.child.wait();
            if ends {
                end_group(group);
                self.state().forget(group);
            }
            ended
        });
        let status =
            ended.map_err(|error| Failure::internal("cannot wait for a process").because(error))?;
        self.state().go_on()?;
        Ok(status)
    }
}

impl State {
    fn forget(&mut self, group: Pid) {
        self.groups.retain(|known| *known != group);
    }

    fn go_on(&self) -> Result<(), Failure> {
        match self.end {
            None => Ok(()),
            Some(ExitCode::Interrupted) => {
                Err(Failure::new(ExitCode::Interrupted, "ended by SIGINT"))
            }
            Some(code) => Err(Failure::new(code, "ended by SIGTERM")),
        }
    }
}

/// Waits until the process has ended, and leaves its number taken.
fn wait_for(process: Pid) -> io::Result<()> {
    loop {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        match waitid(WaitId::Pid(process), options) {
            Err(rustix::io::Errno::INTR) => {}
            ended => return Ok(ended.map(drop)?),
        }
    }
}

/// Waits until nothing is left of a group whose leader is gone; kills what does not end.
fn end_group(group: Pid) {
    let begun = Instant::now();
    while test_kill_process_group(group).is_ok() && begun.elapsed() < GRACE {
        thread::sleep(LOOK);
    }
    let _ = kill_process_group(group, Signal::KILL);
}
