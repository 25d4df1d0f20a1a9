//! A payment provider that exists only here: slow, moody, and honest about an order once it has made up its mind.

use std::future::pending;

use norace::time::sleep;
use norace_prim::sync::{Mutex, lock};
use norace_prim::time::Duration;

use super::{BoxFuture, Decision, Processor, ProcessorError};
use crate::model::{Order, Reason};

/// What a [`SimulatedProvider`] does how often. The shares are per thousand calls and count from the top: together
/// they should not pass 1000.
#[derive(Clone, Debug)]
pub struct SimulatedOptions {
    /// Where its moods come from.
    pub seed: u64,
    /// A call takes at least this long.
    pub delay_min: Duration,
    /// And at most this long.
    pub delay_max: Duration,
    /// Calls that panic.
    pub panics_permille: u32,
    /// Calls that never return.
    pub hangs_permille: u32,
    /// Calls that end without a result.
    pub errors_permille: u32,
    /// Orders that are refused. The same order is refused however often it is tried.
    pub refusals_permille: u32,
    /// Whether it claims effects outside this process; see [`Processor::has_outside_effects`].
    pub has_outside_effects: bool,
}

impl Default for SimulatedOptions {
    fn default() -> Self {
        Self {
            seed: 1,
            delay_min: Duration::from_millis(5),
            delay_max: Duration::from_millis(50),
            panics_permille: 0,
            hangs_permille: 0,
            errors_permille: 0,
            refusals_permille: 20,
            has_outside_effects: true,
        }
    }
}

/// A [`Processor`] for trials and tests.
///
/// Whether an order is confirmed or refused follows from the seed and the order's id alone, as with a provider that
/// recognises repeats. How a single call goes follows from the seed and the number of calls before it.
#[derive(Debug)]
pub struct SimulatedProvider {
    options: SimulatedOptions,
    moods: Mutex<u64>,
}

enum Mood {
    Panic,
    Hang,
    Error,
    Answer,
}

impl SimulatedProvider {
    /// A provider with these habits.
    pub fn new(options: SimulatedOptions) -> Self {
        Self { moods: Mutex::new(options.seed), options }
    }

    /// What it will say about an order of this id, whenever it says something.
    pub fn verdict(&self, id: &str) -> Decision {
        // FNV-1a over the id, mixed with the seed.
        let hash = id.bytes().fold(0xcbf2_9ce4_8422_2325 ^ mix(self.options.seed), |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        if mix(hash) % 1000 < u64::from(self.options.refusals_permille) {
            return Decision::Refuse(Reason::from_lossy("refused by the simulated provider"));
        }
        Decision::Confirm
    }

    fn next_mood(&self) -> (Mood, Duration) {
        let draw = {
            let mut moods = lock(&self.moods);
            *moods = moods.wrapping_add(0x9e37_79b9_7f4a_7c15);
            mix(*moods)
        };
        let options = &self.options;
        let spread = options.delay_max.saturating_sub(options.delay_min).as_micros() as u64;
        let delay = options.delay_min + Duration::from_micros((draw >> 32) % (spread + 1));
        let mut share = u32::try_from(draw % 1000).unwrap_or(0);
        for (permille, mood) in [
            (options.panics_permille, Mood::Panic),
            (options.hangs_permille, Mood::Hang),
            (options.errors_permille, Mood::Error),
        ] {
            if share < permille {
                return (mood, delay);
            }
            share -= permille;
        }
        (Mood::Answer, delay)
    }
}

impl Processor for SimulatedProvider {
    fn process(&self, order: Order) -> BoxFuture<Result<Decision, ProcessorError>> {
        let (mood, delay) = self.next_mood();
        let verdict = self.verdict(order.id.as_str());
        Box::pin(async move {
            sleep(delay).await;
            match mood {
                Mood::Panic => panic!("the simulated provider panics over {}", order.id),
                Mood::Hang => pending().await,
                Mood::Error => Err(ProcessorError(Reason::from_lossy("the provider is unsure"))),
                Mood::Answer => Ok(verdict),
            }
        })
    }

    fn has_outside_effects(&self) -> bool {
        self.options.has_outside_effects
    }
}

/// The finaliser of SplitMix64.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
