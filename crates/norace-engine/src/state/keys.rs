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
    pub(crate) kind: CallKind,
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

/// All keys; the credential is part of a key, the kind of call is not.
#[derive(Debug)]
pub(crate) struct Keys {
    table: IdTable,
    uses: Chunks<KeyUse>,
}

impl Keys {
    pub(crate) fn new() -> Self {
        Self { table: IdTable::new(), uses: Chunks::new() }
    }

    pub(crate) fn find(&self, key: &IdempotencyKey) -> Option<&KeyUse> {
        let at = self.table.find(self.table.hash(key), |at| self.uses[at].key == *key)?;
        Some(&self.uses[at])
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
            let used = KeyUse { key: key.clone(), kind, subject, content: content() };
            let at = self.uses.push(used);
            self.table.insert(self.table.hash(key), at);
        }
    }

    pub(crate) fn len(&self) -> u32 {
        self.uses.len()
    }

    /// All uses, sorted by key.
    pub(crate) fn sorted(&self) -> Vec<(&IdempotencyKey, &KeyUse)> {
        let mut uses: Vec<_> = self.uses.iter().map(|used| (&used.key, used)).collect();
        uses.sort_unstable_by_key(|(key, _)| *key);
        uses
    }
}
