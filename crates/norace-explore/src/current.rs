//! The engine that runs on this OS thread, if one does.
//!
//! **Invariants:** the pointer is set only by [`enter`], for as long as the engine is borrowed by its caller; it is
//! taken out while [`with`] runs, so that no second reference can be made; no coroutine is switched inside [`with`].

use std::cell::Cell;
use std::ptr::NonNull;

use crate::engine::Engine;

std::thread_local! {
    static CURRENT: Cell<Option<NonNull<Engine>>> = const { Cell::new(None) };
}

/// Makes `engine` this thread's engine while `run` runs.
pub(crate) fn enter<R>(engine: &mut Engine, run: impl FnOnce() -> R) -> R {
    struct Leave;
    impl Drop for Leave {
        fn drop(&mut self) {
            CURRENT.set(None);
        }
    }
    assert!(CURRENT.get().is_none(), "a model cannot be explored from within a model");
    CURRENT.set(Some(NonNull::from(engine)));
    let _leave = Leave;
    run()
}

/// Runs `act` on this thread's engine; `None` outside a model.
#[inline(always)]
pub(crate) fn with<R>(act: impl FnOnce(&mut Engine) -> R) -> Option<R> {
    struct PutBack(NonNull<Engine>);
    impl Drop for PutBack {
        #[inline(always)]
        fn drop(&mut self) {
            // `LocalKey::set` is not inlined.
            CURRENT.with(|current| current.set(Some(self.0)));
        }
    }
    let mut engine = PutBack(CURRENT.take()?);
    #[expect(
        unsafe_code,
        reason = "the engine is reached from inside coroutines, where no reference can be passed"
    )]
    // SAFETY: `enter` holds the engine's only borrow and cleared the way for this one; the pointer is out of the cell
    // until `engine` is dropped, so no other reference is made meanwhile.
    let reference = unsafe { engine.0.as_mut() };
    Some(act(reference))
}

/// Whether this code runs inside a model.
#[inline]
pub fn in_model() -> bool {
    CURRENT.get().is_some()
}

/// Whether what is left of an execution is being unwound.
pub(crate) fn is_tearing_down() -> bool {
    with(|engine| engine.phase == crate::engine::Phase::Teardown).unwrap_or(false)
}
