//! etcd-io/etcd#7492: a new token is handed to its keeper under a lock that the keeper needs to drop an old one.
//!
//! Assigning a token to a user takes the lock of all tokens and sends the token to the goroutine that keeps their
//! times. That goroutine takes the same lock at every tick, to delete the tokens whose time is over. The channel to it
//! holds one token; with that filled, an assignment waits for the keeper with the lock, and the keeper for the lock.
//! Fixed by a lock of the keeper's own instead of the channel, which is taken before the other one.

use super::BLOCKS;
use crate::case::Case;
use crate::go::{Chan, Lock, RwMutex, WaitGroup, go};
use norace::chan::tick;
use norace::select_blocking;
use norace::time::Duration;
use norace_prim::sync::Arc;

pub(super) const CASE: Case = Case {
    name: "etcd_7492",
    class: "Channel & Lock",
    kinds: BLOCKS,
    blames: &["keeper"],
    program,
};

/// One whose time is over, one in the channel, and one too many.
const USERS: usize = 3;

type Token = usize;

struct TokenSimple {
    simple_tokens: RwMutex<Vec<Token>>,
    /// What the keeper has: its own, until the fix.
    kept: Lock<Vec<Token>>,
    add_simple_token_ch: Chan<Token>,
    stop_ch: Chan<Chan<()>>,
}

impl TokenSimple {
    fn assign_simple_token_to_user(&self, token: Token, fixed: bool) {
        if fixed {
            let mut kept = self.kept.lock();
            self.simple_tokens.write().push(token);
            kept.push(token);
        } else {
            let mut simple_tokens = self.simple_tokens.write();
            simple_tokens.push(token);
            self.add_simple_token_ch.send(token);
        }
    }

    fn delete_token(&self, token: Token) {
        self.simple_tokens.write().retain(|other| *other != token);
    }

    /// The keeper; every token's time is over at once.
    fn run(&self) {
        let token_ticker = tick(Duration::from_nanos(1));
        loop {
            select_blocking! {
                token = self.add_simple_token_ch.receiver().recv() => {
                    self.kept.lock().push(token.expect("a channel that nobody closes"));
                }
                _ = token_ticker.recv() => {
                    self.kept.lock().drain(..).for_each(|token| self.delete_token(token));
                }
                wait_ch = self.stop_ch.receiver().recv() => {
                    return wait_ch.expect("whoever stops closes it later").send(());
                }
            }
        }
    }

    fn disable(&self) {
        let wait_ch = Chan::new(0);
        self.stop_ch.send(wait_ch.clone());
        wait_ch.recv();
        self.stop_ch.close();
        self.simple_tokens.write().clear();
    }
}

fn program(fixed: bool) {
    let provider = Arc::new(TokenSimple {
        simple_tokens: RwMutex::new(Vec::new()),
        kept: Lock::new(Vec::new()),
        add_simple_token_ch: Chan::new(1),
        stop_ch: Chan::new(0),
    });
    let keeper = provider.clone();
    go("keeper", move || keeper.run());
    let wait_group = WaitGroup::new();
    wait_group.add(USERS as i64);
    for token in 0..USERS {
        let (provider, wait_group) = (provider.clone(), wait_group.clone());
        go("user", move || {
            provider.assign_simple_token_to_user(token, fixed);
            wait_group.done();
        });
    }
    wait_group.wait();
    provider.disable();
}
