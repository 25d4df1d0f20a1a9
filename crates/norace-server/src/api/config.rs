//! Showing and replacing the settings in force.

use std::collections::HashSet;

use hyper::StatusCode;
use norace::config::{CompareError, Snapshot, Stale};

use super::{App, Call};
use crate::problem::{Code, Member, Problem};
use crate::reply::{Refused, Reply};
use crate::settings::{InvalidSetting, Settings};
use crate::wire::Refusal;
use crate::wire::fields::{self, WHOLE};
use crate::wire::header;
use crate::wire::json::Object;
use crate::wire::query::Params;

/// `GET /v1/config`.
pub(super) fn show(call: &Call<'_>) -> Result<Reply, Refused> {
    Params::read(call.parts.uri.query(), &[])?;
    let settings = call.app.live.hot.snapshot();
    let version = settings.version();
    if header::has_version(&call.parts.headers, version) {
        return Ok(Reply::NotModified { sequence: call.app.engine.durable_sequence(), version });
    }
    Ok(shown(call.app, &settings))
}

/// `PUT /v1/config`.
pub(super) async fn replace(call: Call<'_>) -> Result<Reply, Refused> {
    let app = call.app;
    Params::read(call.parts.uri.query(), &[])?;
    let expected = header::if_match(&call.parts.headers)?;
    let body = call.json(false).await?;
    let settings = read(fields::text(body.as_ref())?)?;
    let settings = app.live.replace(expected, settings).map_err(|error| match error {
        CompareError::Stale(Stale { current, .. }) => {
            Problem::new(Code::StaleVersion, "the settings have changed since")
                .with(Member::CurrentVersion(current))
        }
        CompareError::Invalid(invalid) => Refusal::from(invalid).into(),
    })?;
    Ok(shown(app, &settings))
}

impl From<InvalidSetting> for Refusal {
    fn from(invalid: InvalidSetting) -> Self {
        Self::invalid(invalid.field().to_owned(), invalid.detail().to_owned())
    }
}

fn shown(app: &App, settings: &Snapshot<Settings>) -> Reply {
    let mut body = app.buffers.body(768);
    let mut object = Object::begin(&mut body);
    object.number("version", settings.version());
    serde_json::to_writer(object.key("settings"), &**settings)
        .expect("a vector takes every byte, and settings have names for keys");
    match &*app.live.file_error.load() {
        None => object.key("last_error").extend_from_slice(b"null"),
        Some(error) => {
            let mut inner = Object::begin(object.key("last_error"));
            inner.text("detail", &error.detail);
            inner.time("at", error.at_micros);
            inner.number("version", error.version);
            inner.end();
        }
    }
    object.end();
    Reply::Json {
        status: StatusCode::OK,
        sequence: app.engine.durable_sequence(),
        version: Some(settings.version()),
        body,
    }
}

/// Reads settings, and says of bad ones which is at fault.
fn read(text: &str) -> Result<Settings, Refusal> {
    // What is derived takes arrays as well.
    let sections = distinct(text)?;
    if let Some((section, _)) = sections.iter().find(|(_, content)| !is_object(content)) {
        is_known(section)?;
        let name = section.clone().into_owned();
        return Err(Refusal::invalid(name, "a JSON object is wanted here"));
    }
    serde_json::from_str(text).map_err(|error| match blame(sections) {
        Err(refusal) => refusal,
        Ok(()) => Refusal::invalid(WHOLE, error.to_string()),
    })
}

fn is_object(text: &str) -> bool {
    fields::first_byte(text) == Some(b'{')
}

/// Finds the first setting that is no setting, each alone.
fn blame(sections: Pairs<'_>) -> Result<(), Refusal> {
    for (section, content) in sections {
        is_known(&section)?;
        let name = serde_json::Value::from(&*section);
        for (key, value) in distinct(content)? {
            let setting = serde_json::Value::from(&*key);
            let alone = format!("{{{name}:{{{setting}:{value}}}}}");
            try_alone(&format!("{section}.{key}"), &alone)?;
        }
    }
    Ok(())
}

fn is_known(section: &str) -> Result<(), Refusal> {
    let name = serde_json::Value::from(section);
    try_alone(section, &format!("{{{name}:{{}}}}"))
}

fn try_alone(field: &str, text: &str) -> Result<(), Refusal> {
    match serde_json::from_str::<Settings>(text) {
        Ok(_) => Ok(()),
        Err(_) if let Some(why) = Settings::fixed(field) => {
            Err(Refusal::invalid(field.to_owned(), format!("it cannot be changed here: {why}")))
        }
        Err(error) => {
            let detail = error.to_string();
            // Where it stands in a text that nobody sent helps nobody.
            let detail = detail.split(" at line ").next().unwrap_or_default().to_owned();
            Err(Refusal::invalid(field.to_owned(), detail))
        }
    }
}

type Pairs<'t> = Vec<(std::borrow::Cow<'t, str>, &'t str)>;

/// The members of an object, none of which may be there twice.
fn distinct(text: &str) -> Result<Pairs<'_>, Refusal> {
    let pairs = fields::pairs(text)?;
    let mut names = HashSet::with_capacity(pairs.len());
    match pairs.iter().find(|(name, _)| !names.insert(name)) {
        Some((name, _)) => Err(Refusal::malformed(format!("the key `{name}` is given twice"))),
        None => Ok(pairs),
    }
}
