//! What of the state cannot be seen through its ends.

use super::{KEEP_BUFFER, State, Taken};
use crate::wait::Wakes;

#[test]
fn a_buffer_that_grew_large_gives_its_memory_back_when_it_runs_empty() {
    let (mut state, mut wakes) = (State::new(None), Wakes::new());
    let many = 2 * KEEP_BUFFER;
    for value in 0..many {
        state.buffer(value).unwrap();
    }
    assert!(state.buffer.capacity() > KEEP_BUFFER);
    for expected in 0..many {
        // As a receive does.
        let value = state.unbuffer().or_else(|| match state.take(&mut wakes) {
            Taken::Value(value) => Some(value),
            Taken::Empty | Taken::Closed => None,
        });
        assert_eq!(value, Some(expected));
    }
    assert_eq!(state.buffer.capacity(), 0);
}
