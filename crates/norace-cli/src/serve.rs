//! `norace serve`.

use norace::config::Changes;
use norace::context::Context;
use norace::task;
use norace_engine::{EngineConfig, ProcessorChoice, SimulatedOptions, SimulatedProvider};
use norace_prim::sync::Arc;
use norace_prim::time::Duration;
use norace_server::{Level, LiveSettings, Settings};
use serde::Serialize;

use crate::args::{ProcessorName, ServeArgs};
use crate::config::{self, Config};
use crate::exit_code::ExitCode;
use crate::failure::{Failure, sanitise};
use crate::output::{self, Output, STRONG};
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
    let (config, file) = match args.config.as_deref().map(Config::read).transpose()? {
        Some((config, file)) => (config, Some(file)),
        None => (Config::default(), None),
    };
    let live = LiveSettings::new(config.settings())
        .map_err(|error| Failure::usage("cannot use the configuration").because(error))?;
    output::set_level(live.hot().load().log.level);
    let engine = EngineConfig { processor: processor(args), ..config.engine() };
    let runtime = service::runtime()?;
    runtime.block_on(async {
        let stop = Context::new();
        let ended = Ended::watch(&stop)?;
        let service = Service::open(&args.data, args.listen, engine, live.clone())?;
        let _following = file.map(|file| config::follow(file, &live)).transpose()?;
        task::spawn(keep_level(live.hot().subscribe(|settings| settings.log.level)));
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

/// Has the level in force hold for what is told.
async fn keep_level(mut level: Changes<Settings, Level>) {
    while let Ok(level) = level.changed().await {
        output::set_level(*level);
    }
}

fn processor(args: &ServeArgs) -> ProcessorChoice {
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
            ProcessorChoice::Async(Arc::new(provider))
        }
    }
}

/// A share from 0 to 1, as the arguments were checked to be.
fn permille(share: f64) -> u32 {
    (share * 1000.0).round() as u32
}
