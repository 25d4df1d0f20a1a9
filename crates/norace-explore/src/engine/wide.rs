//! Values of 128 bits, and addresses, each known to the rest of the engine by a number: equal values have equal
//! numbers.

/// The values of one execution, by number.
#[derive(Debug, Default)]
pub(crate) struct Wide {
    values: Vec<u128>,
}

impl Wide {
    pub(super) fn clear(&mut self) {
        self.values.clear();
    }

    /// The number of `value`. Looks at all values: programs that an explorer can exhaust have few.
    pub(crate) fn number(&mut self, value: u128) -> u64 {
        let at = self.values.iter().position(|known| *known == value).unwrap_or_else(|| {
            self.values.push(value);
            self.values.len() - 1
        });
        at as u64
    }

    /// The value of `number`; 0 for one that is none's.
    pub(crate) fn value(&self, number: u64) -> u128 {
        let at = usize::try_from(number).expect("numbers are positions");
        self.values.get(at).copied().unwrap_or_default()
    }
}
