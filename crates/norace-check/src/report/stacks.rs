//! Stacks as the standard library prints them, cut down to what the program did.

use std::backtrace::Backtrace;

use super::{Frame, Place};

/// Crates whose functions stand between the program and the checker, or under both.
const CHECKER: [&str; 4] = ["norace_explore", "norace_check", "norace_prim", "corosensei"];
const STANDARD: [&str; 3] = ["std", "core", "alloc"];

/// The program's part of a stack, innermost call first.
pub(super) fn frames(stack: &Backtrace) -> Vec<Frame> {
    program_part(parse(&stack.to_string()))
}

/// Reads the text of a stack: lines `  12: function`, each followed by `at file:line:column` where that is known.
fn parse(text: &str) -> Vec<Frame> {
    let mut frames: Vec<Frame> = Vec::new();
    for line in text.lines() {
        let line = line.trim();
        if let Some(at) = line.strip_prefix("at ") {
            if let Some(frame) = frames.last_mut() {
                frame.place = place(at);
            }
        } else if let Some((number, function)) = line.split_once(": ")
            && number.bytes().all(|byte| byte.is_ascii_digit())
        {
            let function = once(without_hash(function));
            let library = is_of(&function, &STANDARD) || is_of(&function, &["norace"]);
            frames.push(Frame { function, place: None, library });
        }
    }
    frames
}

/// `file:line:column`.
pub(super) fn place(text: &str) -> Option<Place> {
    let (rest, column) = text.rsplit_once(':')?;
    let (file, line) = rest.rsplit_once(':')?;
    let file = file.strip_prefix("./").unwrap_or(file).to_owned();
    Some(Place { file, line: line.parse().ok()?, column: column.parse().ok()? })
}

/// `function` without the hash that older compilers add.
fn without_hash(function: &str) -> &str {
    match function.rsplit_once("::h") {
        Some((name, hash)) if hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_hexdigit()) => {
            name
        }
        _ => function,
    }
}

/// `function` with its name said once: an attribute puts the function it was given into one of the same name.
fn once(function: &str) -> String {
    let closures = function.find("::{{closure}}").unwrap_or(function.len());
    let (path, closures) = function.split_at(closures);
    match path.rsplit_once("::") {
        Some((outer, name)) if outer.rsplit("::").next() == Some(name) => {
            format!("{outer}{closures}")
        }
        _ => function.to_owned(),
    }
}

/// Whether the function belongs to one of these crates: `norace::x`, `<norace::X as Y>::z`, `<&norace::X>::z`.
fn is_of(function: &str, crates: &[&str]) -> bool {
    let path = function.trim_start_matches(['<', '&', '*', '[']);
    let path = path.strip_prefix("mut ").or_else(|| path.strip_prefix("dyn ")).unwrap_or(path);
    let first = path.split("::").next().unwrap_or(path);
    crates.contains(&first) && path.contains("::")
}

/// Without the checker's frames, and without the standard library's through which it called the program.
fn program_part(frames: Vec<Frame>) -> Vec<Frame> {
    let checker = |frame: &Frame| is_of(&frame.function, &CHECKER);
    let standard =
        |frame: &Frame| is_of(&frame.function, &STANDARD) || frame.function.starts_with("__rust");
    let inner = |frame: &Frame| checker(frame) || standard(frame);
    // Where the coroutine was entered; what is further out belongs to the checker alone.
    let end =
        frames.iter().position(|frame| frame.function.contains("norace_explore::coroutine::"));
    let end = end.unwrap_or(frames.len());
    let body: Vec<Frame> = frames.into_iter().take(end).skip_while(inner).collect();
    let last = body.iter().rposition(|frame| !inner(frame)).map_or(0, |at| at + 1);
    let mut checkers = false;
    let mut body: Vec<Frame> = body.into_iter().take(last).rev().collect();
    body.retain(|frame| {
        checkers = checker(frame) || checkers && standard(frame);
        !checkers
    });
    body.reverse();
    body.truncate(FRAMES_MAX);
    body
}

/// Calls of one stack that a report shows.
const FRAMES_MAX: usize = 24;

#[cfg(test)]
mod tests;
