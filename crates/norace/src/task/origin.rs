//! Where a panic began: what a hook of the process sees before the stack unwinds, kept for the task's error.
//!
//! The hook runs on the thread that panics, before anything is unwound, and leaves a record in a thread-local place.
//! Whoever catches the panic of a task takes it from there, on the same thread. In between, other panics may have come
//! and gone: a destructor that panics and catches it, code of the task that catches a panic of its own and goes on
//! with another one. A record is therefore taken only by a panic with the same payload.

use super::error::text_of;
use crate::rt::current;
use norace_prim::probe;
use norace_prim::sync::Once;
use norace_prim::thread_local;
use std::any::{Any, TypeId};
use std::backtrace::{Backtrace, BacktraceStatus};
use std::cell::Cell;
use std::fmt;
use std::panic::{self, Location, PanicHookInfo};

thread_local! {
    /// The last panic that began inside a task on this thread and that nobody has taken.
    static LAST: Cell<Option<Box<Record>>> = const { Cell::new(None) };
}

/// Keeps, from now on, where the panics of tasks begin, for [`TaskError::panic_origin`](super::TaskError::panic_origin)
/// and the error's text.
///
/// Installs a panic hook of the process, once however often it is called, in front of the hook that is there: that one
/// is called as before, and prints what it prints. A hook that is set later takes its place, unless it calls the former
/// one as this one does; so call it when the program has set its own.
///
/// # Cost
///
/// None where nothing panics. A panic inside a task copies the name of a file, and takes a backtrace if
/// `RUST_BACKTRACE` or `RUST_LIB_BACKTRACE` asks for one, as [`Backtrace::capture`] has it: that takes microseconds,
/// and milliseconds when it is printed. Panics outside tasks are only passed on. What is kept of a panic that a task
/// catches by itself stays in memory until the next one of a task on that thread.
///
/// In a model it does nothing: the checker tells where panics begin by itself.
///
/// ```
/// norace::task::record_panics();
/// # norace::rt::Runtime::new().unwrap().block_on(async {
/// let error = norace::task::spawn(async { panic!("no luck") }).await.map(|()| ()).unwrap_err();
/// let origin = error.panic_origin().expect("recorded");
/// assert!(origin.file().ends_with(".rs") && origin.line() > 0);
/// // task 1 spawned at src/main.rs:3:13 panicked at src/main.rs:3:41: no luck
/// assert!(error.to_string().contains(&format!("panicked at {origin}: no luck")));
/// # });
/// ```
pub fn record_panics() {
    static INSTALLED: Once = Once::new();
    if probe::in_model() {
        return;
    }
    INSTALLED.call_once(|| {
        let former = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            record(info);
            former(info);
        }));
    });
}

/// Where a task's panic began: told once [`record_panics`] was called.
#[derive(Debug)]
pub struct PanicOrigin {
    file: Box<str>,
    line: u32,
    column: u32,
    backtrace: Backtrace,
}

impl PanicOrigin {
    /// The source file, as the compiler was given it.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The line, from 1.
    pub fn line(&self) -> u32 {
        self.line
    }

    /// The column, from 1.
    pub fn column(&self) -> u32 {
        self.column
    }

    /// The stack at that moment, when the environment asks for backtraces.
    pub fn backtrace(&self) -> Option<&Backtrace> {
        (self.backtrace.status() == BacktraceStatus::Captured).then_some(&self.backtrace)
    }

    fn here(place: &Location<'_>) -> Self {
        Self {
            file: place.file().into(),
            line: place.line(),
            column: place.column(),
            backtrace: Backtrace::capture(),
        }
    }
}

/// `file:line:column`, without the backtrace.
impl fmt::Display for PanicOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// What the hook leaves for who catches the panic.
struct Record {
    origin: PanicOrigin,
    payload: TypeId,
    text: Option<Box<str>>,
}

fn record(info: &PanicHookInfo<'_>) {
    let (Some(place), Some(_)) = (info.location(), current::task()) else { return };
    let record = Record {
        origin: PanicOrigin::here(place),
        payload: (*info.payload()).type_id(),
        text: text_of(info.payload()).map(Box::from),
    };
    // While the thread ends nobody is left to ask.
    let _ = LAST.try_with(|last| last.set(Some(Box::new(record))));
}

/// What a panic of a task was caught with.
pub(crate) struct Caught {
    pub(crate) payload: Box<dyn Any + Send>,
    pub(super) origin: Option<Box<PanicOrigin>>,
}

impl Caught {
    /// A panic that was just caught on this thread.
    pub(crate) fn new(payload: Box<dyn Any + Send>) -> Box<Self> {
        let last = LAST.try_with(Cell::take).ok().flatten();
        let same = |record: &Record| {
            record.payload == (*payload).type_id() && record.text.as_deref() == text_of(&*payload)
        };
        let origin = last.filter(|record| same(record)).map(|record| Box::new(record.origin));
        Box::new(Self { payload, origin })
    }
}
