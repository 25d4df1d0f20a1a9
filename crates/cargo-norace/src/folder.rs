//! The folder `norace` in the target folder: what cargo builds there, the tools, and one folder for each run.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::{env, io, process};

use crate::failure::Failure;
use crate::wrap::Tool;

/// Its name.
pub(crate) const FOLDER: &str = "norace";

/// Where the tools are, in it.
const TOOLS: &str = "tools";

/// Where the runs are, in it.
const RUNS: &str = "runs";

/// Runs that are kept, the new one included: their reports may still be read.
const RUNS_MAX: usize = 16;

/// What keeps a folder out of backups, by the convention that cargo follows for the folders it makes.
const TAG: (&str, &str) = (
    "CACHEDIR.TAG",
    "Signature: 8a477f597d28d172789f06886806bc55\n\
     # This file is a cache directory tag created by cargo-norace.\n\
     # For information about cache directory tags see https://bford.info/cachedir/\n",
);

/// Makes what is missing of the folder in the target folder `target`; the paths of the tools.
pub(crate) fn place_tools(target: &Path) -> Result<[PathBuf; 2], Failure> {
    let folder = target.join(FOLDER).join(TOOLS);
    let own = env::current_exe().map_err(|error| {
        Failure::internal("cannot find the path of cargo-norace").because(error)
    })?;
    let placed = || {
        make_target(target)?;
        fs::create_dir_all(&folder)?;
        Tool::ALL.iter().try_for_each(|tool| link(&own, &folder.join(tool.file_name())))
    };
    placed().map_err(|error| cannot_write(&folder, error))?;
    Ok(Tool::ALL.map(|tool| folder.join(tool.file_name())))
}

fn cannot_write(folder: &Path, error: io::Error) -> Failure {
    Failure::usage(format!("cannot write to the folder {}", folder.display())).because(error)
}

/// Cargo marks a target folder only where it makes it.
fn make_target(target: &Path) -> io::Result<()> {
    if target.exists() {
        return Ok(());
    }
    fs::create_dir_all(target)?;
    fs::write(target.join(TAG.0), TAG.1)
}

/// Makes `path` a link to `own`, if it is not. Others may do the same at the same time, or run it.
fn link(own: &Path, path: &Path) -> io::Result<()> {
    if fs::read_link(path).is_ok_and(|to| to == own) {
        return Ok(());
    }
    let new = path.with_extension(process::id().to_string());
    symlink(own, &new)?;
    fs::rename(&new, path)
}

/// The folder of one run.
#[derive(Debug)]
pub(crate) struct RunFolder(PathBuf);

impl RunFolder {
    /// Makes a fresh one in `folder`, and removes those that are too many.
    pub(crate) fn new(folder: &Path) -> Result<Self, Failure> {
        let runs = folder.join(RUNS);
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let path = runs.join(format!("{:013}-{}", now.as_millis(), process::id()));
        let made = fs::create_dir_all(&runs).and_then(|()| fs::create_dir(&path));
        made.map_err(|error| cannot_write(&path, error))?;
        prune(&runs).map_err(|error| cannot_write(&runs, error))?;
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

/// Removes the oldest runs; their names are in the order of time.
fn prune(runs: &Path) -> io::Result<()> {
    let entries: io::Result<Vec<PathBuf>> =
        fs::read_dir(runs)?.map(|entry| Ok(entry?.path())).collect();
    let mut entries = entries?;
    entries.sort();
    let old = entries.len().saturating_sub(RUNS_MAX);
    for path in &entries[..old] {
        match fs::remove_dir_all(path) {
            // Another run did.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            ended => ended?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Temporary(PathBuf);

    impl Temporary {
        fn new(name: &str) -> Self {
            let path = env::temp_dir().join(format!("cargo-norace-{}-{name}", process::id()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }
    }

    impl Drop for Temporary {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn tools_are_links_to_this_program_in_a_folder_that_backups_pass_over() {
        let temporary = Temporary::new("tools");
        let target = temporary.0.join("target");
        for _ in 0..2 {
            for path in place_tools(&target).unwrap() {
                assert_eq!(fs::read_link(path).unwrap(), env::current_exe().unwrap());
            }
        }
        assert!(fs::read_to_string(target.join(TAG.0)).unwrap().starts_with("Signature: 8a47"));
        let names = fs::read_dir(target.join("norace/tools")).unwrap();
        assert_eq!(names.count(), 2);
    }

    #[test]
    fn a_link_to_another_program_is_replaced() {
        let temporary = Temporary::new("link");
        let path = temporary.0.join("norace-rustc");
        symlink("/old/cargo-norace", &path).unwrap();
        link(Path::new("/new/cargo-norace"), &path).unwrap();
        assert_eq!(fs::read_link(&path).unwrap(), Path::new("/new/cargo-norace"));
    }

    #[test]
    fn only_the_last_runs_are_kept() {
        let temporary = Temporary::new("runs");
        for at in 0..RUNS_MAX + 3 {
            fs::create_dir_all(temporary.0.join(format!("{RUNS}/{at:013}-1"))).unwrap();
        }
        let run = RunFolder::new(&temporary.0).unwrap();
        assert!(run.path().is_dir());
        let left = fs::read_dir(temporary.0.join(RUNS)).unwrap();
        let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left.len(), RUNS_MAX);
        assert!(!left.contains(&"0000000000003-1".into()), "{left:?}");
        assert!(left.contains(&"0000000000004-1".into()), "{left:?}");
    }
}
