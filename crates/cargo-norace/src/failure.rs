//! What ends a command early: the exit code, what was tried on what, why it failed, and what to do about it.
//!
//! Printed as `norace: cannot …: reason: reason`, then `hint: …`. The chain of causes is joined on one line; text that
//! came from outside (paths, names of tests) cannot move the cursor or reverse the line.

use std::error::Error;
use std::fmt;

use crate::exit_code::ExitCode;

/// A command's failure.
#[derive(Debug)]
pub(crate) struct Failure {
    code: ExitCode,
    what: String,
    cause: Option<Box<dyn Error + Send + Sync>>,
    hint: Option<String>,
}

impl Failure {
    /// `what` is a lower-case fragment that says what could not be done, on what.
    pub(crate) fn new(code: ExitCode, what: impl Into<String>) -> Self {
        Self { code, what: what.into(), cause: None, hint: None }
    }

    pub(crate) fn usage(what: impl Into<String>) -> Self {
        Self::new(ExitCode::Usage, what)
    }

    pub(crate) fn internal(what: impl Into<String>) -> Self {
        Self::new(ExitCode::Internal, what)
            .hint("this is a defect of norace; please report it with the command line")
    }

    pub(crate) fn because(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn code(&self) -> ExitCode {
        self.code
    }

    pub(crate) fn hint_text(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&sanitise(&self.what))?;
        let mut next = self.cause.as_deref().map(|cause| cause as &(dyn Error + 'static));
        while let Some(cause) = next {
            write!(f, ": {}", sanitise(&cause.to_string()))?;
            next = cause.source();
        }
        Ok(())
    }
}

/// Text that is safe to print on a terminal: control characters and those that reorder a line become escapes.
pub(crate) fn sanitise(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || reorders(c) {
            safe.extend(c.escape_unicode());
        } else {
            safe.push(c);
        }
    }
    safe
}

/// The characters of Unicode's bidirectional algorithm that change the order of what follows, and the invisible ones
/// that separate lines.
fn reorders(c: char) -> bool {
    matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_joins_its_causes_on_one_line() {
        let inner = std::io::Error::other("disk\non fire");
        let failure = Failure::usage("cannot make reports").because(inner).hint("buy sand");
        assert_eq!(failure.to_string(), "cannot make reports: disk\\u{a}on fire");
        assert_eq!(failure.hint_text(), Some("buy sand"));
        assert_eq!(failure.code(), ExitCode::Usage);
    }

    #[test]
    fn text_from_outside_cannot_steer_the_terminal() {
        assert_eq!(sanitise("a\u{1b}[31mb\u{202e}c"), "a\\u{1b}[31mb\\u{202e}c");
        assert_eq!(sanitise("größe 10 €"), "größe 10 €");
    }
}
