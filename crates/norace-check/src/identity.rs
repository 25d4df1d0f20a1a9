//! The name of a model: that of the test in which it stands.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// How many models of each test have been named in this process.
static NAMED: Mutex<BTreeMap<String, u32>> = Mutex::new(BTreeMap::new());

/// The name of the test that runs on this thread; where the test harness gave the thread no name, that of the function
/// in which the closure of this type name stands. A second model in the same test gets a number.
pub(crate) fn of_test(type_name: &str) -> String {
    let thread = std::thread::current();
    let name = match thread.name() {
        Some(name) if name != "main" => name.to_owned(),
        _ => of_type(type_name),
    };
    let mut named = NAMED.lock().unwrap_or_else(PoisonError::into_inner);
    let count = named.entry(name.clone()).or_insert(0);
    *count += 1;
    if *count == 1 { name } else { format!("{name}#{count}") }
}

/// `a::b::test` of `crate::a::b::test::{{closure}}`, and of `crate::a::b::test::test`, which stands inside its like.
fn of_type(type_name: &str) -> String {
    let function = type_name.split("::{{closure}}").next().unwrap_or(type_name);
    let path = function.split_once("::").map_or(function, |(_crate, path)| path);
    match path.rsplit_once("::") {
        Some((outer, name)) if outer.rsplit("::").next() == Some(name) => outer.to_owned(),
        _ => path.to_owned(),
    }
}

/// The name of the test in which the model called `name` stands.
pub(crate) fn test_of(name: &str) -> &str {
    name.split(['#', '@']).next().unwrap_or(name)
}

#[cfg(test)]
mod tests;
