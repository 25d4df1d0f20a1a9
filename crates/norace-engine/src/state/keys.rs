//! Which idempotency keys were used, and for what.
//!
//! A key remembers the object it made or moved. The content of a creation is the object itself, so it is compared with
//! that; the content of a move is kept beside the key.

use super::chunks::Chunks;
use super::table::IdTable;
use crate::model::{CallKind, IdempotencyKey, Reason, Settlement};

/// What a key was used for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyUse {
    key: IdempotencyKey,
    /// The ordinal of the object, of the kind that the kind of call acts on.
    pub(crate) subject: u32,
    /// What the object does not tell about the call.
    pub(crate) content: KeyContent,
}

/// The part of a call's content that its object does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KeyContent {
    /// Everything is in the object.
    Creation,
    /// A move of an order.
    Move(Box<MoveContent>),
    /// The end of a pending transfer.
    Settlement(Settlement),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MoveContent {
    pub(crate) reason: Option<Reason>,
    pub(crate) expected_version: Option<u64>,
}

/// All keys, one name space per kind of call.
#[derive(Debug)]
pub(crate) struct Keys {
    by_kind: [KeysOfKind; CallKind::COUNT],
}

#[derive(Debug)]
struct KeysOfKind {
    table: IdTable,
    uses: Chunks<KeyUse>,
}

impl Keys {
    pub(crate) fn new() -> Self {
        let empty = |_| KeysOfKind { table: IdTable::new(), uses: Chunks::new() };
        Self { by_kind: std::array::from_fn(empty) }
    }

    pub(crate) fn find(&self, kind: CallKind, key: Option<&IdempotencyKey>) -> Option<&KeyUse> {
        let (key, KeysOfKind { table, uses }) = (key?, &self.by_kind[kind as usize]);
        let at = table.find(table.hash(key), |at| uses[at].key == *key)?;
        Some(&uses[at])
    }

    /// Remembers what a key that is not known yet was used for.
    pub(crate) fn remember(
        &mut self,
        kind: CallKind,
        key: Option<&IdempotencyKey>,
        subject: u32,
        content: impl FnOnce() -> KeyContent,
    ) {
        if let Some(key) = key {
            let KeysOfKind { table, uses } = &mut self.by_kind[kind as usize];
            // A kind of call happens at most once to an object, so a kind has no more keys than there are ordinals.
            let at = uses.push(KeyUse { key: key.clone(), subject, content: content() });
            table.insert(table.hash(key), at);
        }
    }

    pub(crate) fn len(&self) -> u64 {
        self.by_kind.iter().map(|keys| u64::from(keys.uses.len())).sum()
    }

    /// All uses of a kind, sorted by key.
    pub(crate) fn sorted(&self, kind: usize) -> Vec<(&IdempotencyKey, &KeyUse)> {
        let mut uses: Vec<_> =
            self.by_kind[kind].uses.iter().map(|used| (&used.key, used)).collect();
        uses.sort_unstable_by_key(|(key, _)| *key);
        uses
    }
}
