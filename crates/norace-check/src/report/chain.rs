//! How a thread can know of what another one did without being ordered after it: by what it read of what third threads
//! stored after they had read in turn.

use std::collections::HashMap;

use norace_explore::{Access, Execution, Kind, ThreadInfo, TraceEvent};

use super::build::{acquires, full_name, listed, releases};

/// A store, and a load that read it.
struct Link {
    store: TraceEvent,
    load: TraceEvent,
}

/// Why the way on which the thread of `second` learned of `first` orders nothing; none when there is no such way, or
/// nothing is wrong with it.
pub(super) fn why(run: &Execution<'_>, first: &Access, second: &Access) -> Option<Vec<String>> {
    let links = links(run, first, second)?;
    let faults = faults(&links);
    if faults.is_empty() {
        return None;
    }
    let threads: Vec<ThreadInfo> = run.threads().collect();
    let name = |event: &TraceEvent| full_name(&threads[event.thread.index()]);
    let told = links.iter().rev().map(|Link { store, load }| {
        format!(
            "read at {} ({:?}) what {} stored at {} ({:?})",
            load.location,
            load.order,
            name(store),
            store.location,
            store.order
        )
    });
    let way: Vec<String> = told.collect();
    let way = way.join(" after it ");
    let two = full_name(&second.thread);
    let head = format!("{two} {way} after its access, but that orders nothing:");
    Some([head].into_iter().chain(listed(faults)).collect())
}

/// The links from the thread of `first` to that of `second`, each thread on the way having learned as early as it did.
fn links(run: &Execution<'_>, first: &Access, second: &Access) -> Option<Vec<Link>> {
    let events: Vec<TraceEvent> = run.trace().events().collect();
    let places: HashMap<_, _> =
        events.iter().enumerate().map(|(at, event)| ((event.thread, event.number), at)).collect();
    let (from, to) = (first.event as usize, second.event as usize);
    // By thread, since when it knows, and through which link.
    let mut known = HashMap::from([(first.thread.id, (from, None))]);
    for (at, load) in events.iter().enumerate().take(to).skip(from) {
        let Some(source) = load.reads_from.map(|source| places[&source]) else { continue };
        let told = known.get(&events[source].thread).is_some_and(|(since, _)| source > *since);
        if told && !known.contains_key(&load.thread) {
            // A read-modify-write tells others by the same event.
            let since = if load.kind == Kind::Rmw { at - 1 } else { at };
            known.insert(load.thread, (since, Some((source, at))));
        }
    }
    let mut links = Vec::new();
    let mut thread = second.thread.id;
    while let Some((store, load)) = known.get(&thread)?.1 {
        links.push(Link { store: events[store], load: events[load] });
        thread = events[store].thread;
    }
    links.reverse();
    Some(links)
}

/// What of the links publishes nothing or takes nothing over. A read-modify-write passes on what it read.
fn faults(links: &[Link]) -> Vec<String> {
    let mut faults = Vec::new();
    for (at, Link { store, load }) in links.iter().enumerate() {
        let same = |one: &TraceEvent, two: &TraceEvent| {
            (one.thread, one.number) == (two.thread, two.number)
        };
        let passed_on = at > 0 && same(&links[at - 1].load, store);
        if !releases(store.order) && !passed_on {
            faults.push(format!(
                "the {:?} store at {} publishes nothing of what came before it",
                store.order, store.location
            ));
        }
        let passes_on = links.get(at + 1).is_some_and(|next| same(&next.store, load));
        if !acquires(load.order) && !passes_on {
            faults.push(format!(
                "the {:?} load at {} takes nothing over of what was published",
                load.order, load.location
            ));
        }
    }
    faults
}
