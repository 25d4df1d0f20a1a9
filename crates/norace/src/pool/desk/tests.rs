//! The memory of licences.

use super::Desk;

#[test]
fn records_of_a_burst_go_with_its_objects_whichever_stay() {
    let mut desk = Desk::<()>::new(10_000);
    let mut licences: Vec<_> = std::iter::from_fn(|| desk.license()).collect();
    assert_eq!(licences.len(), 10_000);
    let last = licences.pop().expect("there are many");
    let first = licences.swap_remove(0);
    licences.iter().for_each(|licence| desk.revoke(licence));
    assert_eq!(desk.alive(), 2);
    assert!(desk.records.capacity() <= 64);
    desk.revoke(&last);
    desk.revoke(&first);
    assert_eq!(desk.alive(), 0);
}
