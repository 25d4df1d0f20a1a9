//! How an instrumented object finds its state in the engine.

use std::panic::Location;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::coroutine;
use crate::current;
use crate::engine::{Engine, Keep, Phase, Reply, Step};
use crate::event::{Class, ObjectId, Op};
use crate::meta::Meta;
use crate::statics;

const INDEX_BITS: u32 = 24;

/// An object's place in the engine, and where the object was created.
///
/// The word is (execution number, index); the number of another execution means that this one has not seen it.
#[derive(Debug)]
pub(crate) struct Slot {
    word: AtomicU64,
    created: &'static Location<'static>,
}

impl Slot {
    #[track_caller]
    pub(crate) const fn new() -> Self {
        Self { word: AtomicU64::new(0), created: Location::caller() }
    }

    /// The object, if this execution has used it.
    #[inline]
    pub(crate) fn find(&self, engine: &Engine) -> Option<ObjectId> {
        // Relaxed: within a model there is one OS thread.
        let word = self.word.load(Ordering::Relaxed);
        let index = u32::try_from(word & ((1 << INDEX_BITS) - 1)).expect("masked");
        (word >> INDEX_BITS == engine.epoch).then_some(ObjectId(index))
    }

    /// The object; made known to the engine at its first use.
    #[inline]
    pub(crate) fn resolve(
        &self,
        engine: &mut Engine,
        meta: &'static Meta,
        initial: impl FnOnce(&mut Engine) -> u64,
    ) -> ObjectId {
        match self.find(engine) {
            Some(object) => object,
            None => self.introduce(engine, meta, initial),
        }
    }

    /// Makes the object known to the engine.
    #[inline(never)]
    fn introduce(
        &self,
        engine: &mut Engine,
        meta: &'static Meta,
        initial: impl FnOnce(&mut Engine) -> u64,
    ) -> ObjectId {
        let object = match meta.class {
            Class::Atomic => {
                let value = initial(engine);
                let history = engine.keep >= Keep::Events;
                engine.objects.add_atomic(meta, value, self.created, history)
            }
            _ => engine.objects.add(meta, self.created),
        };
        assert!(object.0 >> INDEX_BITS == 0, "an execution has at most 2^{INDEX_BITS} objects");
        let word = engine.epoch << INDEX_BITS | u64::from(object.0);
        // Relaxed: as above.
        self.word.store(word, Ordering::Relaxed);
        object
    }

    /// The object, whose data at `value` is in the program; at its first use, data in statics is put back.
    ///
    /// # Safety
    ///
    /// As for [`statics::first_use`], when this execution has not used the object.
    #[expect(unsafe_code, reason = "passes on its caller's promise")]
    #[inline]
    pub(crate) unsafe fn resolve_data<T: ?Sized>(
        &self,
        engine: &mut Engine,
        meta: &'static Meta,
        value: *mut T,
        restored: impl FnOnce(),
    ) -> ObjectId {
        if let Some(object) = self.find(engine) {
            return object;
        }
        // Relaxed: within a model there is one OS thread.
        let used_before = self.word.load(Ordering::Relaxed) != 0;
        // SAFETY: the caller's promise.
        if unsafe { statics::first_use(value, used_before) } {
            restored();
        }
        self.introduce(engine, meta, |_| 0)
    }

    /// Forgets the object's state; its next use starts anew.
    pub(crate) fn forget(&mut self) {
        *self.word.get_mut() = 0;
    }
}

/// Performs `op` as a step of the running thread; `None` outside a model.
#[inline(always)]
pub(crate) fn perform(
    object: impl FnOnce(&mut Engine) -> ObjectId,
    op: Op,
    location: &'static Location<'static>,
) -> Option<Reply> {
    perform_with(|engine| (object(engine), op), location)
}

/// Performs an operation that is made with the engine's help.
///
/// It is inlined into the caller of the operation, and so is what suspends: the processor predicts returns from the
/// calls before them, and each return out of the function that suspended would be to the place of another thread.
#[inline(always)]
pub(crate) fn perform_with(
    step: impl FnOnce(&mut Engine) -> (ObjectId, Op),
    location: &'static Location<'static>,
) -> Option<Reply> {
    let step = current::with(|engine| {
        let (object, op) = step(engine);
        let step = engine.announce(op, object, location);
        if step == Step::DONE { Ok(engine.reply) } else { Err(step) }
    })?;
    let Err(step) = step else { return step.ok() };
    if step == Step::UNWIND {
        coroutine::unwind();
    }
    coroutine::suspend(step);
    let answer = |engine: &mut Engine| (engine.phase != Phase::Teardown).then_some(engine.reply);
    Some(current::with(answer).flatten().unwrap_or_else(given_up))
}

#[cold]
fn given_up() -> Reply {
    if !crate::thread::panicking() {
        coroutine::unwind();
    }
    // A blocked destructor cannot unwind while its thread already does.
    Reply { value: 0, ok: true }
}

/// Performs an operation on the object in `slot`.
#[inline(always)]
pub(crate) fn perform_on(
    slot: &Slot,
    meta: &'static Meta,
    op: Op,
    location: &'static Location<'static>,
) -> Option<Reply> {
    perform(|engine| slot.resolve(engine, meta, |_| 0), op, location)
}
