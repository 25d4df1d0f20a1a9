//! The fix probe: which stronger orderings, and no more of them than need be, make a finding go away.
//!
//! Every candidate is tried: the model is explored with the orderings changed from outside. First all atomic accesses
//! of the execution become SeqCst; where that helps, changes are taken back and weakened one by one for as long as the
//! finding stays away. What is left is minimal: each single change is needed.

use std::ops::ControlFlow;
use std::panic::Location;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use norace_explore::{
    Class, Completeness, Config, Execution, Explorer, Finding as Defect, Kind, Plan, Strategy,
    Strengthen, TraceEvent, Unordered,
};

use crate::report::{Change, Fix, Place};
use crate::search::Search;

/// Time for one candidate, and for all of them.
const TRY_MAX: Duration = Duration::from_millis(250);
const ALL_MAX: Duration = Duration::from_secs(3);

/// Atomic accesses of an execution that are changed; a longer one has no simple fix.
const SITES_MAX: usize = 12;

/// An atomic access of the program.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Site {
    place: Place,
    kind: Kind,
    order: Ordering,
    /// Whether it is a compare-exchange through whose failure the later side of the race learned of the earlier.
    failure: bool,
}

impl Site {
    /// The orderings it can have, beyond its own, the strongest first.
    fn stronger(&self) -> impl Iterator<Item = Ordering> + '_ {
        let all: &[Ordering] = match self.kind {
            Kind::Load | Kind::FailedCompareExchange => &[Ordering::SeqCst, Ordering::Acquire],
            Kind::Store => &[Ordering::SeqCst, Ordering::Release],
            _ => &[Ordering::SeqCst, Ordering::AcqRel, Ordering::Release, Ordering::Acquire],
        };
        all.iter().copied().take_while(|order| *order != self.order)
    }

    /// What it is told to have. A compare-exchange has an ordering of its own for its failure.
    fn told(&self, order: Ordering) -> String {
        match order {
            Ordering::SeqCst if self.failure => "SeqCst, also on failure,".to_owned(),
            Ordering::AcqRel | Ordering::Acquire if self.failure => {
                format!("{order:?}, and Acquire on failure,")
            }
            order => format!("{order:?}"),
        }
    }
}

/// How far a candidate was tried without the finding.
#[derive(Clone, Copy, Debug)]
struct Clean {
    executions: u64,
    complete: bool,
}

/// Tries to make `defect`, which `plan` leads to, go away.
pub(crate) fn probe(search: &Search<'_>, defect: &Defect, plan: &Plan) -> Option<Fix> {
    let (race, waits) = match defect {
        Defect::DataRace { why, .. } => (Some(why), false),
        Defect::Panic { .. } => (None, false),
        Defect::Deadlock { cycle, .. } if cycle.is_empty() => (None, true),
        Defect::Leak { .. } => (None, true),
        _ => return None,
    };
    let sites = sites(search, plan);
    let mut prober = Prober { search, defect, end: Instant::now() + ALL_MAX };
    let strongest: Vec<(Site, Ordering)> = sites
        .iter()
        .take(SITES_MAX)
        .filter_map(|site| Some((site.clone(), site.stronger().next()?)))
        .collect();
    let clean = if strongest.is_empty() { None } else { prober.clean(&strongest) };
    // Most that wait for ever would with any orderings; only a search of all executions tells who would not.
    let clean = clean.filter(|clean| clean.complete || !waits);
    match (clean, race) {
        (Some(clean), _) => Some(prober.minimal(strongest, clean)),
        (None, Some(why)) => Some(Fix::NoOrderingHelps { advice: advice(why) }),
        // A panic, or a wait, that has nothing to do with orderings.
        (None, None) => None,
    }
}

fn advice(why: &Unordered) -> String {
    match why {
        Unordered::Nothing => "no ordering helps: guard both accesses by the same lock, hand the data over through a \
                               channel, or join one side first"
            .to_owned(),
        Unordered::Unsynchronised { .. } => {
            "no ordering of the atomics in this execution helps: guard both accesses by the same lock".to_owned()
        }
    }
}

