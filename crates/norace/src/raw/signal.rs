//! Signal handlers.
//!
//! A handler may interrupt any instruction of any thread, so it only does what POSIX allows there: it marks the
//! signal as pending and writes one byte to a socket, without blocking, for a thread that reads the other end. The
//! mark comes first: when the socket is full the byte is lost, but then the reader has bytes to come, and looks at
//! the marks after reading them. `errno` is put back, because the interrupted code may be about to read it.
//!
//! Invariant: the descriptor in [`WAKE`] is open from before the first handler is installed until the process ends.

use norace_prim::atomic::{AtomicBool, AtomicI32, Ordering};
use std::io;
use std::os::fd::{IntoRawFd, RawFd};
use std::os::unix::net::UnixStream;

/// The signals that have handlers here; the index in this table names the mark.
const SIGNALS: [libc::c_int; 3] = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP];

static PENDING: [AtomicBool; SIGNALS.len()] =
    [AtomicBool::new(false), AtomicBool::new(false), AtomicBool::new(false)];

static WAKE: AtomicI32 = AtomicI32::new(-1);

/// Makes handlers write to `stream`, which is never closed; to be called once, before the first [`install`].
pub(crate) fn wake_through(stream: UnixStream) -> io::Result<()> {
    stream.set_nonblocking(true)?;
    // Release: pairs with the Acquire in on_signal, so that a handler which sees the descriptor sees it set up.
    WAKE.store(stream.into_raw_fd(), Ordering::Release);
    Ok(())
}

/// Replaces the process's handling of the signal in place `index` of the table.
pub(crate) fn install(index: usize) -> io::Result<()> {
    // SAFETY: all-zero bytes are a valid `sigaction`: default handler, no flags, no signal blocked.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    let handler: extern "C" fn(libc::c_int) = on_signal;
    action.sa_sigaction = handler as libc::sighandler_t;
    // Calls that the signal interrupts go on; code that knows nothing of signals need not care.
    action.sa_flags = libc::SA_RESTART;
    // SAFETY: `action` is initialised, and its handler does only what is allowed in one; see the head of this file.
    let failed =
        unsafe { libc::sigaction(SIGNALS[index], &raw const action, std::ptr::null_mut()) };
    if failed == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Whether the signal in place `index` has come since the last call.
pub(crate) fn take_pending(index: usize) -> bool {
    // Acquire: pairs with the Release in on_signal; the mark carries nothing else.
    PENDING[index].swap(false, Ordering::Acquire)
}

extern "C" fn on_signal(signal: libc::c_int) {
    if let Some(index) = SIGNALS.iter().position(|known| *known == signal) {
        // Release: pairs with the Acquire in take_pending.
        PENDING[index].store(true, Ordering::Release);
    }
    // Acquire: pairs with the Release in wake_through.
    let wake: RawFd = WAKE.load(Ordering::Acquire);
    let byte = 0u8;
    // SAFETY: `errno` is a valid pointer for this thread, by the C library's promise.
    let saved = unsafe { *errno() };
    // SAFETY: the descriptor is open (the invariant of this file), and the buffer is one byte long. The result does not
    // matter: a full socket wakes the reader as well.
    let _ = unsafe { libc::write(wake, (&raw const byte).cast(), 1) };
    // SAFETY: as above.
    unsafe { *errno() = saved };
}

/// Where this thread's `errno` is.
fn errno() -> *mut libc::c_int {
    #[cfg(any(target_os = "linux", target_os = "emscripten", target_os = "fuchsia"))]
    // SAFETY: takes nothing, and only gives the address of a thread-local.
    let place = unsafe { libc::__errno_location() };
    #[cfg(any(target_vendor = "apple", target_os = "freebsd", target_os = "dragonfly"))]
    // SAFETY: takes nothing, and only gives the address of a thread-local.
    let place = unsafe { libc::__error() };
    #[cfg(any(target_os = "android", target_os = "netbsd", target_os = "openbsd"))]
    // SAFETY: takes nothing, and only gives the address of a thread-local.
    let place = unsafe { libc::__errno() };
    #[cfg(any(target_os = "illumos", target_os = "solaris"))]
    // SAFETY: takes nothing, and only gives the address of a thread-local.
    let place = unsafe { libc::___errno() };
    place
}
