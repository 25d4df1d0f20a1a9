//! An atomic for one word.

use norace::prim::atomic::{AtomicU8, Ordering};
use norace::prim::{sync::Arc, thread};

const PENDING: u8 = 0;
const PAID: u8 = 1;
const CANCELLED: u8 = 2;

fn move_on(order: &AtomicU8, to: u8) -> bool {
    // AcqRel: who moves the order on has seen what led to this state. Acquire: so has who came too late.
    order.compare_exchange(PENDING, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
}

#[norace::test]
fn an_order_is_paid_or_cancelled() {
    let order = Arc::new(AtomicU8::new(PENDING));
    let other = Arc::clone(&order);
    let thread = thread::spawn(move || move_on(&other, CANCELLED));
    let paid = move_on(&order, PAID);
    let cancelled = thread.join().unwrap();
    assert!(paid ^ cancelled, "exactly one of them");
}
