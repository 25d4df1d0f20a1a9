//! The simulated disk as a plain state machine: what is shown, what is durable, what is in flight.
//!
//! A file is an inode; names are durable apart from contents. What a running program sees is `shown`; what a power loss
//! leaves is `durable` plus any part of what is pending, in units of 512 bytes, each piece for itself: kept, dropped,
//! or garbled. Dropping an early piece and keeping a later one is what reordering looks like afterwards.

use std::{collections::BTreeMap, io};

/// The unit in which a write is torn.
pub(super) const SECTOR_BYTES: usize = 512;

/// A small generator for one seed: splitmix64 (Steele, Lea, Flood 2014).
#[derive(Debug, Clone)]
pub(super) struct Rng(u64);

impl Rng {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    pub(super) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// What becomes of what was in flight when the power failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Loss {
    KeepAll,
    DropAll,
    /// Everything up to some piece, nothing after.
    Prefix,
    /// Every write for itself.
    Writes,
    /// Every sector for itself.
    Sectors,
}

impl Loss {
    fn draw(rng: &mut Rng) -> Self {
        match rng.below(8) {
            0 => Self::KeepAll,
            1 => Self::DropAll,
            2 | 3 => Self::Prefix,
            4 => Self::Writes,
            _ => Self::Sectors,
        }
    }
}

