//! Before and after the orders: accounts and deposits, and the comparison of what the answers said with what the
//! accounts show.
//!
//! Both work in arrays. Opening an account again answers the account as it is now, so the audit reads balances with the
//! calls that opened them, a thousand at a time.

use hyper::Uri;
use serde::Deserialize;

use super::client::{Call, Client, GaveUp, Patience};
use super::plan::{Chain, push_number};
use super::worker::Driven;
use super::{BANK, MERCHANT, Run};
use crate::exit_code::ExitCode;
use crate::failure::Failure;

/// Items of one array.
const CHUNK: usize = 1_000;

/// Disagreements that are spelled out; the rest is only counted.
const SPELLED_OUT_MAX: usize = 5;

/// The parts of an account, a transfer or a problem that matter here.
#[derive(Debug, Deserialize)]
struct Item {
    status: Option<u16>,
    code: Option<String>,
    #[serde(default)]
    debits_pending: u64,
    #[serde(default)]
    debits_posted: u64,
    #[serde(default)]
    credits_posted: u64,
}

#[derive(Debug, Deserialize)]
struct Items {
    results: Vec<Item>,
}

/// What the accounts show that the answers did not say.
#[derive(Debug, Default)]
pub(crate) struct Disagreements {
    pub(crate) count: u64,
    pub(crate) examples: Vec<String>,
}

impl Disagreements {
    pub(crate) fn push(&mut self, text: impl FnOnce() -> String) {
        self.count += 1;
        if self.examples.len() < SPELLED_OUT_MAX {
            self.examples.push(text());
        }
    }

    pub(crate) fn append(&mut self, other: Self) {
        self.count += other.count;
        self.examples.extend(other.examples);
        self.examples.truncate(SPELLED_OUT_MAX);
    }
}

/// Opens the bank and the merchant; returns what the merchant has received so far.
pub(crate) async fn open_books(client: &mut Client, run: &Run) -> Result<u64, Failure> {
    let bank = format!("[{{\"id\":\"{BANK}\",\"allow_overdraft\":true}}]");
    post(client, run, "/v1/accounts", bank, 1, Patience::none()).await?;
    merchant_credits(client, run).await
}

/// What the merchant has received by now.
pub(crate) async fn merchant_credits(client: &mut Client, run: &Run) -> Result<u64, Failure> {
    let merchant = format!("[{{\"id\":\"{MERCHANT}\"}}]");
    let items = post(client, run, "/v1/accounts", merchant, 1, Patience::long()).await?;
    Ok(items.first().map_or(0, |item| item.credits_posted))
}

/// Opens the chains' accounts and pays their deposits in.
pub(crate) async fn fund(client: &mut Client, run: &Run, chains: &[Chain]) -> Result<(), Failure> {
    for chunk in chains.chunks(CHUNK) {
        open(client, run, chunk.iter()).await?;
        if run.settings.deposit > 0 {
            deposit(client, run, chunk).await?;
        }
        if run.stop.is_cancelled() {
            break;
        }
    }
    Ok(())
}

async fn open<'a>(
    client: &mut Client,
    run: &Run,
    chains: impl ExactSizeIterator<Item = &'a Chain>,
) -> Result<Vec<Item>, Failure> {
    let count = chains.len();
    let mut body = String::with_capacity(count * 40);
    for chain in chains {
        body.push_str(if body.is_empty() { "[{\"id\":\"" } else { ",{\"id\":\"" });
        run.plan.push_account(chain, &mut body);
        body.push_str("\"}");
    }
    body.push(']');
    post(client, run, "/v1/accounts", body, count, Patience::long()).await
}

async fn deposit(client: &mut Client, run: &Run, chains: &[Chain]) -> Result<(), Failure> {
    let mut body = String::with_capacity(chains.len() * 120);
    for chain in chains {
        body.push_str(if body.is_empty() { "[{\"id\":\"" } else { ",{\"id\":\"" });
        run.plan.push_account(chain, &mut body);
        body.push_str("\",\"from\":\"");
        body.push_str(BANK);
        body.push_str("\",\"to\":\"");
        run.plan.push_account(chain, &mut body);
        body.push_str("\",\"amount\":");
        push_number(run.settings.deposit, &mut body);
        body.push('}');
    }
    body.push(']');
    post(client, run, "/v1/transfers", body, chains.len(), Patience::long()).await.map(drop)
}

/// Compares every driven customer's account with what the answers said.
pub(crate) async fn audit(
    client: &mut Client,
    run: &Run,
    driven: &[Driven],
) -> Result<Disagreements, Failure> {
    let mut found = Disagreements::default();
    for chunk in driven.chunks(CHUNK) {
        let items = open(client, run, chunk.iter().map(|driven| &driven.chain)).await?;
        for (driven, item) in chunk.iter().zip(items) {
            let paid_right = if driven.exact {
                item.debits_posted == driven.paid && item.debits_pending == 0
            } else {
                item.debits_posted >= driven.paid
            };
            if !paid_right || item.credits_posted != run.settings.deposit {
                found.push(|| disagreement(run, driven, &item));
            }
        }
    }
    Ok(found)
}

fn disagreement(run: &Run, driven: &Driven, item: &Item) -> String {
    let mut account = String::new();
    run.plan.push_account(&driven.chain, &mut account);
    format!(
        "account {account} shows debits {} (reserved {}) and credits {}, the answers said {} and {}",
        item.debits_posted,
        item.debits_pending,
        item.credits_posted,
        driven.paid,
        run.settings.deposit
    )
}

/// Posts an array of things that exist afterwards, whether they did before or not.
async fn post(
    client: &mut Client,
    run: &Run,
    path: &'static str,
    body: String,
    count: usize,
    patience: Patience,
) -> Result<Vec<Item>, Failure> {
    let server = run.target.address();
    let call = Call::post(Uri::from_static(path), body);
    let status =
        client.call(&call, patience).await.map_err(|gave_up| unavailable(server, gave_up))?;
    if status != 200 {
        let what = format!("cannot prepare the run: {server} answered {status} to POST {path}");
        return Err(Failure::usage(what).hint("is the server a norace of this version?"));
    }
    let strange = || {
        Failure::usage(format!(
            "cannot prepare the run: {server} gave an unknown answer to POST {path}"
        ))
        .hint("is the server a norace of this version?")
    };
    let items: Items =
        serde_json::from_slice(&client.body).map_err(|error| strange().because(error))?;
    if items.results.len() != count {
        return Err(strange());
    }
    for (at, item) in items.results.iter().enumerate() {
        if let Some(status) = item.status {
            let code = item.code.as_deref().unwrap_or("without a code");
            let what = format!(
                "cannot prepare the run: item {at} of POST {path} was refused: {status} {code}"
            );
            return Err(Failure::usage(what).hint(
                "accounts of this name exist with other properties; another --run takes fresh ones",
            ));
        }
    }
    Ok(items.results)
}

/// The failure that stands for a server that does not answer.
pub(crate) fn unavailable(server: std::net::SocketAddr, gave_up: GaveUp) -> Failure {
    Failure::new(ExitCode::Unavailable, format!("cannot use the server at {server}"))
        .because(gave_up)
        .hint("start one with `norace serve`, or name another with --url")
}
