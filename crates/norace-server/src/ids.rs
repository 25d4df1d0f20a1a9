//! Ids the server makes where a request names none: UUID version 7 in text (RFC 9562).
//!
//! 48 bits of milliseconds come first, so ids sort by the time they were made; 74 random bits tell those of one
//! millisecond apart. The bits need no secrecy: an id is a name, not a permission.

use norace_engine::Id;
use norace_prim::rand::next_u64;

/// A fresh id for the instant `now_ms` since the epoch.
pub(crate) fn fresh(now_ms: u64) -> Id {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&(now_ms << 16 | next_u64() & 0xFFFF).to_be_bytes());
    bytes[8..].copy_from_slice(&next_u64().to_be_bytes());
    bytes[6] = 0x70 | bytes[6] & 0x0F;
    bytes[8] = 0x80 | bytes[8] & 0x3F;
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut text = [b'-'; 36];
    let mut at = 0;
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            at += 1;
        }
        text[at] = HEX[usize::from(byte >> 4)];
        text[at + 1] = HEX[usize::from(byte & 15)];
        at += 2;
    }
    let text = std::str::from_utf8(&text).expect("hexadecimal digits are ASCII");
    Id::new(text).expect("a UUID is a valid id")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    #[test]
    fn ids_have_the_form_of_uuid_version_7_and_sort_by_time() {
        let old = super::fresh(1_795_398_283_000);
        let new = super::fresh(1_795_398_283_001);
        let text = old.as_str();
        assert!(text.starts_with("01a20613-aef8-7"), "{text}");
        assert_eq!(text.len(), 36);
        assert!(matches!(text.as_bytes()[19], b'8' | b'9' | b'a' | b'b'), "{text}");
        assert_eq!(text.bytes().filter(|byte| *byte == b'-').count(), 4);
        assert!(old < new);
    }

    #[test]
    fn ids_of_one_millisecond_differ() {
        let ids: HashSet<_> = (0..10_000).map(|_| super::fresh(7)).collect();
        assert_eq!(ids.len(), 10_000);
    }
}
