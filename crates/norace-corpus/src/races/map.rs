//! Maps: one cell around all of it, so that every change is a write and every look a read.

use norace_check::RaceCell;
use norace_prim::thread::scope;
use std::collections::BTreeMap;

races! {
    racy map_rw,
    racy map_rw_2,
    racy map_rw_array,
    free no_race_map_rr,
    racy map_range,
    racy map_range_2,
    free no_race_map_range_range,
    racy map_len,
    racy map_delete,
    racy map_len_delete,
    racy map_variable,
    racy map_variable_2,
    racy map_variable_3,
    racy map_lookup_part_key,
    racy map_lookup_part_key_2,
    racy map_delete_part_key,
    racy map_insert_part_key,
    racy map_insert_part_val,
    racy map_access_part_val,
    racy map_assign_multiple_return,
    free no_race_map_two,
}

/// A map in a variable.
type Map<K, V> = RaceCell<BTreeMap<K, V>>;

fn map<K, V>() -> Map<K, V> {
    RaceCell::named("m", BTreeMap::new())
}

/// Does both at once.
fn both<A: Send, B>(one: impl FnOnce() -> A + Send, other: impl FnOnce() -> B) {
    scope(|s| {
        s.spawn(one);
        other();
    });
}

/// None: a lookup beside an insertion.
fn map_rw() {
    let m = map::<i32, i32>();
    both(|| m.with(|m| m.get(&1).copied()), || m.with_mut(|m| m.insert(1, 1)));
}

/// None: a question beside an insertion.
fn map_rw_2() {
    let m = map::<i32, i32>();
    both(|| m.with(|m| m.contains_key(&1)), || m.with_mut(|m| m.insert(1, 1)));
}

/// None: part of a value looked up beside the insertion of another one.
fn map_rw_array() {
    let m = map::<i32, [i32; 2]>();
    both(|| m.with(|m| m.get(&1).map(|pair| pair[1])), || m.with_mut(|m| m.insert(2, [1, 2])));
}

/// Two lookups need no order.
fn no_race_map_rr() {
    let m = map::<i32, i32>();
    both(|| m.with(|m| m.contains_key(&1)), || m.with(|m| m.get(&1).copied()));
}

/// None: a loop beside an insertion.
fn map_range() {
    let m = map::<i32, i32>();
    both(|| m.with(|m| m.iter().count()), || m.with_mut(|m| m.insert(1, 1)));
}

/// None: a loop over the keys beside an insertion.
fn map_range_2() {
    let m = map::<i32, i32>();
    both(|| m.with(|m| m.keys().count()), || m.with_mut(|m| m.insert(1, 1)));
}

/// Two loops need no order.
fn no_race_map_range_range() {
    let m = map::<i32, i32>();
    m.with_mut(|m| m.insert(0, 0));
    both(|| m.with(|m| m.iter().count()), || m.with(|m| m.iter().count()));
}

/// None: the length is looked at beside an insertion.
fn map_len() {
    let m = map::<&str, bool>();
    both(|| m.with(BTreeMap::len), || m.with_mut(|m| m.insert("", true)));
}

/// None: a removal of what is not there beside its insertion.
fn map_delete() {
    let m = map::<&str, bool>();
    both(|| m.with_mut(|m| m.remove("")), || m.with_mut(|m| m.insert("", true)));
}

/// None: a removal of what is not there is a change, too.
fn map_len_delete() {
    let m = map::<&str, bool>();
    both(|| m.with_mut(|m| m.remove("a")), || m.with(BTreeMap::len));
}

/// None: two new maps in one variable.
fn map_variable() {
    let m = map::<i32, i32>();
    both(|| m.set(BTreeMap::new()), || m.set(BTreeMap::new()));
}

/// None: an insertion beside a new map in the variable.
fn map_variable_2() {
    let m = map::<i32, i32>();
    both(|| m.with_mut(|m| m.insert(1, 1)), || m.set(BTreeMap::new()));
}

/// None: a lookup beside a new map in the variable.
fn map_variable_3() {
    let m = map::<i32, i32>();
    both(|| m.with(|m| m.get(&1).copied()), || m.set(BTreeMap::new()));
}

/// A key or value of several parts, of which one changes.
type Big = RaceCell<[i32; 17]>;

fn big() -> Big {
    RaceCell::named("big", [0; 17])
}

fn change_part(big: &Big) {
    big.with_mut(|big| big[8] = 1);
}

/// None: the key changes while it is looked up.
fn map_lookup_part_key() {
    let (key, m) = (big(), map::<[i32; 17], bool>());
    both(|| change_part(&key), || m.with(|m| m.get(&key.get()).copied()));
}

/// None: the key changes while it is asked for.
fn map_lookup_part_key_2() {
    let (key, m) = (big(), map::<[i32; 17], bool>());
    both(|| change_part(&key), || m.with(|m| m.contains_key(&key.get())));
}

/// None: the key changes while it is removed.
fn map_delete_part_key() {
    let (key, m) = (big(), map::<[i32; 17], bool>());
    both(|| change_part(&key), || m.with_mut(|m| m.remove(&key.get())));
}

/// None: the key changes while it is inserted.
fn map_insert_part_key() {
    let (key, m) = (big(), map::<[i32; 17], bool>());
    both(|| change_part(&key), || m.with_mut(|m| m.insert(key.get(), true)));
}

/// None: the value changes while it is inserted.
fn map_insert_part_val() {
    let (value, m) = (big(), map::<i32, [i32; 17]>());
    both(|| change_part(&value), || m.with_mut(|m| m.insert(1, value.get())));
}

/// None: a part of the variable is set while what was looked up is put there.
fn map_access_part_val() {
    let (value, m) = (big(), map::<i32, [i32; 17]>());
    both(|| change_part(&value), || value.set(m.with(|m| m.get(&1).copied()).unwrap_or([0; 17])));
}

/// None: an element in the map is set beside a look at it.
fn map_assign_multiple_return() {
    let m = map::<i32, RaceCell<i32>>();
    m.with_mut(|m| m.insert(1, RaceCell::named("element", 0)));
    both(|| m.with(|m| m[&1].set(42)), || m.with(|m| m[&1].get()));
}

/// Two elements in the map are two variables.
fn no_race_map_two() {
    let m = map::<i32, RaceCell<i32>>();
    for key in 0..2 {
        m.with_mut(|m| m.insert(key, RaceCell::named("element", 0)));
    }
    both(|| m.with(|m| m[&0].set(42)), || m.with(|m| m[&1].set(42)));
}
