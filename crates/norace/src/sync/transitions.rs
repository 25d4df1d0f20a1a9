//! The table of a state machine: which state may follow which.

use std::fmt;

/// The most states.
const STATES_MAX: usize = 64;

/// The states of a [`StateMachine`](super::StateMachine) and the moves between them; [`states!`](crate::states) writes
/// it.
///
/// For an enum that exists already:
///
/// ```
/// use norace::sync::{States, Transitions};
///
/// #[derive(Clone, Copy, Debug, PartialEq, Eq)]
/// enum Door {
///     Open,
///     Closed,
/// }
///
/// impl States for Door {
///     const ALL: &'static [Self] = &[Self::Open, Self::Closed];
///     const TRANSITIONS: &'static Transitions =
///         &Transitions::new(&[&[Self::Closed as usize], &[Self::Open as usize]]);
///
///     fn index(self) -> usize {
///         self as usize
///     }
/// }
/// assert!(Door::Open.may_become(Door::Closed));
/// ```
pub trait States: Copy + Eq + fmt::Debug + 'static {
    /// All states, each at its index.
    const ALL: &'static [Self];

    /// By index, the moves.
    const TRANSITIONS: &'static Transitions;

    /// The place of this state in [`ALL`](Self::ALL).
    fn index(self) -> usize;

    /// Whether a machine in this state may move to `to`.
    fn may_become(self, to: Self) -> bool {
        Self::TRANSITIONS.allows(self.index(), to.index())
    }

    /// Whether some moves, at least one, lead from this state to `to`.
    fn leads_to(self, to: Self) -> bool {
        Self::TRANSITIONS.leads(self.index(), to.index())
    }

    /// Whether no move leads out of this state.
    fn is_final(self) -> bool {
        Self::TRANSITIONS.is_final(self.index())
    }
}

/// A table of moves, made and checked when the program is compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transitions {
    count: usize,
    /// By state, a bit for each state that may follow.
    next: [u64; STATES_MAX],
    /// By state, a bit for each state that may follow sooner or later.
    later: [u64; STATES_MAX],
}

impl Transitions {
    /// The table in which row `n` names the states that may follow state `n`.
    ///
    /// # Panics
    ///
    /// When there are more than 64 states, or a row names a state twice or one that does not exist; in a constant this
    /// is an error of the compiler.
    ///
    /// ```compile_fail
    /// # use norace::sync::Transitions;
    /// const TABLE: Transitions = Transitions::new(&[&[1], &[2]]); // There is no state 2.
    /// # fn main() { let _ = TABLE; }
    /// ```
    pub const fn new(rows: &[&[usize]]) -> Self {
        assert!(rows.len() <= STATES_MAX, "a state machine of more than 64 states");
        let mut next = [0_u64; STATES_MAX];
        let mut from = 0;
        while from < rows.len() {
            let mut place = 0;
            while place < rows[from].len() {
                let to = rows[from][place];
                assert!(to < rows.len(), "a move to a state that does not exist");
                assert!(next[from] & 1 << to == 0, "a move that is named twice");
                next[from] |= 1 << to;
                place += 1;
            }
            from += 1;
        }
        Self { count: rows.len(), next, later: closure(next, rows.len()) }
    }

    /// How many states there are.
    pub const fn states(&self) -> usize {
        self.count
    }

    /// Whether state `to` may follow state `from`.
    pub const fn allows(&self, from: usize, to: usize) -> bool {
        self.next[from] >> to & 1 == 1
    }

    /// Whether no state may follow state `from`.
    pub const fn is_final(&self, from: usize) -> bool {
        self.next[from] == 0
    }

    /// Whether state `to` may follow state `from` sooner or later.
    pub const fn leads(&self, from: usize, to: usize) -> bool {
        self.later[from] >> to & 1 == 1
    }
}

/// Warshall's transitive closure of the first `count` rows.
const fn closure(mut rows: [u64; STATES_MAX], count: usize) -> [u64; STATES_MAX] {
    let mut through = 0;
    while through < count {
        let mut from = 0;
        while from < count {
            if rows[from] >> through & 1 == 1 {
                rows[from] |= rows[through];
            }
            from += 1;
        }
        through += 1;
    }
    rows
}

/// Declares an enum of states, each with those that may follow it, and makes it [`States`](crate::sync::States).
///
/// It derives `Clone`, `Copy`, `Debug`, `PartialEq`, `Eq` and `Hash`. A state that does not exist, or is named twice in
/// a row, does not compile.
///
/// ```
/// use norace::sync::States;
/// norace::states! {
///     /// The life of a door.
///     pub enum Door {
///         Open => [Closed],
///         Closed => [Open, Locked],
///         /// For good.
///         Locked => [],
///     }
/// }
/// assert!(Door::Open.leads_to(Door::Locked) && !Door::Open.may_become(Door::Locked));
/// assert!(Door::Locked.is_final());
/// ```
/// ```compile_fail
/// norace::states! {
///     enum Door {
///         Open => [Closed],
///     }
/// }
/// ```
/// ```compile_fail
/// norace::states! {
///     enum Door {
///         Open => [Closed, Closed],
///         Closed => [Open],
///     }
/// }
/// ```
#[macro_export]
macro_rules! states {
    (
        $(#[$attribute:meta])*
        $visibility:vis enum $name:ident {
            $($(#[$inner:meta])* $state:ident => [$($to:ident),* $(,)?]),+ $(,)?
        }
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        $visibility enum $name {
            $($(#[$inner])* $state,)+
        }

        impl $crate::sync::States for $name {
            const ALL: &'static [Self] = &[$(Self::$state),+];
            const TRANSITIONS: &'static $crate::sync::Transitions =
                &$crate::sync::Transitions::new(&[$(&[$(Self::$to as usize),*]),+]);

            fn index(self) -> usize {
                self as usize
            }
        }

        // Makes the compiler look at the table, used or not.
        const _: &$crate::sync::Transitions = <$name as $crate::sync::States>::TRANSITIONS;
    };
}
