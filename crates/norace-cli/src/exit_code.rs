//! The exit codes, in one place: they are part of the interface, scripts branch on them.
//!
//! **Invariant:** 1 always means "the answer is no" and never "something went wrong": an unexpected failure is 70.

use std::process;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum ExitCode {
    /// The command did what it was asked.
    Ok = 0,
    /// A finding: rules violated, totals that disagree, orders that could not be brought to an end.
    Finding = 1,
    /// Wrong usage, configuration or input.
    Usage = 2,
    /// A defect of Norace itself.
    Internal = 70,
    /// The journal cannot be read, written or trusted.
    Journal = 74,
    /// Something the command depends on cannot be reached; trying again later may help.
    Unavailable = 75,
    /// Ended by SIGINT.
    Interrupted = 130,
    /// Ended by SIGTERM.
    Terminated = 143,
}

impl ExitCode {
    const ALL: [Self; 8] = [
        Self::Ok,
        Self::Finding,
        Self::Usage,
        Self::Internal,
        Self::Journal,
        Self::Unavailable,
        Self::Interrupted,
        Self::Terminated,
    ];

    fn meaning(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Finding => {
                "a finding: rules violated, totals that disagree, orders without an outcome"
            }
            Self::Usage => "wrong usage, configuration or input",
            Self::Internal => "internal error",
            Self::Journal => "the journal cannot be read or written, or is corrupt",
            Self::Unavailable => "the server cannot be reached",
            Self::Interrupted => "ended by SIGINT",
            Self::Terminated => "ended by SIGTERM",
        }
    }
}

impl From<ExitCode> for process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code as u8)
    }
}

/// The exit-code section that closes every `--help`.
pub(crate) fn help() -> String {
    let mut text = String::from("Exit codes:");
    for code in ExitCode::ALL {
        text.push_str(&format!("\n  {:>3}  {}", code as u8, code.meaning()));
    }
    text
}
