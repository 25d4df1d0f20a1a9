//! The real file system.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use norace_journal::{
    Options, ReadError, read_only,
    storage::{Access, DirStorage, Storage, StorageFile},
};
use norace_prim::rand;

use crate::support::{Never, append, audit, open, segment_name};

/// A directory that is gone when the test ends.
struct Temp(PathBuf);

impl Temp {
    fn new() -> Self {
        let name = format!("norace-journal-{}-{:x}", std::process::id(), rand::next_u64());
        Self(std::env::temp_dir().join(name))
    }

    fn storage(&self) -> DirStorage {
        DirStorage::create(&self.0).unwrap()
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

#[test]
fn a_journal_in_a_directory_survives_being_opened_many_times() {
    let temp = Temp::new();
    let options = Options { max_frame_bytes: 20_000, segment_bytes: 65_536, ..Options::default() };
    let mut frames = Vec::new();
    for round in 0..25 {
        let (mut journal, report, found) = open(temp.storage(), &options).unwrap();
        assert_eq!(found, frames, "round {round}");
        assert_eq!(report.torn_tail_bytes, 0);
        for size in 0..6 {
            frames.push(append(&mut journal, 2, size * 3_000).unwrap());
        }
        match round % 3 {
            0 => journal.close().unwrap(),
            1 => drop(journal),
            _ => {
                journal.seal().unwrap();
                drop(journal);
            }
        }
    }
    let (report, found) = audit(&temp.storage());
    assert_eq!(found, frames);
    assert!(report.segments > 10, "{report:?}");
}

#[test]
fn a_torn_tail_in_a_directory_is_cut() {
    let temp = Temp::new();
    let options = Options::small(16);
    let (mut journal, ..) = open(temp.storage(), &options).unwrap();
    let first = append(&mut journal, 1, 100).unwrap();
    append(&mut journal, 1, 9000).unwrap();
    drop(journal);
    let path = temp.0.join(segment_name(0));
    let mut contents = fs::read(&path).unwrap();
    contents[2 * 4096 + 5000..].fill(0);
    fs::write(&path, contents).unwrap();
    assert_eq!(audit(&temp.storage()).0.torn_tail_bytes, 8192);
    let (_, report, found) = open(temp.storage(), &options).unwrap();
    assert_eq!(found, [first]);
    assert_eq!(report.torn_tail_bytes, 8192);
    assert_eq!(audit(&temp.storage()).0.torn_tail_bytes, 0);
}

#[test]
fn foreign_files_are_left_alone() {
    let temp = Temp::new();
    let storage = temp.storage();
    let names = [
        "README",
        "segment-",
        "segment-1",
        "segment-000000000000000A",
        "segment-00000000000000000",
        "segment-0000000000000001.tmp.old",
        "segment-zzzzzzzzzzzzzzzz",
        "segment-+000000000000001",
    ];
    for name in names {
        fs::write(temp.0.join(name), name).unwrap();
    }
    fs::create_dir(temp.0.join("lost+found")).unwrap();
    let (mut journal, report, _) = open(storage.clone(), &Options::small(4)).unwrap();
    assert_eq!(report.segments, 1);
    for _ in 0..5 {
        append(&mut journal, 1, 10).unwrap();
    }
    drop(journal);
    assert_eq!(open(storage, &Options::small(4)).unwrap().2.len(), 5);
    for name in names {
        assert_eq!(fs::read_to_string(temp.0.join(name)).unwrap(), name);
    }
}

#[test]
fn unfinished_segments_of_a_dead_process_are_removed() {
    let temp = Temp::new();
    let storage = temp.storage();
    for index in [0, 7] {
        fs::write(temp.0.join(segment_name(index) + ".tmp"), [1; 100]).unwrap();
    }
    open(storage, &Options::small(4)).unwrap();
    let left = fs::read_dir(&temp.0).unwrap().filter(|entry| {
        entry.as_ref().unwrap().file_name().into_string().unwrap().ends_with(".tmp")
    });
    assert_eq!(left.count(), 0);
}

#[test]
fn a_missing_or_empty_directory_holds_no_journal() {
    let temp = Temp::new();
    let missing = DirStorage::existing(&temp.0);
    assert_eq!(missing.unwrap_err().kind(), std::io::ErrorKind::NotFound);
    let deep = DirStorage::create(temp.0.join("a/b/c")).unwrap();
    let read = read_only(&deep, |_| -> Result<(), Never> { panic!("nothing is here") });
    assert!(matches!(read, Err(ReadError::NoJournal)));
    fs::write(temp.0.join("file"), "").unwrap();
    for path in [temp.0.join("file"), temp.0.join("file/below")] {
        let opened = DirStorage::create(&path).unwrap_err();
        assert_eq!(opened.kind(), std::io::ErrorKind::NotADirectory, "{path:?}");
    }
}

#[test]
fn reading_alone_writes_nothing_and_needs_no_lock() {
    let temp = Temp::new();
    let (mut journal, ..) = open(temp.storage(), &Options::small(8)).unwrap();
    let frames: Vec<_> = (0..7).map(|_| append(&mut journal, 1, 10).unwrap()).collect();
    let names = || {
        let mut names = temp.storage().list().unwrap();
        names.sort();
        names
    };
    let before = names();
    assert_eq!(audit(&temp.storage()).1, frames, "while it is open");
    assert_eq!(names(), before);
    let file = temp.storage().open(&segment_name(0), Access::Read).unwrap();
    StorageFile::write_all_at(&file, b"x", 0).unwrap_err();
    drop(journal);
}

/// The other process of the next test: says by its exit code whether the journal in `NORACE_JOURNAL_DIR` is locked.
#[test]
fn child_that_opens_the_journal() {
    let Some(path) = std::env::var_os("NORACE_JOURNAL_DIR") else { return };
    let opened = open(DirStorage::existing(Path::new(&path)).unwrap(), &Options::small(4));
    let code = match opened {
        Ok(_) => 10,
        Err(norace_journal::OpenError::Locked) => 11,
        Err(_) => 12,
    };
    std::process::exit(code);
}

#[test]
fn a_second_process_is_kept_out_until_the_first_is_done() {
    let temp = Temp::new();
    let child = || {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "dir::child_that_opens_the_journal"])
            .env("NORACE_JOURNAL_DIR", &temp.0)
            .output();
        output.unwrap().status.code()
    };
    let (journal, ..) = open(temp.storage(), &Options::small(4)).unwrap();
    assert_eq!(child(), Some(11));
    drop(journal);
    assert_eq!(child(), Some(10));
    // The lock of a process that ended without a word is gone.
    open(temp.storage(), &Options::small(4)).unwrap();
}
