//! What the test harness and cargo say while tests run, as far as an exit code depends on it.
//!
//! Cargo ends alike whatever failed. How many tests failed, and whether a test process ended with the code of what the
//! checker does not control, is only in the text.

/// No line that matters is longer.
const LINE_MAX: usize = 8 << 10;

/// Counts over all test binaries of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Tests that ran.
    pub(crate) ran: u64,
    /// Those that failed.
    pub(crate) failed: u64,
    /// Test processes that ended with the code of what is not controlled.
    pub(crate) uncontrolled: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, other: Self) {
        self.ran += other.ran;
        self.failed += other.failed;
        self.uncontrolled += other.uncontrolled;
    }

    fn line(&mut self, line: &str) {
        if let Some(counts) = line.strip_prefix("test result: ") {
            self.failed += count(counts, "failed");
            self.ran += count(counts, "failed") + count(counts, "passed");
        }
        let ended = line.trim_start().starts_with("process didn't exit successfully: ");
        if ended && line.trim_end().ends_with("(exit status: 4)") {
            self.uncontrolled += 1;
        }
    }
}

/// The number before `word` in `ok. 3 passed; 0 failed; …`.
fn count(counts: &str, word: &str) -> u64 {
    let of =
        |part: &str| part.trim().strip_suffix(word)?.split_whitespace().next_back()?.parse().ok();
    counts.split(';').find_map(of).unwrap_or(0)
}

/// Reads a stream as it comes.
#[derive(Debug, Default)]
pub(crate) struct Scanner {
    line: Vec<u8>,
    pub(crate) tally: Tally,
}

impl Scanner {
    pub(crate) fn read(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let room = LINE_MAX - self.line.len();
            self.line.extend(&piece[..piece.len().min(room)]);
            if piece.ends_with(b"\n") {
                self.tally.line(&String::from_utf8_lossy(&self.line));
                self.line.clear();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\nrunning 3 tests\ntest a ... ok\ntest b ... FAILED\n\
        test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 7 filtered out; finished in 0.00s\n\
        error: 1 target failed:\n    `--lib`\n\
        \x20 process didn't exit successfully: `/t/deps/it-00 --exact` (exit status: 4)\n\
        \x20 process didn't exit successfully: `/t/deps/ix-00` (exit status: 101)\n\
        test result: ok. 5 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n";

    #[test]
    fn results_are_counted_however_the_text_is_cut() {
        for size in [1, 7, 4096] {
            let mut scanner = Scanner::default();
            TEXT.as_bytes().chunks(size).for_each(|chunk| scanner.read(chunk));
            assert_eq!(scanner.tally, Tally { ran: 8, failed: 1, uncontrolled: 1 }, "{size}");
        }
    }

    #[test]
    fn an_endless_line_takes_no_more_room() {
        let mut scanner = Scanner::default();
        (0..100).for_each(|_| scanner.read(&[b'x'; 1000]));
        assert_eq!(scanner.line.len(), LINE_MAX);
        scanner.read(b"\ntest result: ok. 1 passed; 0 failed\n");
        assert_eq!(scanner.tally.ran, 1);
    }
}
