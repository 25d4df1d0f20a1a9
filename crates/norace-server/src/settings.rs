//! What can be changed while the server runs.
//!
//! A section is a field of [`Settings`] with a type of its own; a new one needs a line in [`Settings::check`] besides.

use std::fmt;

mod engine;

use norace::config::{CompareError, Hot, Snapshot, Stale};
use norace_engine::{EngineSettings, SettingsSource};
use norace_prim::time::{SystemTime, UNIX_EPOCH};
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::keys::Keys;
use crate::limits::{Limits, Redis};
pub use engine::{EngineBounds, NewOrders, Processing};

/// What a file may set and a call or, but for keys, a change of the file can't, and why.
const FIXED: [(&str, &str); 6] = [
    ("engine.queue_messages", "the queue is made with its places"),
    ("engine.batch_records_max", "room for batches of that size has been promised"),
    ("engine.batch_bytes_max", "room for batches of that size has been promised"),
    ("engine.events_max", "the ring of events is made with its places"),
    ("keys", "keys are set by the file alone"),
    ("redis", "it is set by the file alone, and what was counted rests on it"),
];

/// What can be changed while the server runs: by a file that is followed, and by `PUT /v1/config`.
///
/// Whatever is left out has its default; a name that is not known is refused.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Settings {
    /// Bounds and time limits. Connections keep those of a head and of its times that they began with, everything else
    /// holds for requests from then on.
    pub server: Config,
    /// How many requests are admitted. Default all.
    pub limits: Limits,
    /// What is told on standard error.
    pub log: Log,
    /// Bounds of the engine. They hold for requests from then on, if the engine was opened with
    /// [`LiveSettings::engine`], and so does the next section.
    pub engine: EngineBounds,
    /// Who drives new orders, and bounds of the processor; for orders and calls from then on.
    pub processor: Processing,
    /// How the limits are shared with other processes. It is not shown and not replaced by calls, and a change of it
    /// takes a restart. Default not at all.
    #[serde(skip)]
    pub redis: Option<Redis>,
    /// Who may call. They are not shown and not replaced by calls: files alone have them.
    #[serde(skip)]
    pub keys: Keys,
}

/// What is told on standard error.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Log {
    /// The least that is told. Default `info`.
    pub level: Level,
}

/// How much something matters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The ordinary course of things.
    #[default]
    Info,
    /// Somebody should look at it.
    Warn,
    /// Only what ends the process.
    Error,
}

impl Settings {
    /// Sets the server's bounds.
    #[must_use]
    pub fn with_server(self, server: Config) -> Self {
        Self { server, ..self }
    }

    /// Sets the limits on requests.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Sets how the limits are shared.
    #[must_use]
    pub fn with_redis(self, redis: Option<Redis>) -> Self {
        Self { redis, ..self }
    }

    /// Sets the log.
    #[must_use]
    pub fn with_log(self, log: Log) -> Self {
        Self { log, ..self }
    }

    /// Sets the engine's bounds.
    #[must_use]
    pub fn with_engine(self, engine: EngineBounds) -> Self {
        Self { engine, ..self }
    }

    /// Sets who drives new orders, and the processor's bounds.
    #[must_use]
    pub fn with_processor(self, processor: Processing) -> Self {
        Self { processor, ..self }
    }

    /// Sets who may call.
    #[must_use]
    pub fn with_keys(self, keys: Keys) -> Self {
        Self { keys, ..self }
    }

    /// Why a file's setting of this name (its section's, a dot, its own) can't be changed by a call, nor by a change of
    /// the file if it is one of the engine; none when it can.
    pub fn fixed(name: &str) -> Option<&'static str> {
        FIXED.iter().find(|(fixed, _)| *fixed == name).map(|(_, why)| *why)
    }

    /// What of them is the engine's.
    pub(crate) fn of_engine(&self) -> EngineSettings {
        engine::of(&self.engine, &self.processor)
    }

    /// As [`check`](Self::check), for settings that take the place of others.
    fn check_after(former: &Self, new: &Self) -> Result<(), InvalidSetting> {
        if new.keys.is_empty() && !former.keys.is_empty() {
            let detail = "the last one can't be taken away while the service runs";
            return Err(InvalidSetting::new("keys", detail));
        }
        let same_places = new.limits.clients_max == former.limits.clients_max;
        for (name, same) in [
            ("redis", new.redis == former.redis),
            ("limits.clients_max", new.redis.is_none() || same_places),
        ] {
            if !same {
                let why = Self::fixed(name).unwrap_or("with [redis] the places are made once");
                let detail = format!("it has changed, which takes a restart: {why}");
                return Err(InvalidSetting::new(name, detail));
            }
        }
        new.check()
    }

    /// Finds the first setting that can't work.
    ///
    /// # Errors
    ///
    /// Which, and why.
    pub fn check(&self) -> Result<(), InvalidSetting> {
        self.server.check()?;
        self.limits.check()?;
        self.redis.as_ref().map_or(Ok(()), |redis| redis.check(&self.limits))?;
        self.engine.check()?;
        self.processor.check()
    }
}

