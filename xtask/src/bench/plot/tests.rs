//! Where things stand on the picture.

use super::{Line, Mark, place, svg};

#[test]
fn the_scale_is_even_and_has_ends() {
    assert!((place(1.0) - (place(10.0) + place(0.1)) / 2.0).abs() < 1e-9);
    assert_eq!(place(f64::INFINITY), place(100.0));
    assert_eq!(place(0.0), place(0.01));
}

#[test]
fn others_have_a_mark_each_and_markup_is_text() {
    let marks = |ratios: &[(&'static str, f64)]| {
        ratios.iter().map(|&(contender, ratio)| Mark { contender, ratio }).collect()
    };
    let picture = svg(
        "a < b",
        "own",
        &[
            Line { what: "first".to_owned(), marks: marks(&[("own", 1.0), ("x", 2.0)]) },
            Line { what: "second".to_owned(), marks: marks(&[("own", 1.0), ("y", 0.5)]) },
        ],
    );
    // A legend and a mark for each of the two.
    assert_eq!(picture.matches("<circle").count(), 4);
    assert!(picture.contains("a &lt; b") && !picture.contains("a < b"));
}
