//! Lists of orders, a page at a time.

use super::Order;

/// A position in the list of all orders, valid as long as the journal lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor(pub(crate) u32);

impl Cursor {
    /// The text form, for a URL.
    pub fn encode(self) -> String {
        self.0.to_string()
    }

    /// The cursor of a text form.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        plain.then(|| text.parse().ok().map(Self)).flatten()
    }
}

/// Some orders, and where the rest begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrderPage {
    /// The orders, oldest first.
    pub items: Vec<Order>,
    /// Where to go on; absent when nothing is left now.
    pub next_cursor: Option<Cursor>,
}
