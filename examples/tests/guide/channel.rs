//! A channel for what changes hands.

use norace::chan::{bounded, oneshot};
use norace::prim::thread;

struct Transfer {
    from: usize,
    to: usize,
    amount: u64,
    answer: oneshot::Sender<Result<u64, &'static str>>,
}

#[norace::test]
fn a_transfer_carries_its_answer() {
    let (bank, requests) = bounded::<Transfer>(8);
    let banker = thread::spawn(move || {
        let mut balances = [100, 0]; // nobody else's
        while let Ok(Transfer { from, to, amount, answer }) = requests.recv_blocking() {
            let outcome = if balances[from] < amount {
                Err("not covered")
            } else {
                balances[from] -= amount;
                balances[to] += amount;
                Ok(balances[from])
            };
            answer.send(outcome).ok();
        }
        balances
    });
    let (answer, reply) = oneshot::channel();
    bank.send_blocking(Transfer { from: 0, to: 1, amount: 30, answer }).unwrap();
    assert_eq!(reply.recv_blocking(), Ok(Ok(70)));
    drop(bank);
    assert_eq!(banker.join().unwrap(), [70, 30]);
}
