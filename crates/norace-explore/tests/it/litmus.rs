//! Classic litmus tests with their numbers of consistent executions.
//!
//! Each row: name, number under RC11, number under sequential consistency, and the threads. `Wx1` stores 1 to x, `Rx`
//! loads it, `Ax` adds 1, `Cx12` exchanges 1 for 2, `F` is a fence; orderings are `.rel .acq .ar .sc`, else Relaxed.
//! Where GenMC publishes a number it is the one in the table; every row is also checked against the axioms.

use norace_explore::Mode;
use norace_explore::sync::atomic::Ordering::{self, AcqRel, Acquire, Relaxed, Release, SeqCst};

use crate::axioms;
use crate::program::{Op, Program, explore};

const TWO_THREADS: &str = "
SB              4 3  Wx1 Ry         | Wy1 Rx
SB+rel+acq      4 3  Wx1.rel Ry.acq | Wy1.rel Rx.acq
SB+scs          3 3  Wx1.sc Ry.sc   | Wy1.sc Rx.sc
SB+sc+acq       4 3  Wx1.sc Ry.acq  | Wy1.sc Rx.sc
SB+fences       3 3  Wx1 F.sc Ry    | Wy1 F.sc Rx
SB+fence        4 3  Wx1 F.sc Ry    | Wy1 Rx
SB+fence+scs    3 3  Wx1 F.sc Ry    | Wy1.sc Rx.sc
MP+rlx          4 3  Wx1 Wy1        | Ry Rx
MP              3 3  Wx1 Wy1.rel    | Ry.acq Rx
MP+rel          4 3  Wx1 Wy1.rel    | Ry Rx
MP+acq          4 3  Wx1 Wy1        | Ry.acq Rx
MP+fences       3 3  Wx1 F.rel Wy1  | Ry F.acq Rx
LB              3 3  Rx Wy1         | Ry Wx1
LB+acq+rel      3 3  Rx.acq Wy1.rel | Ry.acq Wx1.rel
2+2W            4 3  Wx1 Wy2        | Wy1 Wx2
2+2W+rels       4 3  Wx1.rel Wy2.rel| Wy1.rel Wx2.rel
2+2W+scs        3 3  Wx1.sc Wy2.sc  | Wy1.sc Wx2.sc
CoRR            6 6  Wx1 Wx2        | Rx Rx
CoWR            3 3  Wx1 Rx         | Wx2
CoRW            3 3  Rx Wx1         | Wx2
R               4 3  Wx1 Wy1        | Wy2 Rx
R+scs           3 3  Wx1.sc Wy1.sc  | Wy2.sc Rx.sc
R+fences        3 3  Wx1 F.sc Wy1   | Wy2 F.sc Rx
S               4 3  Wx2 Wy1        | Ry Wx1
S+rel+acq       3 3  Wx2 Wy1.rel    | Ry.acq Wx1
";

const MANY_THREADS: &str = "
IRIW            16 15  Wx1     | Wy1     | Rx Ry         | Ry Rx
IRIW+rel+acq    16 15  Wx1.rel | Wy1.rel | Rx.acq Ry.acq | Ry.acq Rx.acq
IRIW-acq-sc     16 15  Wx1.sc  | Wy1.sc  | Rx.acq Ry.sc  | Ry.acq Rx.sc
IRIW+scs        15 15  Wx1.sc  | Wy1.sc  | Rx.sc Ry.sc   | Ry.sc Rx.sc
IRIW+fences     15 15  Wx1     | Wy1     | Rx F.sc Ry    | Ry F.sc Rx
WRC             7 7    Wx1 | Rx.acq Wy1.rel | Ry.acq Rx
WRC+rlx         8 7    Wx1 | Rx Wy1 | Ry Rx
ISA2            7 7    Wx1 Wy1.rel | Ry.acq Wz1.rel | Rz.acq Rx
ISA2+rlx        8 7    Wx1 Wy1 | Ry Wz1 | Rz Rx
RWC             8 7    Wx1 | Rx Ry | Wy1 Rx
RWC+syncs       7 7    Wx1 | Rx F.sc Ry | Wy1 F.sc Rx
W+RWC+rlx       8 7    Wx1 Wz1.rel | Rz.acq Ry | Wy1 Rx
W+RWC           7 7    Wx1 Wz1.rel | Rz.acq F.sc Ry | Wy1 F.sc Rx
Z6              8 7    Wx1 Wy1 | Wy2 Wz1 | Rz Rx
Z6+rel+acq      8 7    Wx1 Wy1.rel | Wy2 Wz1.rel | Rz.acq Rx
Z6+scs          7 7    Wx1.sc Wy1.sc | Wy2.sc Wz1.sc | Rz.sc Rx.sc
";

const READ_MODIFY_WRITES: &str = "
FAI-2           2 2    Ax | Ax
FAI-3           6 6    Ax | Ax | Ax
FAI-4           24 24  Ax | Ax | Ax | Ax
FAI-chain       6 6    Ax Ax | Ax Ax
CAS-2           2 2    Cx01 | Cx02
CAS-3           4 4    Cx01 | Cx02 | Rx
CAS-turns       3 3    Cx01 Cx12 | Rx
RMW+store       3 3    Ax Rx | Wx7
release-chain   9 9    Wx1 Wy1.rel | Ay | Ry.acq Rx
SB+exchanges    4 3    Ax.ar Ry.acq | Ay.ar Rx.acq
SB+exchanges-sc 3 3    Ax.sc Ry.sc | Ay.sc Rx.sc
";

fn op(text: &str) -> Op {
    let (what, order) = text.split_once('.').unwrap_or((text, ""));
    let order: Ordering = match order {
        "" => Relaxed,
        "rel" => Release,
        "acq" => Acquire,
        "ar" => AcqRel,
        "sc" => SeqCst,
        _ => panic!("{text}"),
    };
    let mut letters = what.chars();
    let kind = letters.next().unwrap();
    if kind == 'F' {
        return Op::Fence(order);
    }
    let at = "xyz".find(letters.next().unwrap()).unwrap();
    let mut value = || letters.next().unwrap().to_digit(10).unwrap();
    match kind {
        'W' => Op::Store(at, value(), order),
        'R' => Op::Load(at, order),
        'A' => Op::Add(at, order),
        'C' => Op::Cas(at, value(), value(), order),
        _ => panic!("{text}"),
    }
}

fn check(table: &str) {
    let mut wrong = Vec::new();
    for row in table.lines().filter(|row| !row.is_empty()) {
        let mut fields = row.split_whitespace();
        let name = fields.next().unwrap();
        let counts: [u64; 2] = std::array::from_fn(|_| fields.next().unwrap().parse().unwrap());
        let program = fields.collect::<Vec<_>>().join(" ");
        let thread = |text: &str| text.split_whitespace().map(op).collect::<Vec<_>>();
        let program: Program = program.split('|').map(thread).collect();
        for (mode, expected) in [Mode::Rc11, Mode::Sc].into_iter().zip(counts) {
            let explored = explore(&program, mode);
            assert_eq!(explored.graphs, axioms::enumerate(&program, mode), "{name} {mode:?}");
            let executions = explored.report.executions;
            if executions != expected {
                wrong.push(format!("{name} {mode:?}: {executions}, not {expected}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn two_threads_have_their_known_counts() {
    check(TWO_THREADS);
}

#[test]
fn many_threads_have_their_known_counts() {
    check(MANY_THREADS);
}

#[test]
fn read_modify_writes_have_their_known_counts() {
    check(READ_MODIFY_WRITES);
}
