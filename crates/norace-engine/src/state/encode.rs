//! The canonical bytes of a state: equal states give equal bytes, on any machine, whatever their hash tables look like.

use super::keys::KeyContent;
use super::{State, Subject};
use crate::codec::Writer;
use crate::model::TransferMode;

impl State {
    /// Everything the state knows, in a fixed order. For comparing states and for tests; the journal is the truth.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut out = Writer::new(&mut bytes);
        out.u64(self.sequence);
        out.u64(self.now);
        self.encode_accounts(&mut out);
        self.encode_transfers(&mut out);
        self.encode_orders(&mut out);
        self.encode_keys(&mut out);
        bytes
    }

    fn encode_accounts(&self, out: &mut Writer<'_>) {
        out.u32(self.accounts.ledgers().len() as u32);
        for ledger in self.accounts.ledgers() {
            out.short_text(ledger.as_str());
        }
        out.u32(self.accounts.len());
        for slot in self.accounts.iter() {
            out.short_text(slot.id.as_str());
            out.u32(slot.ledger);
            out.u8(u8::from(slot.allow_overdraft) | u8::from(slot.made) << 1);
            for side in [slot.debits, slot.credits] {
                out.u64(side.pending);
                out.u64(side.posted);
            }
        }
    }

    fn encode_transfers(&self, out: &mut Writer<'_>) {
        out.u32(self.transfers.len());
        for slot in self.transfers.iter() {
            out.short_text(slot.id.as_str());
            out.u8(u8::from(slot.made));
            out.u32(slot.from);
            out.u32(slot.to);
            out.u64(slot.amount.get());
            out.u8(slot.state as u8);
            match slot.mode {
                TransferMode::Single => out.u8(0),
                TransferMode::Pending { timeout_us } => {
                    out.u8(1);
                    out.optional_u64(timeout_us);
                }
            }
            out.u64(slot.created_at);
            out.u64(slot.updated_at);
        }
    }

    fn encode_orders(&self, out: &mut Writer<'_>) {
        out.u32(self.orders.len());
        for slot in self.orders.iter() {
            out.short_text(slot.id.as_str());
            out.u32(slot.payer);
            out.u32(slot.payee);
            out.u64(slot.amount.get());
            out.u32(slot.version);
            out.u8(slot.state as u8);
            out.u8(slot.handling as u8);
            out.u8(u8::from(slot.made));
            out.u64(slot.created_at);
            out.u64(slot.updated_at);
            out.optional_reason(slot.reason.as_ref());
            out.metadata(&slot.metadata);
        }
    }

    fn encode_keys(&self, out: &mut Writer<'_>) {
        let uses = self.keys.sorted();
        out.u32(self.keys.len());
        for (key, known) in uses {
            out.short_text(key.credential());
            out.short_text(key.key());
            out.u8(known.kind as u8);
            out.u32(known.subject);
            match &known.content {
                KeyContent::Creation => out.u8(0),
                KeyContent::Move(content) => {
                    out.u8(1);
                    out.optional_reason(content.reason.as_ref());
                    out.optional_u64(content.expected_version);
                }
                KeyContent::Settlement(settlement) => {
                    out.u8(2);
                    out.u8(*settlement as u8);
                }
            }
        }
    }
}

impl Subject {
    /// The ordinal, whatever the kind.
    pub fn ordinal(&self) -> u32 {
        match self {
            Self::Account(at) | Self::Transfer(at) | Self::Order(at) => *at,
        }
    }
}
