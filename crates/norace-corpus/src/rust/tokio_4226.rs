//! tokio-rs/tokio#4226 (RUSTSEC-2021-0124): both ends of a oneshot channel take the value, if it is closed in between.
//!
//! To send is to store the value and set a bit; a sender that finds the channel closed then takes the value back. But a
//! receiver that has closed it and looks once more finds the bit set, and takes the value as well. Fixed by not setting
//! the bit when the channel is closed.

use super::spawn;
use crate::case::Case;
use norace_check::RaceCell;
use norace_prim::atomic::{AtomicU8, Ordering};
use norace_prim::sync::Arc;

pub(super) const CASE: Case = Case {
    name: "tokio_4226",
    class: "Data race",
    kinds: &["data-race"],
    blames: &["sender"],
    program,
};

const VALUE_SENT: u8 = 1;
const CLOSED: u8 = 2;

struct Channel {
    state: AtomicU8,
    value: RaceCell<Option<u32>>,
}

impl Channel {
    fn send(&self, value: u32, fixed: bool) -> Result<(), Option<u32>> {
        self.value.set(Some(value));
        let state = if fixed { self.set_sent_unless_closed() } else { self.set_sent() };
        if state & CLOSED == 0 { Ok(()) } else { Err(self.value.replace(None)) }
    }

    /// Sets the bit; the state before.
    fn set_sent(&self) -> u8 {
        // AcqRel: pairs with the Acquire in try_recv, so that who sees the bit sees the value.
        self.state.fetch_or(VALUE_SENT, Ordering::AcqRel)
    }

    /// Sets the bit if that makes sense; the state before.
    fn set_sent_unless_closed(&self) -> u8 {
        // Relaxed: the exchange confirms it; and who finds the channel closed has the value for itself.
        let mut state = self.state.load(Ordering::Relaxed);
        while state & CLOSED == 0 {
            let sent = state | VALUE_SENT;
            // AcqRel: pairs with the Acquire in try_recv, so that who sees the bit sees the value.
            match self.state.compare_exchange(state, sent, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => break,
                Err(found) => state = found,
            }
        }
        state
    }

    fn close(&self) {
        // Acquire: pairs with the AcqRel of the sender.
        self.state.fetch_or(CLOSED, Ordering::Acquire);
    }

    fn try_recv(&self) -> Option<u32> {
        // Acquire: pairs with the AcqRel of the sender, so that the value is seen.
        let state = self.state.load(Ordering::Acquire);
        if state & VALUE_SENT != 0 { self.value.replace(None) } else { None }
    }
}

fn program(fixed: bool) {
    let value = RaceCell::named("value", None);
    let channel = Arc::new(Channel { state: AtomicU8::new(0), value });
    let sends = channel.clone();
    spawn("sender", move || {
        sends.send(1, fixed).ok();
    });
    channel.close();
    channel.try_recv();
}
