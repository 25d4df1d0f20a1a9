//! A mutex around fields that belong together.

use norace::prim::{
    sync::{Arc, Mutex},
    thread,
};

struct Account {
    balance: u64,
    reserved: u64,
}

#[norace::test]
fn money_is_reserved_in_one_step() {
    let account = Arc::new(Mutex::new(Account { balance: 100, reserved: 0 }));
    let other = Arc::clone(&account);
    let thread = thread::spawn(move || {
        let mut account = other.lock().unwrap();
        account.balance -= 30;
        account.reserved += 30;
    });
    let seen = account.lock().unwrap();
    assert_eq!(seen.balance + seen.reserved, 100, "never seen in between");
    drop(seen);
    thread.join().unwrap();
}
