//! Where text goes: results to stdout, everything else to stderr.
//!
//! In JSON format stdout carries JSON lines only, the result last. A reader that closes the pipe early is not an error:
//! [`Output`] notes it and stays silent. Colour follows `--color`, then NO_COLOR, CLICOLOR_FORCE, TERM and whether the
//! stream is a terminal; the streams of `anstream` strip the styles where they do not belong.

use std::io::{self, ErrorKind, IsTerminal, Write};

use anstyle::{AnsiColor, Style};
use norace_prim::atomic::{AtomicU8, Ordering};
use norace_server::Level;
use serde::Serialize;

use crate::exit_code::ExitCode;
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
pub(crate) const HINT: Style = AnsiColor::Cyan.on_default();
pub(crate) const STRONG: Style = Style::new().bold();

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

    /// Whether progress may be drawn: only for people, and only on a terminal.
    pub(crate) fn draws_progress(&self) -> bool {
        self.format == Format::Human && io::stderr().is_terminal()
    }

    /// True once the reader of stdout has gone away; a command that only prints may stop.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Prints `value` as one JSON line, or `human` for people.
    pub(crate) fn result(
        &mut self,
        value: &impl Serialize,
        human: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        match self.format {
            Format::Human => self.text(&human()),
            Format::Json => self.json(value),
        }
    }

    /// Prints one JSON line whatever the format is.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string(value)
            .map_err(|error| Failure::internal("cannot write the result as JSON").because(error))?;
        self.text(&text)
    }

    fn text(&mut self, text: &str) -> Result<(), Failure> {
        if self.closed {
            return Ok(());
        }
        let mut stdout = anstream::stdout().lock();
        match writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(())
            }
            Err(error) => {
                Err(Failure::new(ExitCode::Internal, "cannot write to stdout").because(error))
            }
        }
    }

    /// A message for people, on stderr; a closed stderr is nobody's failure.
    pub(crate) fn note(&self, text: &str) {
        note(text);
    }
}

/// A message for people, on stderr, for code that holds no [`Output`].
pub(crate) fn note(text: &str) {
    let _ = writeln!(anstream::stderr().lock(), "norace: {}", sanitise(text));
}

/// The least that [`log`] tells.
static LEVEL: AtomicU8 = AtomicU8::new(Level::Info as u8);

/// From now on tells nothing below `level`.
pub(crate) fn set_level(level: Level) {
    // Relaxed: it carries nothing.
    LEVEL.store(level as u8, Ordering::Relaxed);
}

/// What a service tells of its course.
pub(crate) fn log(level: Level, text: &str) {
    // Relaxed: as above.
    if level as u8 >= LEVEL.load(Ordering::Relaxed) {
        note(text);
    }
}

/// Prints why a command ended early.
pub(crate) fn failure(failure: &Failure) {
    let mut stderr = anstream::stderr().lock();
    let _ = writeln!(stderr, "{BAD}norace:{BAD:#} {failure}");
    if let Some(hint) = failure.hint_text() {
        let _ = writeln!(stderr, "{HINT}hint:{HINT:#} {}", sanitise(hint));
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

/// An amount of cents as units and cents.
pub(crate) fn money(cents: u64) -> String {
    format!("{}.{:02}", thousands(cents / 100), cents % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_separated_from_the_right() {
        let texts: Vec<_> = [0, 999, 1_000, 69_659, 1_234_567].map(thousands).into();
        assert_eq!(texts, ["0", "999", "1,000", "69,659", "1,234,567"]);
    }

    #[test]
    fn cents_become_units() {
        assert_eq!(money(111_189_180), "1,111,891.80");
        assert_eq!(money(5), "0.05");
    }
}
