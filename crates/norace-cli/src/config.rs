//! The file of `serve --config`: bounds and time limits in TOML.
//!
//! Every key is optional and stands for the bound of the same name in the server's, the engine's or the asynchronous
//! processor's configuration; times carry their unit in the name. Unknown keys are refused: a misspelt bound would be
//! no bound at all.
//!
//! The file is followed. What is in the server's [`Settings`] takes hold while it runs. What the engine is made with
//! once is not, and a content that changes it is refused.

use std::fmt;
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::Path;

use norace::config::file::{Event, Follower, Reason, Source};
use norace_engine::EngineConfig;
use norace_prim::sync::{Arc, OnceLock};
use norace_prim::time::Duration;
use norace_server::{
    EngineBounds, InvalidSetting, Keys, Level, Limits, LiveSettings, Log, Processing, Redis,
    Settings,
};
use serde::Deserialize;

use crate::failure::Failure;
use crate::output;

/// What the file sets; the rest keeps its default.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    server: norace_server::Config,
    limits: Limits,
    log: Log,
    engine: Engine,
    processor: Processing,
    redis: Option<Redis>,
    keys: Keys,
}

/// Bounds that hold from the start to the end, and those that can change meanwhile.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
struct Engine {
    queue_messages: Option<NonZeroUsize>,
    requests_max: Option<NonZeroUsize>,
    batch_records_max: Option<NonZeroUsize>,
    batch_bytes_max: Option<NonZeroUsize>,
    events_max: Option<NonZeroUsize>,
    waiters_max: Option<NonZeroUsize>,
    seal_after_ms: Option<NonZeroU64>,
}

impl Engine {
    /// The names and values of those that hold from the start to the end.
    fn fixed(&self) -> [(&'static str, Option<NonZeroUsize>); 4] {
        [
            ("engine.queue_messages", self.queue_messages),
            ("engine.batch_records_max", self.batch_records_max),
            ("engine.batch_bytes_max", self.batch_bytes_max),
            ("engine.events_max", self.events_max),
        ]
    }
}

fn set(bound: &mut usize, value: Option<NonZeroUsize>) {
    if let Some(value) = value {
        *bound = value.get();
    }
}

fn set_ms(time: &mut Duration, value: Option<NonZeroU64>) {
    if let Some(value) = value {
        *time = Duration::from_millis(value.get());
    }
}

/// Why a content is no configuration.
#[derive(Debug)]
pub(crate) enum ParseError {
    /// It is not of this form.
    Form { line: usize, message: String },
    /// A setting that was read once has changed.
    Fixed { name: &'static str, why: &'static str },
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form { line, message } => write!(f, "line {line}: {message}"),
            Self::Fixed { name, why } => {
                write!(f, "{name} has changed, which takes a restart: {why}")
            }
        }
    }
}

impl std::error::Error for ParseError {}

fn parse(bytes: &[u8]) -> Result<Config, ParseError> {
    let no_text = |_| ParseError::Form { line: 1, message: "it is not UTF-8".to_owned() };
    let text = str::from_utf8(bytes).map_err(no_text)?;
    toml::from_str(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start.min(text.len()));
        let line = text.as_bytes()[..start].iter().filter(|&&byte| byte == b'\n').count() + 1;
        ParseError::Form { line, message: error.message().to_owned() }
    })
}

/// The file, with its present content handled.
type File = Source<Settings, ParseError>;

/// A file that is being followed.
pub(crate) type Following = Follower<ParseError, InvalidSetting>;

impl Config {
    /// Reads the file, and gives it to be followed as well.
    ///
    /// # Errors
    ///
    /// Usage, when it cannot be read or is not of this form.
    pub(crate) fn read(path: &Path) -> Result<(Self, File), Failure> {
        let first = Arc::new(OnceLock::new());
        let mut file = Source::new(path, {
            let first = first.clone();
            move |bytes| parse(bytes)?.settings_beside(&first)
        });
        let refused = || Failure::usage(format!("cannot use the configuration {}", path.display()));
        file.read().map_err(|reason| match reason {
            Reason::Read(error) => refused().because(error),
            Reason::Parse(error) => refused().because(error),
            other => refused().because(other.to_string()),
        })?;
        let config = first.get().cloned().expect("what was read has been kept");
        Ok((config, file))
    }

    /// The settings, if the rest is as it was the first time.
    fn settings_beside(self, first: &OnceLock<Self>) -> Result<Settings, ParseError> {
        let settings = self.settings();
        let first = first.get_or_init(|| self.clone());
        for ((name, now), (_, then)) in self.engine.fixed().into_iter().zip(first.engine.fixed()) {
            if now != then {
                let why = Settings::fixed(name).unwrap_or("it is read once");
                return Err(ParseError::Fixed { name, why });
            }
        }
        Ok(settings)
    }

    /// What can be changed while the server runs.
    pub(crate) fn settings(&self) -> Settings {
        let Self { server, limits, log, engine, processor, redis, keys } = self.clone();
        let mut bounds = EngineBounds::default();
        set(&mut bounds.requests_max, engine.requests_max);
        set(&mut bounds.waiters_max, engine.waiters_max);
        set_ms(&mut bounds.seal_after, engine.seal_after_ms);
        Settings::default()
            .with_server(server)
            .with_limits(limits)
            .with_log(log)
            .with_engine(bounds)
            .with_processor(processor)
            .with_redis(redis)
            .with_keys(keys)
    }

    /// The engine with the bounds that it keeps.
    pub(crate) fn engine(&self) -> EngineConfig {
        let mut config = EngineConfig::default();
        set(&mut config.queue_messages, self.engine.queue_messages);
        set(&mut config.batch_records_max, self.engine.batch_records_max);
        set(&mut config.batch_bytes_max, self.engine.batch_bytes_max);
        set(&mut config.events_max, self.engine.events_max);
        config
    }
}

