//! The vocabulary of the engine: values, objects, commands and rejections.
//!
//! Every type here is checked when it is made, so that nothing behind it checks again: an [`Id`] is a valid id, an
//! [`Amount`] is in range. None of them knows a clock, a file or a socket.

mod account;
mod amount;
mod command;
mod id;
mod key;
mod metadata;
mod order;
mod page;
mod reason;
mod transfer;

#[cfg(test)]
mod tests;

pub use account::Account;
pub use amount::{AMOUNT_MAX, Amount, AmountError};
pub use command::{Command, Done, Rejection, Request};
pub use id::{ID_BYTES_MAX, Id, IdError, NewId};
pub use key::{CallKind, IdempotencyKey, KEY_BYTES_MAX, KeyError};
pub use metadata::{METADATA_BYTES_MAX, Metadata, MetadataError};
pub use order::{Action, Handling, Order, OrderEvent, OrderState};
pub use page::{Cursor, OrderPage};
pub use reason::{REASON_BYTES_MAX, Reason, ReasonError};
pub use transfer::{Settlement, Transfer, TransferMode, TransferState};
