//! The simulated disk does its worst, and nothing that was promised.

use std::collections::BTreeSet;

use norace_prim::thread;

use super::*;

/// A disk with a durable file of `bytes` ones, and that file.
fn with_file(seed: u64, bytes: usize) -> (SimStorage, SimFile) {
    let disk = SimStorage::new(seed);
    let file = disk.create("file").unwrap();
    file.write_all_at(&vec![1; bytes], 0).unwrap();
    file.sync_data().unwrap();
    disk.sync_dir().unwrap();
    (disk, file)
}

/// What all power losses leave of a write of twos over a file of ones.
fn outcomes(bytes: usize, offset: u64, len: usize, garbling: bool) -> Vec<Vec<u8>> {
    (0..400)
        .map(|seed| {
            let (disk, file) = with_file(seed, bytes);
            disk.set_garbling(garbling);
            file.write_all_at(&vec![2; len], offset).unwrap();
            disk.crash();
            disk.contents("file").unwrap()
        })
        .collect()
}

#[test]
fn what_was_synced_survives_every_crash() {
    for seed in 0..200 {
        let (disk, file) = with_file(seed, 3000);
        file.write_all_at(&[2; 1000], 500).unwrap();
        file.sync_data().unwrap();
        disk.crash();
        let contents = disk.contents("file").unwrap();
        assert_eq!(contents, [vec![1; 500], vec![2; 1000], vec![1; 1500]].concat());
    }
}

#[test]
fn an_unsynced_write_is_kept_dropped_or_torn_between_sectors() {
    let seen: BTreeSet<Vec<u8>> = outcomes(2048, 0, 2048, false)
        .into_iter()
        .map(|contents| {
            let sectors: Vec<&[u8]> = contents.chunks(512).collect();
            assert!(sectors.iter().all(|sector| sector.iter().all(|byte| *byte == sector[0])));
            sectors.iter().map(|sector| sector[0]).collect()
        })
        .collect();
    assert_eq!(seen.len(), 16, "every subset of the four sectors: {seen:?}");
}

#[test]
fn sectors_that_were_not_written_are_never_touched() {
    for contents in outcomes(4096, 1024, 1024, true) {
        assert_eq!(contents[..1024], [1; 1024]);
        assert_eq!(contents[2048..], [1; 2048]);
    }
}

#[test]
fn sectors_in_flight_may_be_garbled() {
    let noise = |garbling| {
        let outcomes = outcomes(2048, 0, 2048, garbling);
        outcomes.iter().filter(|contents| contents.iter().any(|byte| *byte > 2)).count()
    };
    assert!(noise(true) > 20);
    assert_eq!(noise(false), 0);
}

#[test]
fn a_later_write_may_survive_an_earlier_one() {
    let mut seen = BTreeSet::new();
    for seed in 0..400 {
        let (disk, file) = with_file(seed, 1024);
        disk.set_garbling(false);
        file.write_all_at(&[2; 512], 0).unwrap();
        file.write_all_at(&[3; 512], 512).unwrap();
        disk.crash();
        let contents = disk.contents("file").unwrap();
        seen.insert((contents[0], contents[512]));
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), [(1, 1), (1, 3), (2, 1), (2, 3)]);
}

#[test]
fn names_come_and_go_until_the_directory_is_synced() {
    let mut seen = BTreeSet::new();
    for seed in 0..200 {
        let disk = SimStorage::new(seed);
        disk.create("a").unwrap();
        disk.sync_dir().unwrap();
        disk.rename("a", "b").unwrap();
        disk.create("c").unwrap();
        disk.crash();
        seen.insert(disk.files().concat());
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), ["a", "ac", "b", "bc"]);
}

#[test]
fn a_killed_process_loses_no_write_and_makes_none_durable() {
    let mut lost = 0;
    for seed in 0..100 {
        let (disk, file) = with_file(seed, 512);
        file.write_all_at(&[2; 512], 0).unwrap();
        disk.kill();
        assert_eq!(disk.contents("file").unwrap(), [2; 512]);
        file.write_all_at(&[3; 512], 0).unwrap_err();
        disk.crash();
        lost += usize::from(disk.contents("file").unwrap() == [1; 512]);
    }
    assert!((10..90).contains(&lost), "{lost}");
}

