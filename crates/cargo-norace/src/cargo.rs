//! Cargo as it is called here: what the user gave it, in a target folder of its own, with the tools that add the flags.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, io, path};

use anstream::{AutoStream, ColorChoice};
use serde::Deserialize;

use crate::failure::Failure;
use crate::folder::{self, FOLDER};
use crate::wrap::Tool;

/// The variable that tells cargo of colour.
const COLOR: &str = "CARGO_TERM_COLOR";

/// Options of cargo that say where its workspace and configuration are, with a value.
const PLACES: [&str; 3] = ["--manifest-path", "--config", "-Z"];

/// The same, without one.
const MODES: [&str; 3] = ["--locked", "--offline", "--frozen"];

/// Options that choose among the targets of a package; without one, doc tests are run as well.
const TARGETS: [&str; 11] = [
    "--lib",
    "--bins",
    "--bin",
    "--examples",
    "--example",
    "--tests",
    "--test",
    "--benches",
    "--bench",
    "--all-targets",
    "--doc",
];

/// Options of the test harness with a value behind them.
const HARNESS_VALUES: [&str; 7] =
    ["--color", "--format", "--logfile", "--shuffle-seed", "--skip", "--test-threads", "-Z"];

/// Options that are spoken for, with what to do instead.
const REFUSED: [(&str, &str); 2] = [
    ("--target-dir", "set CARGO_TARGET_DIR: the checker's build goes to the folder `norace` in it"),
    ("--message-format", "use `--format json` before the `--`"),
];

/// What stands behind `--` on the command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Arguments {
    /// For `cargo test`.
    cargo: Vec<OsString>,
    /// For the tests, after another `--`.
    harness: Vec<OsString>,
}

impl Arguments {
    /// Takes them apart.
    ///
    /// # Errors
    ///
    /// When an option of cargo is among them that does not fit.
    pub(crate) fn new(all: Vec<OsString>) -> Result<Self, Failure> {
        let mut parts = all.splitn(2, |arg| arg == "--").map(<[OsString]>::to_vec);
        let cargo = parts.next().unwrap_or_default();
        let arguments = Self { cargo, harness: parts.next().unwrap_or_default() };
        let refused = REFUSED.into_iter().find(|(name, _)| arguments.has(name));
        match refused {
            Some((name, instead)) => {
                Err(Failure::usage(format!("cannot pass {name} to cargo")).hint(instead))
            }
            None => Ok(arguments),
        }
    }

    /// Whether cargo gets the option `name`, with or without a value.
    fn has(&self, name: &str) -> bool {
        self.cargo.iter().any(|arg| is_option(arg, name))
    }

    /// Whether some kinds of targets are chosen.
    pub(crate) fn choose_targets(&self) -> bool {
        TARGETS.iter().any(|name| self.has(name))
    }

    /// Whether only doc tests run.
    pub(crate) fn are_for_docs(&self) -> bool {
        self.has("--doc")
    }

    /// With an option of cargo's, unless it is there already.
    pub(crate) fn with(mut self, option: &str) -> Self {
        if !self.has(option) {
            self.cargo.push(option.into());
        }
        self
    }

    /// Only the test called `name`, whether ignored or not, unless tests are named already.
    pub(crate) fn only(mut self, name: &str) -> Self {
        let has = |option: &str| self.harness.iter().any(|arg| arg == option);
        let mut more: Vec<&str> = Vec::new();
        if !has("--include-ignored") && !has("--ignored") {
            more.push("--include-ignored");
        }
        if !self.names_tests() {
            more.push(name);
            more.extend(Some("--exact").filter(|option| !has(option)));
        }
        let more: Vec<OsString> = more.into_iter().map(OsString::from).collect();
        self.harness.extend(more);
        self
    }

    /// Whether the harness is told which tests to run.
    fn names_tests(&self) -> bool {
        let mut args = self.harness.iter();
        while let Some(arg) = args.next() {
            if HARNESS_VALUES.iter().any(|name| arg == *name) {
                args.next();
            } else if !arg.as_encoded_bytes().starts_with(b"-") {
                return true;
            }
        }
        false
    }

    /// For a build without a run. Doc tests cannot be built ahead; what they use can.
    fn for_build(&self) -> Vec<OsString> {
        let of_docs = |arg: &OsString| if arg == "--doc" { "--lib".into() } else { arg.clone() };
        self.cargo.iter().map(of_docs).collect()
    }

    /// Those that matter to every command of cargo.
    fn of_place(&self) -> Vec<OsString> {
        let mut kept = Vec::new();
        let mut args = self.cargo.iter();
        while let Some(arg) = args.next() {
            if PLACES.iter().any(|name| arg == *name) {
                kept.push(arg.clone());
                kept.extend(args.next().cloned());
            } else if PLACES.iter().any(|name| is_option(arg, name))
                || MODES.iter().any(|name| arg == *name)
            {
                kept.push(arg.clone());
            }
        }
        kept
    }
}

