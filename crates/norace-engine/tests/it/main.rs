//! The engine as its users see it: on a real folder, through the public interface alone.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests are tests too")]

mod folder;
mod speed;

use norace_engine::{Amount, Command, Id, Metadata, NewId, Request, TransferMode};

fn id(text: &str) -> Id {
    Id::new(text).unwrap()
}

fn account(name: &str, allow_overdraft: bool) -> Request {
    let (ledger, new) = (Id::main_ledger(), NewId::Given(id(name)));
    Request::new(Command::CreateAccount { id: new, ledger, allow_overdraft })
}

fn transfer(name: &str, from: &str, to: &str, minor_units: u64) -> Request {
    Request::new(Command::CreateTransfer {
        id: NewId::Given(id(name)),
        from: id(from),
        to: id(to),
        amount: Amount::new(minor_units).unwrap(),
        mode: TransferMode::Single,
    })
}

fn order(name: &str, payer: &str, payee: &str, minor_units: u64) -> Request {
    Request::new(Command::CreateOrder {
        id: NewId::Given(id(name)),
        payer: id(payer),
        payee: id(payee),
        amount: Amount::new(minor_units).unwrap(),
        metadata: Metadata::default(),
    })
}

/// A folder that goes with the test.
struct Folder(std::path::PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("norace-{name}-{}", std::process::id()));
        assert!(!path.exists(), "{} is left over", path.display());
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}
