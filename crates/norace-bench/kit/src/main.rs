//! One contender at one task, for a time; what came of it as JSON on standard output.

mod channels;
mod contexts;
mod echo;
mod http;
mod runtimes;
mod selects;
mod sets;
mod tasks;
mod threads;

use std::future::Future;
use std::process::ExitCode;
use std::time::Duration;

use channels::{
    AsyncChannel, Bridge, Crossbeam, Crossfire, CrossfireUnbounded, Flume, Kanal, Mpsc,
    MpscUnbounded, Std, StdUnbounded,
};
use norace::context::Context;
use norace_bench_measure::{
    Done, Run, p99,
    usage::{self, Watch},
};
use runtimes::{Norace, PATIENCE, Patient, Runtime, Smol, Tokio};
use tokio_util::sync::CancellationToken;

const USAGE: &str = "\
usage: norace-bench-kit CONTENDER TASK WORKERS SECONDS
TASK: flow:P:C:CAP sized:BYTES:CAP threads:P:C:CAP bridge:CAP bridge-back:CAP select:CAP select-threads:CAP
      select-set:N select-set-threads:N select-context select-fair:READY select-rare timeout ring ping-pong storm:CAP
      storm-timed:CAP spawn-join spawn-remote fan-out chain yields crowd hog blocked idle echo:N http:N
      context:children|looks|wide|deep
CAP: a number, or inf";

fn main() -> ExitCode {
    norace_bench_measure::main(USAGE, |run, contender, name, parameters| {
        Tasks(run).task(contender, name, parameters)
    })
}

/// All there is to do.
#[derive(Clone, Copy)]
struct Tasks(Run);

/// Calls a function with the runtime and channel of a contender as its type arguments.
macro_rules! on {
    ($contender:expr, $run:expr, $function:ident($($argument:expr),*)) => {
        match $contender {
            "norace" => on!($run, Norace, channels::Norace, $function($($argument),*)),
            "norace-patient" => on!($run, Patient, channels::Norace, $function($($argument),*)),
            "kanal" => on!($run, Tokio, Kanal, $function($($argument),*)),
            "flume" => on!($run, Tokio, Flume, $function($($argument),*)),
            "async-channel" => on!($run, Tokio, AsyncChannel, $function($($argument),*)),
            "crossfire" => on!($run, Tokio, Crossfire, $function($($argument),*)),
            "crossfire-unbounded" => {
                on!($run, Tokio, CrossfireUnbounded, $function($($argument),*))
            }
            "tokio" => on!($run, Tokio, Mpsc, $function($($argument),*)),
            "tokio-unbounded" => on!($run, Tokio, MpscUnbounded, $function($($argument),*)),
            "smol" => on!($run, Smol, AsyncChannel, $function($($argument),*)),
            _ => return None,
        }
    };
    ($run:expr, $runtime:ty, $channel:ty, $function:ident($($argument:expr),*)) => {
        $run.tasks::<$runtime, _>(move || tasks::$function::<$runtime, $channel>($($argument),*))
    };
}

/// As `on`, for work without channels.
macro_rules! on_runtime {
    ($contender:expr, $run:expr, $function:ident) => {
        match $contender {
            "norace" => $run.tasks::<Norace, _>(tasks::$function::<Norace>),
            "norace-patient" => $run.tasks::<Patient, _>(tasks::$function::<Patient>),
            "tokio" => $run.tasks::<Tokio, _>(tasks::$function::<Tokio>),
            "smol" => $run.tasks::<Smol, _>(tasks::$function::<Smol>),
            _ => return None,
        }
    };
}