/// Whether `arg` is the option `name`, or `name=value`.
fn is_option(arg: &OsStr, name: &str) -> bool {
    let rest = arg.as_encoded_bytes().strip_prefix(name.as_bytes());
    rest.is_some_and(|rest| rest.is_empty() || rest[0] == b'=')
}

/// What `cargo metadata` says.
#[derive(Deserialize)]
struct Metadata {
    target_directory: PathBuf,
}

/// Cargo, for one workspace.
#[derive(Debug)]
pub(crate) struct Cargo {
    program: OsString,
    folder: PathBuf,
    tools: [(Tool, PathBuf, Option<OsString>); 2],
    color: Option<&'static str>,
}

impl Cargo {
    /// Asks where the target folder is, and puts the tools into it.
    ///
    /// # Errors
    ///
    /// When there is no workspace, or the folder cannot be written.
    pub(crate) fn find(arguments: &Arguments, color: ColorChoice) -> Result<Self, Failure> {
        let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let target = target_folder(&program, arguments)?;
        let folder = target.join(FOLDER);
        let [rustc, rustdoc] = folder::place_tools(&target)?;
        let color = match color {
            ColorChoice::Always | ColorChoice::AlwaysAnsi => Some("always"),
            ColorChoice::Never => Some("never"),
            ColorChoice::Auto => None,
        };
        let kept = |tool| kept(tool, |name| env::var_os(name));
        let tools = [
            (Tool::Rustc, rustc, kept(Tool::Rustc)),
            (Tool::Rustdoc, rustdoc, kept(Tool::Rustdoc)),
        ];
        Ok(Self { program, folder, tools, color })
    }

    /// The target folder of the checker's builds.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// `cargo test` that builds, and says on stdout what.
    pub(crate) fn build(&self, arguments: &Arguments) -> Command {
        let mut command = self.test(&arguments.for_build());
        command.args(["--no-run", "--message-format", "json-diagnostic-rendered-ansi"]);
        command
    }

    /// `cargo test` that runs.
    pub(crate) fn run(&self, arguments: &Arguments) -> Command {
        let mut command = self.test(&arguments.clone().with("--no-fail-fast").cargo);
        // What it says goes through a pipe here, and on to the terminal.
        let shown = AutoStream::choice(&io::stderr()) != ColorChoice::Never;
        if shown && self.color.is_none() && env::var_os(COLOR).is_none() {
            command.env(COLOR, "always");
        }
        if !arguments.harness.is_empty() {
            command.arg("--").args(&arguments.harness);
        }
        command
    }

    fn test(&self, cargo: &[OsString]) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("test").args(cargo).arg("--target-dir").arg(&self.folder);
        // Intermediate files would go elsewhere where the configuration says so.
        command.env("CARGO_BUILD_BUILD_DIR", &self.folder);
        for (tool, path, kept) in &self.tools {
            command.env(tool.variable(), path);
            match kept {
                Some(kept) => command.env(tool.kept_variable(), kept),
                None => command.env_remove(tool.kept_variable()),
            };
        }
        if let Some(color) = self.color {
            command.env(COLOR, color);
        }
        command.stdin(Stdio::null());
        command
    }
}

fn target_folder(program: &OsStr, arguments: &Arguments) -> Result<PathBuf, Failure> {
    let mut command = Command::new(program);
    command.args(["metadata", "--no-deps", "--format-version", "1"]).args(arguments.of_place());
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| {
        Failure::usage(format!("cannot run {}", program.display())).because(error)
    })?;
    if !output.status.success() {
        // Cargo has said why.
        return Err(Failure::usage("cannot read the workspace: `cargo metadata` failed")
            .hint("run it in the folder of a package, or name one: `-- --manifest-path …`"));
    }
    let metadata: Metadata = serde_json::from_slice(&output.stdout).map_err(|error| {
        Failure::internal("cannot read what `cargo metadata` says").because(error)
    })?;
    Ok(metadata.target_directory)
}

/// What the environment `var` has in the place of a tool, in cargo's order: the tool's own variable, where an empty one
/// means none, before that of the configuration.
fn kept(tool: Tool, var: impl Fn(&str) -> Option<OsString>) -> Option<OsString> {
    let kept = match var(tool.variable()) {
        // Within a run of this very command: what it was told is still kept.
        Some(own) if Tool::called(&own) == Some(tool) => var(tool.kept_variable()),
        Some(given) => Some(given),
        None => var(tool.config_variable()),
    };
    let kept = kept.filter(|kept| !kept.is_empty())?;
    // Cargo looks for a path from here, and for a name in PATH; the tool may be called from another folder.
    let is_path = Path::new(&kept).components().nth(1).is_some();
    let found = if is_path { path::absolute(&kept).ok() } else { None };
    Some(found.map_or(kept, PathBuf::into_os_string))
}

#[cfg(test)]
mod tests;
