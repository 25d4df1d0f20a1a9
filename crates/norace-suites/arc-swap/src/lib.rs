//! The kit's hot values with arc-swap's rules: what is published is a pointer, and two are the same when they lead to
//! the same place.

pub mod strategy;

pub use strategy::{DefaultStrategy, IndependentStrategy};
pub use upstream::RefCnt;

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

use norace::config::{Hot, Loaded};
use strategy::{CaS, Strategy};

pub struct ArcSwapAny<T, S = DefaultStrategy> {
    hot: Hot<T>,
    strategy: PhantomData<S>,
}

pub type ArcSwap<T> = ArcSwapAny<Arc<T>>;

/// A loan, with a handle of the value that lends. It may live as long as what the value points to, whatever becomes of
/// the place that it was loaded from.
pub struct Guard<'a, T>(Lent<'a, T>);

#[ouroboros::self_referencing]
struct Lent<'a, T: 'a> {
    hot: Hot<T>,
    #[borrows(hot)]
    #[covariant]
    loan: Loaded<'this, T>,
    names: PhantomData<&'a ()>,
}

impl<T> Guard<'_, T> {
    fn of(hot: &Hot<T>) -> Self {
        Self(Lent::new(hot.clone(), |hot| hot.load(), PhantomData))
    }

    fn version(&self) -> u64 {
        self.0.borrow_loan().version()
    }
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.borrow_loan()
    }
}

impl<T: fmt::Debug> fmt::Debug for Guard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl<T: fmt::Display> fmt::Display for Guard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&**self, f)
    }
}

impl<T, S> From<T> for ArcSwapAny<T, S> {
    fn from(value: T) -> Self {
        Self { hot: Hot::new(value), strategy: PhantomData }
    }
}

impl<T: RefCnt, S: Strategy<T>> ArcSwapAny<T, S> {
    pub fn new(value: T) -> Self {
        Self::from(value)
    }

    /// As many loans as the strategy wants others to hold.
    fn others(&self) -> Vec<Loaded<'_, T>> {
        (0..S::OTHERS).map(|_| self.hot.load()).collect()
    }

    pub fn load<'a>(&self) -> Guard<'a, T> {
        let _others = self.others();
        Guard::of(&self.hot)
    }

    pub fn load_full(&self) -> T {
        let _others = self.others();
        T::clone(&self.hot.load())
    }

    pub fn store(&self, value: T) {
        let _others = self.others();
        let Ok(_) = self.hot.publish(value);
    }

    pub fn swap(&self, value: T) -> T
    where
        S: CaS<T>,
    {
        self.rcu(|_| value.clone())
    }

    pub fn rcu<R: Into<T>>(&self, mut make: impl FnMut(&T) -> R) -> T
    where
        S: CaS<T>,
    {
        let _others = self.others();
        let mut before = None;
        let Ok(_) = self.hot.update(|current| {
            before = Some(current.clone());
            make(current).into()
        });
        before.unwrap()
    }

    pub fn compare_and_swap<'a>(&self, current: &T, new: T) -> Guard<'a, T>
    where
        S: CaS<T>,
    {
        let _others = self.others();
        loop {
            let before = Guard::of(&self.hot);
            if T::as_ptr(&before) != T::as_ptr(current)
                || self.hot.compare_publish(before.version(), new.clone()).is_ok()
            {
                return before;
            }
        }
    }
}
