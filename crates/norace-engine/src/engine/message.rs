//! What reaches the core.

use super::commit::Replier;
use super::query::{Found, Query};
use crate::model::{Done, Id, Order, Rejection, Request};
use crate::processor::Report;

/// One message to the core; it carries the right to answer.
#[derive(Debug)]
pub(crate) enum Message {
    Execute {
        request: Request,
        replier: Replier<Result<Done, Rejection>>,
    },
    ExecuteMany {
        requests: Vec<Request>,
        replier: Replier<Vec<Result<Done, Rejection>>>,
    },
    Query {
        query: Query,
        replier: Replier<Result<Found, Rejection>>,
    },
    WaitFinal {
        order: Id,
        replier: Replier<Result<Order, Rejection>>,
    },
    /// A processor is done with an order.
    Processed(Report),
    /// The settings have changed. What is due by them is done before and after any message.
    Wake,
}
