//! Which idempotency keys were used, and for what.
//!
//! A key remembers the object it made or moved. The content of a creation is the object itself, so it is compared with
//! that; the content of a move is kept beside the key.

use std::collections::HashMap;

use crate::model::{CallKind, IdempotencyKey, Reason, Settlement};

/// What a key was used for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyUse {
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

#[derive(Debug, Default)]
pub(crate) struct Keys {
    by_kind: [HashMap<IdempotencyKey, KeyUse>; CallKind::COUNT],
}

impl Keys {
    pub(crate) fn find(&self, kind: CallKind, key: Option<&IdempotencyKey>) -> Option<&KeyUse> {
        self.by_kind[kind as usize].get(key?)
    }

    pub(crate) fn remember(
        &mut self,
        kind: CallKind,
        key: Option<&IdempotencyKey>,
        subject: u32,
        content: impl FnOnce() -> KeyContent,
    ) {
        if let Some(key) = key {
            let known = KeyUse { subject, content: content() };
            self.by_kind[kind as usize].insert(key.clone(), known);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.by_kind.iter().map(HashMap::len).sum()
    }

    /// All uses of a kind, sorted by key.
    pub(crate) fn sorted(&self, kind: usize) -> Vec<(&IdempotencyKey, &KeyUse)> {
        let mut uses: Vec<_> = self.by_kind[kind].iter().collect();
        uses.sort_unstable_by_key(|(key, _)| *key);
        uses
    }
}
