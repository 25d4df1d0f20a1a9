//! The audit against journals that are sound, cut, damaged and made up.

use norace_journal::Journal;
use norace_journal::sim::SimStorage;

use super::books::Books;
use super::*;
use crate::codec::{RULES_VERSION, Record, encode_record};
use crate::engine::OpenError;
use crate::model::{Action, Command, Handling, OrderState, Request};
use crate::processor::ProcessorChoice;
use crate::state::{Applied, Change, Input, Leg, LegKind, State};
use crate::testing::commands::{fund, open, open_bank, order, step};
use crate::testing::rig::{Rig, options};

/// Accounts, an order that was confirmed, one that failed for want of funds, and one that is open.
fn story() -> Vec<Command> {
    let mut story = vec![open_bank(), open("a"), open("b"), fund("a", 100)];
    story.extend([order("x", "a", "b", 60), order("y", "a", "b", 50), order("z", "a", "b", 40)]);
    story.push(step("x", Action::Process));
    story.push(step("x", Action::Confirm));
    story.push(step("y", Action::Fail));
    story.push(step("z", Action::Process));
    story
}

fn written(story: &[Command]) -> SimStorage {
    let disk = SimStorage::new(1);
    let mut rig = Rig::open(&disk, ProcessorChoice::Manual).unwrap();
    for command in story {
        rig.done(command.clone()).unwrap();
    }
    disk
}

/// The records of the story, each after it went through `change`.
fn records(story: &[Command], mut tamper: impl FnMut(&mut Change)) -> Vec<Record> {
    let mut state = State::new();
    let mut records = Vec::new();
    for command in story {
        let input = Input { now: 1, command, key: None, handling: Handling::Manual };
        let Ok(Applied::Changed(mut change)) = state.apply(&input) else { panic!("legal") };
        tamper(&mut change);
        let command = command.clone();
        records.push(Record { command, key: None, handling: Handling::Manual, change });
    }
    records
}

/// A journal that holds `records`, whatever they say.
fn journal_of(records: &[Record]) -> SimStorage {
    let disk = SimStorage::new(2);
    let none = |_: norace_journal::RecoveredFrame<'_>| Ok::<(), std::convert::Infallible>(());
    let (mut journal, _) = Journal::open(disk.clone(), options(), none).unwrap();
    for (at, record) in records.iter().enumerate() {
        let mut bytes = Vec::new();
        encode_record(&mut bytes, &record.input(), &record.change);
        journal.append(at as u64 + 1, 1, &bytes).unwrap();
    }
    journal.close().unwrap();
    disk
}

#[test]
fn a_journal_of_other_rules_is_told_from_a_damaged_one() {
    let disk = SimStorage::new(3);
    let none = |_: norace_journal::RecoveredFrame<'_>| Ok::<(), std::convert::Infallible>(());
    let (mut journal, _) = Journal::open(disk.clone(), options(), none).unwrap();
    let mut bytes = Vec::new();
    for (at, record) in records(&story(), |_| {}).iter().take(2).enumerate() {
        let start = bytes.len();
        encode_record(&mut bytes, &record.input(), &record.change);
        if at == 1 {
            // The version comes after the length.
            bytes[start + 4] = RULES_VERSION + 1;
        }
    }
    journal.append(1, 2, &bytes).unwrap();
    journal.close().unwrap();
    let other = OtherVersion { sequence: 2, version: RULES_VERSION + 1 };
    assert_eq!(verify(&disk), Err(VerifyError::OtherVersion(other)));
    let dumped = dump(&disk, |_| Ok::<(), std::convert::Infallible>(()));
    assert_eq!(dumped, Err(DumpError::Unreadable(VerifyError::OtherVersion(other))));
    let opened = Rig::open(&disk, ProcessorChoice::Manual).err();
    assert_eq!(opened, Some(OpenError::OtherVersion(other)));
    let text = opened.unwrap().to_string();
    assert!(text.contains("another version of the rules: 2, where these are version 1"), "{text}");
}

fn objections(records: &[Record]) -> Vec<String> {
    let mut books = Books::default();
    records.iter().for_each(|record| books.enter(record));
    let mut report = VerifyReport::default();
    books.report(&mut report);
    report.violations
}

#[test]
fn a_sound_journal_passes_with_its_figures() {
    let report = verify(&written(&story())).unwrap();
    let expected = VerifyReport {
        ok: true,
        records: 11,
        orders: 3,
        transfers: 4,
        accounts: 3,
        debits: 160,
        credits: 160,
        open_orders: 1,
        last_sequence: 11,
        ..VerifyReport::default()
    };
    assert_eq!(report, expected);
}