impl Tasks {
    fn task(self, contender: &str, name: &str, parameters: &[&str]) -> Option<Done> {
        let number = |at: usize| parameters.get(at)?.parse::<u64>().ok();
        let capacity = |at: usize| match *parameters.get(at)? {
            "inf" => Some(None),
            number => number.parse().ok().map(Some),
        };
        Some(match name {
            "flow" => {
                let (p, c, capacity) = (number(0)?, number(1)?, capacity(2)?);
                on!(contender, self, flow(p, c, capacity))
            }
            "threads" => self.threads(contender, number(0)?, number(1)?, capacity(2)?)?,
            "sized" => {
                let (bytes, capacity) = (number(0)?, capacity(1)?);
                on!(contender, self, sized(bytes, capacity))
            }
            "bridge" | "bridge-back" => self.bridges(contender, name, capacity(0)?)?,
            "ring" => on!(contender, self, ring()),
            "ping-pong" => on!(contender, self, ping_pong()),
            "storm" | "storm-timed" => self.storm(contender, name, capacity(0)?)?,
            "hog" => self.hog(contender)?,
            "select" | "select-threads" => self.selects(contender, name, capacity(0)??)?,
            "select-set" | "select-set-threads" | "select-context" | "select-fair"
            | "select-rare" => self.sets(contender, name, parameters)?,
            "timeout" => match contender {
                "norace" => self.tasks::<Norace, _>(selects::norace_timeout),
                "tokio" => self.tasks::<Tokio, _>(selects::tokio_timeout),
                _ => return None,
            },
            "crowd" => self.crowd(contender)?,
            "spawn-join" => on_runtime!(contender, self, spawn_join),
            "fan-out" => on_runtime!(contender, self, fan_out),
            "chain" => on_runtime!(contender, self, chain),
            "yields" => on_runtime!(contender, self, yields),
            "blocked" => self.blocked(contender)?,
            "spawn-remote" => self.remote(contender)?,
            "idle" => self.idle(contender)?,
            "echo" => self.echo(contender, number(0)?)?,
            "http" => http::http(self.0, contender, number(0)?)?,
            "context" => match contender {
                "norace" => self.contexts::<Context>(parameters)?,
                "tokio-util" => self.contexts::<CancellationToken>(parameters)?,
                _ => return None,
            },
            _ => return None,
        })
    }

