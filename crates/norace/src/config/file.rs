//! A file that is followed: what is written to it is published.
//!
//! ```no_run
//! use norace::config::{Hot, file::Source};
//!
//! fn parse(text: &[u8]) -> Result<u32, String> {
//!     let text = str::from_utf8(text).map_err(|error| error.to_string())?;
//!     text.trim().parse().map_err(|error| format!("{error}"))
//! }
//!
//! let mut source = Source::new("limit.txt", parse);
//! let first = source.read().expect("a file to start with");
//! let hot = Hot::builder(first)
//!     .validate(|_, new| if *new > 0 { Ok(()) } else { Err("0 would stop everything") })
//!     .build();
//! let follower = source.follow(&hot, |event| eprintln!("{event:?}")).expect("start a thread");
//! // …
//! drop(follower);
//! ```
//!
//! # How
//!
//! A thread reads the file by its path at each interval, half a second unless told otherwise. What differs from what
//! was handled last, byte by byte, is taken when a second look one interval later finds the same: a file that is just
//! being written settles first. So a change is in force after at most two intervals and the time to read. There is
//! nothing to miss: neither a file that is replaced by renaming, nor a symbolic link anywhere in its path that is
//! turned, as Kubernetes does with `..data`, nor a write that leaves length and time as they were; and it works on file
//! systems that send no notifications. It costs one read of the file per interval, so it is for files of kilobytes.
//!
//! A file that cannot be read, is too long, does not parse or is refused by the validator changes nothing. It is
//! reported once, and kept as the [`Status::last_failure`] until a later content is published. Two writers within an
//! interval are one change: the last.
//!
//! In a model of the checker, which does not control files, reading and following panic.

use super::hot::Hot;
use norace_prim::probe;
use norace_prim::sync::{Arc, Condvar, Mutex, lock, wait_timeout};
use norace_prim::thread::{self, JoinHandle};
use norace_prim::time::{Duration, Instant, SystemTime};
use std::error::Error;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// Why a file's content was not published.
#[derive(Debug)]
#[non_exhaustive]
pub enum Reason<P, E> {
    /// It could not be read; a path that leads to no regular file is `InvalidInput`.
    Read(io::Error),
    /// It is longer than this many bytes.
    TooLong(usize),
    /// The parser refused it.
    Parse(P),
    /// The validator refused it.
    Invalid(E),
    /// The parser or the validator panicked.
    Panicked,
}

impl<P: fmt::Display, E: fmt::Display> fmt::Display for Reason<P, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => write!(f, "cannot read the file: {error}"),
            Self::TooLong(bytes) => write!(f, "the file is longer than {bytes} bytes"),
            Self::Parse(error) => write!(f, "cannot parse the file: {error}"),
            Self::Invalid(error) => write!(f, "the value was refused: {error}"),
            Self::Panicked => f.write_str("the parser or the validator panicked"),
        }
    }
}

impl<P: Error + 'static, E: Error + 'static> Error for Reason<P, E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Read(error) => Some(error),
            Self::Parse(error) => Some(error),
            Self::Invalid(error) => Some(error),
            Self::TooLong(_) | Self::Panicked => None,
        }
    }
}

/// A content that was not published.
#[derive(Debug)]
#[non_exhaustive]
pub struct Failure<P, E> {
    /// Why.
    pub reason: Reason<P, E>,
    /// When that was found.
    pub at: SystemTime,
    /// The version that stayed in force.
    pub version: u64,
}

/// What a look at the file came to.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<P, E> {
    /// Its content is in force as this version.
    Published(u64),
    /// Its content changed nothing.
    Failed(Arc<Failure<P, E>>),
}

/// How following a file goes.
#[derive(Debug)]
#[non_exhaustive]
pub struct Status<P, E> {
    /// The failure since which nothing was published from the file.
    pub last_failure: Option<Arc<Failure<P, E>>>,
    /// The version published from it last, and when.
    pub last_published: Option<(u64, SystemTime)>,
}

impl<P, E> Clone for Status<P, E> {
    fn clone(&self) -> Self {
        Self { last_failure: self.last_failure.clone(), last_published: self.last_published }
    }
}

