//! A disk in memory that does what real ones do to those who trust them: for tests of the journal and of what is built
//! on it.
//!
//! - Writes that were not synced are kept aside. A power loss ([`SimStorage::crash`]) keeps, drops, tears (in units of
//!   512 bytes), reorders or garbles them; names that were not synced come and go the same way. A killed process
//!   ([`SimStorage::kill`]) loses nothing of them, but nothing becomes durable by it either.
//! - [`SimStorage::plan`] makes the n-th operation fail, fill the disk, or lose the power in its midst. Every operation
//!   that changes or syncs something counts, so that a test can stop at each of them in turn.
//! - [`SimStorage::hold_syncs`] makes syncs hang.
//! - Files can be damaged at will, and every operation is in a [`trace`](SimStorage::trace).
//!
//! The same seed and the same operations give the same outcome. A journal's helper thread would make the order of
//! operations a matter of scheduling: use [`Prepare::Inline`](crate::Prepare::Inline), as
//! [`Options::small`](crate::Options::small) does.
//!
//! Who held a file or the lock before a crash or a kill gets errors for ever after, like a process that is no more.

use std::{collections::BTreeMap, io};

use norace_prim::{
    sync::{self, Arc, Condvar, Mutex, MutexGuard, OnceLock},
    time::{Duration, Instant},
};

use crate::storage::{Access, Storage, StorageFile};

mod disk;

#[cfg(test)]
mod tests;

use disk::Disk;

/// What happens to one operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The power fails while it is under way: a write or a change of names may or may not have happened, a sync has not
    /// ended. Everything fails from here on until [`SimStorage::crash`].
    PowerOff,
    /// It fails. A write has written some part, a sync has lost what it did not write: as on Linux, readers still see
    /// it, and the next sync succeeds without it.
    Error,
    /// A write fails after so many bytes; anything else just fails.
    ErrorAfter(usize),
    /// It fails for want of space; a write has written some part.
    Full,
}

/// One line of the trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// What was asked.
    pub kind: OperationKind,
    /// Of which file; empty for the directory.
    pub file: String,
    /// From where, for a write.
    pub offset: u64,
    /// How much, for a write.
    pub bytes: u64,
    /// The fault it met.
    pub fault: Option<Fault>,
}

/// The operations that count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are the methods of `Storage` and `StorageFile`")]
pub enum OperationKind {
    Create,
    Write,
    Sync,
    Rename,
    Remove,
    SyncDir,
}

#[derive(Debug)]
struct Machine {
    disk: Disk,
    on: bool,
    /// Rises with every crash and kill; handles of an earlier boot are dead.
    boot: u64,
    locks: Vec<String>,
    trace: Vec<Operation>,
    plan: BTreeMap<usize, Fault>,
    holding: bool,
    held: usize,
    /// Rises when those held are let go.
    release: u64,
    reads_fail: bool,
    syncs_lie: bool,
}

#[derive(Debug)]
struct Shared {
    machine: Mutex<Machine>,
    changed: Condvar,
}

/// A simulated disk; clones are the same disk.
///
/// As a [`Storage`], a clone belongs to the process that took a lock through it: after a crash or kill it only fails.
#[derive(Debug)]
pub struct SimStorage {
    shared: Arc<Shared>,
    /// The boot in which a lock was taken through this clone.
    boot: OnceLock<u64>,
}

impl Clone for SimStorage {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), boot: OnceLock::new() }
    }
}

impl SimStorage {
    /// An empty disk whose every choice follows from `seed`.
    pub fn new(seed: u64) -> Self {
        Self::with(Disk::new(seed))
    }

    fn with(disk: Disk) -> Self {
        let machine = Machine {
            disk,
            on: true,
            boot: 0,
            locks: Vec::new(),
            trace: Vec::new(),
            plan: BTreeMap::new(),
            holding: false,
            held: 0,
            release: 0,
            reads_fail: false,
            syncs_lie: false,
        };
        let shared = Shared { machine: Mutex::new(machine), changed: Condvar::new() };
        Self { shared: Arc::new(shared), boot: OnceLock::new() }
    }

    /// A copy of the disk as it is, in-flight writes included, with other luck: what else could have become of it.
    pub fn fork(&self, seed: u64) -> Self {
        let mut disk = self.machine().disk.clone();
        disk.rng = disk::Rng::new(seed);
        Self::with(disk)
    }

