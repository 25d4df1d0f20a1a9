//! JSON out, straight into a byte vector.
//!
//! Answers have few, fixed fields, so a writer that appends needs neither a tree nor derived serialisers, and the
//! engine's types stay free of them.

/// Appends one JSON object; commas are its business.
#[derive(Debug)]
pub(crate) struct Object<'a> {
    out: &'a mut Vec<u8>,
    empty: bool,
}

impl<'a> Object<'a> {
    /// Opens the object; [`Object::end`] closes it.
    pub(crate) fn begin(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, empty: true }
    }

    /// Writes a key, which must need no escapes, and gives the place for its value.
    pub(crate) fn key(&mut self, key: &'static str) -> &mut Vec<u8> {
        debug_assert!(is_plain(key), "keys are identifiers: {key}");
        if !std::mem::replace(&mut self.empty, false) {
            self.out.push(b',');
        }
        self.out.push(b'"');
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.out
    }

    /// A string of any content.
    pub(crate) fn text(&mut self, key: &'static str, value: &str) -> &mut Self {
        string(self.key(key), value);
        self
    }

    pub(crate) fn number(&mut self, key: &'static str, value: impl Integer) -> &mut Self {
        value.write(self.key(key));
        self
    }

    pub(crate) fn boolean(&mut self, key: &'static str, value: bool) -> &mut Self {
        self.key(key).extend_from_slice(if value { b"true" } else { b"false" });
        self
    }

    /// An instant in microseconds since the epoch, as RFC 3339.
    pub(crate) fn time(&mut self, key: &'static str, micros: u64) -> &mut Self {
        let out = self.key(key);
        out.push(b'"');
        super::time::write(out, micros);
        out.push(b'"');
        self
    }

    pub(crate) fn end(self) {
        self.out.push(b'}');
    }
}

/// Writes `value` with whatever escapes it needs.
pub(crate) fn string(out: &mut Vec<u8>, value: &str) {
    if is_plain(value) {
        out.push(b'"');
        out.extend_from_slice(value.as_bytes());
        out.push(b'"');
    } else {
        serde_json::to_writer(out, value).expect("a vector takes every byte");
    }
}

fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\')
}

/// Integers that can be written without going through a formatter.
pub(crate) trait Integer {
    fn write(self, out: &mut Vec<u8>);
}

impl Integer for u64 {
    fn write(self, out: &mut Vec<u8>) {
        // 2^64 has 20 digits.
        let mut digits = [0; 20];
        let mut start = digits.len();
        let mut rest = self;
        loop {
            start -= 1;
            digits[start] = b'0' + u8::try_from(rest % 10).expect("a digit is below 10");
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        out.extend_from_slice(&digits[start..]);
    }
}

impl Integer for u32 {
    fn write(self, out: &mut Vec<u8>) {
        u64::from(self).write(out);
    }
}

impl Integer for u16 {
    fn write(self, out: &mut Vec<u8>) {
        u64::from(self).write(out);
    }
}

impl Integer for i64 {
    fn write(self, out: &mut Vec<u8>) {
        if self < 0 {
            out.push(b'-');
        }
        self.unsigned_abs().write(out);
    }
}

#[cfg(test)]
mod tests {
    use super::{Object, string};

    #[test]
    fn an_object_reads_back_as_what_was_written() {
        let mut out = Vec::new();
        let mut object = Object::begin(&mut out);
        object
            .text("id", "o-1")
            .text("reason", "a \"quote\",\nnewline \u{1} ü \\")
            .number("zero", 0u64)
            .number("big", u64::MAX)
            .number("low", i64::MIN)
            .boolean("yes", true)
            .time("at", 0);
        object.key("none").extend_from_slice(b"null");
        object.end();
        let read: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(
            read,
            serde_json::json!({
                "id": "o-1", "reason": "a \"quote\",\nnewline \u{1} ü \\", "zero": 0, "big": u64::MAX,
                "low": i64::MIN, "yes": true, "at": "1970-01-01T00:00:00.000000Z", "none": null,
            })
        );
    }

    #[test]
    fn an_object_without_fields_is_still_one() {
        let mut out = Vec::new();
        Object::begin(&mut out).end();
        assert_eq!(out, b"{}");
    }

    #[test]
    fn every_character_survives_a_string() {
        for code in (0..0x300).chain([0x2028, 0xFFFF, 0x1_F600]) {
            let text = char::from_u32(code).unwrap().to_string();
            let mut out = Vec::new();
            string(&mut out, &text);
            assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }
    }
}
