//! Settings that several people change at once.

use super::{LiveSettings, Settings};
use crate::keys::Keys;
use norace_prim::thread;

/// One key, of the holder number `n`.
fn keys(n: u64) -> Keys {
    let table = serde_json::json!({"holder": {"scope": "admin", "sha256": [format!("{n:064x}")]}});
    serde_json::from_value(table).unwrap()
}

#[test]
fn a_call_keeps_the_keys_of_the_version_it_replaces_whatever_version_it_names() {
    const CHANGES: u64 = 8_000;
    let live = LiveSettings::new(Settings::default().with_keys(keys(0))).unwrap();
    let file = live.clone();
    let file = thread::spawn(move || {
        let change = |n| (file.hot().publish(Settings::default().with_keys(keys(n))).unwrap(), n);
        (1..=CHANGES).map(change).collect::<Vec<_>>()
    });
    let mut replaced = Vec::new();
    while !file.is_finished() {
        // The version that is about to come.
        let expected = live.hot().snapshot().version() + 1;
        if let Ok(new) = live.replace(Some(expected), Settings::default()) {
            replaced.push((new.version(), new.keys.clone()));
        }
        let Ok(new) = live.replace(None, Settings::default()) else { continue };
        replaced.push((new.version(), new.keys.clone()));
    }
    let changed = file.join().unwrap();
    for (version, kept) in replaced {
        let before = changed.iter().rev().find(|(at, _)| *at < version);
        assert_eq!(kept, keys(before.map_or(0, |(_, n)| *n)), "version {version}");
    }
}
