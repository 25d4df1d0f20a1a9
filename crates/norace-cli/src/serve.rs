//! `norace serve`.

use norace::context::Context;
use norace_engine::{EngineConfig, ProcessorChoice, SimulatedOptions, SimulatedProvider};
use norace_prim::sync::Arc;
use norace_prim::time::Duration;
use serde::Serialize;

use crate::args::{ProcessorName, ServeArgs};
use crate::config::Config;
use crate::exit_code::ExitCode;
use crate::failure::{Failure, sanitise};
use crate::output::{Output, STRONG};
use crate::service::{self, Service};
use crate::signals::Ended;

/// The first line, when the service is ready.
#[derive(Serialize)]
struct Ready {
    schema: &'static str,
    listening: String,
    data: String,
}

/// Runs the command.
pub(crate) fn run_command(args: &ServeArgs, output: &mut Output) -> Result<ExitCode, Failure> {
    let config = args.config.as_deref().map_or_else(|| Ok(Config::default()), Config::read)?;
    let engine = EngineConfig { processor: processor(args, &config), ..config.engine() };
    let runtime = service::runtime()?;
    runtime.block_on(async {
        let stop = Context::new();
        let ended = Ended::watch(&stop)?;
        let service = Service::open(&args.data, args.listen, engine, config.server())?;
        let ready = Ready {
            schema: "norace.serve/1",
            listening: service.address().to_string(),
            data: args.data.display().to_string(),
        };
        output.result(&ready, || {
            let data = sanitise(&ready.data);
            format!("listening on {STRONG}http://{}{STRONG:#} data {data}", ready.listening)
        })?;
        service.run(stop).await?;
        // Being told to end is the ordinary end of a service; Ctrl-C is somebody's.
        Ok(match ended.get() {
            Some(ExitCode::Interrupted) => ExitCode::Interrupted,
            _ => ExitCode::Ok,
        })
    })
}

fn processor(args: &ServeArgs, config: &Config) -> ProcessorChoice {
    match args.processor {
        ProcessorName::Ledger => ProcessorChoice::Ledger,
        ProcessorName::Manual => ProcessorChoice::Manual,
        ProcessorName::Simulated => {
            let delay = Duration::from_millis(args.simulated_delay_ms);
            let provider = SimulatedProvider::new(SimulatedOptions {
                delay_min: delay,
                delay_max: delay,
                errors_permille: permille(args.simulated_fail),
                refusals_permille: permille(args.simulated_refuse),
                ..SimulatedOptions::default()
            });
            ProcessorChoice::Async(Arc::new(provider), config.processor())
        }
    }
}

/// A share from 0 to 1, as the arguments were checked to be.
fn permille(share: f64) -> u32 {
    (share * 1000.0).round() as u32
}
