//! What `check` comes to.

use std::fs;

use crate::project::{Project, SHOP, run};
use crate::sources::{BLOCKED, FIXED, LARGE, RACY, RIGHT, file, model, test};

#[test]
fn a_race_is_told_with_both_stacks_and_ends_with_1_until_it_is_mended() {
    SHOP.write("tests/race.rs", &file(&[model("racy", RACY), model("right", RIGHT)]));
    let ended = SHOP.norace("check -- --test race").expect(1);
    let report = ended.report();
    for part in
        ["DATA RACE on `balance`", "by main  at tests/race.rs", "by thread 1  at tests/race.rs"]
    {
        assert!(report.contains(part), "{part}: {report}");
    }
    assert!(report.matches("race::racy::{{closure}}").count() >= 2, "{report}");
    assert!(report.contains("replay: cargo norace replay nr1:racy:"), "{report}");
    let line = ended.stdout.lines().find(|line| line.starts_with("  racy ")).unwrap();
    let page = line.split_once("data-race, see ").unwrap().1;
    assert!(fs::read_to_string(page).unwrap().contains("<h1>DATA RACE"), "{page}");
    assert!(ended.stdout.contains("\n  right  complete: "), "{}", ended.stdout);
    let last = ended.stdout.lines().last().unwrap();
    assert!(last.starts_with("norace check: not ok: 2 models in"), "{last}");
    assert!(last.ends_with("1 complete, 1 finding"), "{last}");
    SHOP.write("tests/race.rs", &file(&[model("racy", FIXED), model("right", RIGHT)]));
    let ended = SHOP.norace("check -- --test race").expect(0);
    assert!(ended.stdout.contains("\n  racy   complete: "), "{}", ended.stdout);
}

#[test]
fn json_is_all_that_stdout_has_and_pages_go_where_they_are_wanted() {
    SHOP.write("tests/json.rs", &file(&[model("json_racy", RACY), model("json_right", RIGHT)]));
    let ended = SHOP.norace("check --format json --report pages -- --test json").expect(1);
    let lines = ended.lines();
    assert_eq!(lines.len(), 3, "{ended:?}");
    let schemas = lines.iter().map(|line| line["schema"].as_str().unwrap());
    assert!(schemas.eq(["norace.model/1", "norace.model/1", "norace.check/1"]));
    let result = ended.result();
    for (field, expected) in
        [("models", 2), ("complete", 1), ("within_bound", 0), ("incomplete", 0)]
    {
        assert_eq!(result[field], expected, "{field}: {result}");
    }
    assert_eq!((&result["ok"], &result["failed_tests"]), (&false.into(), &1.into()));
    assert!(result["seconds"].as_f64().unwrap() > 0.0);
    let finding = &result["findings"][0];
    assert_eq!((&finding["kind"], &finding["test"]), (&"data-race".into(), &"json_racy".into()));
    assert!(finding["token"].as_str().unwrap().starts_with("nr1:json_racy:"));
    assert!(finding["tasks"].is_array() && finding["stacks"].is_array());
    assert!(ended.stderr.contains("DATA RACE"), "{}", ended.stderr);
    let pages = fs::read_dir(SHOP.path().join("pages")).unwrap();
    assert_eq!(pages.count(), 1);
}

#[test]
fn a_search_that_has_to_be_complete_ends_with_3_when_it_is_not() {
    let fails = test("fails", "assert!(std::env::var_os(\"FAIL\").is_none());");
    SHOP.write("tests/large.rs", &file(&[model("large", LARGE), fails]));
    let ended = SHOP.norace("check --budget 0.2 -- --test large").expect(0);
    let line = ended.stdout.lines().find(|line| line.starts_with("  large  ")).unwrap();
    assert!(line.contains(" executions in ") && !line.contains("complete:"), "{line}");
    let required = "check --budget 0.2 --require-complete --seed 7 --format json -- --test large";
    let ended = SHOP.norace(required).expect(3);
    assert_eq!(ended.lines()[0]["required_complete"], true);
    let result = ended.result();
    assert_eq!((&result["ok"], &result["findings"]), (&false.into(), &serde_json::json!([])));
    // Another test that fails is more than that.
    run(SHOP.command(required).env("FAIL", "1")).expect(1);
}

