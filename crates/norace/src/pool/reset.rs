//! What an object has to be able to do to be used again.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, VecDeque};
use std::mem::size_of;

/// Buffers whose memory is more than this are not kept by the implementations here: a few giants would pin it for all.
const KEEP_BYTES: usize = 1 << 20;

/// An object that can be made as good as new.
///
/// The pool calls [`reset`](Self::reset) when an object comes back, so that what lies idle holds nothing of its last
/// user, and then asks [`keep`](Self::keep) whether it is worth keeping.
///
/// ```
/// use norace::pool::Reset;
///
/// #[derive(Default, PartialEq)]
/// struct Request {
///     user: Option<u64>,
///     body: Vec<u8>,
/// }
///
/// impl Reset for Request {
///     fn reset(&mut self) {
///         self.user = None;
///         self.body.clear();
///     }
///
///     fn keep(&self) -> bool {
///         self.body.capacity() <= 64 << 10
///     }
///
///     // Says so in the first test when somebody adds a field and forgets the lines above.
///     fn is_fresh(&self) -> bool {
///         *self == Self::default()
///     }
/// }
/// ```
pub trait Reset {
    /// Takes away all that the last user left, whatever state that is; keeps the memory.
    ///
    /// # Panics
    ///
    /// A panic costs the pool this object; it goes on to who returned it.
    fn reset(&mut self);

    /// Whether the object is worth keeping: not when it holds more memory than the next user is likely to need.
    ///
    /// [`Builder::keep`](super::Builder::keep) asks another question instead.
    fn keep(&self) -> bool {
        true
    }

    /// Whether nothing is left of the last user.
    ///
    /// Asked after each reset, in builds with debug assertions and under the checker; an object that is not fresh is a
    /// panic where it was returned.
    fn is_fresh(&self) -> bool {
        true
    }

    /// Overwrites memory that a reset keeps and that nobody may read before writing it.
    ///
    /// Called after each reset in models only: what reads it nevertheless then reads what nobody ever wrote. For an
    /// object that keeps bytes behind a length of its own.
    fn poison(&mut self) {}
}

/// Whether `count` things of type `T` are little enough memory to keep.
fn is_small<T>(count: usize) -> bool {
    count.saturating_mul(size_of::<T>()) <= KEEP_BYTES
}

macro_rules! cleared {
    ($($collection:ident<$($parameter:ident),*> as $item:ty $(, $capacity:ident)?;)*) => {$(
        /// Emptied; kept up to a memory of 1 MiB, as far as its capacity tells.
        impl<$($parameter),*> Reset for $collection<$($parameter),*> {
            fn reset(&mut self) {
                self.clear();
            }

            $(fn keep(&self) -> bool {
                is_small::<$item>(self.$capacity())
            })?

            fn is_fresh(&self) -> bool {
                self.is_empty()
            }
        }
    )*};
}

cleared! {
    Vec<T> as T, capacity;
    VecDeque<T> as T, capacity;
    BinaryHeap<T> as T, capacity;
    BTreeMap<K, V> as (K, V);
    BTreeSet<T> as T;
}

/// Emptied; kept up to a memory of 1 MiB.
impl Reset for String {
    fn reset(&mut self) {
        self.clear();
    }

    fn keep(&self) -> bool {
        is_small::<u8>(self.capacity())
    }

    fn is_fresh(&self) -> bool {
        self.is_empty()
    }
}

/// Emptied; kept up to a memory of about 1 MiB.
impl<K, V, S> Reset for HashMap<K, V, S> {
    fn reset(&mut self) {
        self.clear();
    }

    fn keep(&self) -> bool {
        is_small::<(K, V)>(self.capacity())
    }

    fn is_fresh(&self) -> bool {
        self.is_empty()
    }
}

/// Emptied; kept up to a memory of about 1 MiB.
impl<T, S> Reset for HashSet<T, S> {
    fn reset(&mut self) {
        self.clear();
    }

    fn keep(&self) -> bool {
        is_small::<T>(self.capacity())
    }

    fn is_fresh(&self) -> bool {
        self.is_empty()
    }
}

/// All of it set to the default.
impl<T: Default + PartialEq, const N: usize> Reset for [T; N] {
    fn reset(&mut self) {
        self.fill_with(T::default);
    }

    fn is_fresh(&self) -> bool {
        self.iter().all(|item| *item == T::default())
    }
}

/// Set to nothing.
impl<T> Reset for Option<T> {
    fn reset(&mut self) {
        *self = None;
    }

    fn is_fresh(&self) -> bool {
        self.is_none()
    }
}

/// As what is in it.
impl<T: Reset + ?Sized> Reset for Box<T> {
    fn reset(&mut self) {
        (**self).reset();
    }

    fn keep(&self) -> bool {
        (**self).keep()
    }

    fn is_fresh(&self) -> bool {
        (**self).is_fresh()
    }

    fn poison(&mut self) {
        (**self).poison();
    }
}
