//! micahrj/basedrop#10: a reader announces itself just when a writer looks for readers, and neither sees the other.
//!
//! A reader counts itself, loads the pointer, takes a reference and counts itself out. A writer exchanges the pointer,
//! waits until nobody is counted, and gives up its reference. Both store and then load, without anything that would
//! keep both from missing the other's store; and the reader counts itself out without releasing its reference to the
//! writer. Open when this was written; fixed here by `SeqCst` fences between store and load, and a `Release` at the
//! end.

use super::{Allocation, MISUSES_MEMORY, spawn};
use crate::case::Case;
use norace_prim::atomic::{AtomicUsize, Ordering, fence};
use norace_prim::hint;
use norace_prim::sync::Arc;

pub(super) const CASE: Case = Case {
    name: "basedrop_10",
    class: "Memory ordering",
    kinds: MISUSES_MEMORY,
    blames: &["reader"],
    program,
};

/// A value with its references.
struct Node {
    count: AtomicUsize,
    memory: Allocation,
}

impl Node {
    fn new() -> Self {
        Self { count: AtomicUsize::new(1), memory: Allocation::named("node") }
    }

    /// Frees the node with its last reference; the collector, which would do that later, is left out.
    fn release(&self) {
        // Release: pairs with the Acquire below, so that all uses come before the end.
        if self.count.fetch_sub(1, Ordering::Release) == 1 {
            // Acquire: pairs with the Release above.
            fence(Ordering::Acquire);
            self.memory.free();
        }
    }
}

/// Pointers are places in `nodes`.
struct SharedCell {
    nodes: [Node; 2],
    node: AtomicUsize,
    readers: AtomicUsize,
    fixed: bool,
}

impl SharedCell {
    fn fence(&self) {
        if self.fixed {
            // SeqCst: of a reader's and a writer's, one comes first, and what precedes it is seen after the other.
            fence(Ordering::SeqCst);
        }
    }

    fn get(&self) -> &Node {
        // SeqCst: meant to be seen by a writer that replaces what is loaded next.
        self.readers.fetch_add(1, Ordering::SeqCst);
        self.fence();
        // SeqCst: meant to come after the announcement.
        let node = &self.nodes[self.node.load(Ordering::SeqCst)];
        // Relaxed: the cell has a reference.
        node.count.fetch_add(1, Ordering::Relaxed);
        let order = if self.fixed { Ordering::Release } else { Ordering::Relaxed };
        // Release: pairs with the fence in replace, so that the reference counts.
        self.readers.fetch_sub(1, order);
        node
    }

    fn replace(&self, node: usize) -> &Node {
        // AcqRel: hands the nodes over.
        let former = self.node.swap(node, Ordering::AcqRel);
        self.fence();
        // Relaxed: the fence follows.
        while self.readers.load(Ordering::Relaxed) != 0 {
            hint::spin_loop();
        }
        // Acquire: pairs with the Release in get.
        fence(Ordering::Acquire);
        &self.nodes[former]
    }
}

fn program(fixed: bool) {
    let nodes = [Node::new(), Node::new()];
    let (node, readers) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let cell = Arc::new(SharedCell { nodes, node, readers, fixed });
    let reads = cell.clone();
    spawn("reader", move || {
        let node = reads.get();
        node.memory.touch();
        node.release();
    });
    cell.replace(1).release();
}
