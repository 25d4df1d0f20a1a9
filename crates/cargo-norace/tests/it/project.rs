//! Small crates outside the workspace, on this checkout's facade and checker.

use std::fs::File;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::{env, fs, mem};

use crate::process::{Ended, binary, end};

/// Where this checkout's crates are.
pub(crate) const CRATES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
const LOCK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.lock");

/// What all projects are built in.
pub(crate) const TARGET: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/norace-projects");

/// One run of cargo at a time: two would take the same cores from each other.
static CARGO: Mutex<()> = Mutex::new(());

pub(crate) fn one_at_a_time() -> MutexGuard<'static, ()> {
    CARGO.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where projects are: the same place at every run, so that what was built for one is replaced by the next.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let mut hasher = DefaultHasher::new();
    CRATES.hash(&mut hasher);
    let path = env::temp_dir().join(format!("cargo-norace-{:016x}", hasher.finish()));
    // Held until this process ends: another one waits for the place.
    let lock = File::create(path.with_extension("lock")).unwrap();
    lock.lock().unwrap();
    mem::forget(lock);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    path
});

/// A crate.
#[derive(Debug)]
pub(crate) struct Project(PathBuf);

impl Project {
    /// A library `name` that depends on the crates `own` of this workspace.
    pub(crate) fn new(name: &str, own: &[&str], more: &str) -> Self {
        let project = Self(FOLDER.join(name));
        let own: String =
            own.iter().map(|own| format!("{own} = {{ path = \"{CRATES}/{own}\" }}\n")).collect();
        project.write(
            "Cargo.toml",
            &format!(
                "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\
                 [profile.dev]\ndebug = \"line-tables-only\"\n[dependencies]\n{own}{more}"
            ),
        );
        project.write("src/lib.rs", "");
        // The versions that are there already.
        fs::copy(LOCK, project.0.join("Cargo.lock")).unwrap();
        project
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn write(&self, file: &str, text: &str) {
        let path = self.0.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// A script that can be run; its path.
    pub(crate) fn script(&self, file: &str, text: &str) -> PathBuf {
        self.write(file, &format!("#!/bin/sh\n{text}\n"));
        let path = self.0.join(file);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// `cargo norace …` in the project's folder.
    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = binary();
        command.args(line.split_whitespace()).current_dir(&self.0).env("CARGO_TARGET_DIR", TARGET);
        command
    }

    /// Runs it to its end.
    pub(crate) fn norace(&self, line: &str) -> Ended {
        run(&mut self.command(line))
    }
}

/// Runs a command to its end, alone.
pub(crate) fn run(command: &mut Command) -> Ended {
    let _alone = one_at_a_time();
    end(command)
}

/// The crate of most tests: each has its models in a file of its own under `tests`.
pub(crate) static SHOP: LazyLock<Project> =
    LazyLock::new(|| Project::new("shop", &["norace-prim", "norace-check"], ""));
