//! What became of the models: the outcomes that their tests left, and what they come to together.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::exit_code::ExitCode;
use crate::failure::{Failure, sanitise};
use crate::output::{BAD, GOOD, thousands};
use crate::session::Ended;

/// The outcomes that are understood.
const SCHEMA: &str = "norace.model/1";

/// How a check ended; see `norace_check::Status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Status {
    Complete,
    WithinBound,
    Incomplete,
    Found,
    Diverged,
    NotReproduced,
    Skipped,
}

/// The outcome of one model; see `norace_check::Outcome`.
#[derive(Debug, Deserialize)]
pub(crate) struct Model {
    schema: String,
    pub(crate) test: String,
    pub(crate) status: Status,
    required_complete: bool,
    executions: u64,
    preemptions: Option<u32>,
    up_to_spinning: bool,
    /// Those of older versions do not say.
    #[serde(default)]
    pub(crate) kept_silent: u64,
    #[serde(default)]
    pub(crate) kept_unread: u64,
    seconds: f64,
    finding: Option<Box<RawValue>>,
    /// All of it, as it was written.
    #[serde(skip)]
    pub(crate) line: String,
    /// The page about the finding.
    #[serde(skip)]
    page: Option<PathBuf>,
}

/// What is read of a finding.
#[derive(Deserialize)]
struct Kind {
    kind: String,
}

/// All of a run, by name.
#[derive(Debug)]
pub(crate) struct Models(pub(crate) Vec<Model>);

impl Models {
    /// Reads what a run left in its folder.
    ///
    /// # Errors
    ///
    /// When something of it cannot be read.
    pub(crate) fn read(folder: &Path) -> Result<Self, Failure> {
        let mut models = Vec::new();
        for path in files(folder, "json")? {
            let line =
                fs::read_to_string(&path).map_err(|error| unreadable(&path).because(error))?;
            let mut model: Model =
                serde_json::from_str(&line).map_err(|error| unreadable(&path).because(error))?;
            if model.schema != SCHEMA {
                let what = format!("cannot read outcomes of the form {}", model.schema);
                return Err(Failure::usage(what)
                    .hint("install the cargo-norace of the same version as norace-check"));
            }
            model.line = line.trim_end().to_owned();
            model.page = Some(path.with_extension("html")).filter(|page| page.exists());
            models.push(model);
        }
        models.sort_by(|one, two| one.test.cmp(&two.test));
        Ok(Self(models))
    }

    /// Copies the pages about findings to `folder`, which is there.
    pub(crate) fn copy_pages(&mut self, folder: &Path) -> Result<(), Failure> {
        for page in self.0.iter_mut().filter_map(|model| model.page.as_mut()) {
            let to = folder.join(page.file_name().unwrap_or_default());
            fs::copy(&*page, &to).map_err(|error| {
                Failure::usage(format!("cannot write the report {}", to.display())).because(error)
            })?;
            *page = to;
        }
        Ok(())
    }

    pub(crate) fn count(&self, status: Status) -> usize {
        self.0.iter().filter(|model| model.status == status).count()
    }

    /// The reports of defects.
    pub(crate) fn findings(&self) -> impl Iterator<Item = &RawValue> {
        let found = self.0.iter().filter(|model| model.status == Status::Found);
        found.filter_map(|model| model.finding.as_deref())
    }

    /// The code of the end that the outcomes and the test processes come to. What is sure comes first: a defect or a
    /// test that failed for another reason than a model, then what was not controlled, then what is missing.
    pub(crate) fn exit_code(&self, ended: &Ended) -> ExitCode {
        let count = |wanted: fn(&&Model) -> bool| self.0.iter().filter(wanted).count();
        let uncontrolled = count(|model| model.is_uncontrolled());
        let missing = count(|model| model.is_missing());
        let explained = u64::try_from(uncontrolled + missing).unwrap_or(u64::MAX);
        if self.count(Status::Found) > 0 || ended.tally.failed > explained {
            ExitCode::Finding
        } else if uncontrolled > 0 || ended.tally.uncontrolled > 0 {
            ExitCode::Uncontrolled
        } else if missing > 0 {
            ExitCode::Incomplete
        } else if ended.failed {
            ExitCode::Finding
        } else {
            ExitCode::Ok
        }
    }

