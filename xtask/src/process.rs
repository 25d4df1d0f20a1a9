//! Programs run with a limit in time: one that hangs is ended, with everything it started.

use std::{
    env, fs,
    io::{BufReader, Read},
    path::Path,
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

#[cfg(test)]
mod tests;

/// How often a running program is looked at.
const POLL: Duration = Duration::from_millis(20);

/// Cargo in the folder `root`, with `arguments` separated by blanks.
pub(crate) fn cargo(root: &Path, arguments: &str) -> Command {
    program(root, env!("CARGO"), arguments)
}

/// `name` in the folder `root`, with `arguments` separated by blanks and nothing to read from.
pub(crate) fn program(root: &Path, name: &str, arguments: &str) -> Command {
    let mut command = Command::new(name);
    command.args(arguments.split_whitespace()).current_dir(root).stdin(Stdio::null());
    command
}

/// Runs `command` to its end and lets it speak for itself.
pub(crate) fn run(command: &mut Command, limit: Duration) -> Result<(), String> {
    let child = spawn(command)?;
    judge(command, wait(child, limit)?)
}

/// Runs `command` to its end and returns what it wrote to its standard output; an error tells it as well.
pub(crate) fn output(command: &mut Command, limit: Duration) -> Result<String, String> {
    let said = listen(command, limit);
    said.ended.map_err(|error| format!("{error}\n{}", said.stdout))?;
    Ok(said.stdout)
}

/// What a program wrote until it ended, and why it did if that was no success.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) ended: Result<(), String>,
    pub(crate) stdout: String,
    /// Empty when it went elsewhere.
    pub(crate) stderr: String,
}

/// Runs `command` to its end and returns what it wrote: to its standard error as well, when that is a pipe.
pub(crate) fn listen(command: &mut Command, limit: Duration) -> Said {
    let mut child = match spawn(command.stdout(Stdio::piped())) {
        Ok(child) => child,
        Err(error) => {
            return Said { ended: Err(error), stdout: String::new(), stderr: String::new() };
        }
    };
    let stdout = read(child.stdout.take());
    let stderr = read(child.stderr.take());
    let ended = wait(child, limit).and_then(|status| judge(command, status));
    let [stdout, stderr] = [stdout, stderr].map(|it| it.join().expect("reading does not panic"));
    Said { ended, stdout, stderr }
}

/// Reads all of a pipe, if there is one, beside.
fn read(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut text = Vec::new();
        // What can be read is all there is to tell.
        let _end = pipe.map(|mut pipe| pipe.read_to_end(&mut text));
        String::from_utf8_lossy(&text).into_owned()
    })
}

fn spawn(command: &mut Command) -> Result<Child, String> {
    command.spawn().map_err(|error| format!("cannot run {}: {error}", line(command)))
}

fn judge(command: &Command, status: ExitStatus) -> Result<(), String> {
    if status.success() { Ok(()) } else { Err(format!("{}: {status}", line(command))) }
}

/// Waits for `child`; ends it, and what it started, when `limit` has passed.
fn wait(mut child: Child, limit: Duration) -> Result<ExitStatus, String> {
    let end = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait().map_err(|error| format!("cannot wait: {error}"))? {
            return Ok(status);
        }
        if Instant::now() >= end {
            signal("KILL", &family(child.id()));
            let _reaped = child.wait();
            return Err(format!("ended after {limit:?}: it did not finish by itself"));
        }
        thread::sleep(POLL);
    }
}

/// A program that runs beside; dropping it ends the program and everything it started.
#[derive(Debug)]
pub(crate) struct Background(Option<Child>);

impl Background {
    /// Starts `command` and returns it with its standard output.
    pub(crate) fn start(command: &mut Command) -> Result<(Self, BufReader<ChildStdout>), String> {
        let mut child = spawn(command.stdout(Stdio::piped()))?;
        let stdout = child.stdout.take().expect("standard output was asked for");
        Ok((Self(Some(child)), BufReader::new(stdout)))
    }

    /// Sends the signal `name` to the program and waits for its end.
    pub(crate) fn stop(mut self, name: &str, limit: Duration) -> Result<ExitStatus, String> {
        let child = self.0.take().expect("it runs until it is stopped");
        signal(name, &[child.id()]);
        wait(child, limit)
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            signal("KILL", &family(child.id()));
            let _reaped = child.wait();
        }
    }
}

/// Sends the signal `name` to processes by their ids; one that has just ended is no error.
fn signal(name: &str, ids: &[u32]) {
    let ids: Vec<String> = ids.iter().map(u32::to_string).collect();
    let script = format!("kill -{name} {}", ids.join(" "));
    let _status = Command::new("sh").args(["-c", &script]).stderr(Stdio::null()).status();
}

/// A process and all its descendants, as `/proc` tells them.
fn family(root: u32) -> Vec<u32> {
    let folders = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = folders.filter_map(|folder| folder.file_name().to_str()?.parse().ok());
    let parents: Vec<(u32, u32)> = ids.filter_map(|id| Some((id, parent(id)?))).collect();
    let mut family = vec![root];
    let mut at = 0;
    while let Some(&id) = family.get(at) {
        family.extend(parents.iter().filter(|(_, parent)| *parent == id).map(|(child, _)| child));
        at += 1;
    }
    family
}

/// The parent's id is the second field after the name, which may itself hold parentheses.
fn parent(id: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    fields.split(' ').nth(1)?.parse().ok()
}

/// Whether a program of this name can be found.
pub(crate) fn is_installed(name: &str) -> bool {
    let folders = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&folders).any(|folder| folder.join(name).is_file())
}

fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    format!("`{}`", words.join(" "))
}
