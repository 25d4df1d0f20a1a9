//! The kit has one way to read and publish. What the tests may ask for is that others hold loans meanwhile.

pub trait Strategy<T> {
    /// How many loans of the value others hold.
    const OTHERS: usize = 0;
}

pub trait CaS<T>: Strategy<T> {}

impl<T, S: Strategy<T>> CaS<T> for S {}

#[derive(Default)]
pub struct DefaultStrategy;

#[derive(Default)]
pub struct IndependentStrategy;

impl<T> Strategy<T> for DefaultStrategy {}
impl<T> Strategy<T> for IndependentStrategy {}

pub mod test_strategies {
    //! Ways that only tests take.

    /// All places for loans that a thread has are taken.
    #[derive(Default)]
    pub struct FillFastSlots;

    impl<T> super::Strategy<T> for FillFastSlots {
        const OTHERS: usize = 8;
    }
}
