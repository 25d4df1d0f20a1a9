//! Good and bad documents.

use std::collections::{BTreeMap, BTreeSet};

use super::{super::testing::places, Document, links, slug, title};

#[track_caller]
fn check_title(text: &str, expected: &[&str]) {
    let mut findings = Vec::new();
    title("a.md", &Document::parse(text), &mut findings);
    assert_eq!(places(&findings), expected);
}

#[test]
fn a_document_has_one_title_and_it_comes_first() {
    check_title("# A\n\n## B\n", &[]);
    check_title("# A\n\n```sh\n# a comment\n```\n", &[]);
    check_title("## A\n", &["a.md:1: title"]);
    check_title("", &["a.md:1: title"]);
    check_title("text\n# A\n", &["a.md:1: title"]);
    check_title("# A\n# B\n", &["a.md:2: title"]);
}

/// Checks `docs/a.md` among a few other files.
#[track_caller]
fn check_link(text: &str, expected: &[&str]) {
    let other = "# Top\n## The end, really!\n## Twice\n## Twice\n";
    let documents: BTreeMap<&str, Document> =
        [("docs/a.md", Document::parse(text)), ("docs/deep/b.md", Document::parse(other))].into();
    let files: BTreeSet<String> =
        ["README.md", "docs/a.md", "docs/deep/b.md", "src/main.rs"].map(str::to_owned).into();
    let mut findings = Vec::new();
    links(&files, &documents, &mut findings);
    assert_eq!(places(&findings), expected);
}

#[test]
fn links_that_lead_somewhere_are_fine() {
    for good in [
        "[a](deep/b.md)",
        "[a](./deep/b.md#the-end-really)",
        "[a](deep/b.md#twice-1) and [b](../README.md)",
        "[a](deep/) [b](deep) [c](../src/main.rs)",
        "[a](https://example.org/none) [b](mailto:a@example.org)",
        "# Here\n[a](#here)",
        "[name]: deep/b.md \"Title\"",
        "`[a](none.md)` is code",
        "```\n[a](none.md)\n```",
        "![image](../src/main.rs)",
    ] {
        check_link(good, &[]);
    }
}

#[test]
fn links_that_lead_nowhere_are_found() {
    for bad in [
        "[a](none.md)",
        "[a](deep/b.md#none)",
        "[a](deep/b.md#twice-2)",
        "[a](#none)",
        "[a](../../outside.md)",
        "[a](/docs/a.md)",
        "[a](dee)",
        "[a](../src/main.rs#L3)",
        "[name]: none.md",
        "`code` [a](none.md) `code`",
    ] {
        check_link(bad, &["docs/a.md:1: link"]);
    }
}

#[test]
fn headings_become_anchors_as_code_hosts_make_them() {
    for (heading, expected) in [
        ("Status and limits", "status-and-limits"),
        ("What it's *not*", "what-its-not"),
        ("`norace serve`", "norace-serve"),
        ("A - b_c", "a---b_c"),
    ] {
        assert_eq!(slug(heading), expected);
    }
}