    /// Passes inside a runtime until the time is up; the first one is for warming up.
    fn tasks<R: Runtime, F>(self, pass: impl Fn() -> F + Send + Sync + 'static) -> Done
    where
        F: Future<Output = u64> + Send + 'static,
    {
        R::run(self.0.workers, async move {
            pass().await;
            let (watch, mut ops) = (Watch::start(), 0);
            while ops == 0 || watch.wall() < self.0.limit {
                ops += pass().await;
            }
            Done::timed(ops, &watch)
        })
    }

    fn threads(self, contender: &str, p: u64, c: u64, capacity: Option<usize>) -> Option<Done> {
        Some(match contender {
            "norace" => self.0.passes(|| threads::flow::<channels::Norace>(p, c, capacity)),
            "crossbeam" => self.0.passes(|| threads::flow::<Crossbeam>(p, c, capacity)),
            "kanal" => self.0.passes(|| threads::flow::<Kanal>(p, c, capacity)),
            "flume" => self.0.passes(|| threads::flow::<Flume>(p, c, capacity)),
            "crossfire" => self.0.passes(|| threads::flow::<Crossfire>(p, c, capacity)),
            "crossfire-unbounded" => {
                self.0.passes(|| threads::flow::<CrossfireUnbounded>(p, c, capacity))
            }
            "std" => self.0.passes(|| threads::flow::<Std>(p, c, capacity)),
            "std-unbounded" => self.0.passes(|| threads::flow::<StdUnbounded>(p, c, capacity)),
            _ => return None,
        })
    }

    fn bridges(self, contender: &str, name: &str, capacity: Option<usize>) -> Option<Done> {
        let how = (name == "bridge-back", capacity);
        Some(match contender {
            "norace" => self.bridge::<Norace, channels::Norace>(how),
            "kanal" => self.bridge::<Tokio, Kanal>(how),
            "flume" => self.bridge::<Tokio, Flume>(how),
            "async-channel" => self.bridge::<Tokio, AsyncChannel>(how),
            "crossfire" => self.bridge::<Tokio, Crossfire>(how),
            "tokio" => self.bridge::<Tokio, Mpsc>(how),
            _ => return None,
        })
    }

    fn bridge<R: Runtime, C: Bridge>(self, (back, capacity): (bool, Option<usize>)) -> Done {
        if back {
            self.tasks::<R, _>(move || tasks::bridge_back::<R, C>(capacity))
        } else {
            self.tasks::<R, _>(move || tasks::bridge::<R, C>(capacity))
        }
    }

    fn selects(self, contender: &str, name: &str, capacity: usize) -> Option<Done> {
        Some(match (contender, name) {
            ("norace", "select") => self.tasks::<Norace, _>(move || selects::norace(capacity)),
            ("tokio", "select") => self.tasks::<Tokio, _>(move || selects::tokio(capacity)),
            ("norace", "select-threads") => self.0.passes(|| selects::norace_threads(capacity)),
            ("crossbeam", "select-threads") => self.0.passes(|| selects::crossbeam(capacity)),
            _ => return None,
        })
    }

    fn sets(self, contender: &str, name: &str, parameters: &[&str]) -> Option<Done> {
        let cases = || parameters.first()?.parse::<usize>().ok();
        Some(match (contender, name) {
            ("norace", "select-set") => {
                let cases = cases()?;
                self.tasks::<Norace, _>(move || sets::norace(cases))
            }
            ("norace", "select-set-threads") => {
                let cases = cases()?;
                self.0.passes(|| sets::norace_threads(cases))
            }
            ("crossbeam", "select-set-threads") => {
                let cases = cases()?;
                self.0.passes(|| sets::crossbeam(cases))
            }
            ("norace", "select-context") => self.tasks::<Norace, _>(sets::norace_context),
            ("tokio", "select-context") => self.tasks::<Tokio, _>(sets::tokio_context),
            (contender, "select-fair") => {
                let ready = cases().filter(|ready| *ready <= sets::ARMS)?;
                match contender {
                    "norace" => sets::chosen(self.0, ready, sets::norace_arms()),
                    "crossbeam" => sets::chosen(self.0, ready, sets::crossbeam_arms()),
                    "tokio" => sets::chosen(self.0, ready, sets::tokio_arms()),
                    _ => return None,
                }
            }
            ("norace", "select-rare") => sets::rare(sets::norace_arms()),
            ("crossbeam", "select-rare") => sets::rare(sets::crossbeam_arms()),
            ("tokio", "select-rare") => sets::rare(sets::tokio_arms()),
            _ => return None,
        })
    }

    fn echo(self, contender: &str, connections: u64) -> Option<Done> {
        Some(match contender {
            "norace" => self.tasks::<Norace, _>(move || echo::norace::<Norace>(connections)),
            "tokio" => self.tasks::<Tokio, _>(move || echo::tokio::<Tokio>(connections)),
            _ => return None,
        })
    }

    fn storm(self, contender: &str, name: &str, capacity: Option<usize>) -> Option<Done> {
        async fn run<R: Runtime, C: channels::TaskChannel>(
            limit: Duration,
            (timed, capacity): (bool, Option<usize>),
        ) -> Done {
            let (watch, mut ops, mut all) = (Watch::start(), 0, tasks::Storm::default());
            while ops == 0 || watch.wall() < limit {
                let (values, storm) = if timed {
                    tasks::storm_timed::<R, C>(capacity).await
                } else {
                    tasks::storm::<R, C>(capacity).await
                };
                (ops, all.lost, all.twice) =
                    (ops + values, all.lost + storm.lost, all.twice + storm.twice);
            }
            let done = Done::timed(ops, &watch);
            done.with("lost", all.lost as f64).with("wrong", all.twice as f64)
        }
        let (workers, limit) = (self.0.workers, self.0.limit);
        let how = (name == "storm-timed", capacity);
        Some(match contender {
            "norace" => Norace::run(workers, run::<Norace, channels::Norace>(limit, how)),
            "kanal" => Tokio::run(workers, run::<Tokio, Kanal>(limit, how)),
            "flume" => Tokio::run(workers, run::<Tokio, Flume>(limit, how)),
            "async-channel" => Tokio::run(workers, run::<Tokio, AsyncChannel>(limit, how)),
            "crossfire" => Tokio::run(workers, run::<Tokio, Crossfire>(limit, how)),
            "tokio" => Tokio::run(workers, run::<Tokio, Mpsc>(limit, how)),
            _ => return None,
        })
    }

    fn hog(self, contender: &str) -> Option<Done> {
        let workers = self.0.workers;
        Some(delays(match contender {
            "norace" => Norace::run(workers, tasks::hog::<Norace, channels::Norace>()),
            "norace-patient" => Patient::run(workers, tasks::hog::<Patient, channels::Norace>()),
            "tokio" => Tokio::run(workers, tasks::hog::<Tokio, Mpsc>()),
            "smol" => Smol::run(workers, tasks::hog::<Smol, AsyncChannel>()),
            _ => return None,
        }))
    }

    fn blocked(self, contender: &str) -> Option<Done> {
        Some(delays(match contender {
            "norace" => Norace::run(self.0.workers, tasks::blocked::<Norace>()),
            "tokio" => Tokio::run(self.0.workers, tasks::blocked::<Tokio>()),
            _ => return None,
        }))
    }

    /// How long a task from outside waits among tasks that always have something to do.
    fn crowd(self, contender: &str) -> Option<Done> {
        let workers = self.0.workers;
        Some(delays(match contender {
            "norace" => Norace::run(workers, tasks::crowd::<Norace>()),
            "tokio" => Tokio::run(workers, tasks::crowd::<Tokio>()),
            "smol" => Smol::run(workers, tasks::crowd::<Smol>()),
            _ => return None,
        }))
    }

    /// Tasks started from outside the runtime, and joined there.
    fn remote(self, contender: &str) -> Option<Done> {
        const TASKS: u64 = 50_000;
        let workers = self.0.workers;
        Some(match contender {
            "norace" | "norace-patient" => {
                let mut builder = norace::rt::Builder::new();
                if contender == "norace-patient" {
                    builder.stall_after(PATIENCE);
                }
                let runtime = builder.workers(workers).build().ok()?;
                self.0.passes(|| {
                    let tasks: Vec<_> =
                        (0..TASKS).map(|n| runtime.spawn(async move { n })).collect();
                    for task in tasks {
                        runtime.block_on(task).expect("it does not panic");
                    }
                    TASKS
                })
            }
            "tokio" => {
                let mut builder = tokio::runtime::Builder::new_multi_thread();
                let runtime = builder.worker_threads(workers).enable_all().build().ok()?;
                self.0.passes(|| {
                    let tasks: Vec<_> =
                        (0..TASKS).map(|n| runtime.spawn(async move { n })).collect();
                    for task in tasks {
                        runtime.block_on(task).expect("it does not panic");
                    }
                    TASKS
                })
            }
            "smol" => {
                Smol::run(workers, async {});
                self.0.passes(|| {
                    let tasks: Vec<_> = (0..TASKS).map(|n| Smol::spawn(async move { n })).collect();
                    for task in tasks {
                        futures_lite::future::block_on(task);
                    }
                    TASKS
                })
            }
            _ => return None,
        })
    }

    /// What a task that waits for ever takes, in bytes of memory that is in use.
    fn idle(self, contender: &str) -> Option<Done> {
        const TASKS: u64 = 200_000;
        async fn grow<R: Runtime>() -> f64 {
            drop(R::spawn(std::future::pending::<()>()));
            let before = usage::resident_bytes();
            let tasks: Vec<_> =
                (0..TASKS).map(|_| R::spawn(std::future::pending::<()>())).collect();
            R::yield_now().await;
            let kept = tasks.capacity() * std::mem::size_of_val(&tasks[0]);
            std::mem::forget(tasks);
            (usage::resident_bytes() - before - kept as f64) / TASKS as f64
        }
        let workers = self.0.workers;
        let bytes = match contender {
            "norace" => Norace::run(workers, grow::<Norace>()),
            "tokio" => Tokio::run(workers, grow::<Tokio>()),
            "smol" => Smol::run(workers, grow::<Smol>()),
            _ => return None,
        };
        Some(Done { ops: TASKS, ..Done::default() }.with("bytes", bytes))
    }

    fn contexts<T: contexts::Tree>(self, parameters: &[&str]) -> Option<Done> {
        Some(match *parameters {
            ["children"] => self.0.passes(contexts::children::<T>),
            ["looks"] => self.0.passes(contexts::looks::<T>),
            ["wide"] => self.0.passes(contexts::wide::<T>),
            ["deep"] => self.0.passes(contexts::deep::<T>),
            _ => return None,
        })
    }
}

/// The delay that one in a hundred is not shorter than.
fn delays(mut nanos: Vec<u64>) -> Done {
    let p99_ms = p99(&mut nanos) as f64 / 1e6;
    Done { ops: nanos.len() as u64, ..Done::default() }.with("p99_ms", p99_ms)
}
