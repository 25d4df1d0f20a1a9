//! The kit's pools under the names of lockfree-object-pool, all of whose pools differ in how they work alone.

use norace::pool::{Guard, OwnedGuard, Pool, Reset};
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// An object that is reset by what its pool was told.
pub struct Object<T> {
    value: T,
    reset: Arc<dyn Fn(&mut T) + Send + Sync>,
}

impl<T> Reset for Object<T> {
    fn reset(&mut self) {
        (self.reset)(&mut self.value);
    }
}

pub struct LinearObjectPool<T>(Pool<Object<T>>);

pub type MutexObjectPool<T> = LinearObjectPool<T>;
pub type SpinLockObjectPool<T> = LinearObjectPool<T>;

impl<T: Send + 'static> LinearObjectPool<T> {
    pub fn new<R, I>(init: I, reset: R) -> Self
    where
        R: Fn(&mut T) + Send + Sync + 'static,
        I: Fn() -> T + Send + Sync + 'static,
    {
        let reset: Arc<dyn Fn(&mut T) + Send + Sync> = Arc::new(reset);
        Self(Pool::unbounded(move || Object { value: init(), reset: reset.clone() }))
    }

    pub fn pull(&self) -> Reusable<Guard<'_, Object<T>>> {
        Reusable(self.0.get_blocking())
    }

    pub fn pull_owned(self: &Arc<Self>) -> Reusable<OwnedGuard<Object<T>>> {
        Reusable(self.0.get_blocking().into_owned())
    }
}

/// A pool that keeps nothing.
pub struct NoneObjectPool<T>(Pool<Object<T>>);

impl<T: Send + 'static> NoneObjectPool<T> {
    pub fn new<I: Fn() -> T + Send + Sync + 'static>(init: I) -> Self {
        let make = move || Object { value: init(), reset: Arc::new(|_| {}) };
        Self(Pool::unbounded_builder().keep(|_| false).build(make))
    }

    pub fn pull(&self) -> Reusable<Guard<'_, Object<T>>> {
        Reusable(self.0.get_blocking())
    }
}

pub struct Reusable<G>(G);

impl<T, G: Deref<Target = Object<T>>> Deref for Reusable<G> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0.value
    }
}

impl<T, G: DerefMut<Target = Object<T>>> DerefMut for Reusable<G> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0.value
    }
}