/// A setting that can't work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidSetting {
    field: String,
    detail: String,
}

impl InvalidSetting {
    pub(crate) fn new(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { field: field.into(), detail: detail.into() }
    }

    /// Its name, with its section's and a dot before it.
    pub fn field(&self) -> &str {
        &self.field
    }

    /// Why it can't work.
    pub fn detail(&self) -> &str {
        &self.detail
    }
}

impl fmt::Display for InvalidSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.detail)
    }
}

impl std::error::Error for InvalidSetting {}

/// Settings in force, and what was wrong with those that came last from a file.
///
/// A handle: clones are the same settings.
#[derive(Debug, Clone)]
pub struct LiveSettings {
    pub(crate) hot: Hot<Settings, InvalidSetting>,
    pub(crate) file_error: Hot<Option<FileError>>,
}

/// What was wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileError {
    pub(crate) detail: String,
    pub(crate) at_micros: u64,
    pub(crate) version: u64,
}

impl LiveSettings {
    /// Settings at version 1.
    ///
    /// # Errors
    ///
    /// When one of them can't work.
    pub fn new(settings: Settings) -> Result<Self, InvalidSetting> {
        settings.check()?;
        Ok(Self::unchecked(settings))
    }

    fn unchecked(settings: Settings) -> Self {
        let hot = Hot::builder(settings).validate(Settings::check_after).build();
        Self { hot, file_error: Hot::new(None) }
    }

    /// Puts settings in force, from the version `expected` if there is one. What files alone set stays as it is.
    pub(crate) fn replace(
        &self,
        expected: Option<u64>,
        settings: Settings,
    ) -> Result<Snapshot<Settings>, CompareError<InvalidSetting>> {
        loop {
            let current = self.hot.snapshot();
            // What stays is of this version, so it has to be the one that is replaced.
            let base = current.version();
            if let Some(expected) = expected.filter(|expected| *expected != base) {
                return Err(CompareError::Stale(Stale { expected, current: base }));
            }
            let (keys, redis) = (current.keys.clone(), current.redis.clone());
            let new = settings.clone().with_keys(keys).with_redis(redis);
            match self.hot.compare_publish(base, new.clone()) {
                Ok(version) => return Ok(Snapshot::of(version, new)),
                // Somebody was faster, and it was not to matter.
                Err(CompareError::Stale(_)) if expected.is_none() => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The value itself: to publish, to wait for changes, to have a file followed.
    pub fn hot(&self) -> &Hot<Settings, InvalidSetting> {
        &self.hot
    }

    /// What an engine is opened with that is to follow them.
    pub fn engine(&self) -> SettingsSource {
        let hot = self.hot.clone();
        SettingsSource::new(move || hot.load().of_engine())
    }

    /// Has `GET /v1/config` say that a file's content was refused at `at` and `version` stayed in force.
    pub fn file_failed(&self, detail: impl Into<String>, at: SystemTime, version: u64) {
        let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
        let at_micros = u64::try_from(since.as_micros()).unwrap_or(u64::MAX);
        let error = FileError { detail: detail.into(), at_micros, version };
        let Ok(_) = self.file_error.publish(Some(error));
    }

    /// Has it say no such thing any more.
    pub fn file_is_good(&self) {
        let Ok(_) = self.file_error.publish(None);
    }
}

impl From<Config> for LiveSettings {
    /// Not checked yet: [`Server::bind`](crate::Server::bind) does.
    fn from(server: Config) -> Self {
        Self::unchecked(Settings::default().with_server(server))
    }
}

#[cfg(test)]
mod tests;
