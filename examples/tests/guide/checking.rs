//! The first model.

use norace::prim::atomic::{AtomicBool, Ordering};
use norace::prim::{sync::Arc, thread};
use norace_check::{RaceCell, check};

#[test]
fn a_price_is_handed_over() {
    check(|| {
        let price = Arc::new((RaceCell::new(0), AtomicBool::new(false)));
        let seller = Arc::clone(&price);
        let seller = thread::spawn(move || {
            seller.0.set(42);
            // Release: the price is there when the flag is up.
            seller.1.store(true, Ordering::Release);
        });
        // Acquire: pairs with the store above.
        if price.1.load(Ordering::Acquire) {
            assert_eq!(price.0.get(), 42);
        }
        seller.join().unwrap();
    });
}
