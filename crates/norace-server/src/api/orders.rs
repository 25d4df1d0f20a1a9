//! Reading, listing and moving orders.

use hyper::StatusCode;
use norace_engine::{
    Action, Answer, Command, Cursor, Done, Found, Order, OrderState, PAGE_LIMIT_MAX, Query, Request,
};

use super::create::Wait;
use super::show::other_kind;
use super::{App, Call, write};
use crate::reply::{Refused, Reply};
use crate::wire::fields::{self, Fields};
use crate::wire::query::Params;
use crate::wire::{header, value};

/// Orders on a page where no `limit` is given.
const PAGE_LIMIT: usize = 100;

/// `GET /v1/orders/{id}`.
pub(super) async fn show(call: Call<'_>) -> Result<Reply, Refused> {
    let (app, parts) = (call.app, call.parts);
    let wait = Wait::read(parts.uri.query(), &app.live.hot.load().server)?;
    let Answer { mut sequence, result } = app.query(Query::Order(call.target()?)).await?;
    let Found::Order(mut order) = result else { return Err(other_kind()) };
    if let Some(wait) = wait {
        wait.until_final(app, &mut sequence, &mut order).await;
    }
    if header::has_version(&parts.headers, order.version) {
        return Ok(Reply::NotModified { sequence, version: order.version });
    }
    Ok(shown(app, sequence, &order))
}

fn shown(app: &App, sequence: u64, order: &Order) -> Reply {
    let mut body = app.buffers.body(384);
    write::order(&mut body, order);
    Reply::Json { status: StatusCode::OK, sequence, version: Some(order.version), body }
}

/// `GET /v1/orders?state=&limit=&cursor=`.
pub(super) async fn list(call: Call<'_>) -> Result<Reply, Refused> {
    let params = Params::read(call.parts.uri.query(), &["state", "limit", "cursor"])?;
    let state = params
        .get(0)
        .map(|name| OrderState::parse(name).ok_or_else(|| params.invalid(0, "no such state")))
        .transpose()?;
    let limit = params.number(1, 1, PAGE_LIMIT_MAX)?.unwrap_or(PAGE_LIMIT);
    let cursor = params
        .get(2)
        .map(|text| {
            Cursor::parse(text).ok_or_else(|| params.invalid(2, "not a cursor of this list"))
        })
        .transpose()?;
    let query = Query::Orders { state, limit, cursor };
    let Answer { sequence, result } = call.app.query(query).await?;
    let Found::Orders(page) = result else { return Err(other_kind()) };
    let mut body = call.app.buffers.body(32 + page.items.len() * 320);
    let next_cursor = page.next_cursor.map(Cursor::encode);
    write::page(&mut body, &page.items, next_cursor.as_deref());
    Ok(Reply::Json { status: StatusCode::OK, sequence, version: None, body })
}

/// `POST /v1/orders/{id}/{process,confirm,fail,cancel}`.
pub(super) async fn advance(call: Call<'_>, action: Action) -> Result<Reply, Refused> {
    let (app, parts) = (call.app, call.parts);
    let order = call.target()?;
    Params::read(parts.uri.query(), &[])?;
    let key = header::idempotency_key(&parts.headers, call.credential())?;
    let expected_version = header::if_match(&parts.headers)?;
    let body = call.json(false).await?;
    let reason = if body.as_ref().is_empty() {
        // Every field is optional, and so is the object around them.
        None
    } else {
        let fields = Fields::read(fields::text(body.as_ref())?, &["reason"])?;
        fields.get(0).map(value::reason).transpose()?
    };
    let command = Command::MoveOrder { order, action, reason, expected_version };
    let Answer { sequence, result } = app.execute(Request { command, key }).await?;
    let Done::Order { order, .. } = result else { return Err(other_kind()) };
    Ok(shown(app, sequence, &order))
}
