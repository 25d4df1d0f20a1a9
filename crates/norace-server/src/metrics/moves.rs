//! Counts of order moves, taken from the engine's events.
//!
//! One task looks on at the events and counts. It is one of those whom the engine does not wait for: where it is so
//! slow that a whole ring passes it by, it misses moves and counts how many, and never has the journal read for them.

use norace::bus::{RecvError, Subscriber};
use norace::sync::Counter;
use norace_engine::{Action, OrderEvent, OrderState};

use super::Page;

/// Events that are counted before others get their turn.
const PIECE: usize = 1024;
const STATES: usize = OrderState::ALL.len();

/// How often orders went from one state to another.
#[derive(Debug)]
pub(crate) struct Moves {
    /// By the state before, none being the last, and the state after.
    counts: [[Counter; STATES]; STATES + 1],
    missed: Counter,
}

impl Moves {
    pub(crate) const fn new() -> Self {
        let counts = [const { [const { Counter::new() }; STATES] }; STATES + 1];
        Self { counts, missed: Counter::new() }
    }

    /// Counts what comes, until there will be no more.
    pub(crate) async fn follow(&self, mut events: Subscriber<OrderEvent>) {
        loop {
            match events.drain(PIECE, |_, event| self.at(event.from, event.to).add(1)).await {
                Ok(_) => {}
                Err(RecvError::Lagged(missed)) => self.missed.add(missed.cast_signed()),
                Err(RecvError::Closed | RecvError::Disconnected(_)) => return,
            }
        }
    }

    fn at(&self, from: Option<OrderState>, to: OrderState) -> &Counter {
        &self.counts[from.map_or(STATES, |from| from as usize)][to as usize]
    }

    /// Writes all legal moves, those that have not happened as well.
    pub(super) fn write(&self, page: &mut Page) {
        page.family(
            "norace_order_moves_total",
            "counter",
            "Moves of orders since the server listens, durable ones; from `none` at creation.",
        );
        let mut sample = |from: Option<OrderState>, to: OrderState| {
            let name = from.map_or("none", OrderState::as_str);
            let labels = format!("from=\"{name}\",to=\"{}\"", to.as_str());
            page.sample("", &labels, self.at(from, to).get());
        };
        sample(None, OrderState::Pending);
        for from in OrderState::ALL {
            for to in Action::ALL.into_iter().filter_map(|action| from.after(action)) {
                sample(Some(from), to);
            }
        }
        page.counter(
            "norace_order_moves_missed_total",
            "Places of the ring of events that passed by uncounted: as many moves at most are missing above.",
            self.missed.get(),
        );
    }
}

#[cfg(test)]
mod tests {
    use norace::bus::{Bus, Policy, Start};
    use norace_engine::{Id, OrderEvent, OrderState};

    use super::super::Page;
    use super::Moves;

    fn event(sequence: u64, from: Option<OrderState>, to: OrderState) -> OrderEvent {
        let order = Id::new("o").unwrap();
        OrderEvent { sequence, order, from, to, version: sequence, at: 0, reason: None }
    }

    #[test]
    fn what_is_seen_is_counted_by_its_states_and_what_is_missed_by_its_number() {
        let bus = Bus::new(4);
        let events = bus.subscribe(Policy::DropOldest, Start::Tail);
        bus.publish_blocking(event(1, None, OrderState::Pending)).unwrap();
        bus.publish_blocking(event(2, None, OrderState::Pending)).unwrap();
        for sequence in 3..=6 {
            let (from, to) = (OrderState::Pending, OrderState::Processing);
            bus.publish_blocking(event(sequence, Some(from), to)).unwrap();
        }
        bus.close();
        let moves = Moves::new();
        norace::block_on(moves.follow(events));
        let mut page = Page::default();
        moves.write(&mut page);
        let text = String::from_utf8(page.into_bytes()).unwrap();
        let samples: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
        let expected = [
            r#"norace_order_moves_total{from="none",to="pending"} 0"#,
            r#"norace_order_moves_total{from="pending",to="processing"} 4"#,
            r#"norace_order_moves_total{from="pending",to="failed"} 0"#,
            r#"norace_order_moves_total{from="pending",to="cancelled"} 0"#,
            r#"norace_order_moves_total{from="processing",to="confirmed"} 0"#,
            r#"norace_order_moves_total{from="processing",to="failed"} 0"#,
            r#"norace_order_moves_total{from="processing",to="cancelled"} 0"#,
            "norace_order_moves_missed_total 2",
        ];
        assert_eq!(samples, expected);
    }
}
