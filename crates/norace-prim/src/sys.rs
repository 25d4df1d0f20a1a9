//! Facts about the machine.

/// How many threads can run at once; at least 1.
pub fn cpu_count() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}
