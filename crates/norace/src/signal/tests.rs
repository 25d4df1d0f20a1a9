//! What wakes the thread.

use super::each_wake;
use std::io::{self, ErrorKind, Read};

/// Answers reads from a list, the last one first.
struct Script(Vec<io::Result<usize>>);

impl Read for Script {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.pop().expect("read after the end")
    }
}

#[test]
fn a_read_that_was_interrupted_is_tried_again() {
    let interrupted = || Err(ErrorKind::Interrupted.into());
    let script = Script(vec![Ok(0), Ok(64), interrupted(), interrupted(), Ok(1), interrupted()]);
    let mut wakes = 0;
    each_wake(script, || wakes += 1);
    assert_eq!(wakes, 2);
}