#[derive(Debug, Clone)]
struct Write {
    offset: usize,
    bytes: Vec<u8>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Inode {
    pub(super) shown: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Write>,
}

#[derive(Debug, Clone)]
enum NameChange {
    Link { name: String, inode: u64 },
    Rename { from: String, to: String, inode: u64 },
    Unlink { name: String },
}

/// Everything on the disk.
#[derive(Debug, Clone)]
pub(super) struct Disk {
    pub(super) rng: Rng,
    pub(super) capacity_bytes: u64,
    pub(super) garbling: bool,
    inodes: BTreeMap<u64, Inode>,
    last_inode: u64,
    names: BTreeMap<String, u64>,
    durable_names: BTreeMap<String, u64>,
    pending_names: Vec<NameChange>,
}

impl Disk {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            rng: Rng::new(seed),
            capacity_bytes: u64::MAX,
            garbling: true,
            inodes: BTreeMap::new(),
            last_inode: 0,
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            pending_names: Vec::new(),
        }
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.names.keys().cloned().collect()
    }

    pub(super) fn find(&self, name: &str) -> io::Result<u64> {
        self.names.get(name).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    pub(super) fn inode(&self, inode: u64) -> io::Result<&Inode> {
        self.inodes.get(&inode).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn inode_mut(&mut self, inode: u64) -> io::Result<&mut Inode> {
        self.inodes.get_mut(&inode).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    pub(super) fn is_settled(&self) -> bool {
        self.names.iter().all(|(name, inode)| {
            self.durable_names.get(name) == Some(inode)
                && self.inodes.get(inode).is_some_and(|file| file.pending.is_empty())
        })
    }

    pub(super) fn create(&mut self, name: &str) -> u64 {
        self.last_inode += 1;
        let inode = self.last_inode;
        self.inodes.insert(inode, Inode::default());
        self.names.insert(name.to_owned(), inode);
        self.pending_names.push(NameChange::Link { name: name.to_owned(), inode });
        inode
    }

    pub(super) fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let inode = self.find(from)?;
        self.names.remove(from);
        self.names.insert(to.to_owned(), inode);
        let (from, to) = (from.to_owned(), to.to_owned());
        self.pending_names.push(NameChange::Rename { from, to, inode });
        Ok(())
    }

    pub(super) fn remove(&mut self, name: &str) -> io::Result<()> {
        self.find(name)?;
        self.names.remove(name);
        self.pending_names.push(NameChange::Unlink { name: name.to_owned() });
        Ok(())
    }

    /// How many of `bytes` at `offset` fit onto the disk.
    pub(super) fn fitting(&self, inode: u64, offset: usize, bytes: usize) -> io::Result<usize> {
        let used: usize =
            self.names.values().filter_map(|inode| self.inodes.get(inode)).map(Inode::len).sum();
        let free = usize::try_from(self.capacity_bytes).unwrap_or(usize::MAX).saturating_sub(used);
        let end = self.inode(inode)?.len().saturating_add(free);
        Ok(bytes.min(end.saturating_sub(offset)))
    }

    pub(super) fn write(&mut self, inode: u64, offset: usize, bytes: &[u8]) -> io::Result<()> {
        let inode = self.inode_mut(inode)?;
        place(&mut inode.shown, offset, bytes);
        inode.pending.push(Write { offset, bytes: bytes.to_vec() });
        Ok(())
    }

    pub(super) fn sync(&mut self, inode: u64) -> io::Result<()> {
        let inode = self.inode_mut(inode)?;
        for write in inode.pending.drain(..) {
            place(&mut inode.durable, write.offset, &write.bytes);
        }
        Ok(())
    }

    /// A sync that fails as on Linux: some pages reached the disk, the others did not, all of them count as written
    /// from now on, and programs still see them.
    pub(super) fn sync_badly(&mut self, inode: u64) -> io::Result<()> {
        let mut rng = self.rng.clone();
        let file = self.inode_mut(inode)?;
        let loss = if rng.chance(50) { Loss::DropAll } else { Loss::draw(&mut rng) };
        file.settle(&mut rng, loss, 0);
        self.rng = rng;
        Ok(())
    }

    pub(super) fn sync_names(&mut self) {
        self.pending_names.clear();
        self.durable_names.clone_from(&self.names);
    }

    /// The power fails and comes back: programs see what is durable now.
    pub(super) fn lose_power(&mut self) {
        let mut rng = self.rng.clone();
        let loss = Loss::draw(&mut rng);
        let garbled_percent = if rng.chance(25) && self.garbling { 30 } else { 0 };
        let changes = std::mem::take(&mut self.pending_names);
        let kept_until = rng.below(changes.len() as u64 + 1);
        for (at, change) in (0..).zip(changes) {
            let keep = match loss {
                Loss::KeepAll => true,
                Loss::DropAll => false,
                Loss::Prefix => at < kept_until,
                Loss::Writes | Loss::Sectors => rng.chance(50),
            };
            if keep {
                self.settle_name(change);
            }
        }
        self.names.clone_from(&self.durable_names);
        for inode in self.inodes.values_mut() {
            inode.settle(&mut rng, loss, garbled_percent);
            inode.shown.clone_from(&inode.durable);
        }
        let named: Vec<u64> = self.names.values().copied().collect();
        self.inodes.retain(|inode, _| named.contains(inode));
        self.rng = rng;
    }

    fn settle_name(&mut self, change: NameChange) {
        match change {
            NameChange::Link { name, inode } => {
                self.durable_names.insert(name, inode);
            }
            NameChange::Rename { from, to, inode } => {
                self.durable_names.remove(&from);
                self.durable_names.insert(to, inode);
            }
            NameChange::Unlink { name } => {
                self.durable_names.remove(&name);
            }
        }
    }

    /// Changes the contents of `name` behind everybody's back, durably.
    pub(super) fn damage(
        &mut self,
        name: &str,
        damage: impl FnOnce(&mut Vec<u8>),
    ) -> io::Result<()> {
        let inode = self.find(name)?;
        let inode = self.inode_mut(inode)?;
        inode.pending.clear();
        damage(&mut inode.shown);
        inode.durable.clone_from(&inode.shown);
        Ok(())
    }
}

impl Inode {
    pub(super) fn len(&self) -> usize {
        self.shown.len()
    }

    /// Decides, piece by piece, what of the pending writes is on the platter.
    fn settle(&mut self, rng: &mut Rng, loss: Loss, garbled_percent: u64) {
        let pending = std::mem::take(&mut self.pending);
        let sectors: usize = pending.iter().map(|write| write.pieces().count()).sum();
        let kept_until = rng.below(sectors as u64 + 1);
        let mut number = 0;
        for write in &pending {
            let whole = rng.chance(50);
            for (offset, piece) in write.pieces() {
                let keep = match loss {
                    Loss::KeepAll => true,
                    Loss::DropAll => false,
                    Loss::Prefix => number < kept_until,
                    Loss::Writes => whole,
                    Loss::Sectors => rng.chance(50),
                };
                number += 1;
                if rng.chance(garbled_percent) {
                    let noise: Vec<u8> = piece.iter().map(|_| rng.next() as u8).collect();
                    place(&mut self.durable, offset, &noise);
                } else if keep {
                    place(&mut self.durable, offset, piece);
                }
            }
        }
    }
}

impl Write {
    /// The parts of the write that lie in one sector each.
    fn pieces(&self) -> impl Iterator<Item = (usize, &[u8])> {
        let head = (SECTOR_BYTES - self.offset % SECTOR_BYTES).min(self.bytes.len());
        let (first, rest) = self.bytes.split_at(head);
        let rest_at = self.offset + head;
        std::iter::once((self.offset, first)).chain(
            rest.chunks(SECTOR_BYTES)
                .enumerate()
                .map(move |(n, piece)| (rest_at + n * SECTOR_BYTES, piece)),
        )
    }
}

/// Puts `bytes` at `offset`, where a file grows to hold them.
fn place(contents: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    if contents.len() < offset {
        contents.resize(offset, 0);
    }
    let (over, beyond) = bytes.split_at(bytes.len().min(contents.len() - offset));
    contents[offset..offset + over.len()].copy_from_slice(over);
    contents.extend_from_slice(beyond);
}
