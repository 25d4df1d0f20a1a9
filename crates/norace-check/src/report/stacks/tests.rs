//! Stacks in the forms in which the standard library prints them.

use std::backtrace::Backtrace;

use super::{frames, is_of, once, parse, place, program_part, without_hash};

const STACK: &str = "
   0: std::backtrace_rs::backtrace::libunwind::trace
             at /rustc/5980/library/std/src/../../backtrace/src/backtrace/libunwind.rs:117:9
   1: norace_explore::slot::perform
             at ./crates/norace-explore/src/slot.rs:121:1
   2: <norace_explore::sync::mutex::Mutex<T>>::lock
   3: norace::chan::core::Core<T>::with
             at ./crates/norace/src/chan/core.rs:44:9
   4: shop::Till::pay::h0123456789abcdef
             at src/till.rs:31:9
   5: core::ops::function::FnOnce::call_once
             at /rustc/5980/library/core/src/ops/function.rs:250:5
   6: shop::tests::two_buyers::{{closure}}
             at src/till.rs:70:13
   7: norace_explore::thread::run_to_end
   8: norace_explore::coroutine::catch::{{closure}}
             at ./crates/norace-explore/src/coroutine.rs:10:1
   9: std::panicking::try
";

#[test]
fn what_the_checker_did_is_cut_off() {
    let frames = program_part(parse(STACK));
    let functions: Vec<_> = frames.iter().map(|frame| frame.function.as_str()).collect();
    assert_eq!(
        functions,
        [
            "norace::chan::core::Core<T>::with",
            "shop::Till::pay",
            "core::ops::function::FnOnce::call_once",
            "shop::tests::two_buyers::{{closure}}",
        ]
    );
    let library: Vec<_> = frames.iter().map(|frame| frame.library).collect();
    assert_eq!(library, [true, false, true, false]);
    let at = frames[1].place.as_ref().unwrap();
    assert_eq!((at.file.as_str(), at.line, at.column), ("src/till.rs", 31, 9));
}

const SCOPE: &str = "
   0: norace_explore::cell::RaceCell<T>::set
   1: shop::tests::two_buyers::{{closure}}
             at src/till.rs:71:13
   2: <core::panic::unwind_safe::AssertUnwindSafe<F> as core::ops::function::FnOnce<()>>::call_once
   3: std::panicking::catch_unwind::do_call
   4: __rust_try
   5: std::panicking::catch_unwind
   6: norace_explore::thread::scope::scope
   7: core::iter::traits::iterator::Iterator::for_each
   8: shop::tests::two_buyers
             at src/till.rs:70:13
   9: norace_explore::thread::run_to_end
";

#[test]
fn how_the_checker_called_back_is_cut_out() {
    let frames = program_part(parse(SCOPE));
    let functions: Vec<_> = frames.iter().map(|frame| frame.function.as_str()).collect();
    assert_eq!(
        functions,
        [
            "shop::tests::two_buyers::{{closure}}",
            "core::iter::traits::iterator::Iterator::for_each",
            "shop::tests::two_buyers",
        ]
    );
}

#[test]
fn a_function_in_its_namesake_is_named_once() {
    for (function, shown) in [
        (
            "shop::two_buyers::two_buyers::{{closure}}::{{closure}}",
            "shop::two_buyers::{{closure}}::{{closure}}",
        ),
        ("shop::two_buyers::two_buyers", "shop::two_buyers"),
        ("shop::shop::two_buyers", "shop::shop::two_buyers"),
        ("main", "main"),
    ] {
        assert_eq!(once(function), shown);
    }
}

#[test]
fn this_very_stack_can_be_read() {
    let all = parse(&Backtrace::force_capture().to_string());
    assert!(all.iter().any(|frame| frame.function.contains("this_very_stack_can_be_read")));
    // All of this is the checker's own.
    assert!(frames(&Backtrace::force_capture()).iter().all(|frame| !frame.function.is_empty()));
}

#[test]
fn crates_are_told_from_their_functions_names() {
    for (function, own) in [
        ("norace::chan::send", true),
        ("<norace::chan::Send as core::future::Future>::poll", true),
        ("<&mut norace::chan::Send as core::future::Future>::poll", true),
        ("norace_user::main", false),
        ("norace", false),
        ("main", false),
    ] {
        assert_eq!(is_of(function, &["norace"]), own, "{function}");
    }
    assert_eq!(without_hash("a::b::h0123456789abcdef"), "a::b");
    assert_eq!(without_hash("a::handle"), "a::handle");
    assert_eq!(place("/x:y/z.rs:3:4").unwrap().file, "/x:y/z.rs");
    assert_eq!(place("z.rs"), None);
}
