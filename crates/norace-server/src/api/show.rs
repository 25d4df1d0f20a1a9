//! Reading one account or transfer.

use hyper::StatusCode;
use norace_engine::{Answer, Found, Query};

use super::{Call, write};
use crate::problem::{Code, Problem};
use crate::reply::{Refused, Reply};
use crate::wire::query::Params;

/// `GET /v1/accounts/{id}`.
pub(super) async fn account(call: Call<'_>) -> Result<Reply, Refused> {
    Params::read(call.parts.uri.query(), &[])?;
    let Answer { sequence, result } = call.app.query(Query::Account(call.target()?)).await?;
    let Found::Account(account) = result else { return Err(other_kind()) };
    let mut body = call.app.buffers.body(256);
    write::account(&mut body, &account);
    Ok(Reply::Json { status: StatusCode::OK, sequence, version: None, body })
}

/// `GET /v1/transfers/{id}`.
pub(super) async fn transfer(call: Call<'_>) -> Result<Reply, Refused> {
    Params::read(call.parts.uri.query(), &[])?;
    let Answer { sequence, result } = call.app.query(Query::Transfer(call.target()?)).await?;
    let Found::Transfer(transfer) = result else { return Err(other_kind()) };
    let mut body = call.app.buffers.body(256);
    write::transfer(&mut body, &transfer);
    Ok(Reply::Json { status: StatusCode::OK, sequence, version: None, body })
}

/// The engine answered another question than it was asked: a defect, said as one instead of a panic in a connection.
pub(super) fn other_kind() -> Refused {
    Problem::new(Code::Internal, "the engine answered with an object of another kind").into()
}
