//! From an execution, recorded in detail, to the report of what it shows.

use std::panic::Location;
use std::sync::atomic::Ordering;

use norace_explore::{
    Access, Blocked, Execution, Finding as Defect, Kind, Misuse, Nested, ObjectInfo, PanicBegun,
    THREADS_MAX, ThreadId, ThreadInfo, Unordered, Waits,
};

use super::chain;
use super::schedule::{Schedule, schedule};
use super::stacks::{self, frames};
use super::{Finding, Fix, Frame, Place, Stack, Task};

/// What the report says beyond the execution.
pub(crate) struct Told {
    pub(crate) test: String,
    pub(crate) token: String,
    pub(crate) fix: Option<Fix>,
    /// Context switches of the execution before it was shrunk, if it was.
    pub(crate) switches_before: Option<usize>,
}

/// Explains `defect`, which `run` shows.
pub(crate) fn build(run: &Execution<'_>, defect: &Defect, told: Told) -> Finding {
    let Schedule { rows, left_out, switches } = schedule(run, defect);
    Finding {
        schema: "norace.finding/1",
        kind: defect.kind(),
        test: told.test,
        token: told.token,
        title: title(defect),
        tasks: run.threads().map(task).collect(),
        stacks: stacks(run, defect),
        why: why(run, defect),
        fix: told.fix,
        schedule: rows,
        rows_left_out: left_out,
        switches: [switches, told.switches_before.unwrap_or(switches)],
    }
}

/// Context switches of an execution that shows `defect`, as its schedule shows them.
pub(crate) fn switches(run: &Execution<'_>, defect: &Defect) -> usize {
    schedule(run, defect).switches
}

fn task(thread: ThreadInfo) -> Task {
    Task {
        id: thread.id.index(),
        name: thread_name(&thread),
        spawned_at: thread.spawned_at.map(place),
        timer: thread.is_timer,
    }
}

/// What a thread is called: its name, or what it is and its number.
fn thread_name(thread: &ThreadInfo) -> String {
    match (&thread.name, thread.id.index(), thread.is_timer) {
        (Some(name), ..) => name.clone(),
        (None, 0, _) => "main".to_owned(),
        (None, id, true) => format!("timer {id}"),
        (None, id, false) => format!("thread {id}"),
    }
}

/// What a thread is called where others may have its name.
pub(super) fn full_name(thread: &ThreadInfo) -> String {
    match &thread.name {
        Some(name) => format!("thread {} \"{name}\"", thread.id.index()),
        None => thread_name(thread),
    }
}

pub(super) fn place(location: &Location<'_>) -> Place {
    let file = location.file().to_owned();
    Place { file, line: location.line(), column: location.column() }
}

/// What an object is called in a sentence.
fn object(object: &ObjectInfo) -> String {
    let mut text = match object.name {
        Some(name) => format!("`{name}`"),
        None => format!("the {}", object.word),
    };
    let created = object.created;
    match object.type_name {
        Some(type_name) => text += &format!(" ({}, created at {created})", short_type(type_name)),
        None => text += &format!(" (created at {created})"),
    }
    text
}

/// A type without the paths in it.
pub(super) fn short_type(type_name: &str) -> String {
    let mut text = String::new();
    let mut word = String::new();
    for letter in type_name.chars() {
        if letter.is_alphanumeric() || matches!(letter, '_' | ':') {
            word.push(letter);
        } else {
            text += word.rsplit("::").next().unwrap_or(&word);
            word.clear();
            text.push(letter);
        }
    }
    text + word.rsplit("::").next().unwrap_or(&word)
}

fn title(defect: &Defect) -> String {
    match defect {
        Defect::DataRace { object: data, .. } => format!("DATA RACE on {}", object(data)),
        Defect::Deadlock { cycle, .. } if cycle.len() == 1 => {
            "DEADLOCK: a thread waits for itself".to_owned()
        }
        Defect::Deadlock { cycle, .. } if !cycle.is_empty() => {
            format!("DEADLOCK: {} wait for each other in a circle", threads(cycle.len()))
        }
        Defect::Deadlock { blocked, .. } if defect.kind() == "lost-wakeup" => {
            format!("LOST WAKE-UP: {} for ever", threads_wait(blocked.len()))
        }
        Defect::Leak { blocked } if defect.kind() == "lost-wakeup" => {
            format!("LOST WAKE-UP: {} left waiting for ever", threads(blocked.len()))
        }
        Defect::Deadlock { blocked, .. } => {
            format!("DEADLOCK: {} and nothing can run", threads_wait(blocked.len()))
        }
        Defect::Leak { blocked } => {
            format!("LEAK: {} left waiting when the model was done", threads(blocked.len()))
        }
        Defect::Livelock { .. } => "LIVELOCK: threads run and nothing changes".to_owned(),
        Defect::Panic { thread, message, .. } => {
            format!("PANIC in {}: {message}", full_name(thread))
        }
        Defect::LeakedValue { type_name, created, .. } => {
            format!("LEAKED VALUE: a {} made at {created} was never dropped", short_type(type_name))
        }
        Defect::Misused { misuse: Misuse::SecondClose, object: of, .. } => {
            format!("SECOND CLOSE of {}", object(of))
        }
        Defect::Misused { misuse: Misuse::SendAfterClose, object: of, .. } => {
            format!("SEND AFTER CLOSE on {}", object(of))
        }
        Defect::LockOrder { cycle } => {
            format!("LOCK ORDER: {} take locks in opposite orders", threads(cycle.len()))
        }
        Defect::Aba { object: atomic, value, .. } => {
            format!("ABA: {} was {value}, changed, and was {value} again", object(atomic))
        }
        Defect::TooLong { steps_max } => format!("TOO LONG: an execution took {steps_max} steps"),
        Defect::TooManyThreads { .. } => {
            format!("TOO MANY THREADS: a model may have at most {THREADS_MAX} threads at once")
        }
        Defect::Diverged { .. } => "NOT REPEATABLE: the same choices went another way".to_owned(),
    }
}