    /// A line for each model.
    pub(crate) fn table(&self) -> String {
        let names: Vec<String> = self.0.iter().map(|model| sanitise(&model.test)).collect();
        let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).min(WIDTH_MAX);
        let lines = self
            .0
            .iter()
            .zip(names)
            .map(|(model, name)| format!("  {name:<width$}  {}", model.verdict()));
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// The widest column of names; a longer one pushes its own line only.
const WIDTH_MAX: usize = 60;

impl Model {
    fn is_uncontrolled(&self) -> bool {
        matches!(self.status, Status::Diverged | Status::NotReproduced)
    }

    fn is_missing(&self) -> bool {
        self.required_complete && matches!(self.status, Status::WithinBound | Status::Incomplete)
    }

    /// The kind of the finding.
    pub(crate) fn kind(&self) -> Option<String> {
        let kind: Kind = serde_json::from_str(self.finding.as_ref()?.get()).ok()?;
        Some(kind.kind)
    }

    /// What came out, in words.
    fn verdict(&self) -> String {
        let text = match (self.status, self.kind()) {
            (Status::Found | Status::Diverged, Some(kind)) => sanitise(&kind),
            (Status::Found | Status::Diverged, None) => "uncontrolled".to_owned(),
            (Status::NotReproduced, _) => "not reproduced".to_owned(),
            _ => self.extent(),
        };
        let style = match self.status {
            Status::Complete => Some(GOOD),
            Status::Found | Status::Diverged | Status::NotReproduced => Some(BAD),
            _ if self.is_missing() => Some(BAD),
            _ => None,
        };
        let text = style.map_or_else(|| text.clone(), |style| format!("{style}{text}{style:#}"));
        let page = self.page.as_deref().map(|page| format!(", see {}", shown(page)));
        let kept = [silent(self.kept_silent), unread(self.kept_unread)];
        let more =
            page.into_iter().chain(kept.into_iter().flatten().map(|kept| format!("; {kept}")));
        text + &more.collect::<String>()
    }

    /// How much was run.
    fn extent(&self) -> String {
        let time = format!("{} executions in {:.1} s", thousands(self.executions), self.seconds);
        match (self.status, self.preemptions) {
            (Status::Complete, _) if self.up_to_spinning => {
                format!("complete up to spinning: {time}")
            }
            (Status::Complete, _) => format!("complete: {time}"),
            (Status::WithinBound, Some(bound)) => {
                format!("complete for up to {bound} preemptions: {time}")
            }
            _ => time,
        }
    }
}

/// What is told of kept executions that show nothing.
pub(crate) fn silent(count: u64) -> Option<String> {
    match count {
        0 => None,
        1 => Some("1 kept execution shows nothing any more".to_owned()),
        more => Some(format!("{} kept executions show nothing any more", thousands(more))),
    }
}

/// What is told of lines of the regression folder that are none.
pub(crate) fn unread(count: u64) -> Option<String> {
    match count {
        0 => None,
        1 => Some("1 kept line cannot be read".to_owned()),
        more => Some(format!("{} kept lines cannot be read", thousands(more))),
    }
}

/// The files of a folder that end in `extension`.
fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>, Failure> {
    let list = || -> io::Result<Vec<PathBuf>> {
        fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect()
    };
    let mut files = list().map_err(|error| unreadable(folder).because(error))?;
    files.retain(|path| path.extension() == Some(OsStr::new(extension)));
    files.sort();
    Ok(files)
}

fn unreadable(path: &Path) -> Failure {
    Failure::internal(format!("cannot read the outcome in {}", path.display()))
}

/// A path as it is shown: from here, where it is below.
pub(crate) fn shown(path: &Path) -> String {
    let here = env::current_dir().ok();
    let below = here.and_then(|here| path.strip_prefix(here).ok());
    sanitise(&below.unwrap_or(path).display().to_string())
}

#[cfg(test)]
mod tests;
