//! The bytes of a decision.
//!
//! A journal frame carries whole records one after the other. A record is little-endian: a 4-byte length of what
//! follows, the version of format and rules, the kind of call, flags, the handling, the sequence, the time, the
//! idempotency key if there was one, the command's fields, and the outcome: the object's ordinal and version, the
//! order's move, the movement of money. Decoding is total: every byte string gives a record or an error, with bounded
//! memory.
//!
//! The frame's checksum is the journal's business; here only the meaning is checked. Replaying applies the input again
//! and compares with the recorded outcome: a record that was tampered with, or rules that changed under the same
//! version, show as a difference.

mod bytes;
mod record;

#[cfg(test)]
mod tests;

pub use bytes::DecodeError;
pub(crate) use bytes::Writer;
#[cfg(test)]
pub(crate) use record::RULES_VERSION;
pub use record::{OtherVersion, Record, ReplayError};
pub(crate) use record::{decode_frame, decode_frame_from, encode_record, record_bytes_max};
