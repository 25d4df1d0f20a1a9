//! What operators, browsers and scrapers ask for.

use hyper::StatusCode;
use norace_engine::{Answer, Found, OrderState, Query, Stats};
use norace_prim::time::Duration;

use super::App;
use crate::metrics::{Page, seconds};
use crate::problem::{Code, Problem};
use crate::reply::{JSON, Refused, Reply};

/// The committed description of every call; a test keeps it in step with the routes.
pub(crate) static OPENAPI: &str = include_str!("../../../../docs/reference/openapi.json");
static PAGE: &str = include_str!("../../assets/page.html");
/// The page brings its one style and one script along; their hashes are all that may run, checked by a test.
const PAGE_POLICY: &str = concat!(
    "default-src 'self'; img-src data:; ",
    "style-src 'sha256-NpTf4POzy1lq+y7wsjy/65hmhbhLrqUxepTiDZHgJoo='; ",
    "script-src 'sha256-JWK/TUd4/HiX1H2NCy6slXQaQyGYfEpXY+m8W2XvuE4='; ",
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
);

/// How long the metrics wait for the engine's figures; a stalled journal must not take the server's own with it.
const PATIENCE: Duration = Duration::from_millis(500);

/// `GET /healthz`: the process serves.
pub(super) fn health() -> Result<Reply, Refused> {
    let body = b"{\"status\":\"ok\"}".to_vec();
    Ok(Reply::Fresh { status: StatusCode::OK, media: JSON, body })
}

/// `GET /readyz`: the journal is open and replayed, and nobody is stopping.
pub(super) fn ready(app: &App) -> Result<Reply, Refused> {
    if let Some(cause) = app.engine.failure() {
        return Err(Problem::new(Code::Stopping, format!("the engine has failed: {cause}")).into());
    }
    if app.stopping.is_cancelled() {
        return Err(Problem::new(Code::Stopping, "the server is stopping").into());
    }
    let body = b"{\"status\":\"ready\"}".to_vec();
    Ok(Reply::Fresh { status: StatusCode::OK, media: JSON, body })
}

/// `GET /openapi.json`.
pub(super) fn openapi() -> Reply {
    Reply::Fixed { media: JSON, policy: None, text: OPENAPI }
}

/// `GET /`.
pub(super) fn page() -> Reply {
    Reply::Fixed { media: "text/html; charset=utf-8", policy: Some(PAGE_POLICY), text: PAGE }
}

/// `GET /metrics`.
pub(super) async fn metrics(app: &App) -> Result<Reply, Refused> {
    let mut page = Page::default();
    app.metrics.write(&mut page);
    app.buffers.write(&mut page);
    app.limits.write(&mut page);
    page.gauge(
        "norace_engine_queue_depth",
        "Messages waiting for the engine's core.",
        app.engine.queue_depth(),
    );
    page.gauge(
        "norace_durable_sequence",
        "The last journal position known to be durable.",
        app.engine.durable_sequence(),
    );
    let events = app.engine.events();
    page.counter("norace_events_published_total", "Order events.", events.published());
    page.gauge(
        "norace_event_followers",
        "Those who follow order events, the counts of moves among them.",
        events.followers(),
    );
    page.gauge(
        "norace_config_version",
        "The version of the settings in force.",
        app.live.hot.version(),
    );
    page.gauge(
        "norace_config_file_bad",
        "1 when the configuration file's last content was refused.",
        u8::from(app.live.file_error.load().is_some()),
    );
    page.gauge(
        "norace_engine_failed",
        "1 when the engine has failed.",
        u8::from(app.engine.failure().is_some()),
    );
    if let Ok(Ok(Answer { result: Found::Stats(stats), .. })) =
        norace::time::timeout(PATIENCE, app.query(Query::Stats)).await
    {
        write_stats(&mut page, &stats);
    }
    write_runtime(&mut page);
    Ok(Reply::Fresh {
        status: StatusCode::OK,
        media: "text/plain; version=0.0.4; charset=utf-8",
        body: page.into_bytes(),
    })
}

fn write_stats(page: &mut Page, stats: &Stats) {
    page.gauge("norace_sequence", "The last journal position decided.", stats.sequence);
    page.family("norace_orders", "gauge", "Orders by state.");
    for (state, count) in OrderState::ALL.iter().zip(stats.orders) {
        page.sample("", &format!("state=\"{}\"", state.as_str()), count);
    }
    page.gauge("norace_accounts", "Accounts.", stats.accounts);
    page.gauge("norace_transfers", "Transfers asked for by name.", stats.transfers);
    page.gauge("norace_idempotency_keys", "Idempotency keys remembered.", stats.keys);
    page.gauge("norace_posted_units", "Settled debits over all ledgers.", stats.debits_posted);
    page.gauge("norace_reserved_units", "Reserved debits over all ledgers.", stats.debits_pending);
    page.gauge("norace_waiters", "Callers waiting for a final order.", stats.waiters);
    page.gauge("norace_orders_with_processor", "Orders at a processor now.", stats.processing_now);
    page.gauge("norace_orders_flagged", "Orders that need a person.", stats.flagged);
    page.counter("norace_journal_frames_total", "Frames appended since the start.", stats.frames);
    page.counter(
        "norace_journal_records_total",
        "Records appended since the start.",
        stats.records,
    );
    let latency = &stats.append_latency;
    page.family("norace_journal_append_seconds", "summary", "Time to make a frame durable.");
    page.sample("", "quantile=\"0.5\"", seconds(latency.p50_us));
    page.sample("", "quantile=\"0.99\"", seconds(latency.p99_us));
    page.sample("", "quantile=\"1\"", seconds(latency.max_us));
    page.sample("_sum", "", seconds(latency.sum_us));
    page.sample("_count", "", latency.count);
}

fn write_runtime(page: &mut Page) {
    let Ok(runtime) = norace::rt::Handle::try_current() else { return };
    let metrics = runtime.metrics();
    page.gauge("norace_tasks", "Tasks that live.", metrics.tasks_live);
    page.gauge("norace_timers", "Timers set.", metrics.timers);
    page.counter("norace_tasks_spawned_total", "Tasks spawned.", metrics.tasks_spawned);
    page.counter("norace_tasks_refused_total", "Tasks not admitted.", metrics.tasks_refused);
    page.counter("norace_task_polls_total", "Polls of tasks.", metrics.polls);
    page.counter("norace_task_steals_total", "Steals between workers.", metrics.steals);
    page.counter("norace_task_stalls_total", "Polls that took too long.", metrics.stalls);
    page.family("norace_task_stalled_seconds", "gauge", "How long tasks have held their worker.");
    for stall in runtime.stalls().iter().filter(|stall| !stall.over) {
        let name = stall.name.as_deref().unwrap_or_default();
        let spawned_at = stall.spawned_at.to_string();
        let labels = format!("name={name:?},spawned_at={spawned_at:?},worker=\"{}\"", stall.worker);
        page.sample("", &labels, stall.lasted.as_secs_f64());
    }
    page.family("norace_task_panics_total", "counter", "Panics kept from other tasks.");
    page.sample("", "in=\"poll\"", metrics.panics_in_poll);
    page.sample("", "in=\"drop\"", metrics.panics_in_drop);
}

#[cfg(test)]
mod tests;