#[test]
fn after_a_failed_sync_readers_see_what_the_next_sync_does_not_write() {
    let mut lost = 0;
    for seed in 0..100 {
        let (disk, file) = with_file(seed, 512);
        file.write_all_at(&[2; 512], 0).unwrap();
        disk.plan(0, Fault::Error);
        file.sync_data().unwrap_err();
        file.sync_data().expect("the next one succeeds");
        let mut shown = [0; 512];
        file.read_exact_at(&mut shown, 0).unwrap();
        assert_eq!(shown, [2; 512]);
        disk.crash();
        lost += usize::from(disk.contents("file").unwrap() == [1; 512]);
    }
    assert!(lost > 30, "{lost}");
}

#[test]
fn a_planned_fault_strikes_the_operation_it_was_planned_for() {
    let (disk, file) = with_file(1, 100);
    disk.plan(1, Fault::ErrorAfter(3));
    file.write_all_at(&[2; 10], 0).unwrap();
    file.write_all_at(&[3; 10], 0).unwrap_err();
    file.write_all_at(&[4; 1], 99).unwrap();
    assert_eq!(disk.contents("file").unwrap()[..11], [3, 3, 3, 2, 2, 2, 2, 2, 2, 2, 1]);
    disk.plan(0, Fault::PowerOff);
    file.sync_data().unwrap_err();
    assert!(!disk.is_on());
    file.sync_data().unwrap_err();
    disk.list().unwrap_err();
    disk.crash();
    assert!(disk.is_on());
    disk.list().unwrap();
    file.sync_data().expect_err("a file of the life before");
    let faults: Vec<_> = disk.trace().iter().filter_map(|operation| operation.fault).collect();
    assert_eq!(faults, [Fault::ErrorAfter(3), Fault::PowerOff]);
}

#[test]
fn a_full_disk_takes_what_fits_and_overwrites_freely() {
    let (disk, file) = with_file(1, 100);
    disk.set_capacity(150);
    let full = file.write_all_at(&[2; 100], 100).unwrap_err();
    assert_eq!(full.kind(), io::ErrorKind::StorageFull);
    assert_eq!(file.bytes().unwrap(), 150);
    file.write_all_at(&[3; 150], 0).unwrap();
    disk.remove("file").unwrap();
    let other = disk.create("other").unwrap();
    other.write_all_at(&[1; 150], 0).unwrap();
}

#[test]
fn held_syncs_hang_until_released() {
    let (disk, file) = with_file(1, 512);
    disk.hold_syncs();
    file.write_all_at(&[2; 512], 0).unwrap();
    let syncing = thread::spawn(move || file.sync_data());
    disk.wait_held();
    assert!(!disk.is_settled());
    disk.release_syncs();
    syncing.join().unwrap().unwrap();
    assert!(disk.is_settled());
}

#[test]
fn a_lock_is_taken_once_and_released_by_drop_crash_and_kill() {
    let disk = SimStorage::new(1);
    let lock = disk.clone().lock("lock").unwrap();
    assert!(lock.is_some());
    assert!(disk.clone().lock("lock").unwrap().is_none());
    assert!(disk.clone().lock("other").unwrap().is_some());
    drop(lock);
    let holder = disk.clone();
    let old = holder.lock("lock").unwrap();
    disk.kill();
    let new = disk.clone().lock("lock").unwrap();
    assert!(new.is_some());
    drop(old);
    assert!(disk.clone().lock("lock").unwrap().is_none(), "a dead process releases nothing");
    holder.create("file").expect_err("a dead process creates nothing");
}

#[test]
fn damage_is_durable_and_exact() {
    let (disk, _) = with_file(1, 4);
    disk.flip_bit("file", 9);
    disk.crash();
    assert_eq!(disk.contents("file").unwrap(), [1, 3, 1, 1]);
    disk.truncate("file", 2);
    disk.put("new", b"xyz");
    disk.delete("file");
    disk.crash();
    assert_eq!(disk.files(), ["new"]);
    assert_eq!(disk.contents("new").unwrap(), b"xyz");
    assert_eq!(disk.contents("file"), None);
}

#[test]
fn a_fork_shares_the_past_and_not_the_future() {
    let (disk, file) = with_file(1, 512);
    file.write_all_at(&[2; 512], 0).unwrap();
    let mut seen = BTreeSet::new();
    for seed in 0..50 {
        let fork = disk.fork(seed);
        fork.crash();
        seen.insert(fork.contents("file").unwrap()[0]);
    }
    assert!(seen.contains(&1) && seen.contains(&2), "{seen:?}");
    assert_eq!(disk.contents("file").unwrap(), [2; 512]);
}