fn threads(count: usize) -> String {
    if count == 1 { "1 thread".to_owned() } else { format!("{count} threads") }
}

fn threads_wait(count: usize) -> String {
    if count == 1 { "1 thread waits".to_owned() } else { format!("{count} threads wait") }
}

fn stacks(run: &Execution<'_>, defect: &Defect) -> Vec<Stack> {
    let stack_of = |event: u32| run.stack(event).map_or_else(Vec::new, |stack| frames(&stack));
    let at_event = |thread: &ThreadInfo, what: String, location, event| Stack {
        task: thread.id.index(),
        what,
        value: None,
        place: Some(place(location)),
        frames: stack_of(event),
    };
    let mut stacks = match defect {
        Defect::DataRace { first, second, .. } => {
            [first, second].map(|access| access_stack(run, access)).into()
        }
        Defect::Deadlock { blocked, .. }
        | Defect::Leak { blocked }
        | Defect::Livelock { blocked } => {
            blocked.iter().map(|one| blocked_stack(run, one)).collect()
        }
        Defect::Panic { thread, message, location } => {
            let location = location.as_deref().and_then(stacks::place);
            panic_stacks(run, thread, message, location)
        }
        Defect::LeakedValue { created, thread, .. } => vec![Stack {
            task: thread.id.index(),
            what: "made it".to_owned(),
            value: None,
            place: Some(place(created)),
            frames: Vec::new(),
        }],
        Defect::Misused { thread, location, closed, event, .. } => vec![
            at_event(thread, "did it".to_owned(), location, *event),
            Stack {
                task: closed.0.id.index(),
                what: "closed it".to_owned(),
                value: None,
                place: Some(place(closed.1)),
                frames: Vec::new(),
            },
        ],
        Defect::LockOrder { cycle } => cycle
            .iter()
            .map(|nested| at_event(&nested.thread, holding(nested), nested.taken.1, nested.event))
            .collect(),
        Defect::Aba { thread, exchanged, event, .. } => {
            vec![at_event(thread, "exchanged it".to_owned(), exchanged, *event)]
        }
        Defect::TooManyThreads { thread, spawned_at } => vec![Stack {
            task: thread.id.index(),
            what: "spawns one more".to_owned(),
            value: None,
            place: Some(place(spawned_at)),
            frames: Vec::new(),
        }],
        Defect::TooLong { .. } | Defect::Diverged { .. } => Vec::new(),
    };
    add_spawns(run, &mut stacks);
    stacks
}

/// The panic, and those of other threads before it: what `join().unwrap()` says of a panic is not what it was.
fn panic_stacks(
    run: &Execution<'_>,
    thread: &ThreadInfo,
    message: &str,
    location: Option<Place>,
) -> Vec<Stack> {
    let own = Stack {
        task: thread.id.index(),
        what: "panics".to_owned(),
        value: Some(message.to_owned()),
        place: location,
        frames: run.panic_stack(thread.id).map_or_else(Vec::new, |stack| frames(&stack)),
    };
    let others = run.threads().filter(|other| other.id != thread.id).filter_map(|other| {
        let frames = frames(&*run.panic_stack(other.id)?);
        let place = frames.iter().find(|frame| !frame.library).and_then(|f| f.place.clone());
        let what = "panicked before".to_owned();
        Some(Stack { task: other.id.index(), what, value: None, place, frames })
    });
    [own].into_iter().chain(others).collect()
}