type Parse<T, P> = dyn FnMut(&[u8]) -> Result<T, P> + Send;

/// What is at the path.
#[derive(Debug, PartialEq, Eq)]
enum Content {
    Bytes(Vec<u8>),
    TooLong,
    Unreadable(io::ErrorKind),
}

/// A file and how it is read.
pub struct Source<T, P> {
    path: PathBuf,
    interval: Duration,
    bytes_max: usize,
    parse: Box<Parse<T, P>>,
    /// What was parsed or reported last.
    handled: Option<Content>,
    /// What was found by the last look and has not settled.
    settling: Option<Content>,
}

impl<T, P> Source<T, P> {
    /// The file at `path`, whose content `parse` makes a value of. Opens nothing yet.
    pub fn new(
        path: impl Into<PathBuf>,
        parse: impl FnMut(&[u8]) -> Result<T, P> + Send + 'static,
    ) -> Self {
        Self {
            path: path.into(),
            interval: Duration::from_millis(500),
            bytes_max: 1 << 20,
            parse: Box::new(parse),
            handled: None,
            settling: None,
        }
    }

    /// How long from one look to the next. Default 500 ms.
    #[must_use]
    pub fn interval(self, interval: Duration) -> Self {
        Self { interval, ..self }
    }

    /// The longest content that is read. Default 1 MiB.
    #[must_use]
    pub fn bytes_max(self, bytes_max: usize) -> Self {
        Self { bytes_max, ..self }
    }

    /// Reads the file now, to have a value to begin with. Following it afterwards begins from this content.
    ///
    /// # Errors
    ///
    /// When it cannot be read, is too long, or is refused by the parser.
    ///
    /// # Panics
    ///
    /// When the parser does.
    #[cfg_attr(norace, track_caller)]
    pub fn read(&mut self) -> Result<T, Reason<P, std::convert::Infallible>> {
        probe::refuse("read a file");
        let (content, error) = self.content();
        let value = match (&content, error) {
            (Content::Bytes(bytes), _) => (self.parse)(bytes).map_err(Reason::Parse),
            (_, Some(error)) => Err(Reason::Read(error)),
            (_, None) => Err(Reason::TooLong(self.bytes_max)),
        };
        self.handled = Some(content);
        value
    }

    /// Looks once, for who follows the file by other means than a thread: see [`follow`](Self::follow).
    ///
    /// Gives nothing while there is nothing new, or what is new has been seen only once. Blocks as reading a file does.
    #[cfg_attr(norace, track_caller)]
    pub fn look<E>(&mut self, hot: &Hot<T, E>) -> Option<Event<P, E>> {
        probe::refuse("read a file");
        let (content, error) = self.content();
        if self.handled.as_ref() == Some(&content) {
            self.settling = None;
            return None;
        }
        if self.settling.as_ref() != Some(&content) {
            self.settling = Some(content);
            return None;
        }
        self.settling = None;
        let result = match (&content, error) {
            (Content::Bytes(bytes), _) => publish(&mut self.parse, bytes, hot),
            (_, Some(error)) => Err(Reason::Read(error)),
            (_, None) => Err(Reason::TooLong(self.bytes_max)),
        };
        self.handled = Some(content);
        Some(match result {
            Ok(version) => Event::Published(version),
            Err(reason) => {
                let (at, version) = (SystemTime::now(), hot.version());
                Event::Failed(Arc::new(Failure { reason, at, version }))
            }
        })
    }

    /// What is at the path, and the error in full where there is one.
    fn content(&self) -> (Content, Option<io::Error>) {
        match read(&self.path, self.bytes_max) {
            Ok(Some(bytes)) => (Content::Bytes(bytes), None),
            Ok(None) => (Content::TooLong, None),
            Err(error) => (Content::Unreadable(error.kind()), Some(error)),
        }
    }

