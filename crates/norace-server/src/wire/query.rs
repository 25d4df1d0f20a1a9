//! Query strings and percent-encoding.
//!
//! A parameter that a call does not take is refused rather than dropped: `?stat=pending` must not answer every order.

use std::borrow::Cow;
use std::str::FromStr;
use std::time::Duration;

use super::{Refusal, excerpt};

/// The parameters of one call, in the order of the names asked for.
#[derive(Debug)]
pub(crate) struct Params<'a, const N: usize> {
    names: &'static [&'static str; N],
    values: [Option<Cow<'a, str>>; N],
}

impl<'a, const N: usize> Params<'a, N> {
    /// Reads `query`, the part of a target behind its `?`; other names than `names` and repeated ones are refused.
    pub(crate) fn read(
        query: Option<&'a str>,
        names: &'static [&'static str; N],
    ) -> Result<Self, Refusal> {
        let mut params = Self { names, values: [const { None }; N] };
        for pair in query.unwrap_or("").split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let shown = || Cow::<'static, str>::Owned(excerpt(name, 64).into_owned());
            let Some(index) = names.iter().position(|known| *known == name) else {
                return Err(Refusal::invalid(shown(), "this call takes no such parameter"));
            };
            let Some(value) = decode(value, true) else {
                return Err(Refusal::invalid(shown(), "bad percent-encoding"));
            };
            if params.values[index].replace(value).is_some() {
                return Err(Refusal::invalid(shown(), "this parameter is given twice"));
            }
        }
        Ok(params)
    }

    /// The value of the parameter at `index`; one that is given empty counts as not given.
    pub(crate) fn get(&self, index: usize) -> Option<&str> {
        self.values[index].as_deref().filter(|value| !value.is_empty())
    }

    pub(crate) fn invalid(&self, index: usize, detail: impl Into<Cow<'static, str>>) -> Refusal {
        Refusal::invalid(self.names[index], detail)
    }

    /// A whole number from `min` to `max`.
    pub(crate) fn number<T>(&self, index: usize, min: T, max: T) -> Result<Option<T>, Refusal>
    where
        T: FromStr + PartialOrd + std::fmt::Display,
    {
        let Some(text) = self.get(index) else { return Ok(None) };
        // `FromStr` takes a leading plus sign, which no caller means.
        let number = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok());
        match number.flatten() {
            Some(number) if number >= min && number <= max => Ok(Some(number)),
            _ => Err(self.invalid(index, format!("a whole number from {min} to {max} is wanted"))),
        }
    }

    /// A duration such as `30s` or `500ms`, of at most `max`.
    pub(crate) fn duration(
        &self,
        index: usize,
        max: Duration,
    ) -> Result<Option<Duration>, Refusal> {
        let Some(text) = self.get(index) else { return Ok(None) };
        match duration(text) {
            Some(duration) if duration <= max => Ok(Some(duration)),
            Some(_) => Err(self.invalid(index, format!("longer than {} ms", max.as_millis()))),
            None => Err(self.invalid(index, "a duration such as 30s or 500ms is wanted")),
        }
    }
}

/// Reads `30s`, `500ms` or `2m`.
fn duration(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let number: u64 = text[..digits].parse().ok()?;
    match &text[digits..] {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => number.checked_mul(60).map(Duration::from_secs),
        _ => None,
    }
}

/// Undoes percent-encoding; `plus` is a space in queries and itself in paths. None when it is broken or no UTF-8.
pub(crate) fn decode(text: &str, plus: bool) -> Option<Cow<'_, str>> {
    if !text.bytes().any(|byte| byte == b'%' || (plus && byte == b'+')) {
        return Some(Cow::Borrowed(text));
    }
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => hex(bytes.next()?)? << 4 | hex(bytes.next()?)?,
            b'+' if plus => b' ',
            other => other,
        });
    }
    String::from_utf8(out).ok().map(Cow::Owned)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests;
