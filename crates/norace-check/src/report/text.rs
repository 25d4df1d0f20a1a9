//! The report for a terminal.

use std::fmt::Write as _;

use super::{Change, Finding, Fix, Frame, Place, Row, Stack, Task};
use crate::outcome::count;

/// Columns of a schedule, in characters.
const COLUMN_MIN: usize = 12;
const COLUMNS_MAX: usize = 120;

/// Characters of a line of a sentence.
const SENTENCE_MAX: usize = 100;

/// Calls of a stack that are shown.
const CALLS: usize = 8;

/// The whole report.
pub(crate) fn render(finding: &Finding) -> String {
    let mut text = String::new();
    head(&mut text, finding);
    why(&mut text, finding);
    if let Some(fix) = &finding.fix {
        fix_probe(&mut text, fix);
    }
    schedule(&mut text, finding);
    line(&mut text, "");
    line(&mut text, format_args!("replay: cargo norace replay {}", finding.token));
    text
}

fn line(text: &mut String, line: impl std::fmt::Display) {
    writeln!(text, "{line}").expect("writing to a string does not fail");
}

fn head(text: &mut String, finding: &Finding) {
    line(text, format_args!("norace: {}", finding.title));
    line(text, format_args!("  in {}", finding.test));
    let (spawns, acts): (Vec<&Stack>, Vec<&Stack>) =
        finding.stacks.iter().partition(|stack| stack.what == "was spawned");
    for stack in acts {
        line(text, "");
        act(text, finding, stack);
    }
    if !spawns.is_empty() {
        line(text, "");
    }
    for stack in spawns {
        let name = name(&finding.tasks, stack.task);
        let by = stack.frames.iter().find(|frame| !frame.library);
        let by = by.map_or_else(String::new, |frame| format!(" by {}", frame.function));
        line(text, format_args!("  {name} was spawned at {}{by}", shown(stack.place.as_ref())));
    }
}

/// What one task did, with its calls.
fn act(text: &mut String, finding: &Finding, stack: &Stack) {
    let name = name(&finding.tasks, stack.task);
    let value = stack.value.as_ref().map_or_else(String::new, |value| format!(" {value}"));
    let value = if stack.what == "panics" { String::new() } else { value };
    line(
        text,
        format_args!("  {}{value}  by {name}  at {}", stack.what, shown(stack.place.as_ref())),
    );
    let calls = telling(&stack.frames);
    let longest = calls.iter().take(CALLS).map(|frame| frame.function.len()).max().unwrap_or(0);
    let width = longest.min(60);
    for frame in calls.iter().take(CALLS) {
        let place = frame.place.as_ref().map_or_else(String::new, Place::to_string);
        line(
            text,
            format_args!("      {:<width$}  {place}", frame.function).to_string().trim_end(),
        );
    }
    if calls.len() > CALLS {
        line(text, format_args!("      and {} more", calls.len() - CALLS));
    }
}

/// The calls that say most: those of the program, and the kit's and the standard library's that stand between them,
/// but for the latter's inner ones.
fn telling(frames: &[Frame]) -> Vec<&Frame> {
    let own = frames.iter().position(|frame| !frame.library).unwrap_or(0);
    let end = frames.iter().rposition(|frame| !frame.library).map_or(frames.len(), |at| at + 1);
    let inner = |frame: &Frame| {
        frame.library && frame.place.as_ref().is_some_and(|at| at.file.starts_with("/rustc/"))
    };
    frames[own..end].iter().filter(|frame| !inner(frame)).collect()
}

fn why(text: &mut String, finding: &Finding) {
    for (at, reason) in finding.why.iter().enumerate() {
        if at == 0 {
            line(text, "");
        }
        for (part, words) in wrapped(reason).into_iter().enumerate() {
            let begin = if at == 0 && part == 0 { "why:" } else { "    " };
            line(text, format_args!("{begin} {words}"));
        }
    }
}

/// Breaks a sentence between words, so that no line is longer than it has to be; what follows is indented.
fn wrapped(sentence: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in sentence.split(' ') {
        let current = lines.last().expect("there is one");
        if !current.is_empty() && current.chars().count() + 1 + word.chars().count() > SENTENCE_MAX
        {
            lines.push(format!("  {word}"));
        } else {
            let current = lines.last_mut().expect("there is one");
            if !current.is_empty() {
                current.push(' ');
            }
            current.push_str(word);
        }
    }
    lines
}

