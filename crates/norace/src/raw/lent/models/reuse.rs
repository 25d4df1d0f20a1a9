//! What slots and nodes of a cell's own are for: arc-swap's issue 210 as a mutant.
//!
//! There, slots are the threads' and serve all instances, and a reader whose loan was taken over keeps what it looked
//! at first. When that is gone and its memory serves another instance, the other's publisher takes the loan over, and
//! the reader has got a value of the wrong instance. Here the reader takes no value that the second look did not
//! confirm, and no publisher of another cell knows its slots.

use crate::models::{all, finds};
use norace_prim::atomic::{AtomicUsize, Ordering};
use norace_prim::sync::{Arc, Mutex, lock};
use norace_prim::thread;

const NONE: usize = usize::MAX;
const VACANT: usize = usize::MAX;

/// Two cells over the same nodes; the content of a node is the cell it belongs to.
struct Two {
    current: [AtomicUsize; 2],
    slots: [AtomicUsize; 2],
    nodes: [(AtomicUsize, AtomicUsize); 4],
    memory: Mutex<()>,
    /// Both cells use the first slot.
    shared_slots: bool,
    /// A reader whose loan was taken over keeps what it looked at first.
    keeps: bool,
}

impl Two {
    fn new(shared_slots: bool, keeps: bool) -> Self {
        let node = |owners, cell| (AtomicUsize::new(owners), AtomicUsize::new(cell));
        Self {
            current: [AtomicUsize::new(0), AtomicUsize::new(1)],
            slots: [AtomicUsize::new(NONE), AtomicUsize::new(NONE)],
            nodes: [node(1, 0), node(1, 1), node(VACANT, 0), node(VACANT, 0)],
            memory: Mutex::new(()),
            shared_slots,
            keeps,
        }
    }

    fn slot(&self, cell: usize) -> &AtomicUsize {
        &self.slots[if self.shared_slots { 0 } else { cell }]
    }

    fn give_up(&self, index: usize) {
        // SeqCst: orderings are not what this is about.
        if self.nodes[index].0.fetch_sub(1, Ordering::SeqCst) == 1 {
            // SeqCst: as above.
            self.nodes[index].0.store(VACANT, Ordering::SeqCst);
        }
    }

    /// Reads the first cell once, and says whose value it got.
    fn read(&self) -> Option<usize> {
        // SeqCst: as above.
        let index = self.current[0].load(Ordering::SeqCst);
        // SeqCst: as above.
        self.slots[0].compare_exchange(NONE, index, Ordering::SeqCst, Ordering::SeqCst).ok()?;
        // SeqCst: as above.
        let seen = self.current[0].load(Ordering::SeqCst) == index;
        let look = || self.nodes[index].1.load(Ordering::SeqCst);
        let got = seen.then(look);
        // SeqCst: as above.
        let withdrawn =
            self.slots[0].compare_exchange(index, NONE, Ordering::SeqCst, Ordering::SeqCst);
        if withdrawn.is_ok() {
            return got;
        }
        let got = got.or_else(|| self.keeps.then(look));
        self.give_up(index);
        got
    }

    fn publish(&self, cell: usize) {
        let memory = lock(&self.memory);
        // SeqCst: as above.
        let vacant = |node: &(AtomicUsize, _)| node.0.load(Ordering::SeqCst) == VACANT;
        let index = self.nodes.iter().position(vacant).expect("more nodes than owners");
        // SeqCst: as above.
        self.nodes[index].1.store(cell, Ordering::SeqCst);
        // SeqCst: as above.
        self.nodes[index].0.store(1, Ordering::SeqCst);
        drop(memory);
        // SeqCst: as above.
        let former = self.current[cell].swap(index, Ordering::SeqCst);
        // SeqCst: as above.
        if self.slot(cell).load(Ordering::SeqCst) == former {
            // SeqCst: as above.
            self.nodes[former].0.fetch_add(1, Ordering::SeqCst);
            // SeqCst: as above.
            let taken =
                self.slot(cell).compare_exchange(former, NONE, Ordering::SeqCst, Ordering::SeqCst);
            if taken.is_err() {
                // SeqCst: as above.
                self.nodes[former].0.fetch_sub(1, Ordering::SeqCst);
            }
        }
        self.give_up(former);
    }
}

fn two(shared_slots: bool, keeps: bool) {
    let cells = Arc::new(Two::new(shared_slots, keeps));
    let reader = {
        let cells = cells.clone();
        thread::spawn(move || cells.read())
    };
    cells.publish(0);
    cells.publish(1);
    cells.publish(1);
    let read = reader.join().expect("it does not panic");
    assert!(read.is_none_or(|cell| cell == 0), "a value of the other cell");
}

#[test]
fn a_reader_gets_values_of_its_cell() {
    all(|| two(false, false));
    all(|| two(false, true));
    all(|| two(true, false));
    finds(|| two(true, true));
}