    /// The power fails, now or when a planned [`Fault::PowerOff`] struck, and comes back. Plans and held syncs are
    /// gone.
    pub fn crash(&self) {
        let mut machine = self.machine();
        machine.disk.lose_power();
        machine.reboot();
        drop(machine);
        self.shared.changed.notify_all();
    }

    /// The process is killed: the system keeps what was written, synced or not. Plans and held syncs are gone.
    pub fn kill(&self) {
        self.machine().reboot();
        self.shared.changed.notify_all();
    }

    /// Plans `fault` for an operation: 0 is the next one that counts.
    pub fn plan(&self, after: usize, fault: Fault) {
        let mut machine = self.machine();
        let at = machine.trace.len() + after;
        machine.plan.insert(at, fault);
    }

    /// How many operations were asked for so far.
    pub fn operations(&self) -> usize {
        self.machine().trace.len()
    }

    /// All operations so far.
    pub fn trace(&self) -> Vec<Operation> {
        self.machine().trace.clone()
    }

    /// Whether the power is on.
    pub fn is_on(&self) -> bool {
        self.machine().on
    }

    /// Whether every file that is there is durable, with its name and all its contents.
    pub fn is_settled(&self) -> bool {
        self.machine().disk.is_settled()
    }

    /// Bounds the sum of all file lengths; what is there stays.
    pub fn set_capacity(&self, bytes: u64) {
        self.machine().disk.capacity_bytes = bytes;
    }

    /// Whether a power loss may leave noise in sectors that were being written; it may by default.
    pub fn set_garbling(&self, garbling: bool) {
        self.machine().disk.garbling = garbling;
    }

    /// Whether reads fail.
    pub fn fail_reads(&self, fail: bool) {
        self.machine().reads_fail = fail;
    }

    /// Whether syncs of files end well and make nothing durable: a test of durability that passes on such a disk tests
    /// none.
    pub fn lie_about_syncs(&self, lie: bool) {
        self.machine().syncs_lie = lie;
    }

    /// From now on syncs hang until [`release_syncs`](Self::release_syncs), a crash or a kill.
    pub fn hold_syncs(&self) {
        self.machine().holding = true;
    }

    /// Lets hanging syncs go on.
    pub fn release_syncs(&self) {
        self.machine().holding = false;
        self.shared.changed.notify_all();
    }

    /// Lets hanging syncs go on; those that come later hang again.
    pub fn release_held(&self) {
        let mut machine = self.machine();
        machine.release += 1;
        machine.held = 0;
        self.shared.changed.notify_all();
    }

    /// Waits until a sync hangs.
    pub fn wait_held(&self) {
        let mut machine = self.machine();
        while machine.held == 0 {
            machine = sync::wait(&self.shared.changed, machine);
        }
    }

    /// Waits until a sync hangs, for at most `timeout`; whether one does.
    pub fn wait_held_for(&self, timeout: Duration) -> bool {
        let mut machine = self.machine();
        let deadline = Instant::now() + timeout;
        while machine.held == 0 {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            machine = sync::wait_timeout(&self.shared.changed, machine, left).0;
        }
        true
    }

    /// The names of all files.
    pub fn files(&self) -> Vec<String> {
        self.machine().disk.names()
    }

    /// What a reader sees in `name`; `None` when there is no such file.
    pub fn contents(&self, name: &str) -> Option<Vec<u8>> {
        let machine = self.machine();
        let inode = machine.disk.find(name).ok()?;
        machine.disk.inode(inode).ok().map(|inode| inode.shown.clone())
    }

    /// Puts a file there, durably.
    pub fn put(&self, name: &str, contents: &[u8]) {
        let mut machine = self.machine();
        machine.disk.create(name);
        machine.disk.sync_names();
        machine
            .disk
            .damage(name, |file| file.extend_from_slice(contents))
            .expect("the file has just been made");
    }

    /// Flips one bit of a file, durably. Bit 0 is the lowest of byte 0.
    ///
    /// # Panics
    ///
    /// When the file has no such bit.
    pub fn flip_bit(&self, name: &str, bit: u64) {
        self.damage(name, |file| {
            file[usize::try_from(bit / 8).expect("files are in memory")] ^= 1 << (bit % 8);
        });
    }

