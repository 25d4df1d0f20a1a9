//! Crashes at every operation, for many seeds: what was acknowledged is found, nothing is invented, and at most the one
//! frame that was under way comes on top.

use norace_journal::{
    AppendError, Journal, OpenError, Options,
    sim::{Fault, SimStorage},
};

use crate::support::{Frame, Luck, append, audit, frame, open, segment_name};

/// What has to be true of the journal, as seen from outside.
#[derive(Debug, Clone, Default)]
struct Known {
    acknowledged: Vec<Frame>,
    /// Asked for and not answered with success.
    in_doubt: Option<Frame>,
}

impl Known {
    /// Compares with what recovery found; from then on that is acknowledged.
    fn check(&mut self, found: Vec<Frame>, context: &str) {
        let (sure, extra) = found.split_at(self.acknowledged.len().min(found.len()));
        assert_eq!(sure, self.acknowledged, "acknowledged frames differ: {context}");
        match (extra, self.in_doubt.take()) {
            ([], _) => {}
            ([extra], Some(in_doubt)) => assert_eq!(*extra, in_doubt, "{context}"),
            (extra, in_doubt) => panic!("invented {extra:?}, in doubt {in_doubt:?}: {context}"),
        }
        self.acknowledged = found;
    }
}

fn options(luck: &mut Luck) -> Options {
    let pages = 4 + luck.below(9);
    Options::small(pages)
}

/// Opens the journal and works on it until something fails or `steps` are done.
fn live(disk: &SimStorage, known: &mut Known, luck: &mut Luck, steps: u64, context: &str) {
    let options = options(luck);
    let mut journal = match open(disk.clone(), &options) {
        Ok((journal, _, found)) => {
            known.check(found, context);
            journal
        }
        Err(OpenError::Io(_)) => return,
        Err(error) => panic!("{error:?}: {context}\n{:#?}", disk.trace()),
    };
    for _ in 0..steps {
        match step(&mut journal, known, luck) {
            // Making the next segment may have failed after the frame was durable.
            Ok(()) if journal.room_bytes() == 0 => {}
            Ok(()) => assert!(disk.is_settled(), "success with something in flight: {context}"),
            Err(AppendError::StorageFull) => {
                let full = disk.trace().iter().any(|done| done.fault == Some(Fault::Full));
                assert!(full, "there was space: {context}");
            }
            Err(AppendError::Failed(_) | AppendError::Poisoned { .. }) => {
                stays_poisoned(&mut journal, disk, context);
                return;
            }
            Err(error) => panic!("{error:?}: {context}"),
        }
    }
}

fn step(
    journal: &mut Journal<SimStorage>,
    known: &mut Known,
    luck: &mut Luck,
) -> Result<(), AppendError> {
    match luck.below(8) {
        0 => return journal.seal(),
        1 => return journal.make_room(),
        _ => {}
    }
    let max = u64::from(journal.options().max_frame_bytes);
    let bytes = if luck.below(4) == 0 { luck.below(max + 1) } else { luck.below(300) };
    let count = 1 + luck.below(3) as u32;
    match append(journal, count, bytes as usize) {
        Ok(frame) => known.acknowledged.push(frame),
        Err(error) => {
            if matches!(error, AppendError::Failed(_)) {
                known.in_doubt = Some(frame(journal.next_sequence(), count, bytes as usize));
            }
            return Err(error);
        }
    }
    Ok(())
}

/// After a failure nothing is written, synced or acknowledged any more.
fn stays_poisoned(journal: &mut Journal<SimStorage>, disk: &SimStorage, context: &str) {
    let before = disk.operations();
    for _ in 0..2 {
        let appended = append(journal, 1, 10);
        assert!(matches!(appended, Err(AppendError::Poisoned { .. })), "{appended:?}: {context}");
        let sealed = journal.seal();
        assert!(matches!(sealed, Err(AppendError::Poisoned { .. })), "{sealed:?}: {context}");
        let room = journal.make_room();
        assert!(matches!(room, Err(AppendError::Poisoned { .. })), "{room:?}: {context}");
    }
    assert_eq!(journal.room_bytes(), 0, "{context}");
    assert_eq!(disk.operations(), before, "{context}");
}

