//! Outcomes and findings as JSON.
//!
//! Written here and not by serde_json: that crate would come into the build of everybody's tests under the checker,
//! where its comparisons of numbers with JSON values make `assert_eq!(list, [])` ambiguous.

use std::fmt::Write as _;

use crate::outcome::{Outcome, Status};
use crate::report::{Change, Finding, Fix, Frame, Place, Row, Stack, Task};

/// A value that can be written.
pub(crate) trait Json {
    fn write(&self, text: &mut String);
}

/// The whole of a value.
pub(crate) fn to_string(value: &impl Json) -> String {
    let mut text = String::new();
    value.write(&mut text);
    text
}

impl Json for str {
    fn write(&self, text: &mut String) {
        text.push('"');
        for letter in self.chars() {
            match letter {
                '"' => text.push_str("\\\""),
                '\\' => text.push_str("\\\\"),
                '\n' => text.push_str("\\n"),
                '\r' => text.push_str("\\r"),
                '\t' => text.push_str("\\t"),
                control if control < ' ' => {
                    write!(text, "\\u{:04x}", u32::from(control)).expect("writing to a string");
                }
                letter => text.push(letter),
            }
        }
        text.push('"');
    }
}

impl Json for String {
    fn write(&self, text: &mut String) {
        self.as_str().write(text);
    }
}

impl Json for &str {
    fn write(&self, text: &mut String) {
        (*self).write(text);
    }
}

macro_rules! displayed {
    ($($plain:ty)*) => {$(
        impl Json for $plain {
            fn write(&self, text: &mut String) {
                write!(text, "{self}").expect("writing to a string does not fail");
            }
        }
    )*};
}

displayed!(bool u32 u64 usize);

impl Json for f64 {
    /// Seconds, to the microsecond; they are finite.
    fn write(&self, text: &mut String) {
        write!(text, "{self:.6}").expect("writing to a string does not fail");
    }
}

impl<T: Json> Json for Option<T> {
    fn write(&self, text: &mut String) {
        match self {
            Some(value) => value.write(text),
            None => text.push_str("null"),
        }
    }
}

impl<T: Json> Json for [T] {
    fn write(&self, text: &mut String) {
        text.push('[');
        for (at, value) in self.iter().enumerate() {
            if at > 0 {
                text.push(',');
            }
            value.write(text);
        }
        text.push(']');
    }
}

impl<T: Json> Json for Vec<T> {
    fn write(&self, text: &mut String) {
        self.as_slice().write(text);
    }
}

/// Writes an object of these fields.
fn object(text: &mut String, fields: &[(&str, &dyn Json)]) {
    text.push('{');
    for (at, (name, value)) in fields.iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        name.write(text);
        text.push(':');
        value.write(text);
    }
    text.push('}');
}

/// Objects whose fields are those of the struct.
macro_rules! objects {
    ($($name:ident { $($field:ident)* })*) => {$(
        impl Json for $name {
            fn write(&self, text: &mut String) {
                object(text, &[$((stringify!($field), &self.$field)),*]);
            }
        }
    )*};
}

objects! {
    Outcome {
        schema test status required_complete executions steps preemptions up_to_spinning
        kept_silent kept_unread seconds finding
    }
    Finding {
        schema kind test token title tasks stacks why fix schedule rows_left_out switches
    }
    Place { file line column }
    Task { id name spawned_at timer }
    Frame { function place library }
    Stack { task what value place frames }
    Row { number task text place mark }
    Change { place from to }
}

impl Json for [usize; 2] {
    fn write(&self, text: &mut String) {
        self.as_slice().write(text);
    }
}

impl Json for Status {
    fn write(&self, text: &mut String) {
        self.word().write(text);
    }
}

impl Json for Fix {
    fn write(&self, text: &mut String) {
        match self {
            Self::Found { changes, executions, complete, not_enough } => object(
                text,
                &[
                    ("result", &"found"),
                    ("changes", changes),
                    ("executions", executions),
                    ("complete", complete),
                    ("not_enough", not_enough),
                ],
            ),
            Self::NoOrderingHelps { advice } => {
                object(text, &[("result", &"no-ordering-helps"), ("advice", advice)]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::to_string;

    #[test]
    fn texts_are_escaped_and_numbers_are_not() {
        let text = "a \"b\" \\ \n\r\t\u{1} é";
        assert_eq!(to_string(&text), r#""a \"b\" \\ \n\r\t\u0001 é""#);
        assert_eq!(to_string(&vec![Some(1_u32), None]), "[1,null]");
        assert_eq!(to_string(&1.5), "1.500000");
        let back: String = serde_json::from_str(&to_string(&text)).unwrap();
        assert_eq!(back, text);
    }
}
