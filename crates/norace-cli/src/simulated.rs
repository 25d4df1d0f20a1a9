//! A stand-in for a payment provider, for trials of the asynchronous path.
//!
//! It behaves as a good provider does: the order's id is its idempotency key, so that asking again about the same order
//! gives the same decision. Which orders are refused therefore depends on their ids alone, at every run and after every
//! restart; which calls give no result is random.

use norace::time;
use norace_engine::{BoxFuture, Decision, Order, Processor, ProcessorError, Reason};
use norace_prim::time::Duration;

/// See the module.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SimulatedProvider {
    /// How long each call takes.
    pub(crate) delay: Duration,
    /// The share of orders that are refused.
    pub(crate) refuse: f64,
    /// The share of calls that give no result.
    pub(crate) fail: f64,
}

impl Processor for SimulatedProvider {
    fn process(&self, order: Order) -> BoxFuture<Result<Decision, ProcessorError>> {
        let Self { delay, refuse, fail } = *self;
        Box::pin(async move {
            time::sleep(delay).await;
            if unit(norace_prim::rand::next_u64()) < fail {
                return Err(ProcessorError(reason("the simulated provider gave no result")));
            }
            let refused = unit(fingerprint(order.id.as_str())) < refuse;
            Ok(if refused {
                Decision::Refuse(reason("refused by the simulated provider"))
            } else {
                Decision::Confirm
            })
        })
    }

    /// A provider's effects are outside, so a call without a result is repeated instead of failing the order.
    fn has_outside_effects(&self) -> bool {
        true
    }
}

fn reason(text: &str) -> Reason {
    Reason::new(text).expect("short plain text is a reason")
}

/// 64 bits as a number from 0 up to, not including, 1.
fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1u64 << 53) as f64
}

/// FNV-1a, finished by SplitMix64's mixer: ids that differ in the last digit only must not decide alike.
fn fingerprint(id: &str) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in id.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_of_ids_refused_is_the_one_asked_for() {
        let refused = |share: f64| {
            let ids = (0..10_000).map(|number| format!("order-{number}"));
            ids.filter(|id| unit(fingerprint(id)) < share).count()
        };
        assert_eq!((refused(0.0), refused(1.0)), (0, 10_000));
        assert!((900..1_100).contains(&refused(0.1)), "{}", refused(0.1));
    }
}
