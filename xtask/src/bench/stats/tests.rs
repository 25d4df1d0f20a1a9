//! Small samples by hand.

use super::{median, percentile, quartile_distance};

#[track_caller]
fn check(actual: f64, expected: f64) {
    assert!((actual - expected).abs() < 1e-9, "{actual} instead of {expected}");
}

#[test]
fn the_median_is_in_the_middle_whatever_the_order() {
    check(median(&[3.0, 1.0, 2.0]), 2.0);
    check(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
    check(median(&[7.0]), 7.0);
    assert!(median(&[]).is_nan());
}

#[test]
fn the_quartile_distance_leaves_out_the_ends() {
    check(quartile_distance(&[1.0, 2.0, 3.0, 4.0, 100.0]), 2.0);
    check(quartile_distance(&[5.0, 5.0, 5.0]), 0.0);
}

#[test]
fn a_percentile_is_one_of_the_values() {
    let mut values: Vec<u64> = (1..=1000).rev().collect();
    assert_eq!(percentile(&mut values, 0.99), Some(990));
    assert_eq!(percentile(&mut values, 1.0), Some(1000));
    assert_eq!(percentile(&mut [5, 4], 0.01), Some(4));
    assert_eq!(percentile(&mut [], 0.99), None);
}
