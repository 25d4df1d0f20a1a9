//! The table of sources.

use super::{GENERATION_MASK, Slot, Sources};
use crate::rt::os::WAKE;
use crate::rt::readiness::Readiness;
use norace_prim::sync::Arc;

#[test]
fn an_event_for_a_former_owner_of_a_slot_finds_nobody() {
    let mut sources = Sources::default();
    let first = sources.insert(Arc::new(Readiness::default())).unwrap();
    sources.remove(first);
    let readiness = Arc::new(Readiness::default());
    let second = sources.insert(readiness.clone()).unwrap();
    assert_eq!(sources.slots.len(), 1, "the slot is used again");
    assert!(sources.find(first).is_none());
    assert!(sources.find(second).is_some_and(|found| Arc::ptr_eq(found, &readiness)));
    sources.remove(second);
    assert!(sources.find(second).is_none());
}

#[test]
fn generations_wrap_below_the_token_of_the_waker() {
    let mut sources = Sources::default();
    sources.slots.push(Slot { generation: GENERATION_MASK, readiness: None });
    sources.free.push(0);
    let last = sources.insert(Arc::new(Readiness::default())).unwrap();
    assert!(last.0 < WAKE.0 && sources.find(WAKE).is_none());
    sources.remove(last);
    let first = sources.insert(Arc::new(Readiness::default())).unwrap();
    assert_eq!(first.0, 0, "slot 0 in generation 0 again");
}

#[test]
fn a_closed_table_refuses_sources() {
    let mut sources = Sources { closed: true, ..Sources::default() };
    let error = sources.insert(Arc::new(Readiness::default())).unwrap_err();
    assert!(error.to_string().contains("shut down"), "{error}");
}