#[test]
fn a_model_that_blocks_where_nobody_sees_it_ends_with_4() {
    SHOP.write("tests/blocked.rs", &file(&[model("blocked", BLOCKED)]));
    let ended = SHOP.norace("check -- --test blocked").expect(4);
    assert!(ended.stderr.contains("UNCONTROLLED: blocked has been silent"), "{}", ended.stderr);
    assert!(ended.stdout.contains("\n  blocked  uncontrolled\n"), "{}", ended.stdout);
}

#[test]
fn a_model_that_does_not_repeat_itself_ends_with_4_and_says_where_it_parts() {
    let body = "
        static RUNS: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let value = norace_prim::atomic::AtomicU32::new(0);
        for _ in 0..=RUNS.fetch_add(1, std::sync::atomic::Ordering::SeqCst) % 3 {
            value.fetch_add(1, norace_prim::atomic::Ordering::SeqCst);
        }";
    SHOP.write("tests/moody.rs", &file(&[model("moody", body), model("steady", RIGHT)]));
    let ended = SHOP.norace("check -- --test moody").expect(4);
    assert!(ended.stdout.contains("tests/moody.rs"), "{}", ended.stdout);
    assert!(ended.stdout.contains("\n  moody   diverged, see "), "{}", ended.stdout);
    let last = ended.stdout.lines().last().unwrap();
    assert!(last.ends_with("1 complete, 1 diverged or uncontrolled"), "{last}");
    let ended = SHOP.norace("check --format json -- --test moody").expect(4);
    assert_eq!(ended.lines()[0]["status"], "diverged");
    let result = ended.result();
    assert_eq!((&result["ok"], &result["diverged"]), (&false.into(), &1.into()));
}

#[test]
fn a_test_process_that_says_so_itself_ends_with_4_as_well() {
    let exits = test("exits", "std::process::exit(4);");
    SHOP.write("tests/exits.rs", &file(&[exits]));
    let ended = SHOP.norace("check -- --test exits").expect(4);
    assert!(ended.stdout.contains("norace check: not ok: 0 models"), "{}", ended.stdout);
}

#[test]
fn processes_that_share_models_check_each_once() {
    let once = "
        static FIRST: std::sync::Once = std::sync::Once::new();
        FIRST.call_once(|| {
            use std::io::Write as _;
            let log = std::fs::OpenOptions::new().append(true).create(true).open(\"shared.log\");
            writeln!(log.unwrap(), \"checked\").unwrap();
        });";
    let names = ["one", "two", "three", "four", "five"];
    let models = names.map(|name| model(name, &format!("{once}{RIGHT}")));
    SHOP.write("tests/shared.rs", &file(&models));
    let ended = SHOP.norace("check --jobs 2 --format json -- --test shared").expect(0);
    assert_eq!((ended.lines().len(), &ended.result()["models"]), (6, &5.into()), "{ended:?}");
    let log = fs::read_to_string(SHOP.path().join("shared.log")).unwrap();
    assert_eq!(log.lines().count(), 5);
    let first = ended.stderr.find("norace: process ").unwrap();
    let texts: Vec<&str> = ended.stderr[first..].split("norace: process ").skip(1).collect();
    assert_eq!(texts.len(), 2, "{}", ended.stderr);
    assert!(texts.iter().all(|text| text.matches("test result: ok. 5 passed").count() == 1));
    // Each part of a division has some, and all have all.
    let parts = ["1/2", "2/2"].map(|part| {
        let ended = SHOP.norace(&format!("check --shard {part} --format json -- --test shared"));
        ended.expect(0).result()["models"].as_u64().unwrap()
    });
    assert_eq!(parts[0] + parts[1], 5);
}

#[test]
fn a_build_that_fails_ends_with_2_and_says_what_the_compiler_says() {
    SHOP.write("tests/broken.rs", "#[test] fn broken() { let _: u8 = \"text\"; }");
    let ended = SHOP.norace("check --format json -- --test broken").expect(2);
    assert!(ended.stderr.contains("mismatched types"), "{}", ended.stderr);
    assert!(ended.stderr.contains("norace: cannot build the tests"), "{}", ended.stderr);
    assert_eq!(ended.stdout, "");
}

#[test]
fn a_package_without_the_facade_is_told_what_to_add() {
    let plain = Project::new("plain", &[], "");
    let ended = plain.norace("check").expect(2);
    for part in ["there is nothing to check", "norace-prim = ", "norace-check = "] {
        assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
    }
}
