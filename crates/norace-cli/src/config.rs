//! The file of `serve --config`: bounds and time limits in TOML.
//!
//! Every key is optional and stands for the bound of the same name in the server's, the engine's or the asynchronous
//! processor's configuration; times carry their unit in the name. Unknown keys are refused: a misspelt bound would be
//! no bound at all.

use std::fs;
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::Path;

use norace_engine::{AsyncOptions, EngineConfig};
use norace_prim::time::Duration;
use serde::Deserialize;

use crate::failure::Failure;

/// What the file sets; the rest keeps its default.
#[derive(Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    server: Server,
    engine: Engine,
    processor: Processor,
}

#[derive(Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
struct Server {
    connections_max: Option<NonZeroUsize>,
    head_bytes_max: Option<NonZeroUsize>,
    headers_max: Option<NonZeroUsize>,
    body_bytes_max: Option<NonZeroUsize>,
    array_bytes_max: Option<NonZeroUsize>,
    array_items_max: Option<NonZeroUsize>,
    request_timeout_ms: Option<NonZeroU64>,
    idle_timeout_ms: Option<NonZeroU64>,
    write_timeout_ms: Option<NonZeroU64>,
    wait_max_ms: Option<NonZeroU64>,
    wait_default_ms: Option<NonZeroU64>,
    streams_max: Option<NonZeroUsize>,
    heartbeat_ms: Option<NonZeroU64>,
    drain_timeout_ms: Option<NonZeroU64>,
    retry_after_s: Option<NonZeroU64>,
}

#[derive(Debug, Default, Deserialize, PartialEq, Eq)]
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

#[derive(Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
struct Processor {
    concurrency: Option<NonZeroUsize>,
    timeout_ms: Option<NonZeroU64>,
    attempts_max: Option<NonZeroUsize>,
    backoff_min_ms: Option<NonZeroU64>,
    backoff_max_ms: Option<NonZeroU64>,
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

impl Config {
    /// Reads the file.
    ///
    /// # Errors
    ///
    /// Usage, when it cannot be read or is not of this form.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let refused = || Failure::usage(format!("cannot use the configuration {}", path.display()));
        let text = fs::read_to_string(path).map_err(|error| refused().because(error))?;
        toml::from_str(&text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start.min(text.len()));
            let line = text.as_bytes()[..start].iter().filter(|&&byte| byte == b'\n').count() + 1;
            refused().because(format!("line {line}: {}", error.message()))
        })
    }

    /// The server's bounds.
    pub(crate) fn server(&self) -> norace_server::Config {
        let mut config = norace_server::Config::default();
        set(&mut config.connections_max, self.server.connections_max);
        set(&mut config.head_bytes_max, self.server.head_bytes_max);
        set(&mut config.headers_max, self.server.headers_max);
        set(&mut config.body_bytes_max, self.server.body_bytes_max);
        set(&mut config.array_bytes_max, self.server.array_bytes_max);
        set(&mut config.array_items_max, self.server.array_items_max);
        set_ms(&mut config.request_timeout, self.server.request_timeout_ms);
        set_ms(&mut config.idle_timeout, self.server.idle_timeout_ms);
        set_ms(&mut config.write_timeout, self.server.write_timeout_ms);
        set_ms(&mut config.wait_max, self.server.wait_max_ms);
        set_ms(&mut config.wait_default, self.server.wait_default_ms);
        set(&mut config.streams_max, self.server.streams_max);
        set_ms(&mut config.heartbeat, self.server.heartbeat_ms);
        set_ms(&mut config.drain_timeout, self.server.drain_timeout_ms);
        if let Some(seconds) = self.server.retry_after_s {
            config.retry_after = Duration::from_secs(seconds.get());
        }
        config
    }

    /// The engine's bounds.
    pub(crate) fn engine(&self) -> EngineConfig {
        let mut config = EngineConfig::default();
        set(&mut config.queue_messages, self.engine.queue_messages);
        set(&mut config.requests_max, self.engine.requests_max);
        set(&mut config.batch_records_max, self.engine.batch_records_max);
        set(&mut config.batch_bytes_max, self.engine.batch_bytes_max);
        set(&mut config.events_max, self.engine.events_max);
        set(&mut config.waiters_max, self.engine.waiters_max);
        set_ms(&mut config.seal_after, self.engine.seal_after_ms);
        config
    }

    /// The bounds on an asynchronous processor's work.
    pub(crate) fn processor(&self) -> AsyncOptions {
        let mut options = AsyncOptions::default();
        set(&mut options.concurrency, self.processor.concurrency);
        set_ms(&mut options.timeout, self.processor.timeout_ms);
        if let Some(attempts) = self.processor.attempts_max {
            options.attempts_max = u32::try_from(attempts.get()).unwrap_or(u32::MAX);
        }
        set_ms(&mut options.backoff_min, self.processor.backoff_min_ms);
        set_ms(&mut options.backoff_max, self.processor.backoff_max_ms);
        options
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_keeps_every_default() {
        let config: Config = toml::from_str("").unwrap();
        assert_eq!(config, Config::default());
        assert_eq!(config.engine().queue_messages, EngineConfig::default().queue_messages);
        assert_eq!(config.server().drain_timeout, norace_server::Config::default().drain_timeout);
    }

    #[test]
    fn the_reference_lists_every_key_with_its_default() {
        const PAGE: &str = include_str!("../../../docs/reference/cli.md");
        let block = PAGE.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next());
        let config: Config = toml::from_str(block.unwrap()).unwrap();
        let absent = format!("{config:?}");
        assert!(!absent.contains("None"), "a key is missing: {absent}");
        let (server, engine, processor) = (config.server(), config.engine(), config.processor());
        let defaults = norace_server::Config::default();
        assert_eq!(format!("{server:?}"), format!("{defaults:?}"));
        assert_eq!(format!("{engine:?}"), format!("{:?}", EngineConfig::default()));
        assert_eq!(format!("{processor:?}"), format!("{:?}", AsyncOptions::default()));
    }

    #[test]
    fn every_section_reaches_its_configuration() {
        let text = "[server]\nidle_timeout_ms = 250\nretry_after_s = 3\n[engine]\nwaiters_max = 7\n\
                    [processor]\nattempts_max = 2\ntimeout_ms = 40\n";
        let config: Config = toml::from_str(text).unwrap();
        assert_eq!(config.server().idle_timeout, Duration::from_millis(250));
        assert_eq!(config.server().retry_after, Duration::from_secs(3));
        assert_eq!(config.engine().waiters_max, 7);
        assert_eq!(config.processor().attempts_max, 2);
        assert_eq!(config.processor().timeout, Duration::from_millis(40));
    }
}
