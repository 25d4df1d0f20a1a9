//! Tasks that wait for each other: a value made once, a gate that opens and closes, permits, a lock held across an
//! await, a signal that stays, and a group of tasks that is waited for.
//!
//! Observe: six deliveries load the price list once between them; none begins before the gate is open; never are more
//! than two on the road; the ledger's two lines of one delivery are never apart, although its lock is held across an
//! await; and who waits for the group and the latch goes on when all is done.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use norace::prim::atomic::{AtomicUsize, Ordering};
use norace::prim::sync::Arc;
use norace::sync::{Counter, Gate, Latch, Mutex, OnceCell, Semaphore, WaitGroup};
use norace::task;

static PRICES: OnceCell<Vec<u64>> = OnceCell::new();
static LOADED: Counter = Counter::new();
static CLOSED: Latch = Latch::new();

struct Shop {
    opening: Gate,
    vans: Semaphore,
    on_the_road: AtomicUsize,
    most_on_the_road: AtomicUsize,
    ledger: Mutex<Vec<String>>,
}

/// Asked by all at once, made by one.
async fn prices() -> &'static [u64] {
    let load = async || {
        LOADED.add(1);
        task::yield_now().await;
        vec![250, 999]
    };
    PRICES.get_or_init(load).await
}

async fn deliver(shop: Arc<Shop>, number: usize) {
    let price = prices().await[number % 2];
    shop.opening.wait().await;
    let van = shop.vans.acquire().await.expect("nobody closes it");
    // Relaxed: counts alone.
    let vans = shop.on_the_road.fetch_add(1, Ordering::Relaxed) + 1;
    // Relaxed: the same.
    shop.most_on_the_road.fetch_max(vans, Ordering::Relaxed);
    task::yield_now().await;
    let mut ledger = shop.ledger.lock().await;
    ledger.push(format!("delivery {number}"));
    // The lock is held meanwhile, and no thread is.
    task::yield_now().await;
    ledger.push(format!("paid {price}"));
    drop(ledger);
    // Relaxed: the same.
    shop.on_the_road.fetch_sub(1, Ordering::Relaxed);
    drop(van);
}

#[norace::main]
async fn main() {
    let shop = Arc::new(Shop {
        opening: Gate::new(false),
        vans: Semaphore::new(2),
        on_the_road: AtomicUsize::new(0),
        most_on_the_road: AtomicUsize::new(0),
        ledger: Mutex::new(Vec::new()),
    });
    let deliveries = WaitGroup::new();
    for number in 0..6 {
        let (member, shop) = (deliveries.add(), Arc::clone(&shop));
        // Nobody asks how it went; the group tells when.
        drop(task::spawn(async move {
            deliver(shop, number).await;
            member.done();
        }));
    }
    let sweeper = task::spawn(async {
        CLOSED.wait().await;
        println!("the sweeper comes when the shop is closed");
    });
    println!("{} deliveries, and the shop is closed", deliveries.members());
    shop.opening.open();
    deliveries.wait().await;
    shop.opening.close();
    CLOSED.set();
    sweeper.await.expect("it does not panic");

    let ledger = shop.ledger.lock().await;
    for delivery in ledger.chunks(2) {
        println!("{}: {}", delivery[0], delivery[1]);
    }
    // Relaxed: the group was waited for.
    let most = shop.most_on_the_road.load(Ordering::Relaxed);
    println!(
        "the prices were loaded {} time(s), and {most} vans at most on the road",
        LOADED.get()
    );
}
