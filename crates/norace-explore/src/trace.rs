//! An execution as a list of events, for reports and tests.

use std::fmt;
use std::panic::Location;
use std::sync::atomic::Ordering;

use crate::engine::Engine;
use crate::event::{Class, Kind, ObjectId, ThreadId};

/// The events of one execution in the order in which they ran.
#[derive(Clone, Copy, Debug)]
pub struct Trace<'a> {
    engine: &'a Engine,
}

/// One event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceEvent {
    /// Who.
    pub thread: ThreadId,
    /// The position among the thread's events, from 1.
    pub number: u32,
    /// What.
    pub kind: Kind,
    /// On what.
    pub object: ObjectId,
    /// What that is.
    pub class: Class,
    /// With which ordering; Relaxed where the operation has none.
    pub order: Ordering,
    /// The value read, of an atomic.
    pub read: u128,
    /// The value written, of an atomic; of a failed compare-exchange, the value it wanted to find.
    pub written: u128,
    /// The event whose store was read, by thread and number; none for the initial value.
    pub reads_from: Option<(ThreadId, u32)>,
    /// The position of the store in the modification order, the initial value being 0.
    pub position: Option<u32>,
    /// Where.
    pub location: &'static Location<'static>,
}

/// A panic that began; it may have been caught.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PanicBegun {
    /// Who.
    pub thread: ThreadId,
    /// How many events of the trace came before it.
    pub before: u32,
    /// The message, where it is text.
    pub message: String,
    /// Where.
    pub location: Option<String>,
}

impl<'a> Trace<'a> {
    pub(crate) fn new(engine: &'a Engine) -> Self {
        Self { engine }
    }

    /// All events in order.
    pub fn events(self) -> impl Iterator<Item = TraceEvent> + 'a {
        let engine = self.engine;
        engine.events.iter().map(move |event| {
            let source = event.rf.and_then(|rf| engine.objects.message(rf).event);
            TraceEvent {
                thread: engine.shown_maker(event.thread, event.number),
                number: event.number,
                kind: event.kind,
                object: event.object,
                class: engine.objects.class(event.object),
                order: event.order,
                read: engine.plain_value(event.object, event.read),
                written: engine.plain_value(event.object, event.written),
                reads_from: source.map(|source| {
                    let source = &engine.events[source];
                    (engine.shown_maker(source.thread, source.number), source.number)
                }),
                position: event.message.map(|message| engine.objects.message(message).position),
                location: event.location,
            }
        })
    }
}

impl fmt::Display for Trace<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for event in self.events() {
            write!(
                f,
                "{:>2} {:<22} {:?}",
                event.thread.index(),
                format!("{:?}", event.kind),
                event.class
            )?;
            write!(f, " {}", event.object.index())?;
            if event.class == Class::Atomic {
                write!(f, " {:?}", event.order)?;
                if event.kind.reads() {
                    write!(f, " read {}", event.read)?;
                }
                if event.kind.writes() {
                    write!(f, " wrote {}", event.written)?;
                }
            }
            writeln!(f, "  {}", event.location)?;
        }
        Ok(())
    }
}
