//! The schedule: one row for each step of the execution that somebody could see.

use std::collections::HashMap;

use norace_explore::{
    Blocked, Class, Execution, Finding as Defect, Kind, ObjectId, ObjectInfo, PanicBegun, ThreadId,
    TraceEvent,
};

use super::build::{asked_for, full_name, own_panic, place, waits};
use super::stacks::{self, frames};
use super::{Place, Row};

/// Rows of a schedule that a report shows, and of them at its beginning, at its end, and around each switch.
const ROWS_MAX: usize = 80;
const HEAD_ROWS: usize = 4;
const TAIL_ROWS: usize = 24;
const SWITCH_ROWS: usize = 4;

/// Characters of the message of a panic that a row shows.
const MESSAGE_MAX: usize = 48;

/// An execution in rows.
pub(super) struct Schedule {
    pub(super) rows: Vec<Row>,
    /// How many were left out of their middle.
    pub(super) left_out: usize,
    /// How often another thread goes on from one row to the next, those that were left out included.
    pub(super) switches: usize,
}

/// The rows that say most.
pub(super) fn schedule(run: &Execution<'_>, defect: &Defect) -> Schedule {
    let mut writer = Writer {
        run,
        pointers: HashMap::new(),
        objects: HashMap::new(),
        stores: HashMap::new(),
        newest: HashMap::new(),
    };
    let marks = marks(defect);
    let mut rows: Vec<Row> = Vec::new();
    let mut panics = panics(run, defect).into_iter().peekable();
    for (at, event) in run.trace().events().enumerate() {
        let at = u32::try_from(at).expect("the step bound keeps events few");
        while let Some((_, row)) = panics.next_if(|(before, _)| *before <= at) {
            rows.push(row);
        }
        if let Some(text) = writer.text(&event, at) {
            let mark = marks.iter().find(|(of, _)| *of == at).map(|(_, mark)| mark.clone());
            // What stands in the standard library's files is a destructor: the stack knows whose.
            let nowhere = event.location.file().starts_with("/rustc/");
            let own = nowhere.then(|| program_place(run, at)).flatten();
            let place = own.unwrap_or_else(|| place(event.location));
            rows.push(Row { number: 0, task: event.thread.index(), text, place, mark });
        }
    }
    rows.extend(panics.map(|(_, row)| row));
    if let Some(last) = last_row(run, defect, &rows) {
        rows.truncate(last + 1);
    }
    let switches = rows.windows(2).filter(|pair| pair[0].task != pair[1].task).count();
    for one in blocked(defect) {
        rows.push(Row {
            number: 0,
            task: one.thread.id.index(),
            text: waits(one, |object| writer.name(object.id)),
            place: place(asked_for(one).first().map_or(one.location, |wait| wait.location)),
            mark: Some("for ever".to_owned()),
        });
    }
    let all = rows.len();
    let rows = telling(rows);
    Schedule { left_out: all - rows.len(), rows, switches }
}

/// The rows that say most, numbered as in the whole: the first ones, the last ones, those that make the finding, and
/// those around the switches, of these the last ones.
fn telling(mut rows: Vec<Row>) -> Vec<Row> {
    let all = rows.len();
    let mut shown: Vec<bool> = (0..all)
        .map(|at| {
            all <= ROWS_MAX || at < HEAD_ROWS || at + TAIL_ROWS >= all || rows[at].mark.is_some()
        })
        .collect();
    let mut left = ROWS_MAX.saturating_sub(shown.iter().filter(|shown| **shown).count());
    for at in (1..all).rev().filter(|&at| rows[at].task != rows[at - 1].task) {
        for around in &mut shown[at.saturating_sub(SWITCH_ROWS)..all.min(at + SWITCH_ROWS)] {
            if left > 0 && !std::mem::replace(around, true) {
                left -= 1;
            }
        }
    }
    for (at, row) in rows.iter_mut().enumerate() {
        row.number = at + 1;
    }
    let mut shown = shown.into_iter();
    rows.retain(|_| shown.next() == Some(true));
    rows
}

/// Where the program was at an event.
fn program_place(run: &Execution<'_>, event: u32) -> Option<Place> {
    let frames = frames(&*run.stack(event)?);
    frames.into_iter().find(|frame| !frame.library)?.place
}

