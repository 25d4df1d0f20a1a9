//! The connection to Redis: one script, many messages in one round trip.

use norace_prim::time::Duration;
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
    pub(super) fn open(client: &Client, timeout: Duration) -> RedisResult<Self> {
        let mut connection = client.get_connection_with_timeout(timeout)?;
        connection.set_read_timeout(Some(timeout))?;
        connection.set_write_timeout(Some(timeout))?;
        let script = redis::cmd("SCRIPT").arg("LOAD").arg(SCRIPT).query(&mut connection)?;
        Ok(Self { connection, script })
    }

    /// Sends all messages, and gives an answer to each.
    pub(super) fn exchange(
        &mut self,
        names: &Names,
        messages: &[(&str, Request, Terms)],
    ) -> RedisResult<Vec<(Answer, u64)>> {
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

/// The answer, and the store's time.
fn parse(numbers: &[u64]) -> Option<(Answer, u64)> {
    let [seq, epoch, window, level, left, granted, wait, closed, now] = *numbers else {
        return None;
    };
    Some((Answer { seq, epoch, window, level, left, granted, wait, closed }, now))
}