fn fix_probe(text: &mut String, fix: &Fix) {
    line(text, "");
    match fix {
        Fix::NoOrderingHelps { advice } => line(text, format_args!("fix: {advice}")),
        Fix::Found { changes, executions, complete, not_enough } => {
            let all: Vec<String> = changes.iter().map(Change::to_string).collect();
            let extent = if *complete { "all " } else { "" };
            line(text, format_args!("fix: {}", all.join(", and\n     ")));
            line(
                text,
                format_args!("     tried: clean in {extent}{} executions", count(*executions)),
            );
            for less in not_enough {
                line(text, format_args!("     not enough: {less}"));
            }
        }
    }
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} instead of {} at {}", self.to, self.from, self.place)
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

fn shown(place: Option<&Place>) -> String {
    place.map_or_else(|| "an unknown place".to_owned(), Place::to_string)
}

fn name(tasks: &[Task], id: usize) -> String {
    tasks.iter().find(|task| task.id == id).map_or_else(|| format!("thread {id}"), quoted)
}

/// A task's name, with its number where the name does not tell it.
fn quoted(task: &Task) -> String {
    let given = task.name != "main" && task.name.rsplit(' ').next() != Some(&task.id.to_string());
    if given { format!("thread {} \"{}\"", task.id, task.name) } else { task.name.clone() }
}

fn schedule(text: &mut String, finding: &Finding) {
    if finding.schedule.is_empty() {
        return;
    }
    line(text, "");
    line(text, format_args!("schedule ({}):", finding.switches_in_words()));
    let mut tasks: Vec<&Task> = finding
        .tasks
        .iter()
        .filter(|task| finding.schedule.iter().any(|row| row.task == task.id))
        .collect();
    tasks.sort_by_key(|task| task.id);
    let widths: Vec<usize> = tasks.iter().map(|task| width(task, &finding.schedule)).collect();
    if widths.iter().map(|width| width + 2).sum::<usize>() + 6 <= COLUMNS_MAX {
        columns(text, finding, &tasks, &widths);
    } else {
        list(text, finding);
    }
}

fn width(task: &Task, rows: &[Row]) -> usize {
    let own = rows.iter().filter(|row| row.task == task.id).map(|row| cell(row).chars().count());
    own.chain([quoted(task).chars().count(), COLUMN_MIN]).max().unwrap_or(COLUMN_MIN)
}

fn cell(row: &Row) -> String {
    match &row.mark {
        Some(mark) => format!("{}  ** {mark}", row.text),
        None => row.text.clone(),
    }
}

fn columns(text: &mut String, finding: &Finding, tasks: &[&Task], widths: &[usize]) {
    let mut heads = "     ".to_owned();
    for (task, width) in tasks.iter().zip(widths) {
        write!(heads, "  {:<width$}", quoted(task)).expect("writing to a string does not fail");
    }
    line(text, heads.trim_end());
    let mut last = 0;
    for row in &finding.schedule {
        left_out(text, last, row);
        last = row.number;
        let before: usize = tasks
            .iter()
            .zip(widths)
            .take_while(|(task, _)| task.id != row.task)
            .map(|(_, width)| width + 2)
            .sum();
        line(text, format_args!("{last:>5}  {:before$}{}", "", cell(row)));
    }
}

fn list(text: &mut String, finding: &Finding) {
    let names: Vec<String> =
        finding.schedule.iter().map(|row| name(&finding.tasks, row.task)).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let mut last = 0;
    for (row, name) in finding.schedule.iter().zip(names) {
        left_out(text, last, row);
        last = row.number;
        line(text, format_args!("{last:>5}  {name:<width$}  {}", cell(row)));
    }
}

/// Says, at the place, that rows between the one numbered `last` and this one are missing.
fn left_out(text: &mut String, last: usize, row: &Row) {
    let missing = row.number - last - 1;
    if missing > 0 {
        let plural = if missing == 1 { " is" } else { "s are" };
        line(text, format_args!("         … {missing} step{plural} not shown …"));
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_long_sentence_is_broken_between_its_words() {
        let sentence = format!("{} end", "word ".repeat(30).trim_end());
        let lines = super::wrapped(&sentence);
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines.iter().all(|line| line.chars().count() <= super::SENTENCE_MAX), "{lines:?}");
        let whole = lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ");
        assert_eq!(whole, sentence);
        assert_eq!(super::wrapped("short"), ["short"]);
    }
}
