//! Records survive a round trip, and no byte string makes the decoder panic.

use super::*;
use crate::model::{Handling, Request};
use crate::state::{Applied, Change, Input, State};
use crate::testing::Seeded;
use crate::testing::commands::random_request;

/// Accepted requests of a random history, and what they did.
fn history(seed: u64) -> Vec<(Request, Change)> {
    let mut random = Seeded::new(seed);
    let mut state = State::new();
    let mut accepted = Vec::new();
    for now in 0..150 {
        let request = random_request(&mut random);
        let input = input(&request, now);
        if let Ok(Applied::Changed(change)) = state.apply(&input) {
            accepted.push((request, change));
        }
    }
    accepted
}

fn input(request: &Request, now: u64) -> Input<'_> {
    let (command, key) = (&request.command, request.key.as_ref());
    Input { now, command, key, handling: Handling::Async }
}

fn decode_all(bytes: &[u8], count: u32) -> Result<Vec<Record>, DecodeError> {
    let mut records = Vec::new();
    decode_frame(bytes, count, |record| {
        records.push(record.clone());
        Ok::<_, DecodeError>(())
    })?;
    Ok(records)
}

#[test]
fn a_record_comes_back_as_it_was_and_keeps_its_bound() {
    for seed in 0..40 {
        for (request, change) in history(seed) {
            let mut bytes = Vec::new();
            encode_record(&mut bytes, &input(&request, change.now), &change);
            let bound = record_bytes_max(&request.command, request.key.as_ref());
            assert!(bytes.len() <= bound, "{} bytes, at most {bound}", bytes.len());
            let records = decode_all(&bytes, 1).unwrap();
            let (command, key) = (request.command, request.key);
            assert_eq!(records, [Record { command, key, handling: Handling::Async, change }]);
        }
    }
}

#[test]
fn every_cut_and_every_flipped_bit_is_an_error_or_another_record() {
    let mut bytes = Vec::new();
    let accepted = history(3);
    let (request, change) = accepted.iter().find(|(r, _)| r.key.is_some()).unwrap();
    encode_record(&mut bytes, &input(request, change.now), change);
    for cut in 0..bytes.len() {
        assert!(decode_all(&bytes[..cut], 1).is_err(), "cut at {cut}");
    }
    let whole = decode_all(&bytes, 1).unwrap();
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        if let Ok(records) = decode_all(&flipped, 1) {
            assert_ne!(records, whole, "bit {bit} says nothing");
        }
    }
    bytes.push(0);
    assert_eq!(decode_all(&bytes, 1), Err(DecodeError::TrailingBytes));
}

#[test]
fn random_bytes_never_make_the_decoder_panic() {
    let mut random = Seeded::new(11);
    let mut decoded = 0;
    for round in 0..60_000u64 {
        let mut bytes: Vec<u8> = (0..random.below(120)).map(|_| random.below(256) as u8).collect();
        if round % 2 == 0 && bytes.len() > 8 {
            // A plausible head lets the bytes reach the fields behind it.
            let body = (bytes.len() - 4) as u32;
            bytes[..4].copy_from_slice(&body.to_le_bytes());
            (bytes[4], bytes[5], bytes[6], bytes[7]) =
                (1, random.below(9) as u8, random.below(4) as u8, random.below(3) as u8);
        }
        decoded += u32::from(decode_all(&bytes, 1).is_ok());
    }
    assert!(decoded < 60_000);
}

#[test]
fn a_frame_holds_as_many_records_as_it_says() {
    let mut bytes = Vec::new();
    let accepted = history(5);
    for (request, change) in &accepted {
        encode_record(&mut bytes, &input(request, change.now), change);
    }
    let count = accepted.len() as u32;
    assert_eq!(decode_all(&bytes, count).unwrap().len(), accepted.len());
    assert_eq!(decode_all(&bytes, count + 1), Err(DecodeError::Truncated));
    assert_eq!(decode_all(&bytes, count - 1), Err(DecodeError::TrailingBytes));
}
