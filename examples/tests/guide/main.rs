//! The code of the guides, as it stands there.

mod atomic;
#[cfg(norace)]
mod beside;
mod channel;
#[cfg(norace)]
mod checking;
mod from_go;
mod mutex;

/// The guides and the files that hold their code.
const GUIDES: [(&str, &[&str]); 3] = [
    (include_str!("../../../docs/guide/checking.md"), &[include_str!("checking.rs")]),
    (
        include_str!("../../../docs/guide/which-when.md"),
        &[
            include_str!("mutex.rs"),
            include_str!("atomic.rs"),
            include_str!("channel.rs"),
            include_str!("beside.rs"),
        ],
    ),
    (
        include_str!("../../../docs/guide/from-go.md"),
        &[
            include_str!("from_go/close.rs"),
            include_str!("from_go/send.rs"),
            include_str!("from_go/forbid.rs"),
            include_str!("from_go/counter.rs"),
            include_str!("from_go/wait.rs"),
            include_str!("from_go/endless.rs"),
            include_str!("from_go/signal.rs"),
            include_str!("from_go/panics.rs"),
        ],
    ),
];

#[test]
fn every_piece_of_code_in_a_guide_is_run_here() {
    for (guide, files) in GUIDES {
        let mut pieces = guide.split("```rust\n").skip(1);
        for file in files {
            let code = file.split_once("\n\n").expect("a head and the code").1;
            let piece = pieces.next().and_then(|rest| rest.split("```").next());
            assert_eq!(piece, Some(code));
        }
        assert_eq!(pieces.next(), None, "a piece of code without a file");
    }
}
