//! The checked values at their edges, and the transition table.

use norace::sync::States;

use super::*;

#[test]
fn ids_take_their_alphabet_up_to_64_characters() {
    for good in ["a", "A-Z_0.9:", &"x".repeat(64)] {
        assert_eq!(Id::new(good).unwrap().as_str(), good);
    }
    assert_eq!(Id::new(""), Err(IdError::Empty));
    assert_eq!(Id::new(&"x".repeat(65)), Err(IdError::TooLong { bytes: 65 }));
    for bad in ["a b", "a/", "é", "a\0", "a\n"] {
        assert!(matches!(Id::new(bad), Err(IdError::BadCharacter { .. })), "{bad:?}");
    }
}

#[test]
fn amounts_are_positive_and_exact_in_json() {
    for good in [1, 9_007_199_254_740_991] {
        assert_eq!(Amount::new(good).unwrap().get(), good);
    }
    for bad in [0, 9_007_199_254_740_992, u64::MAX] {
        assert_eq!(Amount::new(bad), Err(AmountError));
    }
}

#[test]
fn keys_are_visible_ascii_up_to_255_characters() {
    assert!(IdempotencyKey::new("", &"~".repeat(255)).is_ok());
    assert_eq!(IdempotencyKey::new("", ""), Err(KeyError::Empty));
    assert_eq!(IdempotencyKey::new("", &"k".repeat(256)), Err(KeyError::TooLong { bytes: 256 }));
    for bad in ["a b", "ü", "a\t", "\x7f"] {
        assert!(matches!(IdempotencyKey::new("", bad), Err(KeyError::BadCharacter { .. })));
    }
}

#[test]
fn metadata_is_the_same_in_any_order_and_holds_4_kib() {
    let one = Metadata::new([("b", "2"), ("a", "1")]).unwrap();
    let other = Metadata::new([("a", "1"), ("b", "2")]).unwrap();
    assert_eq!(one, other);
    assert_eq!(one.iter().collect::<Vec<_>>(), [("a", "1"), ("b", "2")]);
    assert_eq!((one.get("b"), one.get("c")), (Some("2"), None));
    assert_eq!(Metadata::new([("a", "1"), ("a", "1")]), Err(MetadataError::DuplicateKey));
    let value = |bytes: usize| Metadata::new([("k", "v".repeat(bytes))]);
    assert!(value(4095).is_ok());
    assert_eq!(value(4096), Err(MetadataError::TooLarge));
    assert_eq!(Metadata::new(Vec::<(&str, &str)>::new()).unwrap(), Metadata::default());
}

#[test]
fn endless_empty_metadata_is_refused() {
    let endless = std::iter::repeat(("", ""));
    assert_eq!(Metadata::new(endless), Err(MetadataError::DuplicateKey));
}

#[test]
fn a_reason_is_made_of_any_text() {
    assert_eq!(Reason::new(""), Err(ReasonError));
    assert_eq!(Reason::new("a\nb"), Err(ReasonError));
    assert!(Reason::new(&"r".repeat(256)).is_ok());
    assert_eq!(Reason::new(&"r".repeat(257)), Err(ReasonError));
    assert_eq!(Reason::from_lossy("a\nb").as_str(), "a b");
    assert_eq!(Reason::from_lossy("").as_str(), "unknown");
    assert!(Reason::new(Reason::from_lossy(&"é".repeat(500)).as_str()).is_ok());
    assert_eq!(Reason::new("overflow").unwrap(), Reason::OVERFLOW);
}

#[test]
fn the_table_has_six_legal_moves_and_no_way_out_of_a_final_state() {
    assert_eq!(OrderState::ALL, <OrderState as States>::ALL);
    let mut legal = Vec::new();
    for state in OrderState::ALL {
        assert_eq!(OrderState::parse(state.as_str()), Some(state));
        for action in Action::ALL {
            assert_eq!(Action::parse(action.as_str()), Some(action));
            if let Some(to) = state.after(action) {
                assert!(!state.is_final());
                legal.push((state.as_str(), action.as_str(), to.as_str()));
            }
        }
    }
    assert_eq!(
        legal,
        [
            ("pending", "process", "processing"),
            ("pending", "fail", "failed"),
            ("pending", "cancel", "cancelled"),
            ("processing", "confirm", "confirmed"),
            ("processing", "fail", "failed"),
            ("processing", "cancel", "cancelled"),
        ]
    );
}
