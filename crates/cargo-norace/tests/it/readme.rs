//! The README's first screen: its test has the report that stands below it, and the fix that it asks for mends it.

use crate::project::SHOP;

const README: &str = include_str!("../../../../README.md");

/// The first block in that language.
fn block(language: &str) -> &'static str {
    let begin = format!("```{language}\n");
    let rest = README.split_once(&begin).expect("a block in that language").1;
    rest.split_once("```\n").expect("the end of the block").0
}

#[test]
fn the_race_on_the_first_screen_is_caught_as_it_stands_there_and_mended_as_it_says() {
    let (test, report) = (block("rust"), block("text").trim_end());
    SHOP.write("tests/price.rs", test);
    let ended = SHOP.norace("check -- --test price").expect(1);
    assert!(
        ended.report().contains(report),
        "the README says\n{report}\nbut it is\n{}",
        ended.report()
    );
    let token = report.rsplit_once("replay: cargo norace ").expect("a line that replays").1;
    let replayed = SHOP.norace(&format!("{} -- --test price", token.trim())).expect(1);
    assert!(replayed.report().contains(report), "{}", replayed.report());

    let mended = test
        .replace("store(true, Ordering::Relaxed)", "store(true, Ordering::Release)")
        .replace("load(Ordering::Relaxed)", "load(Ordering::Acquire)");
    SHOP.write("tests/price.rs", &mended);
    let ended = SHOP.norace("check -- --test price").expect(0);
    assert!(ended.stdout.contains("  a_price_is_handed_over  complete: "), "{}", ended.stdout);
}
