//! Golden bytes: made by another program from the description of the format, with another implementation of XXH3.

use super::*;

const JOURNAL_ID: u64 = 0x1122_3344_5566_7788;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn segment() -> SegmentHeader {
    SegmentHeader {
        journal_id: JOURNAL_ID,
        index: 0x0102_0304_0506_0708,
        segment_bytes: 64 << 20,
        first_sequence: 0x0a0b_0c0d_0e0f_1011,
        chain: chain_origin(JOURNAL_ID),
    }
}

fn frame() -> FrameHeader {
    FrameHeader {
        kind: Kind::Batch,
        journal_id: JOURNAL_ID,
        segment: 3,
        offset: 0x5000,
        first_sequence: 42,
        count: 7,
        payload_bytes: 5,
        chain_before: chain_origin(JOURNAL_ID),
        payload_checksum: payload_checksum(b"hello"),
    }
}

#[test]
fn a_segment_header_has_the_documented_bytes() {
    let golden = "6e6f72616365776a 01000000 00100000 8877665544332211 0807060504030201 0000000400000000 \
                  11100f0e0d0c0b0a fb20d20eec5f3e6ad3b2bf2ccde7dc55 b0e226b7806e8c51";
    let bytes = segment().encode();
    assert_eq!(hex(&bytes), golden.replace(' ', ""));
    assert_eq!(SegmentHeader::decode(&bytes), Ok(segment()));
}

#[test]
fn a_frame_header_has_the_documented_bytes() {
    let golden = "6e726672 01 000000 8877665544332211 0300000000000000 0050000000000000 2a00000000000000 \
                  07000000 05000000 fb20d20eec5f3e6ad3b2bf2ccde7dc55 1838525eaacf79c77f3e1b07adc1e9b5 \
                  16ac8f205af557e4";
    let bytes = frame().encode();
    assert_eq!(hex(&bytes), golden.replace(' ', ""));
    assert_eq!(FrameHeader::decode(&bytes), Some(frame()));
    assert_eq!(hex(&chain_after(&bytes).to_le_bytes()), "cccdbb6839473a46b241a10999c2bc48");
}

#[test]
fn kinds_are_numbered_as_documented() {
    for (kind, number) in [(Kind::Batch, 1), (Kind::Seal, 2), (Kind::Roll, 3)] {
        let batch = kind == Kind::Batch;
        let header =
            FrameHeader { kind, count: batch.into(), payload_bytes: batch.into(), ..frame() };
        assert_eq!(header.encode()[4], number);
        assert_eq!(FrameHeader::decode(&header.encode()), Some(header));
    }
}

#[test]
fn every_flipped_bit_of_a_header_is_noticed() {
    for bit in 0..SEGMENT_HEADER_BYTES * 8 {
        let mut bytes = segment().encode();
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(SegmentHeader::decode(&bytes), Err(NotASegment::Bad), "bit {bit}");
    }
    for bit in 0..FRAME_HEADER_BYTES * 8 {
        let mut bytes = frame().encode();
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(FrameHeader::decode(&bytes), None, "bit {bit}");
    }
}

#[test]
fn zeros_are_no_header() {
    assert_eq!(SegmentHeader::decode(&[0; SEGMENT_HEADER_BYTES]), Err(NotASegment::Bad));
    assert_eq!(FrameHeader::decode(&[0; FRAME_HEADER_BYTES]), None);
}

#[test]
fn headers_that_contradict_themselves_are_none_though_their_checksum_holds() {
    for bad in [
        FrameHeader { count: 0, ..frame() },
        FrameHeader { kind: Kind::Seal, payload_bytes: 0, ..frame() },
        FrameHeader { kind: Kind::Roll, count: 0, ..frame() },
    ] {
        assert_eq!(FrameHeader::decode(&bad.encode()), None, "{bad:?}");
    }
    for segment_bytes in [0, PAGE_BYTES, 3 * PAGE_BYTES, 64 * PAGE_BYTES + 1] {
        let bad = SegmentHeader { segment_bytes, ..segment() };
        assert_eq!(SegmentHeader::decode(&bad.encode()), Err(NotASegment::Bad), "{bad:?}");
    }
}

#[test]
fn sizes_are_exact_at_their_edges() {
    assert_eq!(frame_bytes(0), 4096);
    assert_eq!(frame_bytes(4096 - 88), 4096);
    assert_eq!(frame_bytes(4096 - 87), 8192);
    assert_eq!(frame_bytes(u32::MAX), (1 << 32) + 4096);
    assert_eq!(payload_fitting(0), 0);
    assert_eq!(payload_fitting(4096), 4096 - 88);
    for pages in 4..40 {
        let segment_bytes = pages * PAGE_BYTES;
        let max = max_payload_bytes(segment_bytes);
        assert_eq!(min_segment_bytes(max), segment_bytes);
        assert_eq!(min_segment_bytes(max + 1), segment_bytes + PAGE_BYTES);
        assert_eq!(PAGE_BYTES + frame_bytes(max), batches_end(segment_bytes));
    }
}

#[test]
fn zeros_are_told_from_anything_else_wherever_it_is() {
    for len in [0, 1, 4095, 4096, 4097, 10_000] {
        let mut bytes = vec![0; len];
        assert!(is_zero(&bytes));
        for at in [0, len / 2, len.saturating_sub(1)].into_iter().filter(|at| *at < len) {
            bytes[at] = 1;
            assert!(!is_zero(&bytes), "{at} of {len}");
            bytes[at] = 0;
        }
    }
}
