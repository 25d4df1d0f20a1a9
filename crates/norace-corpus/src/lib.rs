//! Known concurrency bugs as models of the kit, each with its fix: what the checker's recall, and its silence, are
//! measured with.
//!
//! - [`goker`]: 62 kernels of GoKer (Yuan et al., "GoBench", CGO 2021), written anew from the descriptions of the bugs
//!   and from their upstream fixes.
//! - [`rust`]: bugs that crates for Rust had, each as the smallest protocol with the same defect.
//! - [`idioms`]: publication, locks, sharing and waiting, each right and with the usual mistake.
//! - [`races`]: small programs with and without a race, after the suite of Go's race detector.
//! - [`limits`]: programs of which the checker is known to say something that is not true.
//!
//! Built as usual these are programs that may hang or go wrong; they are meant to be explored: see
//! `cargo norace check -p norace-corpus`.

pub mod case;
pub mod go;
pub mod goker;
pub mod idioms;
pub mod limits;
pub mod races;
pub mod rust;

/// Bugs of one origin.
#[derive(Clone, Copy, Debug)]
pub struct Corpus {
    /// What the origin is called.
    pub name: &'static str,
    /// The bugs, each with its fix.
    pub cases: &'static [case::Case],
}

/// All bugs with a fix.
pub const CORPORA: &[Corpus] = &[
    Corpus { name: "goker", cases: goker::KERNELS },
    Corpus { name: "rust", cases: rust::BUGS },
    Corpus { name: "idioms: publication", cases: idioms::PUBLICATION },
    Corpus { name: "idioms: locks", cases: idioms::LOCKS },
    Corpus { name: "idioms: sharing", cases: idioms::SHARING },
    Corpus { name: "idioms: waiting", cases: idioms::WAITING },
];
