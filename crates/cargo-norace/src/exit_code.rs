//! The exit codes, in one place: they are part of the interface, scripts branch on them.
//!
//! **Invariant:** 1 always means "the answer is no" and never "something went wrong": an unexpected failure is 70.

use std::process;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum ExitCode {
    /// Every model was checked, every test passed.
    Ok = 0,
    /// A model shows a defect, or a test failed.
    Finding = 1,
    /// Wrong usage or configuration, or a build that failed.
    Usage = 2,
    /// The search ended before it was complete, and completeness was required.
    Incomplete = 3,
    /// A model did not repeat itself, or blocked where the checker does not see it.
    Uncontrolled = 4,
    /// A defect of Norace itself.
    Internal = 70,
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
        Self::Incomplete,
        Self::Uncontrolled,
        Self::Internal,
        Self::Interrupted,
        Self::Terminated,
    ];

    fn meaning(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Finding => "a finding, or a test failed",
            Self::Usage => "wrong usage or configuration, or the build failed",
            Self::Incomplete => "the search was to be complete, and was not",
            Self::Uncontrolled => "a model or replay went another way, or was not controlled",
            Self::Internal => "internal error",
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
