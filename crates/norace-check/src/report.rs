//! A finding as it is told: made once, from the shrunk execution, then written as text, JSON or a page.
//!
//! **Invariant:** the same execution gives the same report, byte for byte, whatever led to it: counts and times of the
//! search are told apart from it, by [`Outcome`](crate::Outcome).

mod build;
mod chain;
mod html;
mod schedule;
mod stacks;
mod text;

pub(crate) use build::{Told, build, switches};

use crate::json;

/// The report of a model whose same choices led to two executions, by their traces.
pub(crate) fn divergence(test: &str, token: &str, first: &str, second: &str) -> Finding {
    let (mut one, mut two) = (first.lines(), second.lines());
    let mut same = Vec::new();
    let differs = loop {
        match (one.next(), two.next()) {
            (Some(one), Some(two)) if one == two => same.push(one),
            (one, two) => break [one, two].map(|line| line.unwrap_or("the end").trim().to_owned()),
        }
    };
    let [one, two] = differs;
    let mut why = vec![
        "The same choices led to another execution: the model depends on something the checker does not control, such \
         as a clock, randomness, the order of a `HashMap`, or a static that is not put back."
            .to_owned(),
    ];
    if one == two {
        why.push(
            "Run twice in a row now, it was the same: what it depends on was used up before."
                .to_owned(),
        );
    } else {
        why.push(format!("After {} equal events, one run did: {one}", same.len()));
        why.push(format!("and the other: {two}"));
    }
    let last = same.len().saturating_sub(EVENTS_BEFORE);
    why.extend(same[last..].iter().map(|event| format!("before: {event}")));
    Finding {
        schema: "norace.finding/1",
        kind: "diverged",
        test: test.to_owned(),
        token: token.to_owned(),
        title: "NOT REPEATABLE: the same choices went another way".to_owned(),
        tasks: Vec::new(),
        stacks: Vec::new(),
        why,
        fix: None,
        schedule: Vec::new(),
        rows_left_out: 0,
        switches: [0, 0],
    }
}

/// Events before a divergence that are told.
const EVENTS_BEFORE: usize = 20;

/// A place in the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file, as the compiler names it.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
}

/// A thread of the model, or a task that has one of its own.
#[derive(Clone, Debug)]
pub struct Task {
    /// Its number, in the order of spawning.
    pub id: usize,
    /// Its name; `main` for the model itself.
    pub name: String,
    /// Where it was spawned; none for the model itself.
    pub spawned_at: Option<Place>,
    /// Whether it is a timer of the kit.
    pub timer: bool,
}

/// One call in a stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The function.
    pub function: String,
    /// Where it is.
    pub place: Option<Place>,
    /// Whether it belongs to the kit or the standard library.
    pub library: bool,
}

/// What a task did, or waits for, with the calls that led there, innermost first.
#[derive(Clone, Debug)]
pub struct Stack {
    /// The task.
    pub task: usize,
    /// In words: `write`, `read`, `waits to receive from …`, `panics`.
    pub what: String,
    /// The value that was read or written, where it is known.
    pub value: Option<String>,
    /// Where.
    pub place: Option<Place>,
    /// The calls.
    pub frames: Vec<Frame>,
}

/// A step of the schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its place in the whole schedule, from 1.
    pub number: usize,
    /// Who.
    pub task: usize,
    /// What.
    pub text: String,
    /// Where.
    pub place: Place,
    /// The mark of the finding, at the steps that make it.
    pub mark: Option<String>,
}

/// What was tried to make the finding go away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fix {
    /// With these orderings it does not show any more.
    Found {
        /// Each place with the ordering it needs, as it is and as it should be.
        changes: Vec<Change>,
        /// How many executions were run with them.
        executions: u64,
        /// Whether those were all there are.
        complete: bool,
        /// Smaller changes that do not help.
        not_enough: Vec<String>,
    },
    /// No ordering helps.
    NoOrderingHelps {
        /// What would.
        advice: String,
    },
}

/// An ordering to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Where the atomic access is.
    pub place: Place,
    /// The ordering as written.
    pub from: String,
    /// The ordering it needs.
    pub to: String,
}

/// A defect, explained.
#[derive(Clone, Debug)]
pub struct Finding {
    /// `norace.finding/1`.
    pub schema: &'static str,
    /// A word for its kind: `data-race`, `deadlock`, and so on.
    pub kind: &'static str,
    /// The model.
    pub test: String,
    /// Replays the execution.
    pub token: String,
    /// One line.
    pub title: String,
    /// The threads of the execution.
    pub tasks: Vec<Task>,
    /// Who did what to make the finding, with stacks.
    pub stacks: Vec<Stack>,
    /// Why it is one.
    pub why: Vec<String>,
    /// What would mend it, where that was tried.
    pub fix: Option<Fix>,
    /// The execution.
    pub schedule: Vec<Row>,
    /// Rows of the schedule that were left out: where their numbers are missing.
    pub rows_left_out: usize,
    /// Context switches of the execution, as its schedule shows them, and of the one that was found first.
    pub switches: [usize; 2],
}

impl Finding {
    /// The report for a terminal.
    pub fn to_text(&self) -> String {
        text::render(self)
    }

    /// The finding as JSON: the fields of this struct, and of those in it.
    pub fn to_json(&self) -> String {
        json::to_string(self)
    }

    /// The report as one page of HTML that needs nothing else.
    pub fn to_html(&self) -> String {
        html::render(self)
    }

    fn switches_in_words(&self) -> String {
        let [switches, before] = self.switches;
        let plural = if switches == 1 { "" } else { "es" };
        let shrunk =
            if before > switches { format!(", shrunk from {before}") } else { String::new() };
        format!("{switches} context switch{plural}{shrunk}")
    }
}
