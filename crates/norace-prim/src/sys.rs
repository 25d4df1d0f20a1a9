//! Facts about the machine.

/// How many threads can run at once; at least 1, and 2 inside a model.
pub fn cpu_count() -> usize {
    #[cfg(norace)]
    if norace_explore::in_model() {
        return 2;
    }
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}
