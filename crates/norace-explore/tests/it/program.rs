//! Small programs as data, run under the explorer; what they do is read off the trace as an execution graph.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use norace_explore::sync::atomic::{AtomicU32, Ordering, fence};
use norace_explore::{Completeness, Config, Explorer, Kind, Mode, Report, Strategy, thread};

/// One operation; the first field is the location.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Load(usize, Ordering),
    Store(usize, u32, Ordering),
    Add(usize, Ordering),
    Cas(usize, u32, u32, Ordering),
    Fence(Ordering),
}

impl Op {
    pub(crate) fn location(self) -> Option<usize> {
        match self {
            Op::Load(at, _) | Op::Store(at, ..) | Op::Add(at, _) | Op::Cas(at, ..) => Some(at),
            Op::Fence(_) => None,
        }
    }
}

pub(crate) type Program = Vec<Vec<Op>>;

/// (thread, operation), both from 0.
pub(crate) type Place = (usize, usize);

/// Per operation that accesses memory: what it read from (`None`: it read nothing; `Some(None)`: the initial value) and
/// its position in the modification order.
pub(crate) type Graph = Vec<(Place, Option<Option<Place>>, Option<u32>)>;

pub(crate) fn failure_of(order: Ordering) -> Ordering {
    match order {
        Ordering::Release => Ordering::Relaxed,
        Ordering::AcqRel => Ordering::Acquire,
        order => order,
    }
}

fn run(ops: &[Op], memory: &[AtomicU32]) {
    for &op in ops {
        match op {
            Op::Load(at, order) => {
                memory[at].load(order);
            }
            Op::Store(at, value, order) => memory[at].store(value, order),
            Op::Add(at, order) => {
                memory[at].fetch_add(1, order);
            }
            Op::Cas(at, expected, new, order) => {
                let _ = memory[at].compare_exchange(expected, new, order, failure_of(order));
            }
            Op::Fence(order) => fence(order),
        }
    }
}

pub(crate) struct Explored {
    pub(crate) graphs: BTreeSet<Graph>,
    pub(crate) report: Report,
}

pub(crate) fn explore(program: &Program, mode: Mode) -> Explored {
    let config = Config { mode, spin_repeats: 100, ..Config::default() };
    let mut graphs = BTreeSet::new();
    let model = || {
        let memory: Arc<Vec<AtomicU32>> = Arc::new((0..4).map(|_| AtomicU32::new(0)).collect());
        let threads: Vec<_> = program
            .iter()
            .map(|ops| {
                let (ops, memory) = (ops.clone(), Arc::clone(&memory));
                thread::spawn(move || run(&ops, &memory))
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    };
    let report =
        Explorer::new(config).explore_with(Strategy::Exhaustive, &model, &mut |execution| {
            if !execution.is_redundant() {
                let graph = graph_of(execution);
                assert!(graphs.insert(graph.clone()), "twice: {graph:?}\n{}", execution.trace());
            }
            ControlFlow::Continue(())
        });
    assert_eq!(report.completeness, Completeness::Complete);
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    Explored { graphs, report }
}

fn graph_of(execution: &norace_explore::Execution<'_>) -> Graph {
    let mut next = [0; 8];
    let mut places = std::collections::HashMap::new();
    let mut graph = Graph::new();
    for event in execution.trace().events() {
        let Some(thread) = event.thread.index().checked_sub(1) else { continue };
        if event.kind == Kind::Finish {
            continue;
        }
        let place = (thread, next[thread]);
        next[thread] += 1;
        places.insert((event.thread, event.number), place);
        if event.kind == Kind::Fence {
            continue;
        }
        let read = (event.kind != Kind::Store).then(|| event.reads_from.map(|from| places[&from]));
        graph.push((place, read, event.position));
    }
    graph.sort_unstable();
    graph
}
