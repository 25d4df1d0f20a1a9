//! `norace demo`: everything in one process.
//!
//! **States**: books opened, serving, load running, audit, staying. SIGINT before the audit has been printed ends with
//! 130; afterwards it is how the demo is meant to end, and ends with 0. Whatever the state, the server drains, the
//! journal is closed and the temporary folder removed; a SIGINT after a first signal ends the process at once and
//! leaves the folder.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use norace::context::Context;
use norace::task;
use norace_engine::EngineConfig;
use serde::Serialize;

use crate::args::DemoArgs;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::load::client::Target;
use crate::load::{self, Finished, LoadReport, Merchant, Settings};
use crate::output::{Output, STRONG};
use crate::purchases;
use crate::service::{self, Service};
use crate::signals::Ended;
use crate::verify::{self, VerifyResult};

/// What each customer is funded with, in cents; the default of `norace load`.
const DEPOSIT_CENTS: u64 = 10_000;

/// The result of `norace demo`.
#[derive(Serialize)]
struct DemoResult {
    schema: &'static str,
    load: LoadReport,
    verify: VerifyResult,
    page: String,
}

/// Runs the command.
pub(crate) fn run_command(args: &DemoArgs, output: &mut Output) -> Result<ExitCode, Failure> {
    let runtime = service::runtime()?;
    runtime.block_on(async {
        let stop = Context::new();
        let ended = Ended::watch(&stop)?;
        let books = Books::new(args.data.as_deref())?;
        let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let service = Service::open(
            books.path(),
            loopback,
            EngineConfig::default(),
            norace_server::Config::default().into(),
        )?;
        let address = service.address();
        // The service outlives the load, so it has a stop of its own.
        let stop_service = Context::new();
        let serving = task::spawn(service.run(stop_service.clone()));
        let code = replay(args, address, &books, &stop, &ended, output).await;
        if !args.exit && matches!(code, Ok(ExitCode::Ok)) {
            output.note("the page stays until Ctrl-C");
            stop.cancelled().await;
        }
        stop_service.cancel();
        let served = serving.await;
        served.map_err(|error| Failure::internal("cannot stop in order").because(error))??;
        code
    })
}

/// Sends the purchases, audits the journal, prints the result.
async fn replay(
    args: &DemoArgs,
    address: SocketAddr,
    books: &Books,
    stop: &Context,
    ended: &Ended,
    output: &mut Output,
) -> Result<ExitCode, Failure> {
    let log = purchases::embedded();
    let orders = args.orders.unwrap_or(log.rows.len() as u64);
    let settings = Settings {
        run: None,
        orders: Some(orders),
        deposit: DEPOSIT_CENTS,
        connections: args.connections,
        batch: None,
        rate: None,
        length: None,
        merchant: Merchant::Alone,
    };
    let bar = load::progress_bar(output, Some(orders));
    let finished = load::run(Target::new(address), log, settings, stop.child(), bar.clone()).await;
    bar.finish_and_clear();
    if let Some(code) = ended.get() {
        return Ok(code);
    }
    let Finished { report, findings, failure } = finished?;
    let path = books.path().to_owned();
    let verified = task::spawn_blocking(move || verify::audit(&path)).await;
    let verified = verified.map_err(|error| Failure::internal("cannot audit").because(error))??;
    let code = if findings.is_empty() { verified.exit_code() } else { ExitCode::Finding };
    let result = DemoResult {
        schema: "norace.demo/1",
        load: report,
        verify: verified,
        page: format!("http://{address}/"),
    };
    output.result(&result, || {
        let (load, verify) = (result.load.human(), result.verify.human(books.path()));
        format!("{load}\n{verify}\n{STRONG}page {}{STRONG:#}", result.page)
    })?;
    for finding in &findings {
        output.note(finding);
    }
    failure.map_or(Ok(code), Err)
}

/// The folder of the demo's journal.
struct Books {
    path: PathBuf,
    temporary: bool,
}

impl Books {
    /// The folder asked for, which must be absent or empty, or a temporary one.
    fn new(asked: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = asked else { return Self::temporary() };
        let refused = || Failure::usage(format!("cannot use the folder {}", path.display()));
        match fs::read_dir(path).map(|mut entries| entries.next().is_none()) {
            Ok(true) => {}
            Ok(false) => {
                let refused = refused().because("it is not empty");
                return Err(
                    refused.hint("the demo begins with fresh books; --data names a folder to make")
                );
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(refused().because(error)),
        }
        Ok(Self { path: path.to_owned(), temporary: false })
    }

    fn temporary() -> Result<Self, Failure> {
        let random = norace_prim::rand::next_u64();
        let path = std::env::temp_dir().join(format!("norace-demo-{random:016x}"));
        // Fails when the name is taken: nobody else's folder is used, or removed at the end.
        fs::create_dir(&path).map_err(|error| {
            Failure::usage(format!("cannot make the folder {}", path.display())).because(error)
        })?;
        Ok(Self { path, temporary: true })
    }

    fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Books {
    fn drop(&mut self) {
        if self.temporary {
            // What cannot be removed is left to the system's own cleaning.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}