    /// Cuts a file, durably.
    ///
    /// # Panics
    ///
    /// When there is no such file.
    pub fn truncate(&self, name: &str, bytes: u64) {
        self.damage(name, |file| {
            file.truncate(usize::try_from(bytes).expect("files are in memory"));
        });
    }

    /// Removes a file, durably.
    ///
    /// # Panics
    ///
    /// When there is no such file.
    pub fn delete(&self, name: &str) {
        let mut machine = self.machine();
        machine.disk.remove(name).expect("the file exists");
        machine.disk.sync_names();
    }

    fn damage(&self, name: &str, damage: impl FnOnce(&mut Vec<u8>)) {
        self.machine().disk.damage(name, damage).expect("the file exists");
    }

    fn machine(&self) -> MutexGuard<'_, Machine> {
        sync::lock(&self.shared.machine)
    }

    /// The machine, if it still is the one of `boot`.
    fn machine_of(&self, boot: u64) -> io::Result<MutexGuard<'_, Machine>> {
        let machine = self.machine();
        machine.alive(boot)?;
        Ok(machine)
    }

    /// The machine and its boot, as the process sees them to which this clone belongs.
    fn own_machine(&self) -> io::Result<(MutexGuard<'_, Machine>, u64)> {
        let machine = self.machine();
        let boot = self.boot.get().copied().unwrap_or(machine.boot);
        machine.alive(boot)?;
        Ok((machine, boot))
    }

    /// Waits out a hold, then counts a sync.
    fn sync_operation(
        &self,
        boot: u64,
        kind: OperationKind,
        file: &str,
    ) -> io::Result<(MutexGuard<'_, Machine>, Option<Fault>)> {
        let mut machine = self.machine_of(boot)?;
        if machine.holding {
            machine.held += 1;
            let release = machine.release;
            self.shared.changed.notify_all();
            while machine.holding && machine.release == release && machine.alive(boot).is_ok() {
                machine = sync::wait(&self.shared.changed, machine);
            }
            machine.held -= usize::from(machine.release == release);
            machine.alive(boot)?;
        }
        let fault = machine.count(kind, file, 0, 0);
        Ok((machine, fault))
    }
}

impl Machine {
    fn alive(&self, boot: u64) -> io::Result<()> {
        if self.on && self.boot == boot {
            Ok(())
        } else {
            Err(io::Error::other("the simulated machine is off"))
        }
    }

    fn reboot(&mut self) {
        self.on = true;
        self.boot += 1;
        self.locks.clear();
        self.plan.clear();
        self.holding = false;
    }

    /// Notes an operation and says what is planned for it.
    fn count(&mut self, kind: OperationKind, file: &str, offset: u64, bytes: u64) -> Option<Fault> {
        let fault = self.plan.remove(&self.trace.len());
        self.trace.push(Operation { kind, file: file.to_owned(), offset, bytes, fault });
        if fault == Some(Fault::PowerOff) {
            self.on = false;
        }
        fault
    }

    /// Counts a change of names and makes it, unless it fails; on a power failure it is pending.
    fn change_names<T>(
        &mut self,
        kind: OperationKind,
        file: &str,
        change: impl FnOnce(&mut Disk) -> io::Result<T>,
    ) -> io::Result<T> {
        match self.count(kind, file, 0, 0) {
            None => change(&mut self.disk),
            Some(fault) => {
                if fault == Fault::PowerOff {
                    change(&mut self.disk)?;
                }
                Err(fault.error())
            }
        }
    }
}

impl Fault {
    fn error(self) -> io::Error {
        match self {
            Self::PowerOff => io::Error::other("the simulated power failed"),
            Self::Error | Self::ErrorAfter(_) => io::Error::other("simulated input/output error"),
            Self::Full => io::Error::new(io::ErrorKind::StorageFull, "simulated disk is full"),
        }
    }
}

impl Storage for SimStorage {
    type File = SimFile;
    type Lock = SimLock;

