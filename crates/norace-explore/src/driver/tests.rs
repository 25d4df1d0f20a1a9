//! Drawing from sets.

use super::*;

#[test]
fn every_member_is_drawn_by_its_place() {
    for set in (1..2_000).chain([u64::MAX, 1 << 63, 0x8000_0001_0000_0100]) {
        let expected: Vec<_> = members(set).collect();
        for (at, &member) in expected.iter().enumerate() {
            let drawn = draw_member(set, |count| {
                assert_eq!(count, expected.len() as u64);
                at as u64
            });
            assert_eq!(drawn, member);
        }
    }
}
