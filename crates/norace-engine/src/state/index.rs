//! Which orders are in which state, in creation order: a bit set with two levels of summary.
//!
//! Finding the next member after a position looks at one word of each level and, on the top level, at one word per
//! 262,144 orders; moving an order between states is a few bit operations. A search tree would cost an allocation and
//! a walk for each move.

const BITS: u32 = 64;

#[derive(Debug, Default)]
pub(crate) struct BitIndex {
    /// `levels[0]` has a bit per order, each next level a bit per word of the level before.
    levels: [Vec<u64>; 3],
    len: u64,
}

impl BitIndex {
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Adds `at`, which must be absent.
    pub(crate) fn insert(&mut self, at: u32) {
        let mut position = at;
        for level in &mut self.levels {
            let word = (position / BITS) as usize;
            if level.len() <= word {
                level.resize(word + 1, 0);
            }
            level[word] |= 1 << (position % BITS);
            position /= BITS;
        }
        self.len += 1;
    }

    /// Removes `at`, which must be present.
    pub(crate) fn remove(&mut self, at: u32) {
        let mut position = at;
        for level in &mut self.levels {
            let word = (position / BITS) as usize;
            level[word] &= !(1 << (position % BITS));
            if level[word] != 0 {
                break;
            }
            position /= BITS;
        }
        self.len -= 1;
    }

    /// The first member at or after `from`.
    pub(crate) fn next(&self, from: u32) -> Option<u32> {
        // Climb until a level has a bit at or after the position, then descend along the lowest bits.
        let mut position = u64::from(from);
        for height in 0..self.levels.len() {
            if let Some(found) = self.next_in(height, position) {
                return Some(self.descend(height, found));
            }
            position = position / u64::from(BITS) + 1;
        }
        None
    }

    /// On the top level searches everything after `position`, below it only the word of `position`.
    fn next_in(&self, height: usize, position: u64) -> Option<u32> {
        let level = &self.levels[height];
        let first = usize::try_from(position / u64::from(BITS)).ok()?;
        let mask = u64::MAX << (position % u64::from(BITS));
        let last = if height + 1 == self.levels.len() { level.len() } else { first + 1 };
        let words = level.get(first..last.min(level.len()))?;
        let masks = std::iter::once(mask).chain(std::iter::repeat(u64::MAX));
        let found = words.iter().zip(masks).position(|(word, mask)| word & mask != 0)?;
        let word = if found == 0 { words[0] & mask } else { words[found] };
        Some((first + found) as u32 * BITS + word.trailing_zeros())
    }

    fn descend(&self, height: usize, found: u32) -> u32 {
        let mut position = found;
        for level in self.levels[..height].iter().rev() {
            position = position * BITS + level[position as usize].trailing_zeros();
        }
        position
    }
}
