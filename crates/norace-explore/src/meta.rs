//! What is known of an instrumented object before it is used: the same for all objects of one type.

use crate::event::Class;

/// What an object is, to the explorer and to people.
#[derive(Debug)]
pub(crate) struct Meta {
    pub(crate) class: Class,
    /// What reports call it.
    pub(crate) word: &'static str,
    /// The type of what is inside.
    pub(crate) type_name: Option<fn() -> &'static str>,
    /// Whether its values are numbers of values of 128 bits.
    pub(crate) wide: bool,
}

impl Meta {
    pub(crate) const fn plain(class: Class, word: &'static str) -> Self {
        Self { class, word, type_name: None, wide: false }
    }

    pub(crate) const fn of<T: ?Sized>(class: Class, word: &'static str) -> Self {
        Self { class, word, type_name: Some(std::any::type_name::<T>), wide: false }
    }
}

pub(crate) static CLOCK: Meta = Meta::plain(Class::Clock, "clock");
pub(crate) static THREAD: Meta = Meta::plain(Class::Thread, "thread");
