//! The load generator: replays a purchase log through HTTP and checks the books afterwards.
//!
//! Each customer has an account, funded with a deposit from the overdraft account `bank`; each purchase is an order
//! from the customer to the merchant `cdnow`. Phases: (1) bank and merchant, (2) accounts and deposits, (3) the orders,
//! which alone are timed, (4) the audit. The counts depend on the log and the deposit alone: not on the number of
//! connections, not on arrays, not on retries, because every order has an id of its own and a customer's orders never
//! overlap.

mod answer;
pub(crate) mod client;
mod command;
mod fund;
mod pace;
mod plan;
mod report;
mod worker;

use hdrhistogram::Histogram;
use indicatif::ProgressBar;
use norace::context::Context;
use norace::task;
use norace_prim::sync::{Arc, Mutex, lock};
use norace_prim::time::{Duration, Instant};

use self::client::{Client, Target};
use self::fund::Disagreements;
use self::pace::Pace;
use self::plan::Plan;
use self::report::Tally;
use self::worker::Worker;
use crate::failure::Failure;
use crate::purchases::Log;

pub(crate) use self::command::{progress_bar, run_command};
pub(crate) use self::plan::RUN_CHARS_MAX;
pub(crate) use self::report::LoadReport;

/// The account deposits come from.
const BANK: &str = "bank";

/// The account every order pays.
const MERCHANT: &str = "cdnow";

/// Orders of one run.
pub(crate) const ORDERS_MAX: u64 = 1_000_000_000;

/// Connections of one run.
pub(crate) const CONNECTIONS_MAX: usize = 4_096;

/// Orders of one array, the server's bound.
pub(crate) const BATCH_MAX: usize = 8_190;

/// What a run does.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The prefix of all ids.
    pub(crate) run: Option<String>,
    /// The number of orders; without it the run ends by `length` alone.
    pub(crate) orders: Option<u64>,
    /// What each customer is funded with, in cents.
    pub(crate) deposit: u64,
    /// Connections.
    pub(crate) connections: usize,
    /// Orders per array; without it each order is a request of its own.
    pub(crate) batch: Option<usize>,
    /// Orders a second that are due, whatever the answers do.
    pub(crate) rate: Option<f64>,
    /// When to stop sending.
    pub(crate) length: Option<Duration>,
    /// What else may pay the merchant meanwhile.
    pub(crate) merchant: Merchant,
}

/// How the merchant's total compares with the run's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Merchant {
    /// Nobody else pays it: what it received is what was confirmed.
    Alone,
    /// Others may pay it too: it received at least what was confirmed.
    Shared,
    /// The run's orders may have been there before: it has at least what was confirmed.
    Repeated,
}

impl Settings {
    fn width(&self) -> usize {
        self.batch.unwrap_or(1)
    }
}

/// What the workers share.
#[derive(Debug)]
struct Run {
    target: Arc<Target>,
    plan: Plan,
    settings: Settings,
    stop: Context,
    latency_us: Mutex<Histogram<u64>>,
    progress: ProgressBar,
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) report: LoadReport,
    /// Why the answer is "no", if it is.
    pub(crate) findings: Vec<String>,
    /// What ended the run early, if anything did.
    pub(crate) failure: Option<Failure>,
}

