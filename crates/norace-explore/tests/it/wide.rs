//! Atomics of 128 bits.

use std::sync::Arc;

use norace_explore::sync::atomic::{AtomicI128, AtomicU128, Ordering};
use norace_explore::{Mode, thread};

use crate::counts::exhaust;

const HIGH: u128 = 1 << 100;

static SHARED: AtomicU128 = AtomicU128::new(HIGH);

#[test]
fn outside_models_they_are_numbers() {
    let value = AtomicI128::new(-1);
    assert_eq!(value.fetch_add(3, Ordering::SeqCst), -1);
    assert_eq!(value.swap(7, Ordering::SeqCst), 2);
    assert_eq!(value.compare_exchange(7, 8, Ordering::SeqCst, Ordering::SeqCst), Ok(7));
    assert_eq!(value.compare_exchange_weak(7, 9, Ordering::SeqCst, Ordering::SeqCst), Err(8));
    assert_eq!(value.into_inner(), 8);
}

#[test]
fn every_order_of_additions_gives_the_sum() {
    for mode in [Mode::Sc, Mode::Rc11] {
        let report = exhaust(mode, &|| {
            let threads: Vec<_> = (0..3)
                .map(|_| thread::spawn(|| SHARED.fetch_add(HIGH, Ordering::Relaxed)))
                .collect();
            let seen: u128 = threads.into_iter().map(|thread| thread.join().unwrap() / HIGH).sum();
            assert_eq!(seen, 1 + 2 + 3);
            assert_eq!(SHARED.load(Ordering::Relaxed), 4 * HIGH);
        });
        assert!(report.findings.is_empty(), "{}", report.findings[0].finding);
        assert_eq!((report.executions, report.redundant), (6, 0));
    }
    assert_eq!(SHARED.load(Ordering::Relaxed), HIGH);
}

#[test]
fn an_exchange_compares_all_bits() {
    let report = exhaust(Mode::Rc11, &|| {
        let mut value = AtomicU128::new(HIGH + 1);
        let exchange =
            |from, to| value.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire);
        assert_eq!(exchange(1, 2), Err(HIGH + 1));
        assert_eq!(exchange(HIGH + 1, 2), Ok(HIGH + 1));
        assert_eq!(value.fetch_max(5, Ordering::Relaxed), 2);
        assert_eq!(format!("{value:?}"), "5");
        assert_eq!(*value.get_mut(), 5);
    });
    assert!(report.findings.is_empty(), "{}", report.findings[0].finding);
}

#[test]
fn a_version_beside_a_word_is_read_whole() {
    let report = exhaust(Mode::Rc11, &|| {
        let pair = Arc::new(AtomicU128::new(0));
        let other = pair.clone();
        let thread = thread::spawn(move || other.store(HIGH | 7, Ordering::Release));
        let seen = pair.load(Ordering::Acquire);
        assert!(seen == 0 || seen == HIGH | 7);
        thread.join().unwrap();
    });
    assert!(report.findings.is_empty());
    assert_eq!(report.executions, 2);
}
