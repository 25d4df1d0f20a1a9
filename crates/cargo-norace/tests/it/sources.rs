//! Sources of generated tests.

/// What all of them use.
const HEAD: &str = "#![allow(unused_imports)]
    use norace_check::{RaceCell, check, choose};
    use norace_prim::thread;
    use std::sync::Arc;\n";

/// A test that is a model.
pub(crate) fn model(name: &str, body: &str) -> String {
    test(name, &format!("check(|| {{ {body} }});"))
}

pub(crate) fn test(name: &str, body: &str) -> String {
    format!("#[test]\nfn {name}() {{\n    {body}\n}}\n")
}

pub(crate) fn file(tests: &[String]) -> String {
    HEAD.to_owned() + &tests.concat()
}

/// Two threads add to a number that nothing guards.
pub(crate) const RACY: &str = "
    let balance = Arc::new(RaceCell::named(\"balance\", 10));
    let other = balance.clone();
    let thread = thread::spawn(move || other.update(|cents| cents + 5));
    balance.update(|cents| cents - 5);
    thread.join().unwrap();";

/// The same, one after the other.
pub(crate) const FIXED: &str = "
    let balance = Arc::new(RaceCell::named(\"balance\", 10));
    let other = balance.clone();
    thread::spawn(move || other.update(|cents| cents + 5)).join().unwrap();
    balance.update(|cents| cents - 5);";

/// Two threads that do nothing to each other.
pub(crate) const RIGHT: &str = "thread::spawn(|| {}).join().unwrap();";

/// More executions than anybody has time for.
pub(crate) const LARGE: &str = "
    let threads: Vec<_> = (0..9).map(|_| thread::spawn(|| choose(9))).collect();
    threads.into_iter().for_each(|thread| drop(thread.join()));";

/// A lock that the checker does not see, taken twice.
pub(crate) const BLOCKED: &str = "
    let lock = std::sync::Mutex::new(());
    let _held = lock.lock();
    drop(lock.lock());";
