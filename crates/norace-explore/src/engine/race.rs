//! Data races on plain data, after FastTrack.

use std::sync::atomic::Ordering;

use super::objects::CellAccess;
use super::{At, Engine, Keep, Thread};
use crate::event::{Event, EventId, Kind, ObjectId, ThreadId};
use crate::finding::{Access, Finding, Place, Unordered};

impl Engine {
    /// The running thread reads or writes `object`, now.
    pub(crate) fn access_cell(
        &mut self,
        object: ObjectId,
        write: bool,
        location: Place,
    ) -> EventId {
        let me = self.running;
        let kind = if write { Kind::CellWrite } else { Kind::CellRead };
        // Relaxed: unused, plain data has no ordering.
        let event = self.record(me, kind, At { object, location }, Ordering::Relaxed);
        if write {
            self.threads[me].spins.clear();
        }
        if self.keep == Keep::Nothing {
            self.wants_clocks = true;
            return event;
        }
        let Thread { number, hb, .. } = self.threads[me];
        let this = CellAccess { thread: me, number, event, location };
        let clocks = &self.clocks;
        let unordered = |access: &CellAccess| {
            access.thread != me && clocks.get(hb, access.thread) < access.number
        };
        let cell = self.objects.cell(object);
        let conflict = cell.write.filter(unordered).map(|access| (access, true)).or_else(|| {
            let read = cell.reads.iter().copied().find(unordered);
            read.filter(|_| write).map(|access| (access, false))
        });
        let cell = self.objects.cell_mut(object);
        if write {
            cell.write = Some(this);
            cell.reads.clear();
        } else if let Some(mine) = cell.reads.iter_mut().find(|access| access.thread == me) {
            *mine = this;
        } else {
            cell.reads.push(this);
        }
        if let Some((first, first_writes)) = conflict {
            self.report_race(object, (first, first_writes), (this, write));
        }
        event
    }

    fn report_race(
        &mut self,
        object: ObjectId,
        (first, first_writes): (CellAccess, bool),
        (second, second_writes): (CellAccess, bool),
    ) {
        if std::mem::replace(&mut self.objects.cell_mut(object).reported, true) {
            return;
        }
        let side = |access: CellAccess, write| Access {
            thread: self.who_made(access.thread, access.number),
            write,
            location: access.location,
            event: access.event.short(),
        };
        let finding = Finding::DataRace {
            object: self.objects.info(object),
            first: side(first, first_writes),
            second: side(second, second_writes),
            why: self.why_unordered(first, second.thread),
        };
        self.findings.push(finding);
    }

    /// The last read through which `reader` learned of something stored after `access`, if there is one that was kept.
    fn why_unordered(&self, access: CellAccess, reader: ThreadId) -> Unordered {
        let stored_after =
            |event: &Event| event.thread == access.thread && event.number > access.number;
        self.threads[reader]
            .events
            .iter()
            .rev()
            .map(|&event| &self.events[event])
            .find_map(|load| {
                let source = self.objects.message(load.rf?).event?;
                let store = &self.events[source];
                stored_after(store).then_some((store, load))
            })
            .map_or(Unordered::Nothing, |(store, load)| Unordered::Unsynchronised {
                store: (store.location, store.order),
                load: (load.location, load.order),
            })
    }
}