/// The panics, each with the event before which it began; that of the finding is marked.
fn panics(run: &Execution<'_>, defect: &Defect) -> Vec<(u32, Row)> {
    let own = match defect {
        Defect::Panic { thread, location, .. } => own_panic(run, thread, location.as_deref()),
        _ => None,
    };
    let row = |(at, panic): (usize, &PanicBegun)| {
        let place = stacks::place(panic.location.as_ref()?)?;
        let mark = (own == Some(at)).then(|| "the panic".to_owned());
        let text = format!("panics: {}", shortened(&panic.message));
        Some((panic.before, Row { number: 0, task: panic.thread.index(), text, place, mark }))
    };
    run.panics().iter().enumerate().filter_map(row).collect()
}

/// The beginning of a message.
fn shortened(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    let short: String = line.chars().take(MESSAGE_MAX).collect();
    if short.len() < message.len() { short + "…" } else { short }
}

/// Where a schedule may end that goes on: of what is only suspected, as if nothing had happened; of those who wait for
/// ever, with timers that help nobody; after a panic, with others that run on and with what is dropped.
fn last_row(run: &Execution<'_>, defect: &Defect, rows: &[Row]) -> Option<usize> {
    match defect {
        Defect::LockOrder { .. } | Defect::Aba { .. } | Defect::Panic { .. } => {
            rows.iter().rposition(|row| row.mark.is_some())
        }
        Defect::Deadlock { .. } | Defect::Leak { .. } => {
            let timers = timers(run);
            rows.iter().rposition(|row| !timers.contains(&row.task))
        }
        _ => None,
    }
}

fn timers(run: &Execution<'_>) -> Vec<usize> {
    run.threads().filter(|thread| thread.is_timer).map(|thread| thread.id.index()).collect()
}

fn blocked(defect: &Defect) -> &[Blocked] {
    match defect {
        Defect::Deadlock { blocked, .. } | Defect::Leak { blocked } => blocked,
        _ => &[],
    }
}

/// The events that make the finding, with what is said beside them.
fn marks(defect: &Defect) -> Vec<(u32, String)> {
    match defect {
        Defect::DataRace { first, second, .. } => {
            let with = |other| format!("race with {}", full_name(other));
            vec![(first.event, with(&second.thread)), (second.event, with(&first.thread))]
        }
        Defect::Misused { event, .. } => vec![(*event, "after the close".to_owned())],
        Defect::LockOrder { cycle } => {
            cycle.iter().map(|nested| (nested.event, "opposite order".to_owned())).collect()
        }
        Defect::Aba { event, .. } => vec![(*event, "the value came back".to_owned())],
        _ => Vec::new(),
    }
}

struct Writer<'a> {
    run: &'a Execution<'a>,
    /// Addresses are told by the order in which they appear: they differ from process to process.
    pointers: HashMap<u128, usize>,
    /// What each object is, and what it is called.
    objects: HashMap<ObjectId, (ObjectInfo, String)>,
    /// Where in its atomic's order of changes each store so far stands, and which one is the last there.
    stores: HashMap<(ThreadId, u32), u32>,
    newest: HashMap<ObjectId, u32>,
}

