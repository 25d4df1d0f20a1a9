//! How values of atomics are known to the engine: as words, and those that are too large by a number.

use crate::current;
use crate::engine::Wide;

/// A value of an atomic.
pub(super) trait Bits: Copy {
    fn encode(self, wide: &mut Wide) -> u64;
    fn decode(bits: u64) -> Self;
}

macro_rules! integer {
    ($($value:ty, $unsigned:ty;)*) => {$(
        impl Bits for $value {
            #[inline]
            fn encode(self, _wide: &mut Wide) -> u64 {
                u64::try_from(self as $unsigned).expect("at most 64 bits")
            }

            #[inline]
            fn decode(bits: u64) -> Self {
                bits as $value
            }
        }
    )*};
}

integer! {
    u8, u8;
    u16, u16;
    u32, u32;
    u64, u64;
    usize, usize;
    i8, u8;
    i16, u16;
    i32, u32;
    i64, u64;
    isize, usize;
}

impl Bits for bool {
    fn encode(self, _wide: &mut Wide) -> u64 {
        u64::from(self)
    }

    fn decode(bits: u64) -> Self {
        bits != 0
    }
}

/// Addresses are chosen by an allocator, which the checker does not control: the first one that an execution meets is
/// 1, the next one 2, whatever they are. Null is 0.
impl<T> Bits for *mut T {
    fn encode(self, wide: &mut Wide) -> u64 {
        encode_address(wide, self.expose_provenance())
    }

    fn decode(bits: u64) -> Self {
        let Some(number) = bits.checked_sub(1) else { return std::ptr::null_mut() };
        let address = current::with(|engine| engine.wide.value(number));
        let address = address.expect("numbers are only met in models");
        std::ptr::with_exposed_provenance_mut(usize::try_from(address).expect("an address"))
    }
}

fn encode_address(wide: &mut Wide, address: usize) -> u64 {
    match address {
        0 => 0,
        address => wide.number(address as u128) + 1,
    }
}

/// The pointer that `change` makes of the address of one and another number that is encoded as one.
pub(super) fn change_address(
    wide: &mut Wide,
    old: u64,
    operand: u64,
    change: fn(usize, usize) -> usize,
) -> u64 {
    let [address, operand] = [old, operand].map(|bits| {
        let value = bits.checked_sub(1).map_or(0, |number| wide.value(number));
        usize::try_from(value).expect("an address")
    });
    encode_address(wide, change(address, operand))
}

impl Bits for u128 {
    fn encode(self, wide: &mut Wide) -> u64 {
        wide.number(self)
    }

    fn decode(bits: u64) -> Self {
        current::with(|engine| engine.wide.value(bits)).expect("numbers are only met in models")
    }
}

impl Bits for i128 {
    fn encode(self, wide: &mut Wide) -> u64 {
        wide.number(self as u128)
    }

    fn decode(bits: u64) -> Self {
        <u128 as Bits>::decode(bits) as Self
    }
}