    /// Follows the file on a thread of its own, and calls `report` there for each content that was published or not.
    ///
    /// The thread keeps a [`Hot`], so that waiting for changes goes on.
    ///
    /// # Errors
    ///
    /// When the system gives no thread.
    ///
    /// # Panics
    ///
    /// A panic in `report` ends the following.
    #[cfg_attr(norace, track_caller)]
    pub fn follow<E>(
        self,
        hot: &Hot<T, E>,
        report: impl FnMut(&Event<P, E>) + Send + 'static,
    ) -> io::Result<Follower<P, E>>
    where
        T: Send + Sync + 'static,
        P: Send + Sync + 'static,
        E: Send + Sync + 'static,
    {
        probe::refuse("follow a file");
        let shared = Arc::new(Following {
            state: Mutex::new(State {
                status: Status { last_failure: None, last_published: None },
                stop: false,
            }),
            wake: Condvar::new(),
        });
        let thread = {
            let (shared, hot) = (shared.clone(), hot.clone());
            let thread = thread::Builder::new().name("norace-config".to_owned());
            thread.spawn(move || follow(self, &hot, report, &shared))?
        };
        Ok(Follower { shared, thread: Some(thread) })
    }
}

/// Reads the file; nothing when it is too long.
fn read(path: &Path, bytes_max: usize) -> io::Result<Option<Vec<u8>>> {
    // Opening a pipe would wait for its writer.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    let mut bytes = Vec::new();
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    Ok((bytes.len() <= bytes_max).then_some(bytes))
}

fn publish<T, P, E>(
    parse: &mut dyn FnMut(&[u8]) -> Result<T, P>,
    bytes: &[u8],
    hot: &Hot<T, E>,
) -> Result<u64, Reason<P, E>> {
    // What panicked is called again only with another content; what it left behind is its own.
    catch_unwind(AssertUnwindSafe(|| {
        let value = parse(bytes).map_err(Reason::Parse)?;
        hot.publish(value).map_err(Reason::Invalid)
    }))
    .unwrap_or_else(|payload| {
        // Its drop is foreign code, too.
        std::mem::forget(payload);
        Err(Reason::Panicked)
    })
}

struct State<P, E> {
    status: Status<P, E>,
    stop: bool,
}

struct Following<P, E> {
    state: Mutex<State<P, E>>,
    wake: Condvar,
}

fn follow<T, P, E>(
    mut source: Source<T, P>,
    hot: &Hot<T, E>,
    mut report: impl FnMut(&Event<P, E>),
    shared: &Following<P, E>,
) {
    while shared.sleep(source.interval) {
        let Some(event) = source.look(hot) else { continue };
        {
            let status = &mut lock(&shared.state).status;
            match &event {
                Event::Published(version) => {
                    status.last_failure = None;
                    status.last_published = Some((*version, SystemTime::now()));
                }
                Event::Failed(failure) => status.last_failure = Some(failure.clone()),
            }
        }
        report(&event);
    }
}

impl<P, E> Following<P, E> {
    /// Sleeps, unless it is to stop; whether it goes on.
    fn sleep(&self, time: Duration) -> bool {
        let end = Instant::now() + time;
        let mut state = lock(&self.state);
        while !state.stop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            (state, _) = wait_timeout(&self.wake, state, left);
        }
        false
    }
}

/// A file that is being followed; dropping it ends that.
///
/// The drop waits for a look that is under way.
pub struct Follower<P, E> {
    shared: Arc<Following<P, E>>,
    thread: Option<JoinHandle<()>>,
}

impl<P, E> Follower<P, E> {
    /// How it goes.
    pub fn status(&self) -> Status<P, E> {
        lock(&self.shared.state).status.clone()
    }
}

impl<P, E> Drop for Follower<P, E> {
    fn drop(&mut self) {
        lock(&self.shared.state).stop = true;
        self.shared.wake.notify_one();
        if let Some(thread) = self.thread.take() {
            // A panic in the report was shown when it happened.
            let _ = thread.join();
        }
    }
}

impl<T, P> fmt::Debug for Source<T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("path", &self.path).finish_non_exhaustive()
    }
}

impl<P, E> fmt::Debug for Follower<P, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follower").finish_non_exhaustive()
    }
}