#[test]
fn a_journal_whose_records_lie_is_found_out() {
    let lies: [fn(&mut Change); 4] = [
        |change| change.version += u64::from(change.sequence == 9),
        |change| {
            if let (8, Some(leg)) = (change.sequence, &mut change.leg) {
                leg.amount += 1;
            }
        },
        |change| {
            if change.sequence == 9 {
                change.leg = None;
            }
        },
        |change| change.now += u64::from(change.sequence == 4) * 5,
    ];
    let honest = records(&story(), |_| {});
    assert!(verify(&journal_of(&honest)).unwrap().ok, "the made-up journal itself is fine");
    for (at, lie) in lies.into_iter().enumerate() {
        let report = verify(&journal_of(&records(&story(), lie))).unwrap();
        assert!(!report.ok && !report.violations.is_empty(), "lie {at}: {report:?}");
    }
}

#[test]
fn the_books_find_by_themselves_what_breaks_the_rules() {
    let objects_to = |lie: fn(&mut Change)| {
        let found = objections(&records(&story(), lie));
        assert!(!found.is_empty());
        found.join("; ")
    };
    let found = objects_to(|change| {
        if change.sequence == 8 {
            change.leg.as_mut().unwrap().amount = 101;
        }
    });
    assert!(found.contains("overdrawn"), "{found}");
    let found = objects_to(|change| {
        if change.sequence == 9 {
            change.leg.as_mut().unwrap().amount = 59;
        }
    });
    assert!(found.contains("what was held"), "{found}");
    let found = objects_to(|change| {
        if change.sequence == 10 {
            change.order.as_mut().unwrap().to = OrderState::Confirmed;
        }
    });
    assert!(found.contains("illegal"), "{found}");
    let found = objects_to(|change| {
        if change.sequence == 10 {
            change.leg = Some(Leg { kind: LegKind::Release, debit: 1, credit: 2, amount: 50 });
        }
    });
    assert!(found.contains("does not go with the move"), "{found}");
    let found = objects_to(|change| {
        if change.sequence == 4 {
            change.leg.as_mut().unwrap().credit = 0;
        }
    });
    assert!(found.contains("no two accounts"), "{found}");
    let found = objects_to(|change| change.sequence += u64::from(change.sequence > 5));
    assert!(found.contains("comes after"), "{found}");
    assert_eq!(objections(&records(&story(), |_| {})), Vec::<String>::new());
}

#[test]
fn damage_is_named_and_a_torn_tail_is_counted() {
    let disk = written(&story());
    let segment = disk.files().into_iter().find(|name| name.contains("segment")).unwrap();
    let contents = disk.contents(&segment).unwrap();
    let record = contents.windows(4).position(|bytes| bytes == b"bank").unwrap();
    let torn = disk.fork(3);
    disk.flip_bit(&segment, record as u64 * 8);
    let report = verify(&disk).unwrap();
    assert!(!report.ok);
    assert_eq!(report.bad_frame.as_ref().map(|bad| bad.segment), Some(0), "{report:?}");
    assert_eq!(report.violations, Vec::<String>::new());

    // Something after the last frame that is none.
    let used = contents.iter().rposition(|byte| *byte != 0).unwrap();
    let free = (used / 4096 + 1) * 4096;
    torn.flip_bit(&segment, free as u64 * 8);
    let report = verify(&torn).unwrap();
    assert!(report.ok, "{report:?}");
    assert!(report.torn_tail_bytes > 0);
}

#[test]
fn what_is_no_journal_is_unreadable() {
    assert!(verify(&SimStorage::new(1)).is_err());
    let nowhere = std::env::temp_dir().join("norace-no-such-journal");
    assert!(verify_dir(&nowhere).is_err());
}

#[test]
fn a_dump_shows_every_record_in_words() {
    let disk = written(&story());
    let mut views = Vec::new();
    let summary = dump(&disk, |view| {
        views.push(view);
        Ok::<(), std::convert::Infallible>(())
    })
    .unwrap();
    assert_eq!((summary.records, views.len()), (11, 11));
    let kinds: Vec<_> = views.iter().map(|view| view.kind).collect();
    assert_eq!(
        kinds[..5],
        ["create-account", "create-account", "create-account", "create-transfer", "create-order"]
    );
    assert_eq!(kinds[7..], ["process", "confirm", "fail", "process"]);
    let confirm = &views[8];
    assert_eq!((confirm.sequence, confirm.id.as_str()), (9, "x"));
    assert_eq!((confirm.from.as_deref(), confirm.to.as_deref()), (Some("a"), Some("b")));
    assert_eq!((confirm.amount, confirm.money), (Some(60), Some("post-reserved")));
    assert_eq!(confirm.state_before, Some(OrderState::Processing));
    assert_eq!((confirm.state_after, confirm.version), (Some(OrderState::Confirmed), Some(3)));
    let stopped = dump(&disk, |_| Err("enough"));
    assert_eq!(stopped, Err(DumpError::Stopped("enough")));
}

#[test]
fn an_audit_needs_no_lock() {
    let disk = SimStorage::new(5);
    let mut rig = Rig::open(&disk, ProcessorChoice::Manual).unwrap();
    rig.done(Request::new(open_bank())).unwrap();
    assert!(verify(&disk).unwrap().ok, "while the engine has it open");
}
