//! The engine over HTTP.
//!
//! [`Server`] answers the calls of `docs/reference/http.md` on HTTP/1.1 with JSON. It turns requests into commands and
//! queries of [`norace_engine::Engine`] and answers into documents; it decides nothing about money. hyper frames the
//! messages, the kit's runtime carries the connections.
//!
//! **Invariant:** this is the only crate that knows HTTP and JSON.
//!
//! **Invariant:** whatever is refused before the engine was asked has changed nothing, and every answer of `/v1`
//! carries the journal position it rests on.
//!
//! **Invariant:** every buffer, queue and wait has its bound in [`Config`].

mod api;
mod body;
mod buffers;
mod config;
mod conn;
mod ids;
mod keys;
mod limits;
mod metrics;
mod problem;
mod reply;
mod router;
mod server;
mod settings;
mod wire;

pub use config::Config;
pub use keys::{Keys, Scope};
pub use limits::{Limits, Rate, Redis, RedisMode, WhenDown};
pub use server::{BindError, Drained, Server};
pub use settings::{
    EngineBounds, InvalidSetting, Level, LiveSettings, Log, NewOrders, Processing, Settings,
};
