//! What fits into a word.

/// A value that is one word and nothing else: what a [`Versioned`](super::Versioned) keeps beside its version in one
/// atomic.
///
/// It is there for numbers, `bool` and `char`; implement it for a type of your own that packs into 64 bits.
///
/// ```
/// use norace::sync::{Versioned, Word};
///
/// #[derive(Clone, Copy, Debug, PartialEq)]
/// struct Seats {
///     free: u32,
///     reserved: u32,
/// }
///
/// impl Word for Seats {
///     fn into_word(self) -> u64 {
///         u64::from(self.free) << 32 | u64::from(self.reserved)
///     }
///
///     fn from_word(word: u64) -> Self {
///         Self { free: (word >> 32) as u32, reserved: word as u32 }
///     }
/// }
///
/// let seats = Versioned::new(Seats { free: 2, reserved: 0 });
/// let (now, _) = seats.update(|s| Seats { free: s.free - 1, reserved: s.reserved + 1 });
/// assert_eq!(now, Seats { free: 1, reserved: 1 });
/// ```
pub trait Word: Copy {
    /// The value as a word.
    fn into_word(self) -> u64;

    /// The value that [`into_word`](Self::into_word) made this word of. It is called with such words only.
    fn from_word(word: u64) -> Self;
}

macro_rules! number {
    ($($number:ty),*) => {$(
        impl Word for $number {
            #[inline]
            fn into_word(self) -> u64 {
                self as u64
            }

            #[inline]
            fn from_word(word: u64) -> Self {
                word as Self
            }
        }
    )*};
}

number!(u8, u16, u32, u64, usize, i8, i16, i32, i64, isize);

impl Word for bool {
    fn into_word(self) -> u64 {
        u64::from(self)
    }

    fn from_word(word: u64) -> Self {
        word != 0
    }
}

impl Word for char {
    fn into_word(self) -> u64 {
        u64::from(self)
    }

    fn from_word(word: u64) -> Self {
        u32::try_from(word).ok().and_then(Self::from_u32).unwrap_or_default()
    }
}

impl Word for f64 {
    fn into_word(self) -> u64 {
        self.to_bits()
    }

    fn from_word(word: u64) -> Self {
        Self::from_bits(word)
    }
}
