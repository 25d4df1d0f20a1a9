//! One pass over a JSON object into named raw fields.
//!
//! [`Fields::read`] walks the object once, keeps a slice of the input per known name, and remembers the first unknown
//! and the first repeated name. No tree is built and nothing is copied; values are checked by `wire::value` when the
//! caller asks for them. Values are skipped iteratively by `serde_json`'s raw values, so nesting of any depth costs
//! no stack.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer as _, MapAccess, SeqAccess, Visitor};
use serde_json::Deserializer;
use serde_json::value::RawValue;

use super::{Refusal, excerpt};

/// The field name under which a body or item as a whole is reported.
pub(crate) const WHOLE: &str = "body";

/// The raw values of an object's known fields, in the order of the names asked for.
#[derive(Debug)]
pub(crate) struct Fields<'a, const N: usize> {
    names: &'static [&'static str; N],
    values: [Option<&'a str>; N],
}

impl<'a, const N: usize> Fields<'a, N> {
    /// Reads `text` as one object with no other fields than `names`.
    ///
    /// Bad JSON and repeated names are [`Refusal::Malformed`], whatever else is wrong; another JSON value than an
    /// object and unknown fields are [`Refusal::Invalid`].
    pub(crate) fn read(text: &'a str, names: &'static [&'static str; N]) -> Result<Self, Refusal> {
        if first_byte(text) != Some(b'{') {
            return Err(not_a("a JSON object", text));
        }
        let mut walk = Walk { names, values: [None; N], repeated: None, unknown: None };
        let mut reader = Deserializer::from_str(text);
        reader.deserialize_map(&mut walk).and_then(|()| reader.end()).map_err(bad_json)?;
        if let Some(name) = walk.repeated {
            return Err(Refusal::malformed(format!("the key `{name}` is given twice")));
        }
        if let Some(name) = walk.unknown {
            return Err(Refusal::invalid(name, "this call takes no such field"));
        }
        Ok(Self { names, values: walk.values })
    }

    /// The raw value of the field at `index`, if it was given.
    pub(crate) fn get(&self, index: usize) -> Option<Raw<'a>> {
        self.values[index].map(|text| Raw { field: self.names[index], text })
    }

    /// The raw value of the field at `index`, which the call cannot do without.
    pub(crate) fn need(&self, index: usize) -> Result<Raw<'a>, Refusal> {
        self.get(index).ok_or_else(|| Refusal::invalid(self.names[index], "this field is missing"))
    }
}

/// A field's value as JSON text that is known to be well formed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Raw<'a> {
    /// The field's name, for refusals.
    pub(crate) field: &'static str,
    /// The value's text without surrounding white space.
    pub(crate) text: &'a str,
}

impl Raw<'_> {
    pub(crate) fn invalid(&self, detail: impl Into<Cow<'static, str>>) -> Refusal {
        Refusal::invalid(self.field, detail)
    }
}

/// The body as text: RFC 8259 allows UTF-8 only.
pub(crate) fn text(body: &[u8]) -> Result<&str, Refusal> {
    if body.is_empty() {
        return Err(Refusal::malformed("the body is empty where JSON is wanted"));
    }
    std::str::from_utf8(body)
        .map_err(|error| Refusal::malformed(format!("the body is not UTF-8: {error}")))
}

/// The first byte that is not JSON white space.
pub(crate) fn first_byte(text: impl AsRef<[u8]>) -> Option<u8> {
    text.as_ref().iter().copied().find(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
}

/// Reads `text` as an array and gives its items as raw text, at most `max` of them.
pub(crate) fn items(text: &str, max: usize) -> Result<Vec<&str>, Refusal> {
    if first_byte(text) != Some(b'[') {
        return Err(not_a("a JSON array", text));
    }
    let mut collect = Items { items: Vec::new(), max, over: 0 };
    let mut reader = Deserializer::from_str(text);
    reader.deserialize_seq(&mut collect).and_then(|()| reader.end()).map_err(bad_json)?;
    if collect.over > 0 {
        let count = max + collect.over;
        return Err(Refusal::invalid(
            WHOLE,
            format!("{count} items where {max} are taken at most"),
        ));
    }
    if collect.items.is_empty() {
        return Err(Refusal::invalid(WHOLE, "an array without items"));
    }
    Ok(collect.items)
}

/// Reads `text` as an object of any names, as pairs of names and raw values in the order given.
pub(crate) fn pairs(text: &str) -> Result<Vec<(Cow<'_, str>, &str)>, Refusal> {
    if first_byte(text) != Some(b'{') {
        return Err(not_a("a JSON object", text));
    }
    let mut pairs = Pairs(Vec::new());
    let mut reader = Deserializer::from_str(text);
    reader.deserialize_map(&mut pairs).and_then(|()| reader.end()).map_err(bad_json)?;
    Ok(pairs.0)
}

/// Tells "no JSON at all" from "JSON, but not `wanted`".
fn not_a(wanted: &str, text: &str) -> Refusal {
    match serde_json::from_str::<&RawValue>(text) {
        Ok(_) => Refusal::invalid(WHOLE, format!("{wanted} is wanted")),
        Err(error) => bad_json(error),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape map_err takes")]
fn bad_json(error: serde_json::Error) -> Refusal {
    Refusal::malformed(format!("the body is no valid JSON: {error}"))
}

struct Walk<'a, const N: usize> {
    names: &'static [&'static str; N],
    values: [Option<&'a str>; N],
    repeated: Option<&'static str>,
    unknown: Option<String>,
}

impl<'a, const N: usize> Visitor<'a> for &mut Walk<'a, N> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(position) =
            map.next_key_seed(Name { names: self.names, unknown: &mut self.unknown })?
        {
            let value: &'a RawValue = map.next_value()?;
            let Some(index) = position else { continue };
            if self.values[index].replace(value.get()).is_some() {
                self.repeated.get_or_insert(self.names[index]);
            }
        }
        Ok(())
    }
}

/// Reads a key as its position among the known names without copying it.
struct Name<'n> {
    names: &'static [&'static str],
    unknown: &'n mut Option<String>,
}

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = Option<usize>;

    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        let position = self.names.iter().position(|name| *name == key);
        if position.is_none() && self.unknown.is_none() {
            *self.unknown = Some(excerpt(key, 64).into_owned());
        }
        Ok(position)
    }
}

struct Items<'a> {
    items: Vec<&'a str>,
    max: usize,
    over: usize,
}

impl<'a> Visitor<'a> for &mut Items<'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut items: A) -> Result<(), A::Error> {
        while let Some(item) = items.next_element::<&'a RawValue>()? {
            if self.items.len() < self.max {
                self.items.push(item.get());
            } else {
                self.over += 1;
            }
        }
        Ok(())
    }
}

struct Pairs<'a>(Vec<(Cow<'a, str>, &'a str)>);

impl<'a> Visitor<'a> for &mut Pairs<'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key_seed(Text)? {
            let value: &'a RawValue = map.next_value()?;
            self.0.push((key, value.get()));
        }
        Ok(())
    }
}

/// A string, borrowed where it has no escapes.
struct Text;

impl<'de> DeserializeSeed<'de> for Text {
    type Value = Cow<'de, str>;

    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Text {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E: serde::de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

#[cfg(test)]
mod tests;