/// What a reader without the lock sees agrees with what the next open finds, and a second open finds the same.
fn settle(disk: &SimStorage, known: &mut Known, context: &str) {
    let seen = disk.contents(&segment_name(0)).map(|_| audit(disk));
    let options = Options::small(8);
    let (journal, report, found) = open(disk.clone(), &options)
        .unwrap_or_else(|error| panic!("{error:?}: {context}\n{:#?}", disk.trace()));
    if let Some((audited, frames)) = seen {
        assert_eq!(frames, found, "{context}");
        assert_eq!(audited, report, "{context}");
    }
    known.check(found, context);
    drop(journal);
    disk.crash();
    let (_, report, found) = open(disk.clone(), &options).unwrap();
    assert_eq!(report.torn_tail_bytes, 0, "a torn tail is cut once: {context}");
    known.check(found, context);
}

#[test]
fn a_power_loss_at_every_operation_loses_nothing_acknowledged() {
    for seed in 0..25 {
        let mut luck = Luck::new(seed);
        let disk = SimStorage::new(seed);
        live(&disk, &mut Known::default(), &mut luck, 25, "without a crash");
        let operations = disk.operations();
        assert!(operations > 40, "the work has {operations} operations");
        for at in 0..operations {
            let context = format!("seed {seed}, power off at operation {at}");
            let (disk, mut known) = (SimStorage::new(seed), Known::default());
            disk.plan(at, Fault::PowerOff);
            live(&disk, &mut known, &mut Luck::new(seed), 25, &context);
            for other in 0..3 {
                let (disk, mut known) = (disk.fork(seed ^ other << 32), known.clone());
                disk.crash();
                settle(&disk, &mut known, &format!("{context}, outcome {other}"));
            }
        }
    }
}

#[test]
fn lives_that_end_in_power_losses_and_kills_add_up() {
    for seed in 0..1500 {
        let (disk, mut luck, mut known) =
            (SimStorage::new(seed), Luck::new(seed), Known::default());
        let mut story = format!("seed {seed}");
        for _ in 0..5 {
            let at = luck.below(60);
            disk.plan(at as usize, Fault::PowerOff);
            live(&disk, &mut known, &mut luck, 12, &story);
            let kill = luck.below(3) == 0;
            story += &format!(", {} at {at}", if kill { "killed" } else { "power off" });
            if kill { disk.kill() } else { disk.crash() }
        }
        settle(&disk, &mut known, &story);
    }
}

#[test]
fn failing_writes_and_syncs_poison_and_the_next_life_finds_all_that_was_acknowledged() {
    let faults = [Fault::Error, Fault::ErrorAfter(700), Fault::ErrorAfter(0), Fault::Full];
    for seed in 0..1500 {
        let (disk, mut luck, mut known) =
            (SimStorage::new(seed), Luck::new(seed), Known::default());
        // Garbling on top of a failed write is a double fault of one sector, which no journal on one disk survives.
        disk.set_garbling(false);
        let mut story = format!("seed {seed}");
        for _ in 0..5 {
            let (at, fault) = (luck.below(50), faults[luck.below(4) as usize]);
            disk.plan(at as usize, fault);
            story += &format!(", {fault:?} at {at}");
            live(&disk, &mut known, &mut luck, 12, &story);
            if luck.below(2) == 0 { disk.kill() } else { disk.crash() }
        }
        settle(&disk, &mut known, &story);
    }
}

#[test]
fn the_same_seed_tells_the_same_story() {
    let run = |seed| {
        let (disk, mut luck, mut known) =
            (SimStorage::new(seed), Luck::new(seed), Known::default());
        disk.plan(33, Fault::PowerOff);
        live(&disk, &mut known, &mut luck, 30, "");
        disk.crash();
        live(&disk, &mut known, &mut luck, 5, "");
        let files = disk.files();
        let contents: Vec<_> = files.iter().map(|name| disk.contents(name)).collect();
        (disk.trace(), files, contents)
    };
    let (trace, files, contents) = run(5);
    assert!(trace.len() > 33);
    assert_eq!((trace, files, contents), run(5));
}
