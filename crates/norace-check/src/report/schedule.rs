//! The schedule: one row for each step of the execution that somebody could see.

use std::collections::HashMap;

use norace_explore::{
    Blocked, Class, Execution, Finding as Defect, Kind, ObjectId, ObjectInfo, TraceEvent,
};

use super::build::{full_name, place, waits};
use super::stacks::frames;
use super::{Place, Row};

/// Rows of a schedule that a report shows: so many at the beginning and at the end.
pub(super) const HEAD_ROWS: usize = 30;
const TAIL_ROWS: usize = 60;

/// The rows, and how many were left out of their middle.
pub(super) fn rows(run: &Execution<'_>, defect: &Defect) -> (Vec<Row>, usize) {
    let mut writer = Writer { run, pointers: HashMap::new(), objects: HashMap::new() };
    let marks = marks(defect);
    let mut rows: Vec<Row> = Vec::new();
    for (at, event) in run.trace().events().enumerate() {
        let at = u32::try_from(at).expect("the step bound keeps events few");
        if let Some(text) = writer.text(&event, at) {
            let mark = marks.iter().find(|(of, _)| *of == at).map(|(_, mark)| mark.clone());
            // What stands in the standard library's files is a destructor: the stack knows whose.
            let nowhere = event.location.file().starts_with("/rustc/");
            let own = nowhere.then(|| program_place(run, at)).flatten();
            let place = own.unwrap_or_else(|| place(event.location));
            rows.push(Row { task: event.thread.index(), text, place, mark });
        }
    }
    if let Some(last) = last_row(defect, &rows) {
        rows.truncate(last + 1);
    }
    for one in blocked(defect) {
        rows.push(Row {
            task: one.thread.id.index(),
            text: waits(one, |object| writer.name(object.id)),
            place: place(one.waits.first().map_or(one.location, |wait| wait.location)),
            mark: Some("for ever".to_owned()),
        });
    }
    let left_out = rows.len().saturating_sub(HEAD_ROWS + TAIL_ROWS);
    if left_out > 0 {
        rows.drain(HEAD_ROWS..HEAD_ROWS + left_out);
    }
    (rows, left_out)
}

/// Where the program was at an event.
fn program_place(run: &Execution<'_>, event: u32) -> Option<Place> {
    let frames = frames(&*run.stack(event)?);
    frames.into_iter().find(|frame| !frame.library)?.place
}

/// Where the schedule of something that is only suspected may end: it goes on as if nothing had happened.
fn last_row(defect: &Defect, rows: &[Row]) -> Option<usize> {
    let suspected = matches!(defect, Defect::LockOrder { .. } | Defect::Aba { .. });
    rows.iter().rposition(|row| row.mark.is_some()).filter(|_| suspected)
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
}

impl Writer<'_> {
    fn object(&mut self, id: ObjectId) -> &(ObjectInfo, String) {
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
        match event.kind {
            Kind::Store => format!("{on} := {written} ({:?})", event.order),
            Kind::Rmw => format!("{on}: {read} -> {written} ({:?})", event.order),
            Kind::FailedCompareExchange => {
                format!("{on} = {read}, not {written} ({:?})", event.order)
            }
            _ => format!("{on} = {read} ({:?})", event.order),
        }
    }
}

fn prefixed(prefix: &str, value: Option<&str>) -> String {
    value.map_or_else(String::new, |value| format!("{prefix}{value}"))
}
