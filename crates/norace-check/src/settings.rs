//! What the environment sets: how `cargo norace` talks to the models that it runs.

use std::env;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::Duration;

use crate::outcome::Outcome;
use crate::token::Token;

/// `NORACE_…` variables, as far as they are set.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    /// `NORACE_BUDGET`, in seconds.
    pub(crate) budget: Option<Duration>,
    /// `NORACE_SEED`.
    pub(crate) seed: Option<u64>,
    /// `NORACE_REQUIRE_COMPLETE=1`.
    pub(crate) require_complete: bool,
    /// `NORACE_SHARD=K/N`, from 1: models whose name falls into the K-th of N parts.
    pub(crate) shard: Option<(u64, u64)>,
    /// `NORACE_REPLAY`: only this execution of only that model.
    pub(crate) replay: Option<Token>,
    /// `NORACE_RUN`: a folder for outcomes.
    pub(crate) run: Option<PathBuf>,
    /// `NORACE_CLAIM=1`: processes share the models, by files in that folder.
    pub(crate) claims: bool,
    /// `CARGO_MANIFEST_DIR`: the package under test.
    pub(crate) package: Option<PathBuf>,
}

impl Settings {
    /// Where outcomes go, and nothing else.
    pub(crate) fn of_run() -> Self {
        let run = env::var_os("NORACE_RUN").filter(|folder| !folder.is_empty());
        Self { run: run.map(PathBuf::from), ..Self::default() }
    }

    /// Reads them.
    ///
    /// # Panics
    ///
    /// When one of them cannot be read: a run with other settings than wanted would be worse.
    pub(crate) fn get() -> Self {
        let parse = |name: &str, what: &str, value: &str| -> ! {
            panic!("cannot read {name}={value}: expected {what}")
        };
        let var = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        let number = |name: &str| {
            var(name).map(|value| value.parse().unwrap_or_else(|_| parse(name, "a number", &value)))
        };
        let budget = var("NORACE_BUDGET").map(|value| {
            let seconds = value.parse().ok().and_then(|s| Duration::try_from_secs_f64(s).ok());
            seconds.unwrap_or_else(|| parse("NORACE_BUDGET", "seconds", &value))
        });
        let shard = var("NORACE_SHARD").map(|value| {
            shard(&value).unwrap_or_else(|| parse("NORACE_SHARD", "K/N with 1 <= K <= N", &value))
        });
        let replay = var("NORACE_REPLAY").map(|value| {
            value.parse().unwrap_or_else(|error| panic!("cannot read NORACE_REPLAY: {error}"))
        });
        let is_on = |name: &str| var(name).is_some_and(|value| value == "1");
        Self {
            budget,
            seed: number("NORACE_SEED"),
            require_complete: is_on("NORACE_REQUIRE_COMPLETE"),
            shard,
            replay,
            run: var("NORACE_RUN").map(PathBuf::from),
            claims: is_on("NORACE_CLAIM"),
            package: var("CARGO_MANIFEST_DIR").map(PathBuf::from),
        }
    }
}

impl Settings {
    /// Whether this process is the one that checks the model `name`.
    pub(crate) fn claim(&self, name: &str) -> bool {
        let own_part = self.shard.is_none_or(|(k, n)| hash(name) % n == k - 1);
        own_part && self.claim_file(name)
    }

    /// Of all processes that share a run, the one that creates the file has the model.
    fn claim_file(&self, name: &str) -> bool {
        let Some(run) = self.run.as_ref().filter(|_| self.claims) else { return true };
        let path = run.join(format!("{}.claim", file_name(name)));
        // Better checked twice than not at all.
        !matches!(File::create_new(path), Err(error) if error.kind() == ErrorKind::AlreadyExists)
    }

    /// Leaves the outcome for who started the run.
    pub(crate) fn record(&self, outcome: &Outcome) {
        let Some(run) = &self.run else { return };
        let text = outcome.to_json() + "\n";
        let path = run.join(format!("{}.json", file_name(&outcome.test)));
        if let Err(error) = fs::write(&path, text) {
            panic!("cannot write the outcome to {}: {error}", path.display());
        }
        if let Some(finding) = &outcome.finding {
            let path = path.with_extension("html");
            if let Err(error) = fs::write(&path, finding.to_html()) {
                panic!("cannot write the report to {}: {error}", path.display());
            }
        }
    }
}

/// A file's name for a model: what it is called, and a number that tells apart what becomes the same.
fn file_name(name: &str) -> String {
    let plain: String =
        name.chars().map(|letter| if letter.is_alphanumeric() { letter } else { '-' }).collect();
    // Test binaries of one run may have tests of the same name.
    let program = env::current_exe().unwrap_or_default();
    format!("{plain}-{:016x}", hash(name) ^ hash(&program.to_string_lossy()))
}

/// Fowler, Noll and Vo's hash 1a: the same on every machine.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn shard(value: &str) -> Option<(u64, u64)> {
    let (k, n) = value.split_once('/')?;
    let (k, n) = (k.parse().ok()?, n.parse().ok()?);
    (1 <= k && k <= n).then_some((k, n))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_shard_is_one_of_several() {
        assert_eq!(super::shard("1/4"), Some((1, 4)));
        for wrong in ["0/4", "5/4", "1", "1/", "a/b", "1/0"] {
            assert_eq!(super::shard(wrong), None, "{wrong}");
        }
    }
}