impl Writer<'_> {
    fn object(&mut self, id: ObjectId) -> &(ObjectInfo, String) {
        // A side of an object is called like the object.
        let id = self.run.object(id).id;
        if !self.objects.contains_key(&id) {
            let object = self.run.object(id);
            let name = self.new_name(&object);
            self.objects.insert(id, (object, name));
        }
        &self.objects[&id]
    }

    /// What an object is called in a row: its name, or what it is and where it was created; with a number where another
    /// one is called so already.
    fn new_name(&self, object: &ObjectInfo) -> String {
        let file = object.created.file().rsplit(['/', '\\']).next().unwrap_or_default();
        let at = || format!("{}@{file}:{}", object.word, object.created.line());
        let name = object.name.map_or_else(at, str::to_owned);
        let taken = |name: &String| self.objects.values().any(|(_, known)| known == name);
        if !taken(&name) {
            return name;
        }
        let numbered = (2..).map(|number| format!("{name}#{number}")).find(|name| !taken(name));
        numbered.expect("some number is free")
    }

    fn name(&mut self, id: ObjectId) -> String {
        self.object(id).1.clone()
    }

    fn value(&mut self, id: ObjectId, value: u128) -> String {
        let type_name = self.object(id).0.type_name.unwrap_or_default();
        let signed = |bits: u32| (value as i128) << (128 - bits) >> (128 - bits);
        match type_name {
            "bool" => (value != 0).to_string(),
            "i8" => signed(8).to_string(),
            "i16" => signed(16).to_string(),
            "i32" => signed(32).to_string(),
            "i64" | "isize" => signed(64).to_string(),
            "i128" => signed(128).to_string(),
            pointer if pointer.starts_with('*') && value == 0 => "null".to_owned(),
            pointer if pointer.starts_with('*') => {
                let next = self.pointers.len() + 1;
                format!("pointer {}", self.pointers.entry(value).or_insert(next))
            }
            _ => value.to_string(),
        }
    }

    /// What a row says; none for what nobody else could see.
    fn text(&mut self, event: &TraceEvent, at: u32) -> Option<String> {
        if event.class == Class::Atomic {
            return Some(self.atomic(event));
        }
        let noted = self.run.value(at);
        let on = self.name(event.object);
        let lock = if event.class == Class::RwLock { "write-lock" } else { "lock" };
        Some(match event.kind {
            Kind::Fence => format!("fence {:?}", event.order),
            Kind::CellRead => format!("read {on}{}", prefixed(" = ", noted)),
            Kind::CellWrite => format!("write {on}{}", prefixed(" := ", noted)),
            Kind::Lock | Kind::Write => format!("{lock} {on}"),
            Kind::TryLock | Kind::TryWrite => format!("try to {lock} {on}: locked"),
            Kind::FailedTryLock | Kind::FailedTryWrite => format!("try to {lock} {on}: taken"),
            Kind::Unlock | Kind::WriteUnlock => format!("unlock {on}"),
            Kind::Read => format!("read-lock {on}"),
            Kind::TryRead => format!("try to read-lock {on}: locked"),
            Kind::FailedTryRead => format!("try to read-lock {on}: taken"),
            Kind::ReadUnlock => format!("read-unlock {on}"),
            Kind::WriteRegister => format!("ask to write-lock {on}"),
            Kind::Enqueue => format!("wait on {on}"),
            Kind::Wake | Kind::TimedWake => format!("woken by {on}"),
            Kind::WaitTimeout => format!("waited too long on {on}"),
            Kind::NotifyOne => format!("notify one of {on}"),
            Kind::NotifyAll => format!("notify all of {on}"),
            Kind::Enter => format!("{} {on}", noted.unwrap_or("enter")),
            Kind::LetGo => format!("{} {on}", noted.unwrap_or("let go of")),
            Kind::Look => format!("{} {on}: changes nothing", noted.unwrap_or("look at")),
            Kind::IsFinished => format!("look whether {} has ended", self.thread_of(event.object)),
            Kind::Unpark => format!("unpark {}", self.thread_of(event.object)),
            Kind::Join => format!("join {}", self.thread_of(event.object)),
            Kind::Spawn => format!("spawn {}", self.thread_of(event.object)),
            Kind::ParkTimeout => "parked too long".to_owned(),
            Kind::AlarmFire => "timer goes off".to_owned(),
            Kind::TimerFire => "time passes".to_owned(),
            Kind::Choose => "choose".to_owned(),
            _ => return None,
        })
    }

    fn thread_of(&self, object: ObjectId) -> String {
        let id = self.run.thread_of(object);
        let thread = self.run.threads().find(|thread| Some(thread.id) == id);
        thread.map_or_else(|| "a thread".to_owned(), |thread| full_name(&thread))
    }

    fn atomic(&mut self, event: &TraceEvent) -> String {
        let on = self.name(event.object);
        let read = self.value(event.object, event.read);
        let written = self.value(event.object, event.written);
        let what = match event.kind {
            Kind::Store => format!("{on} := {written}"),
            Kind::Rmw => format!("{on}: {read} -> {written}"),
            Kind::FailedCompareExchange if event.read == event.written => {
                format!("{on} = {read}, but the weak exchange fails")
            }
            Kind::FailedCompareExchange => format!("{on} = {read}, not {written}"),
            _ => format!("{on} = {read}"),
        };
        let older = if self.is_older(event) { ", an older value" } else { "" };
        format!("{what} ({:?}){older}", event.order)
    }

    /// Notes a store; whether an event that reads does not read the last one.
    fn is_older(&mut self, event: &TraceEvent) -> bool {
        let newest = self.newest.entry(event.object).or_default();
        if matches!(event.kind, Kind::Store | Kind::Rmw) {
            let position = event.position.unwrap_or_default();
            self.stores.insert((event.thread, event.number), position);
            *newest = position.max(*newest);
            return false;
        }
        let source = event.reads_from.and_then(|source| self.stores.get(&source));
        source.copied().unwrap_or_default() < *newest
    }
}

fn prefixed(prefix: &str, value: Option<&str>) -> String {
    value.map_or_else(String::new, |value| format!("{prefix}{value}"))
}
