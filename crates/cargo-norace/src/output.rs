//! Where text goes: results to stdout, everything else to stderr.
//!
//! For people, what the tests print is part of the result. In JSON format stdout carries JSON lines only, the result
//! last, and the tests' output goes to stderr. A reader that closes the pipe early is not an error: [`Output`] notes it
//! and stays silent.

use std::io::{self, ErrorKind, Write};

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use crate::failure::{Failure, sanitise};

/// The value of `--format`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// Text for people; may change at any time
    Human,
    /// JSON lines on stdout, the result last; fields are only ever added
    Json,
}

pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default();

/// The two streams of a command.
#[derive(Debug)]
pub(crate) struct Output {
    format: Format,
    closed: bool,
}

impl Output {
    pub(crate) fn new(format: Format) -> Self {
        Self { format, closed: false }
    }

    /// Prints lines of JSON that are there already, or `human` for people.
    pub(crate) fn lines<'l>(
        &mut self,
        json: impl Iterator<Item = &'l str>,
        human: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        match self.format {
            Format::Human => self.text(&human()),
            Format::Json => json.into_iter().try_for_each(|line| self.text(line)),
        }
    }

    /// Prints `value` as one JSON line, or `human` for people.
    pub(crate) fn result(
        &mut self,
        value: &impl Serialize,
        human: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        let json = serde_json::to_string(value)
            .map_err(|error| Failure::internal("cannot write the result as JSON").because(error))?;
        self.lines([json.as_str()].into_iter(), human)
    }

    fn text(&mut self, text: &str) -> Result<(), Failure> {
        let mut stdout = anstream::stdout().lock();
        self.write(|| writeln!(stdout, "{text}").and_then(|()| stdout.flush()))
    }

    /// Passes on what the tests print, as it is.
    pub(crate) fn pass_on(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        if self.format == Format::Json {
            // A closed stderr is nobody's failure.
            let _ = io::stderr().lock().write_all(bytes);
            return Ok(());
        }
        let mut stdout = io::stdout().lock();
        self.write(|| stdout.write_all(bytes).and_then(|()| stdout.flush()))
    }

    fn write(&mut self, write: impl FnOnce() -> io::Result<()>) -> Result<(), Failure> {
        if self.closed {
            return Ok(());
        }
        match write() {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(())
            }
            Err(error) => Err(Failure::internal("cannot write to stdout").because(error)),
        }
    }
}

/// A message for people, on stderr; a closed stderr is nobody's failure.
pub(crate) fn note(text: &str) {
    let _ = writeln!(anstream::stderr().lock(), "norace: {}", sanitise(text));
}

/// Prints why a command ended early.
pub(crate) fn failure(failure: &Failure) {
    let mut stderr = anstream::stderr().lock();
    let _ = writeln!(stderr, "{BAD}norace:{BAD:#} {failure}");
    if let Some(hint) = failure.hint_text() {
        // Some hints are lines for a file, to be copied.
        let lines: Vec<String> = hint.lines().map(sanitise).collect();
        let _ = writeln!(stderr, "{HINT}hint:{HINT:#} {}", lines.join("\n      "));
    }
}

/// A whole number with its thousands separated.
pub(crate) fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_separated_from_the_right() {
        let texts: Vec<_> = [0, 999, 1_000, 69_659, 1_234_567].map(thousands).into();
        assert_eq!(texts, ["0", "999", "1,000", "69,659", "1,234,567"]);
    }
}
