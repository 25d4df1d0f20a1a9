//! Files that are followed. Time does not pass: each look is a call.

use norace::config::Hot;
use norace::config::file::{Event, Reason, Source};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::time::Duration;

/// A folder of a test's own.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        // Relaxed: only the numbers have to differ.
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("norace-it-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).expect("the temporary folder takes one more");
        Self(path)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left behind in the temporary directory does no harm.
        let _ = fs::remove_dir_all(&self.0);
    }
}

type Number = Source<u32, String>;
type Positive = Hot<u32, &'static str>;

fn number(text: &[u8]) -> Result<u32, String> {
    let text = std::str::from_utf8(text).map_err(|error| error.to_string())?;
    assert_ne!(text, "panic", "a parser's panic");
    text.trim().parse().map_err(|_| format!("not a number: {text}"))
}

fn follow(path: &Path) -> (Number, Positive) {
    let mut source = Source::new(path, number).bytes_max(64);
    let first = source.read().expect("it is a number");
    let positive = |_: &u32, new: &u32| if *new > 0 { Ok(()) } else { Err("it is 0") };
    (source, Hot::builder(first).validate(positive).build())
}

/// What two looks give, the first of which only settles.
#[track_caller]
fn look(source: &mut Number, hot: &Positive) -> Result<u64, Reason<String, &'static str>> {
    assert!(source.look(hot).is_none(), "nothing is taken at first sight");
    match source.look(hot) {
        Some(Event::Published(version)) => Ok(version),
        Some(Event::Failed(failure)) => {
            assert_eq!(failure.version, hot.version());
            assert!(source.look(hot).is_none(), "it is reported once");
            // The look above has dropped nothing of it.
            Err(std::sync::Arc::into_inner(failure).expect("it is ours").reason)
        }
        other => panic!("nothing was found: {other:?}"),
    }
}

#[test]
fn a_new_content_is_published_when_it_has_settled() {
    let folder = Folder::new();
    let path = folder.at("number");
    fs::write(&path, "1").unwrap();
    let (mut source, hot) = follow(&path);
    assert!(source.look(&hot).is_none() && source.look(&hot).is_none());
    fs::write(&path, "2").unwrap();
    assert!(source.look(&hot).is_none());
    fs::write(&path, "23").unwrap();
    assert!(source.look(&hot).is_none(), "it is still being written");
    assert!(matches!(source.look(&hot), Some(Event::Published(2))));
    assert_eq!(*hot.load(), 23);
    fs::write(&path, "23").unwrap();
    assert!(source.look(&hot).is_none() && source.look(&hot).is_none(), "the same bytes");
}

#[test]
fn a_change_that_is_taken_back_at_once_is_none() {
    let folder = Folder::new();
    let path = folder.at("number");
    fs::write(&path, "1").unwrap();
    let (mut source, hot) = follow(&path);
    for content in ["2", "1", "2", "1"] {
        fs::write(&path, content).unwrap();
        assert!(source.look(&hot).is_none());
    }
    assert_eq!(hot.version(), 1);
}

#[test]
fn a_bad_file_changes_nothing_and_says_why() {
    let folder = Folder::new();
    let path = folder.at("number");
    fs::write(&path, "7").unwrap();
    let (mut source, hot) = follow(&path);
    fs::write(&path, "seven").unwrap();
    assert!(matches!(look(&mut source, &hot), Err(Reason::Parse(why)) if why.contains("seven")));
    fs::write(&path, "0").unwrap();
    assert!(matches!(look(&mut source, &hot), Err(Reason::Invalid("it is 0"))));
    fs::write(&path, "panic").unwrap();
    assert!(matches!(look(&mut source, &hot), Err(Reason::Panicked)));
    fs::write(&path, "1".repeat(65)).unwrap();
    assert!(matches!(look(&mut source, &hot), Err(Reason::TooLong(64))));
    fs::remove_file(&path).unwrap();
    let missing = std::io::ErrorKind::NotFound;
    assert!(matches!(look(&mut source, &hot), Err(Reason::Read(why)) if why.kind() == missing));
    fs::create_dir(&path).unwrap();
    assert!(matches!(look(&mut source, &hot), Err(Reason::Read(_))));
    assert_eq!((*hot.load(), hot.version()), (7, 1));
    fs::remove_dir(&path).unwrap();
    fs::write(&path, "8").unwrap();
    assert_eq!(look(&mut source, &hot).unwrap(), 2);
}

#[test]
fn a_file_that_is_replaced_by_renaming_is_followed() {
    let folder = Folder::new();
    let path = folder.at("number");
    fs::write(&path, "1").unwrap();
    let (mut source, hot) = follow(&path);
    fs::write(folder.at("new"), "2").unwrap();
    fs::rename(folder.at("new"), &path).unwrap();
    assert_eq!(look(&mut source, &hot).unwrap(), 2);
}

/// `number -> ..data/number`, `..data -> 1`, and then `..data` is turned by renaming another link over it.
#[cfg(unix)]
#[test]
fn a_link_in_the_path_that_is_turned_is_followed() {
    use std::os::unix::fs::symlink;
    let folder = Folder::new();
    for (name, content) in [("1", "100"), ("2", "200")] {
        fs::create_dir(folder.at(name)).unwrap();
        fs::write(folder.at(name).join("number"), content).unwrap();
    }
    symlink("1", folder.at("..data")).unwrap();
    symlink("..data/number", folder.at("number")).unwrap();
    let (mut source, hot) = follow(&folder.at("number"));
    symlink("2", folder.at("..data_tmp")).unwrap();
    fs::rename(folder.at("..data_tmp"), folder.at("..data")).unwrap();
    fs::remove_dir_all(folder.at("1")).unwrap();
    assert_eq!(look(&mut source, &hot).unwrap(), 2);
    assert_eq!(*hot.load(), 200);
}

#[test]
fn a_file_to_begin_with_has_to_be_there_and_good() {
    let folder = Folder::new();
    let path = folder.at("number");
    let mut source = Source::new(&path, number);
    assert!(matches!(source.read(), Err(Reason::Read(_))));
    fs::write(&path, "x").unwrap();
    assert!(matches!(source.read(), Err(Reason::Parse(_))));
    let mut source = source.bytes_max(0);
    assert!(matches!(source.read(), Err(Reason::TooLong(0))));
}

#[test]
fn a_thread_follows_until_it_is_dropped() {
    let folder = Folder::new();
    let path = folder.at("number");
    fs::write(&path, "1").unwrap();
    let (source, hot) = follow(&path);
    let (events, seen) = mpsc::channel();
    let report = move |event: &Event<String, &'static str>| {
        let version = match event {
            Event::Published(version) => Some(*version),
            _ => None,
        };
        events.send(version).unwrap();
    };
    let follower = source.interval(Duration::from_millis(1)).follow(&hot, report).unwrap();
    assert!(follower.status().last_failure.is_none());
    // Whole at once: who writes in place may be seen between emptying the file and filling it.
    let replace = |content: &str| {
        fs::write(folder.at("new"), content).unwrap();
        fs::rename(folder.at("new"), &path).unwrap();
    };
    replace("bad");
    assert_eq!(seen.recv(), Ok(None));
    assert_eq!(follower.status().last_failure.expect("it was bad").version, 1);
    replace("2");
    assert_eq!(seen.recv(), Ok(Some(2)));
    let status = follower.status();
    assert!(status.last_failure.is_none());
    assert_eq!(status.last_published.expect("it was good").0, 2);
    drop(follower);
    assert!(seen.recv().is_err(), "the thread and its report are gone");
}
