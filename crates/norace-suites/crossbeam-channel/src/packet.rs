//! What goes through a channel: a value, or the place of one that its sender has yet to put there.

use std::sync::{Arc, Condvar, Mutex};

pub enum Packet<T> {
    Full(T),
    Promised(Arc<Place<T>>),
}

enum Content<T> {
    Awaited,
    Value(T),
    /// The sender left without completing its operation.
    Abandoned,
}

pub struct Place<T> {
    content: Mutex<Content<T>>,
    changed: Condvar,
}

impl<T> Place<T> {
    pub fn new() -> Arc<Self> {
        Arc::new(Self { content: Mutex::new(Content::Awaited), changed: Condvar::new() })
    }

    pub fn fill(&self, value: T) {
        *self.content.lock().unwrap() = Content::Value(value);
        self.changed.notify_all();
    }

    pub fn abandon(&self) {
        *self.content.lock().unwrap() = Content::Abandoned;
        self.changed.notify_all();
    }
}

impl<T> Packet<T> {
    /// The value; waits for a sender that is between its two phases.
    pub fn open(self) -> T {
        match self {
            Packet::Full(value) => value,
            Packet::Promised(place) => {
                let mut content = place.content.lock().unwrap();
                loop {
                    match std::mem::replace(&mut *content, Content::Awaited) {
                        Content::Value(value) => return value,
                        Content::Abandoned => panic!("a selected send was not completed"),
                        Content::Awaited => content = place.changed.wait(content).unwrap(),
                    }
                }
            }
        }
    }

    /// The value of one that was not sent by a select.
    pub fn into_value(self) -> T {
        match self {
            Packet::Full(value) => value,
            Packet::Promised(_) => unreachable!("a send outside a select is full"),
        }
    }
}