/// Has `live` follow the file, and tells how that goes.
///
/// # Errors
///
/// Internal, when there is no thread for it.
pub(crate) fn follow(file: File, live: &LiveSettings) -> Result<Following, Failure> {
    let told = live.clone();
    let report = move |event: &Event<ParseError, InvalidSetting>| match event {
        Event::Published(version) => {
            told.file_is_good();
            let text = format!("the configuration has changed and is version {version}");
            output::log(Level::Info, &text);
        }
        Event::Failed(failure) => {
            told.file_failed(failure.reason.to_string(), failure.at, failure.version);
            let (reason, version) = (&failure.reason, failure.version);
            let text = format!("the configuration stays at version {version}: {reason}");
            output::log(Level::Warn, &text);
        }
        _ => {}
    };
    file.follow(live.hot(), report)
        .map_err(|error| Failure::internal("cannot follow the configuration").because(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_keeps_every_default() {
        let config: Config = toml::from_str("").unwrap();
        assert_eq!(config, Config::default());
        assert_eq!(config.engine().queue_messages, EngineConfig::default().queue_messages);
        assert_eq!(config.settings(), Settings::default());
    }

    #[test]
    fn the_reference_lists_every_key_with_its_default() {
        const PAGE: &str = include_str!("../../../docs/reference/cli.md");
        let block = PAGE.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next());
        let config: Config = toml::from_str(block.unwrap()).unwrap();
        let absent = format!("{:?}", config.engine);
        assert!(!absent.contains("None"), "a key is missing: {absent}");
        let engine = config.engine();
        assert_eq!(config.settings(), Settings::default());
        let settings = serde_json::to_value(Settings::default()).unwrap();
        for (section, keys) in settings.as_object().unwrap() {
            let block = block.unwrap().split(&format!("[{section}]")).nth(1).unwrap();
            let block = block.split("\n[").next().unwrap();
            for (key, default) in keys.as_object().unwrap() {
                // What is nothing by default is shown, and not set.
                let mark = if default.is_null() { "# " } else { "" };
                let line = format!("\n{mark}{key} = ");
                assert!(block.contains(&line), "{section}.{key} is missing");
            }
        }
        assert_eq!(format!("{engine:?}"), format!("{:?}", EngineConfig::default()));
    }

    #[test]
    fn the_reference_shows_redis_with_its_defaults() {
        const PAGE: &str = include_str!("../../../docs/reference/cli.md");
        let section = PAGE.split("# [redis]").nth(1).and_then(|rest| rest.split("\n\n").next());
        let lines = section.unwrap().lines().skip(1).map(|line| line.trim_start_matches("# "));
        let keys = lines.filter(|line| !line.starts_with("node = ")).collect::<Vec<_>>().join("\n");
        let shown: Redis = toml::from_str(&keys).unwrap();
        let must = norace_server::WhenDown::Share;
        let mode = norace_server::RedisMode::Delayed;
        assert_eq!(shown, Redis::new("redis://127.0.0.1/", mode, 2, must));
        // Fields that are added have to be shown as well: of these no default is left.
        assert_eq!(keys.lines().count(), 9);
    }

    #[test]
    fn every_section_reaches_its_configuration() {
        let text = "[server]\nidle_timeout_ms = 250\nretry_after_s = 3\n[engine]\nwaiters_max = 7\n\
                    queue_messages = 9\n\
                    [processor]\nattempts_max = 2\ntimeout_ms = 40\n\
                    [limits]\neach_client = { requests = 3, per_ms = 50 }\n";
        let config: Config = toml::from_str(text).unwrap();
        assert_eq!(config.settings().server.idle_timeout, Duration::from_millis(250));
        assert_eq!(config.settings().server.retry_after, Duration::from_secs(3));
        let rate = config.settings().limits.each_client.unwrap();
        assert_eq!((rate.requests, rate.per, rate.burst), (3, Duration::from_millis(50), None));
        assert_eq!(config.engine().queue_messages, 9);
        assert_eq!(config.settings().engine.waiters_max, 7);
        assert_eq!(config.settings().processor.attempts_max, 2);
        assert_eq!(config.settings().processor.timeout, Duration::from_millis(40));
    }

    #[test]
    fn what_was_made_once_cannot_change_and_the_rest_can() {
        let first = OnceLock::new();
        let read = |text: &str| parse(text.as_bytes()).unwrap().settings_beside(&first);
        read("[engine]\nevents_max = 64\nwaiters_max = 7\n").unwrap();
        let settings =
            read("[log]\nlevel = \"warn\"\n[engine]\nevents_max = 64\nwaiters_max = 8\n").unwrap();
        assert_eq!((settings.log.level, settings.engine.waiters_max), (Level::Warn, 8));
        let settings = read("[processor]\nconcurrency = 2\n[engine]\nevents_max = 64\n").unwrap();
        assert_eq!(settings.processor.concurrency, 2);
        for text in ["", "[engine]\nevents_max = 128\n"] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.starts_with("engine.events_max has changed, which takes a"), "{error}");
        }
        for (name, _) in Engine::default().fixed() {
            assert!(Settings::fixed(name).is_some(), "no reason is given for {name}");
        }
    }

    #[test]
    fn a_mistake_is_told_with_its_line() {
        let error = parse(b"[server]\n\nheaders = 3\n").unwrap_err().to_string();
        assert!(error.starts_with("line 3: unknown field `headers`"), "{error}");
        assert!(parse(b"\xff").unwrap_err().to_string().contains("UTF-8"));
    }
}