/// Where each thread with a stack was spawned, after all that they did.
fn add_spawns(run: &Execution<'_>, stacks: &mut Vec<Stack>) {
    let mut spawned: Vec<usize> = stacks.iter().map(|stack| stack.task).collect();
    spawned.sort_unstable();
    spawned.dedup();
    for thread in run.threads().filter(|thread| spawned.contains(&thread.id.index())) {
        if let Some(at) = thread.spawned_at {
            let stack = run.spawn_stack(thread.id);
            stacks.push(Stack {
                task: thread.id.index(),
                what: "was spawned".to_owned(),
                value: None,
                place: Some(place(at)),
                frames: stack.map_or_else(Vec::new, |stack| frames(&stack)),
            });
        }
    }
}

fn access_stack(run: &Execution<'_>, access: &Access) -> Stack {
    Stack {
        task: access.thread.id.index(),
        what: if access.write { "write" } else { "read" }.to_owned(),
        value: run.value(access.event).map(str::to_owned),
        place: Some(place(access.location)),
        frames: run.stack(access.event).map_or_else(Vec::new, |stack| frames(&stack)),
    }
}

fn holding(nested: &Nested) -> String {
    let (held, since) = &nested.held;
    format!("locks {}, holding {} since {since}", object(&nested.taken.0), object(held))
}

fn blocked_stack(run: &Execution<'_>, blocked: &Blocked) -> Stack {
    let frames: Vec<Frame> =
        run.waiting_stack(blocked.thread.id).map_or_else(Vec::new, |stack| frames(&stack));
    // Where a library waits says less than where the program asked it to.
    let own = frames.iter().find(|frame| !frame.library).and_then(|frame| frame.place.clone());
    let at = asked_for(blocked).first().map_or(blocked.location, |wait| wait.location);
    Stack {
        task: blocked.thread.id.index(),
        what: waits(blocked, object),
        value: None,
        place: own.or_else(|| Some(place(at))),
        frames,
    }
}

/// What a library said that the thread waits for. Only who parks does: a select that found an arm ready, or took its
/// default, has said so of the others and gone on.
pub(super) fn asked_for(blocked: &Blocked) -> &[Waits] {
    let parks = matches!(blocked.operation, Kind::Park | Kind::TimedPark);
    if parks { &blocked.waits } else { &[] }
}

/// What a thread waits for, in words, with objects called what `name` says.
pub(super) fn waits(blocked: &Blocked, mut name: impl FnMut(&ObjectInfo) -> String) -> String {
    let asked_for = asked_for(blocked).iter();
    let all: Vec<String> =
        asked_for.map(|wait| format!("to {} {}", wait.what, name(&wait.object))).collect();
    if !all.is_empty() {
        return format!("waits {}", all.join(", or "));
    }
    let on = name(&blocked.object);
    match blocked.operation {
        Kind::Lock if blocked.object.word == "once" => format!("waits for {on} to be done"),
        Kind::Lock | Kind::Write => format!("waits to lock {on}"),
        Kind::Read => format!("waits to read-lock {on}"),
        Kind::Join => format!("waits for {on} to end"),
        Kind::Wake | Kind::TimedWake => format!("waits to be notified by {on}"),
        Kind::Park | Kind::TimedPark => "waits to be unparked".to_owned(),
        Kind::Load | Kind::Rmw | Kind::FailedCompareExchange => format!("spins on {on}"),
        Kind::FailedTryLock | Kind::FailedTryRead | Kind::FailedTryWrite | Kind::Look => {
            format!("polls {on}")
        }
        Kind::IsFinished => format!("polls for {on} to end"),
        operation => format!("waits in {operation:?} on {on}"),
    }
}

fn why(run: &Execution<'_>, defect: &Defect) -> Vec<String> {
    match defect {
        Defect::DataRace { first, second, why: Unordered::Nothing, .. } => {
            chain::why(run, first, second)
                .unwrap_or_else(|| why_unordered(first, second, &Unordered::Nothing))
        }
        Defect::DataRace { first, second, why, .. } => why_unordered(first, second, why),
        Defect::Deadlock { blocked, .. } | Defect::Leak { blocked } => {
            blocked.iter().filter_map(|one| why_blocked(run, one, blocked)).collect()
        }
        Defect::Panic { thread, location, .. } => causes(run, thread, location.as_deref()),
        Defect::LockOrder { .. } => vec![
            "It did not strike in this execution, and nothing keeps it from striking in another: no lock that all of \
             them hold, no spawn and no join."
                .to_owned(),
        ],
        Defect::Aba { loaded, exchanged, .. } => vec![format!(
            "The exchange at {exchanged} succeeded because the value is the one loaded at {loaded}; what it stood for \
             may be another. A version beside it would tell."
        )],
        Defect::TooLong { .. } => vec![
            "A loop in the model may never end, or it does more than a checker can follow: bound it, or raise \
             `Builder::steps`."
                .to_owned(),
        ],
        Defect::TooManyThreads { .. } => vec![
            "Tasks and timers count as threads, and one that has ended counts until whoever spawns another knows of \
             it, by a join or a message, say. A model shows the same defects with a few."
                .to_owned(),
        ],
        _ => Vec::new(),
    }
}

