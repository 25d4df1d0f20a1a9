//! Names of models.

use super::{of_test, of_type, test_of};

#[test]
fn a_closure_is_named_by_its_function() {
    assert_eq!(of_type("shop::tests::two_buyers::{{closure}}"), "tests::two_buyers");
    assert_eq!(of_type("shop::f::{{closure}}::{{closure}}"), "f");
    assert_eq!(of_type("shop::tests::buy::buy"), "tests::buy");
    assert_eq!(of_type("fn"), "fn");
}

#[test]
fn a_second_model_of_a_test_gets_a_number() {
    let own = "identity::tests::a_second_model_of_a_test_gets_a_number";
    assert_eq!(of_test("a::b"), own);
    assert_eq!(of_test("a::b"), format!("{own}#2"));
    assert_eq!(test_of(&format!("{own}#2")), own);
    assert_eq!(test_of(own), own);
}
