//! Racy programs race, race-free ones do not, and the search of these is complete.

use norace_check::{Builder, Level, Misuse, Mode, Status, Strategy};
use norace_corpus::case::Limits;
use norace_corpus::races::{PAIRS, Race};
use std::time::Duration;

/// Enough for each: most need a hundredth of it.
const LIMITS: Limits = Limits { budget: Duration::from_secs(10), seed: 1 };

/// The two memory models, and the two levels.
const WAYS: [(Mode, Level); 4] = [
    (Mode::Rc11, Level::App),
    (Mode::Rc11, Level::Rt),
    (Mode::Sc, Level::App),
    (Mode::Sc, Level::Rt),
];

/// Explores all that are `racy` at `level`, or all that are not; tells what differs from the verdict.
#[track_caller]
fn judge(racy: bool, level: Level, set: impl Fn(Builder) -> Builder) {
    let misjudged = |race: &&Race| {
        let outcome = set(race.builder(LIMITS).level(level)).run(race.program);
        race.misjudged(&outcome, level).or_else(|| {
            let failure = outcome.failure().filter(|_| !racy)?;
            Some(format!("{}: {failure}", race.name))
        })
    };
    let programs = PAIRS.iter().filter(|race| race.races_at(level) == racy);
    let wrong: Vec<String> = programs.filter_map(|race| misjudged(&race)).collect();
    assert!(wrong.is_empty(), "{} misjudged:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn racy_programs_race() {
    judge(true, Level::App, |builder| builder);
}

#[test]
fn no_racy_program_races_by_luck_alone() {
    for (mode, level) in WAYS {
        judge(true, level, |builder| builder.mode(mode).strategy(Strategy::Exhaustive));
    }
}

#[test]
fn race_free_programs_do_not_race_in_any_execution() {
    for mode in [Mode::Rc11, Mode::Sc] {
        judge(false, Level::App, |builder| builder.mode(mode).require_complete());
    }
}

#[test]
fn race_free_programs_do_not_race_below_the_level_of_applications() {
    judge(false, Level::Rt, |builder| builder.budget(Duration::from_millis(300)));
}

#[test]
fn every_program_has_a_name_of_its_own() {
    let names: std::collections::BTreeSet<_> = PAIRS.iter().map(|race| race.name).collect();
    assert_eq!(names.len(), PAIRS.len());
}

#[test]
fn verdicts_differ_from_gos_where_the_module_says_so() {
    let differs = |race: &&Race| race.racy == race.name.starts_with("no_race_");
    let differing: Vec<&str> = PAIRS.iter().filter(differs).map(|race| race.name).collect();
    let documented = [
        "chan_sync_close_send",
        "chan_async_close_send",
        "chan_close_close",
        "chan_send_close",
        "chan_send_select_close",
        "chan_close_send",
        "no_race_mutex_pure_happens_before",
        "wait_group_wrong_add",
        "wait_group_reuse",
    ];
    assert_eq!(differing, documented);
}

#[test]
fn a_close_beside_a_send_is_reported_to_who_forbids_it() {
    for name in ["chan_send_close", "chan_send_select_close", "chan_close_send"] {
        let race = PAIRS.iter().find(|race| race.name == name).expect("it is one of them");
        let outcome = race.builder(LIMITS).forbid(Misuse::SendAfterClose).run(race.program);
        assert_eq!(outcome.status, Status::Found, "{name}");
        assert_eq!(outcome.finding.expect("found").kind, "send-after-close", "{name}");
    }
}