/// The atomic accesses of the execution, each place once.
fn sites(search: &Search<'_>, plan: &Plan) -> Vec<Site> {
    let mut sites: Vec<Site> = Vec::new();
    let strategy = Strategy::Guided(plan.clone());
    let config = search.short(false);
    Explorer::new(config).explore_with(strategy, search.model, &mut |run| {
        let failure = run.findings().iter().find_map(|defect| learned_by_failure(run, defect));
        let events = run.trace().events();
        for event in events.filter(|e| e.class == Class::Atomic || e.kind == Kind::Fence) {
            let location = event.location;
            let place = Place {
                file: location.file().to_owned(),
                line: location.line(),
                column: location.column(),
            };
            let known = sites.iter_mut().find(|site| site.place == place);
            match known {
                // A compare-exchange that succeeds somewhere can have more orderings than one that fails.
                Some(site) if event.kind == Kind::Rmw => site.kind = event.kind,
                Some(_) => {}
                None => {
                    let failure = failure == Some(location);
                    sites.push(Site { place, kind: event.kind, order: event.order, failure });
                }
            }
        }
        ControlFlow::Break(())
    });
    sites
}

/// The place of the compare-exchange that failed, when the later side of a race learned of the earlier one by that.
fn learned_by_failure(run: &Execution<'_>, defect: &Defect) -> Option<&'static Location<'static>> {
    let Defect::DataRace { second, why: Unordered::Unsynchronised { load, .. }, .. } = defect
    else {
        return None;
    };
    let there = |event: &TraceEvent| event.thread == second.thread.id && event.location == load.0;
    let last = run.trace().events().filter(there).last()?;
    (last.kind == Kind::FailedCompareExchange).then_some(load.0)
}

struct Prober<'a> {
    search: &'a Search<'a>,
    defect: &'a Defect,
    end: Instant,
}

impl Prober<'_> {
    /// Explores with these orderings; none when the defect shows, or time is over.
    fn clean(&mut self, orders: &[(Site, Ordering)]) -> Option<Clean> {
        let begun = Instant::now();
        if begun >= self.end {
            return None;
        }
        let strengthened = orders.iter().map(|(site, order)| Strengthen {
            file: site.place.file.clone(),
            line: site.place.line,
            column: site.place.column,
            order: *order,
        });
        let config =
            Config { strengthened: strengthened.collect(), ..self.search.options.config.clone() };
        let mut explorer = Explorer::new(config);
        let report = explorer.explore_with(Strategy::Exhaustive, self.search.model, &mut |_| {
            let over = begun.elapsed() >= TRY_MAX;
            if over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        if let Some(found) = report.findings.first() {
            debug_assert!(self.defect.kind() != "too-long" || found.finding.kind() == "too-long");
            return None;
        }
        let complete =
            matches!(report.completeness, Completeness::Complete | Completeness::UpToSpinning);
        Some(Clean { executions: report.executions, complete })
    }

    /// Takes back whatever is not needed.
    fn minimal(&mut self, mut orders: Vec<(Site, Ordering)>, mut clean: Clean) -> Fix {
        let mut at = 0;
        while at < orders.len() {
            let mut fewer = orders.clone();
            fewer.remove(at);
            match self.clean(&fewer).filter(|_| !fewer.is_empty()) {
                Some(better) => (orders, clean) = (fewer, better),
                None => at += 1,
            }
        }
        for at in 0..orders.len() {
            let weaker: Vec<Ordering> = orders[at].0.stronger().skip(1).collect();
            for order in weaker {
                let mut less = orders.clone();
                less[at].1 = order;
                if let Some(better) = self.clean(&less) {
                    (orders, clean) = (less, better);
                }
            }
        }
        let change = |(site, order): &(Site, Ordering)| Change {
            place: site.place.clone(),
            from: format!("{:?}", site.order),
            to: site.told(*order),
        };
        let changes: Vec<Change> = orders.iter().map(change).collect();
        // Each was taken back once, above, and the defect came back.
        let not_enough = if changes.len() > 1 {
            changes
                .iter()
                .map(|change| format!("{} at {} alone", change.to, change.place))
                .collect()
        } else {
            Vec::new()
        };
        let Clean { executions, complete } = clean;
        Fix::Found { changes, executions, complete, not_enough }
    }
}
