//! Data in statics, put back to what it was when the first model used it.
//!
//! Atomics need none of this: what a model stores stays in the engine. But the data inside a lock or a cell lives in
//! the program, and a static outlives the execution. So the bytes of such data are copied at its first use in any
//! model, and copied back at its first use in each later execution. Only data without drop glue is treated so: bytes
//! of a value that owns memory could name memory that is gone. A model whose statics own memory must leave them as it
//! found them; if it does not, the next execution differs and is reported as diverged.

#![expect(unsafe_code, reason = "bytes of values of any type are copied")]

use std::collections::BTreeMap;
use std::mem::MaybeUninit;
use std::sync::{Mutex, PoisonError};

type Bytes = Box<[MaybeUninit<u8>]>;

static SNAPSHOTS: Mutex<BTreeMap<usize, Bytes>> = Mutex::new(BTreeMap::new());

/// Whether `address` is in the program's writable statics.
#[cfg(target_os = "linux")]
pub(crate) fn is_static(address: usize) -> bool {
    // SAFETY: both symbols are defined by the linker and the C runtime's start files; only their addresses are used.
    unsafe extern "C" {
        safe static __data_start: u8;
        safe static _end: u8;
    }
    (&raw const __data_start as usize..&raw const _end as usize).contains(&address)
}

/// Elsewhere nobody says where statics are.
#[cfg(not(target_os = "linux"))]
pub(crate) fn is_static(_address: usize) -> bool {
    false
}

/// Called at the first use in an execution of the data at `value`: remembers its bytes, or puts them back when an
/// earlier execution has used it. Answers whether it did the latter.
///
/// # Safety
///
/// `value` is valid for reads and writes, and nothing else refers to the data during the call.
pub(crate) unsafe fn first_use<T: ?Sized>(value: *mut T, used_before: bool) -> bool {
    let address = value.cast::<u8>() as usize;
    // SAFETY: the caller says that it may be read.
    let value_ref = unsafe { &*value };
    if std::mem::needs_drop::<T>() || !is_static(address) {
        return false;
    }
    let len = size_of_val(value_ref);
    let bytes = value.cast::<MaybeUninit<u8>>();
    let mut snapshots = SNAPSHOTS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(snapshot) = snapshots.get(&address).filter(|_| used_before) {
        // SAFETY: the snapshot has the bytes of this very object, hence its size; the caller says that it may be
        // written.
        unsafe { std::ptr::copy_nonoverlapping(snapshot.as_ptr(), bytes, len.min(snapshot.len())) };
        return true;
    }
    // SAFETY: `len` bytes from `bytes` are the value, which may be read; they need not be initialised.
    let copy = unsafe { std::slice::from_raw_parts(bytes, len) };
    snapshots.insert(address, copy.into());
    false
}
