//! Two buffers that are swapped by pointer, as articles on Go show it: producers append to the one, a consumer swaps it
//! for the other and drains what it got. Every access is atomic, and events are lost.

use crate::models::{all, finds};
use norace_prim::atomic::{AtomicUsize, Ordering};
use norace_prim::hint;
use norace_prim::sync::Arc;
use norace_prim::thread;

/// How a producer and the consumer know of each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Care {
    /// They do not: as in the article.
    None,
    /// Producers are counted, and the consumer waits until those that may have the old buffer are gone.
    Counted,
}

#[derive(Default)]
struct Buffer {
    /// How many places are taken.
    len: AtomicUsize,
    /// Numbers of events; 0: none.
    places: [AtomicUsize; 4],
    producers: AtomicUsize,
}

struct Swapped {
    care: Care,
    active: AtomicUsize,
    buffers: [Buffer; 2],
}

impl Swapped {
    fn publish(&self, event: usize) {
        let buffer = loop {
            // SeqCst: the strongest there is; orders are not what is wrong here.
            let active = self.active.load(Ordering::SeqCst);
            let buffer = &self.buffers[active];
            if self.care == Care::None {
                break buffer;
            }
            // SeqCst: as above.
            buffer.producers.fetch_add(1, Ordering::SeqCst);
            // SeqCst: as above. The buffer is still the active one, so the consumer will wait for this producer.
            if self.active.load(Ordering::SeqCst) == active {
                break buffer;
            }
            // SeqCst: as above.
            buffer.producers.fetch_sub(1, Ordering::SeqCst);
        };
        // SeqCst: as above.
        let place = buffer.len.fetch_add(1, Ordering::SeqCst);
        // SeqCst: as above.
        buffer.places[place].store(event, Ordering::SeqCst);
        if self.care == Care::Counted {
            // SeqCst: as above.
            buffer.producers.fetch_sub(1, Ordering::SeqCst);
        }
    }

    /// Swaps the buffers and empties the one that producers used before.
    fn drain(&self) -> Vec<usize> {
        // SeqCst: as above.
        let former = self.active.fetch_xor(1, Ordering::SeqCst);
        let buffer = &self.buffers[former];
        if self.care == Care::Counted {
            // SeqCst: as above.
            while buffer.producers.load(Ordering::SeqCst) > 0 {
                hint::spin_loop();
            }
        }
        // SeqCst: as above.
        let len = buffer.len.swap(0, Ordering::SeqCst);
        let take = |place: &AtomicUsize| {
            // SeqCst: as above.
            place.swap(0, Ordering::SeqCst)
        };
        buffer.places[..len].iter().map(take).filter(|&event| event > 0).collect()
    }
}

fn swap(care: Care) {
    let buffers = [Buffer::default(), Buffer::default()];
    let bus = Arc::new(Swapped { care, active: AtomicUsize::new(0), buffers });
    let producer = thread::spawn({
        let bus = bus.clone();
        move || bus.publish(1)
    });
    let mut events = bus.drain();
    producer.join().expect("no panic");
    events.extend(bus.drain());
    events.extend(bus.drain());
    assert_eq!(events, [1], "what was published is drained, once");
}

#[test]
fn a_swap_by_pointer_loses_what_is_being_written() {
    let finding = finds(|| swap(Care::None));
    let text = finding.to_text();
    assert!(text.contains("what was published is drained"), "{text}");
}

#[test]
fn a_swap_that_waits_for_counted_producers_loses_nothing() {
    all(|| swap(Care::Counted));
}