/// Runs the load against `target`. Cancelling `stop` ends it early; what was sent by then is reported.
///
/// # Errors
///
/// When no order could be sent at all.
pub(crate) async fn run(
    target: Target,
    log: Log,
    settings: Settings,
    stop: Context,
    progress: ProgressBar,
) -> Result<Finished, Failure> {
    let run = Arc::new(Run {
        target: Arc::new(target),
        plan: Plan::new(log, settings.run.as_deref(), settings.orders),
        settings,
        stop,
        latency_us: Mutex::new(Histogram::new(3).expect("3 digits are allowed")),
        progress,
    });
    let mut first = Client::new(Arc::clone(&run.target), run.stop.clone());
    run.progress.set_message("opening accounts");
    let received_before = fund::open_books(&mut first, &run).await?;
    let mut workers: Vec<Worker> = (0..run.settings.connections)
        .map(|_| Client::new(Arc::clone(&run.target), run.stop.clone()))
        .map(|client| Worker::new(Arc::clone(&run), client))
        .collect();
    if run.plan.orders().is_some() {
        let funded = each(workers, Worker::fund_share).await?;
        workers = funded.into_iter().collect::<Result<_, _>>()?;
        run.plan.rewind();
    }
    run.progress.set_message("sending orders");
    let start = Instant::now();
    let pace = Arc::new(Pace::new(start, run.settings.rate, run.settings.length));
    let workers = each(workers, |worker| worker.drive(Arc::clone(&pace))).await?;
    let elapsed = start.elapsed();
    run.progress.set_message("checking the accounts");
    finish(&run, workers, &mut first, received_before, elapsed).await
}

/// Runs one phase: a task for each worker, joined in order.
async fn each<F, T>(
    workers: Vec<Worker>,
    mut phase: impl FnMut(Worker) -> F,
) -> Result<Vec<T>, Failure>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let tasks: Vec<_> = workers.into_iter().map(|worker| task::spawn(phase(worker))).collect();
    let mut done = Vec::with_capacity(tasks.len());
    for task in tasks {
        let ended = task.await;
        done.push(ended.map_err(|error| Failure::internal("cannot go on").because(error))?);
    }
    Ok(done)
}

/// Adds the workers' counts up, and compares them with the accounts unless the run was cut short.
async fn finish(
    run: &Run,
    mut workers: Vec<Worker>,
    client: &mut Client,
    received_before: u64,
    elapsed: Duration,
) -> Result<Finished, Failure> {
    let mut tally = Tally::default();
    for worker in &workers {
        tally.add(&worker.tally);
    }
    let report = LoadReport::new(&tally, elapsed, &lock(&run.latency_us));
    let mut findings = Vec::new();
    if tally.errors > 0 {
        let example = workers.iter_mut().find_map(|worker| worker.refusal.take());
        let example = example.map(|text| format!(", for example {text}")).unwrap_or_default();
        findings.push(format!("{} orders ended without a valid outcome{example}", tally.errors));
    }
    let losses = workers.iter_mut().filter_map(|worker| worker.lost.take());
    let failure = losses.filter_map(|lost| lost.into_failure(run)).next();
    if !run.stop.is_cancelled() {
        if run.settings.length.is_none() && Some(tally.orders()) != run.plan.orders() {
            return Err(Failure::internal("cannot account for every order of the plan"));
        }
        findings.extend(audit(run, workers, client, received_before, &tally).await?);
    }
    Ok(Finished { report, findings, failure })
}

/// Compares the run's totals with the server's.
async fn audit(
    run: &Run,
    workers: Vec<Worker>,
    client: &mut Client,
    received_before: u64,
    tally: &Tally,
) -> Result<Vec<String>, Failure> {
    let mut found = Disagreements::default();
    for disagreements in each(workers, Worker::audit).await? {
        found.append(disagreements?);
    }
    let received = fund::merchant_credits(client, run).await?;
    let (least, most) = match run.settings.merchant {
        Merchant::Alone => (tally.confirmed_amount, tally.confirmed_amount),
        Merchant::Shared => (received_before.saturating_add(tally.confirmed_amount), u64::MAX),
        Merchant::Repeated => (tally.confirmed_amount, u64::MAX),
    };
    if !(least..=most).contains(&received) {
        found.push(|| {
            let confirmed = tally.confirmed_amount;
            format!(
                "account {MERCHANT} shows credits {received} (before the run {received_before}), \
                     the answers said {confirmed} more"
            )
        });
    }
    let mut texts = found.examples;
    if found.count > texts.len() as u64 {
        texts.push(format!("{} accounts disagree in all", found.count));
    }
    Ok(texts)
}
