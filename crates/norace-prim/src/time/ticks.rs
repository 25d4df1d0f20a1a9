//! The processor's tick counter: what clocks are made of, without a conversion, at a third of a clock's cost.
//!
//! Under `--cfg norace` there is none, so that all time in models is the checker's; nor elsewhere than on x86-64.

#[cfg(all(target_arch = "x86_64", not(norace), not(miri)))]
use std::arch::x86_64::{__cpuid, _rdtsc};

/// The counter of this processor: some thousand million ticks a second from a moment nobody knows.
///
/// It says something only where [`ticks_are_steady`] does, and there not everything: processors may differ by what it
/// takes to send a message between them, the next instruction may read it before the one before is done, and a virtual
/// machine that moves to another host may find another counter. A user compares it with [`Instant`](super::Instant)
/// again and again.
#[cfg(all(target_arch = "x86_64", not(norace), not(miri)))]
#[inline(always)]
#[expect(unsafe_code, reason = "an instruction of the processor")]
pub fn ticks() -> u64 {
    // SAFETY: every processor of this architecture has the instruction.
    unsafe { _rdtsc() }
}

/// Whether [`ticks`] counts at one rate whatever the processor does: as fast when it saves power, on when it sleeps.
///
/// It asks the processor (`CPUID.80000007H:EDX[8]`, "invariant TSC"), which takes some microseconds in a virtual
/// machine.
#[cfg(all(target_arch = "x86_64", not(norace), not(miri)))]
pub fn ticks_are_steady() -> bool {
    const POWER: u32 = 0x8000_0007;
    __cpuid(0x8000_0000).eax >= POWER && __cpuid(POWER).edx >> 8 & 1 == 1
}

/// Always 0: there is no counter here.
#[cfg(not(all(target_arch = "x86_64", not(norace), not(miri))))]
#[inline(always)]
pub fn ticks() -> u64 {
    0
}

/// Never: there is no counter here.
#[cfg(not(all(target_arch = "x86_64", not(norace), not(miri))))]
pub fn ticks_are_steady() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::{ticks, ticks_are_steady};

    #[test]
    fn a_steady_counter_counts() {
        if ticks_are_steady() {
            let before = ticks();
            while ticks() == before {}
        } else if cfg!(any(norace, miri, not(target_arch = "x86_64"))) {
            assert_eq!(ticks(), 0);
        }
    }
}