/// Which panic of the execution, by its place among them, is the one that `thread` ended with at `location`.
pub(super) fn own_panic(
    run: &Execution<'_>,
    thread: &ThreadInfo,
    location: Option<&str>,
) -> Option<usize> {
    let own = |panic: &PanicBegun| {
        panic.thread == thread.id && location.is_some() && panic.location.as_deref() == location
    };
    run.panics().iter().rposition(own)
}

/// The panics of threads that `thread` had joined when it panicked itself at `location`.
fn causes(run: &Execution<'_>, thread: &ThreadInfo, location: Option<&str>) -> Vec<String> {
    let own = own_panic(run, thread, location).unwrap_or_else(|| run.panics().len());
    let joined = |other: ThreadId| {
        let mut events = run.trace().events();
        events.any(|event| {
            event.kind == Kind::Join
                && event.thread == thread.id
                && run.thread_of(event.object) == Some(other)
        })
    };
    let first = run.panics()[..own].iter().filter(|panic| joined(panic.thread));
    let told = first.filter_map(|panic| {
        let other = run.threads().find(|other| other.id == panic.thread)?;
        let at = panic.location.as_ref().map_or_else(String::new, |at| format!(", at {at}"));
        Some(format!("{} panicked first: {}{at}.", full_name(&other), panic.message))
    });
    told.collect()
}

/// Why `blocked`, one of `all`, cannot go on.
fn why_blocked(run: &Execution<'_>, blocked: &Blocked, all: &[Blocked]) -> Option<String> {
    let name = full_name(&blocked.thread);
    if let Some(at) = blocked.missed {
        return Some(format!("The notification at {at} came before {name} waited, and was lost."));
    }
    if blocked.held_by.is_empty() || blocked.operation == Kind::Join {
        return None;
    }
    let holders = run.threads().filter(|thread| blocked.held_by.contains(&thread.id));
    let holders: Vec<String> = holders.map(|thread| full_name(&thread)).collect();
    let holds = if blocked.held_by.iter().all(|holder| *holder == blocked.thread.id) {
        "it holds itself".to_owned()
    } else {
        format!("is held by {}", holders.join(", "))
    };
    let keeps_out = |other: &&Blocked| {
        blocked.operation == Kind::Read
            && other.operation == Kind::Write
            && other.object.id == blocked.object.id
    };
    let writer = all.iter().find(keeps_out).map_or_else(String::new, |other| {
        let writer = full_name(&other.thread);
        format!("; {writer} waits to write, and as long as it does no new reader gets in")
    });
    Some(format!("What {name} waits for {holds}{writer}."))
}

fn why_unordered(first: &Access, second: &Access, why: &Unordered) -> Vec<String> {
    let (one, two) = (full_name(&first.thread), full_name(&second.thread));
    match why {
        Unordered::Unsynchronised { store, load } => {
            let head = format!(
                "{two} read at {} ({:?}) what {one} stored at {} ({:?}) after its access, but that orders nothing:",
                load.0, load.1, store.0, store.1
            );
            let mut reasons = Vec::new();
            if !releases(store.1) {
                reasons.push(format!(
                    "a {:?} store publishes nothing of what came before it",
                    store.1
                ));
            }
            if !acquires(load.1) {
                reasons
                    .push(format!("a {:?} load takes nothing over of what was published", load.1));
            }
            [head].into_iter().chain(listed(reasons)).collect()
        }
        Unordered::Nothing => vec![format!(
            "Nothing that {two} did before its access rests on anything that {one} did after its own: no lock, no \
             atomic, no message, no join."
        )],
    }
}

/// The parts of a sentence.
pub(super) fn listed(parts: Vec<String>) -> impl Iterator<Item = String> {
    let last = parts.len().saturating_sub(1);
    let ends = move |(at, part)| format!("{part}{}", if at == last { "." } else { ";" });
    parts.into_iter().enumerate().map(ends)
}

pub(super) fn releases(order: Ordering) -> bool {
    matches!(order, Ordering::Release | Ordering::AcqRel | Ordering::SeqCst)
}

pub(super) fn acquires(order: Ordering) -> bool {
    matches!(order, Ordering::Acquire | Ordering::AcqRel | Ordering::SeqCst)
}

#[cfg(test)]
mod tests {
    #[test]
    fn types_are_told_without_their_paths() {
        for (long, short) in [
            ("u64", "u64"),
            ("alloc::vec::Vec<shop::Order>", "Vec<Order>"),
            ("(core::option::Option<&str>, [a::B; 3])", "(Option<&str>, [B; 3])"),
        ] {
            assert_eq!(super::short_type(long), short);
        }
    }
}
