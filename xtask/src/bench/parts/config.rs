//! Values that many read and few replace.

use super::Part;
use crate::bench::{
    NORACE,
    tasks::{Contender, task},
};

const OWN: Contender = (NORACE, "norace");
const ARC_SWAP: Contender = ("arc-swap", "arc-swap");
const HOLDERS: &[Contender] = &[
    OWN,
    ARC_SWAP,
    ("std RwLock of Arc", "rwlock"),
    ("std Mutex of Arc", "mutex"),
    ("parking_lot RwLock of Arc", "parking-lot"),
    ("tokio watch", "watch"),
];

pub(in crate::bench) const CONFIG: Part = Part {
    name: "config",
    head: "\
# Hot configuration benchmark

Each contender does the same task in a process of its own, in turns; the programs are in
[crates/norace-bench/parts](../../crates/norace-bench/parts/src/config.rs). The times are those of one read, in which
the value is looked at.

",
    peers: &["arc-swap", "parking_lot", "tokio"],
    tasks: &[
        task("load, one thread", "load:1:0", HOLDERS),
        task("load, 2 threads", "load:2:0", HOLDERS),
        task("load, one thread beside 10 writes a second", "load:1:10", HOLDERS),
        task("load, one thread beside 1,000 writes a second", "load:1:1000", HOLDERS),
        task("cached reader, one thread", "cached:1:0", &[OWN, ARC_SWAP]),
        task("cached reader, 2 threads", "cached:2:0", &[OWN, ARC_SWAP]),
        task("cached reader beside 1,000 writes a second", "cached:1:1000", &[OWN, ARC_SWAP]),
    ],
};
