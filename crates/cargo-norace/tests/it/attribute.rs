//! `#[norace::test]` in a crate of somebody's who uses the kit.

use std::process::Command;
use std::sync::LazyLock;

use crate::process::{Ended, end};
use crate::project::{Project, TARGET, one_at_a_time};

static KIT: LazyLock<Project> = LazyLock::new(|| Project::new("kit", &["norace"], ""));

/// Two tasks add to a number, by two steps or by one.
fn adders(add: &str) -> String {
    format!(
        "use norace::prim::{{atomic::{{AtomicU32, Ordering}}, sync::Arc}};
        async fn adds(hits: Arc<AtomicU32>) {{ {add}; }}
        #[norace::test(complete)]
        async fn both_are_counted() {{
            let hits = Arc::new(AtomicU32::new(0));
            let other = norace::task::spawn(adds(hits.clone()));
            adds(hits.clone()).await;
            other.await.unwrap();
            assert_eq!(hits.load(Ordering::SeqCst), 2, \"one was lost\");
        }}
        #[norace::test(workers = 1, mode = \"sc\", budget_ms = 500)]
        fn a_thread_may_block() {{
            let (sender, receiver) = norace::chan::bounded(0);
            let task = norace::task::spawn(async move {{ sender.send(7).await }});
            assert_eq!(receiver.recv_blocking(), Ok(7));
            norace::block_on(task).unwrap().unwrap();
        }}
        #[norace::test(model_only)]
        async fn only_a_model() {{
            assert!(cfg!(norace));
        }}\n"
    )
}

/// `cargo test`, as usual and without the checker.
fn test(target: &str) -> Ended {
    let _alone = one_at_a_time();
    let mut command = Command::new("cargo");
    command.args(["test", "--test", target]).current_dir(KIT.path());
    end(command.env_remove("RUSTFLAGS").env("CARGO_TARGET_DIR", TARGET))
}

/// A report without how long the execution was before it was shrunk, which a token does not know.
fn without_shrinking(report: &str) -> String {
    let Some((before, after)) = report.split_once(", shrunk from ") else {
        return report.to_owned();
    };
    let rest = after.find(')').expect("it is in parentheses");
    before.to_owned() + &after[rest..]
}

#[test]
fn a_test_runs_once_as_usual_and_in_every_schedule_under_the_checker() {
    let lost = "let seen = hits.load(Ordering::SeqCst); hits.store(seen + 1, Ordering::SeqCst)";
    KIT.write("tests/adders.rs", &adders(lost));
    let found = KIT.norace("check -- --test adders").expect(1);
    for part in
        ["one was lost", "  both_are_counted    panic, see ", "  only_a_model        complete: "]
    {
        assert!(found.stdout.contains(part), "{part}: {}", found.stdout);
    }
    assert!(found.report().contains("both_are_counted"), "{}", found.report());
    let again = KIT.norace(&format!("replay {} -- --test adders", found.token())).expect(1);
    assert_eq!(again.report(), without_shrinking(found.report()));
    KIT.write("tests/adders.rs", &adders("hits.fetch_add(1, Ordering::SeqCst)"));
    let mended = KIT.norace("check -- --test adders").expect(0);
    assert!(mended.stdout.contains("  both_are_counted    complete: "), "{}", mended.stdout);
    // Once, and what is for the checker alone says that it was not.
    let usual = test("adders").expect(0);
    assert!(usual.stdout.contains("test result: ok. 3 passed"), "{}", usual.stdout);
    let skipped = "skipped: only_a_model is a model; run `cargo norace check`";
    assert!(usual.stderr.contains(skipped), "{}", usual.stderr);
}

#[test]
fn what_the_attribute_cannot_take_is_said_at_its_place() {
    let wrong = [
        ("worker = 2", "async fn a()", "unknown argument `worker`: expected `workers = N`"),
        ("workers = 0", "async fn b()", "a runtime needs at least one worker"),
        ("workers = two", "async fn c()", "the value of `workers` is a literal number"),
        ("workers", "async fn d()", "expected `workers = N`"),
        ("complete, complete", "async fn e()", "`complete` is given twice"),
        ("level = \"os\"", "async fn f()", "expected \"app\" or \"rt\""),
        ("mode = sc", "async fn g()", "expected \"rc11\" or \"sc\""),
        ("budget_ms = 0", "async fn h()", "a search needs time"),
        ("complete model_only", "async fn j()", "expected `workers = N`, `level = "),
        ("", "async fn k(_: u32)", "the function takes no arguments: nobody passes them"),
        ("", "async fn l<T>()", "the function cannot be generic: nobody chooses its types"),
        ("", "unsafe fn m()", "a function that is `unsafe` cannot be run here"),
    ];
    let text: String = wrong
        .iter()
        .map(|(args, head, _)| format!("#[norace::test({args})]\n{head} {{}}\n"))
        .collect();
    KIT.write("tests/wrong.rs", &format!("#![allow(dead_code)]\n{text}"));
    KIT.write("tests/no_function.rs", "#[norace::test]\nstruct NoFunction;\n");
    let ended = KIT.norace("check -- --test wrong").expect(2);
    for (args, head, what) in wrong {
        assert!(ended.stderr.contains(what), "{args}, {head}, {what}: {}", ended.stderr);
    }
    for line in (2..2 + 2 * wrong.len()).step_by(2) {
        let places = [line, line + 1].map(|line| format!("tests/wrong.rs:{line}:"));
        let told = places.iter().any(|place| ended.stderr.contains(place));
        assert!(told, "{places:?}: {}", ended.stderr);
    }
    let ended = KIT.norace("check -- --test no_function").expect(2);
    assert!(ended.stderr.contains("expected a function"), "{}", ended.stderr);
}