    fn lock(&self, name: &str) -> io::Result<Option<SimLock>> {
        let (mut machine, boot) = self.own_machine()?;
        if machine.locks.iter().any(|held| held == name) {
            return Ok(None);
        }
        machine.locks.push(name.to_owned());
        self.boot.get_or_init(|| boot);
        Ok(Some(SimLock { storage: self.clone(), name: name.to_owned(), boot }))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let (machine, _) = self.own_machine()?;
        Ok(machine.disk.names())
    }

    fn create(&self, name: &str) -> io::Result<SimFile> {
        let (mut machine, boot) = self.own_machine()?;
        let create = |disk: &mut Disk| Ok(disk.create(name));
        let inode = machine.change_names(OperationKind::Create, name, create)?;
        Ok(SimFile { storage: self.clone(), name: name.to_owned(), inode, boot, writable: true })
    }

    fn open(&self, name: &str, access: Access) -> io::Result<SimFile> {
        let (machine, boot) = self.own_machine()?;
        let inode = machine.disk.find(name)?;
        let writable = access == Access::Write;
        Ok(SimFile { storage: self.clone(), name: name.to_owned(), inode, boot, writable })
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let (mut machine, _) = self.own_machine()?;
        machine.change_names(OperationKind::Rename, from, |disk| disk.rename(from, to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let (mut machine, _) = self.own_machine()?;
        machine.change_names(OperationKind::Remove, name, |disk| disk.remove(name))
    }

    fn sync_dir(&self) -> io::Result<()> {
        let (machine, boot) = self.own_machine()?;
        drop(machine);
        let (mut machine, fault) = self.sync_operation(boot, OperationKind::SyncDir, "")?;
        if let Some(fault) = fault {
            return Err(fault.error());
        }
        machine.disk.sync_names();
        Ok(())
    }

    fn fresh_id(&self) -> u64 {
        self.machine().disk.rng.next()
    }
}

/// A file of a [`SimStorage`].
#[derive(Debug)]
pub struct SimFile {
    storage: SimStorage,
    name: String,
    inode: u64,
    boot: u64,
    writable: bool,
}

impl StorageFile for SimFile {
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut machine = self.storage.machine_of(self.boot)?;
        if !self.writable {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        let fault = machine.count(OperationKind::Write, &self.name, offset, bytes.len() as u64);
        let offset = usize::try_from(offset).expect("files are in memory");
        let mut fitting = machine.disk.fitting(self.inode, offset, bytes.len())?;
        let result = match fault {
            Some(fault) => Err(fault.error()),
            None if fitting < bytes.len() => Err(Fault::Full.error()),
            None => Ok(()),
        };
        match fault {
            Some(Fault::Error | Fault::Full) => {
                fitting = machine.disk.rng.below(fitting as u64 + 1) as usize;
            }
            Some(Fault::ErrorAfter(bytes)) => fitting = fitting.min(bytes),
            Some(Fault::PowerOff) | None => {}
        }
        machine.disk.write(self.inode, offset, &bytes[..fitting])?;
        result
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let machine = self.storage.machine_of(self.boot)?;
        if machine.reads_fail {
            return Err(Fault::Error.error());
        }
        let shown = &machine.disk.inode(self.inode)?.shown;
        let from = usize::try_from(offset).expect("files are in memory");
        match shown.get(from..from + buffer.len()) {
            Some(bytes) => {
                buffer.copy_from_slice(bytes);
                Ok(())
            }
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    fn sync_data(&self) -> io::Result<()> {
        let (mut machine, fault) =
            self.storage.sync_operation(self.boot, OperationKind::Sync, &self.name)?;
        match fault {
            None if machine.syncs_lie => Ok(()),
            None => machine.disk.sync(self.inode),
            Some(fault) => {
                if fault != Fault::PowerOff {
                    machine.disk.sync_badly(self.inode)?;
                }
                Err(fault.error())
            }
        }
    }

    fn bytes(&self) -> io::Result<u64> {
        let machine = self.storage.machine_of(self.boot)?;
        Ok(machine.disk.inode(self.inode)?.len() as u64)
    }
}

/// The lock of a [`SimStorage`], released when dropped.
#[derive(Debug)]
pub struct SimLock {
    storage: SimStorage,
    name: String,
    boot: u64,
}

impl Drop for SimLock {
    fn drop(&mut self) {
        let mut machine = self.storage.machine();
        if machine.boot == self.boot {
            machine.locks.retain(|held| *held != self.name);
        }
    }
}
