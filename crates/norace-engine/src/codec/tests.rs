//! Records survive a round trip, and no byte string makes the decoder panic.

use super::*;
use crate::model::{
    Action, Command, Handling, IdempotencyKey, Metadata, NewId, Reason, Request, Settlement,
    TransferMode,
};
use crate::state::{Applied, Change, Input, State};
use crate::testing::Seeded;
use crate::testing::commands::{amount, fund, id, open, open_bank, order, random_request, step};

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

/// Calls of every kind, with and without what is optional, all of them accepted.
fn golden_requests() -> Vec<Request> {
    let pending = |name: &str, timeout_us| Command::CreateTransfer {
        id: NewId::Made(id(name)),
        from: id("bank"),
        to: id("a"),
        amount: amount(70),
        mode: TransferMode::Pending { timeout_us },
    };
    let settle =
        |name: &str, settlement| Command::SettleTransfer { transfer: id(name), settlement };
    let metadata = Metadata::new([("shop", "7"), ("cart", "\u{e9}")]).unwrap();
    let mut detailed = order("y", "a", "b", 41);
    if let Command::CreateOrder { metadata: of_order, .. } = &mut detailed {
        *of_order = metadata;
    }
    let reason = Some(Reason::new("no stock").unwrap());
    let refused = Command::MoveOrder {
        order: id("y"),
        action: Action::Fail,
        reason,
        expected_version: Some(2),
    };
    let commands = vec![
        open_bank(),
        open("a"),
        open("b"),
        fund("a", 100),
        pending("t1", None),
        settle("t1", Settlement::Post),
        pending("t2", Some(1000)),
        settle("t2", Settlement::Void),
        pending("t3", Some(1)),
        settle("t3", Settlement::Expire),
        order("x", "a", "b", 60),
        step("x", Action::Process),
        step("x", Action::Confirm),
        detailed,
        step("y", Action::Process),
        refused,
        order("z", "a", "b", 1),
        step("z", Action::Cancel),
    ];
    let mut requests: Vec<_> = commands.into_iter().map(Request::new).collect();
    requests[3].key = Some(IdempotencyKey::new("credential", "key").unwrap());
    requests
}

/// Fails when a change of format or rules makes the journals of this version unreadable, or readable as something else.
/// Then `RULES_VERSION` is to be bumped, and the records to be written anew beside the new version.
#[test]
fn the_records_of_this_version_are_written_and_replayed_as_ever() {
    let golden: Vec<&str> = include_str!("golden_v1.hex").lines().collect();
    let mut state = State::new();
    let mut replayed = State::new();
    let mut written = Vec::new();
    for (now, request) in golden_requests().iter().enumerate() {
        let input = input(request, 10 * now as u64);
        let applied = state.apply(&input);
        let Ok(Applied::Changed(change)) = applied else { panic!("{request:?}: {applied:?}") };
        let mut bytes = Vec::new();
        encode_record(&mut bytes, &input, &change);
        written.push(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    }
    assert_eq!(RULES_VERSION, 1, "the records below are those of version 1");
    assert_eq!(written, golden, "\n{}", written.join("\n"));
    for line in golden {
        let digits = line.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
        let bytes: Vec<u8> = digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect();
        let record = decode_all(&bytes, 1).unwrap().remove(0);
        assert_eq!(record.replay(&mut replayed), Ok(()), "{record:?}");
    }
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
