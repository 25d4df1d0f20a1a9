//! The connection to Redis: one script, many messages in one round trip.

use norace_prim::time::{Duration, Instant};
use redis::{Client, Connection, RedisResult};

use crate::limit::shared::{Answer, Request, Shape, Terms};

const SCRIPT: &str = include_str!("exchange.lua");

/// Who sends, and under which names.
#[derive(Clone, Debug)]
pub(super) struct Names {
    pub(super) node: String,
    /// Tells this process from others of the same name before it.
    pub(super) life: u64,
    /// One slot of a cluster: the script touches two keys.
    pub(super) prefix: String,
}

impl Names {
    pub(super) fn new(node: &str, prefix: &str) -> Self {
        // 53 bits stay exact wherever they go.
        let life = norace_prim::rand::next_u64() >> 11;
        Self { node: node.to_owned(), life, prefix: prefix.to_owned() }
    }
}

/// A connection that has the script.
pub(super) struct Link {
    connection: Connection,
    script: String,
}

impl Link {
    /// Connects, by `deadline` or not at all.
    pub(super) fn open(client: &Client, deadline: Instant) -> RedisResult<Self> {
        norace_prim::probe::refuse("connect to Redis");
        let mut connection = client.get_connection_with_timeout(left(deadline))?;
        keep(&connection, deadline)?;
        let script = redis::cmd("SCRIPT").arg("LOAD").arg(SCRIPT).query(&mut connection)?;
        Ok(Self { connection, script })
    }

    /// Sends all messages, and gives an answer to each, by `deadline` or not at all.
    pub(super) fn exchange(
        &mut self,
        names: &Names,
        messages: &[(&str, Request, Terms)],
        deadline: Instant,
    ) -> RedisResult<Vec<(Answer, u64)>> {
        keep(&self.connection, deadline)?;
        let mut pipe = redis::pipe();
        for (key, request, terms) in messages {
            pipe.cmd("EVALSHA").arg(&self.script).arg(2);
            pipe.arg(format!("{{{}}}:epoch", names.prefix));
            pipe.arg(format!("{{{}}}:k:{key}", names.prefix));
            let (shape, count) = match terms.shape {
                Shape::Window { .. } => ("w", 1),
                Shape::Bucket { count, .. } => ("b", count),
            };
            pipe.arg(shape).arg(terms.central_at_once()).arg(terms.shape.period()).arg(count);
            pipe.arg(terms.nodes).arg(terms.quarantine(0)).arg(u8::from(terms.trust_empty));
            pipe.arg(&names.node).arg(names.life).arg(request.seq);
            pipe.arg(request.spent).arg(request.back).arg(request.back_window);
            pipe.arg(request.want).arg(request.epoch);
        }
        let answers: Vec<Vec<u64>> = pipe.query(&mut self.connection)?;
        let parsed: Option<Vec<_>> = answers.iter().map(|numbers| parse(numbers)).collect();
        let whole = parsed.filter(|answers| answers.len() == messages.len());
        whole.ok_or_else(|| {
            redis::RedisError::from((
                redis::ErrorKind::Parse,
                "the script's answer has other parts",
            ))
        })
    }
}

fn keep(connection: &Connection, deadline: Instant) -> RedisResult<()> {
    connection.set_read_timeout(Some(left(deadline)))?;
    connection.set_write_timeout(Some(left(deadline)))
}

/// How long it is until `deadline`; never nothing, which sockets do not take for a time-out.
fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
}

/// The answer, and the store's time.
fn parse(numbers: &[u64]) -> Option<(Answer, u64)> {
    let [seq, epoch, window, level, left, granted, wait, closed, now] = *numbers else {
        return None;
    };
    Some((Answer { seq, epoch, window, level, left, granted, wait, closed }, now))
}
