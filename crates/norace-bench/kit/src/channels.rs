//! Channels of this crate and of its peers, behind one trait for tasks and one for threads.

use std::future::Future;

/// A channel of numbers between tasks.
pub trait TaskChannel: 'static {
    type Sender: Clone + Send + Sync + 'static;
    type Receiver: Send + 'static;
    /// A channel with room for `capacity` values, or for any number.
    fn new(capacity: Option<usize>) -> (Self::Sender, Self::Receiver);
    /// Another receiver of the same channel.
    fn another(receiver: &Self::Receiver) -> Self::Receiver;
    /// Sends to a channel that is open.
    fn send(sender: &Self::Sender, value: u64) -> impl Future<Output = ()> + Send;
    /// The next value; none when the channel is closed and empty.
    fn recv(receiver: &mut Self::Receiver) -> impl Future<Output = Option<u64>> + Send;
}

/// A channel of numbers between threads; as [`TaskChannel`].
pub trait ThreadChannel: 'static {
    type Sender: Clone + Send + 'static;
    type Receiver: Send + 'static;
    fn new(capacity: Option<usize>) -> (Self::Sender, Self::Receiver);
    fn another(receiver: &Self::Receiver) -> Self::Receiver;
    fn send(sender: &Self::Sender, value: u64);
    fn recv(receiver: &Self::Receiver) -> Option<u64>;
}

const OPEN: &str = "the other side is there";

/// `norace::chan`.
pub struct Norace;

impl TaskChannel for Norace {
    type Sender = norace::chan::Sender<u64>;
    type Receiver = norace::chan::Receiver<u64>;

    fn new(capacity: Option<usize>) -> (Self::Sender, Self::Receiver) {
        match capacity {
            Some(capacity) => norace::chan::bounded(capacity),
            None => norace::chan::unbounded(),
        }
    }

    fn another(receiver: &Self::Receiver) -> Self::Receiver {
        receiver.clone()
    }

    async fn send(sender: &Self::Sender, value: u64) {
        sender.send(value).await.expect(OPEN);
    }

    async fn recv(receiver: &mut Self::Receiver) -> Option<u64> {
        receiver.recv().await.ok()
    }
}

impl ThreadChannel for Norace {
    type Sender = norace::chan::Sender<u64>;
    type Receiver = norace::chan::Receiver<u64>;

    fn new(capacity: Option<usize>) -> (Self::Sender, Self::Receiver) {
        <Self as TaskChannel>::new(capacity)
    }

    fn another(receiver: &Self::Receiver) -> Self::Receiver {
        receiver.clone()
    }

    fn send(sender: &Self::Sender, value: u64) {
        sender.send_blocking(value).expect(OPEN);
    }

    fn recv(receiver: &Self::Receiver) -> Option<u64> {
        receiver.recv_blocking().ok()
    }
}

/// kanal.
pub struct Kanal;

impl TaskChannel for Kanal {
    type Sender = kanal::AsyncSender<u64>;
    type Receiver = kanal::AsyncReceiver<u64>;

    fn new(capacity: Option<usize>) -> (Self::Sender, Self::Receiver) {
        capacity.map_or_else(kanal::unbounded_async, kanal::bounded_async)
    }

    fn another(receiver: &Self::Receiver) -> Self::Receiver {
        receiver.clone()
    }

    async fn send(sender: &Self::Sender, value: u64) {
        sender.send(value).await.expect(OPEN);
    }

    async fn recv(receiver: &mut Self::Receiver) -> Option<u64> {
        receiver.recv().await.ok()
    }
}

impl ThreadChannel for Kanal {
    type Sender = kanal::Sender<u64>;
    type Receiver = kanal::Receiver<u64>;

    fn new(capacity: Option<usize>) -> (Self::Sender, Self::Receiver) {
        capacity.map_or_else(kanal::unbounded, kanal::bounded)
    }

    fn another(receiver: &Self::Receiver) -> Self::Receiver {
        receiver.clone()
    }

    fn send(sender: &Self::Sender, value: u64) {
        sender.send(value).expect(OPEN);
    }

    fn recv(receiver: &Self::Receiver) -> Option<u64> {
        receiver.recv().ok()
    }
}

/// flume.
pub struct Flume;

impl TaskChannel for Flume {
    type Sender = flume::Sender<u64>;
    type Receiver = flume::Receiver<u64>;

    fn new(capacity: Option<usize>) -> (Self::Sender, Self::Receiver) {
        capacity.map_or_else(flume::unbounded, flume::bounded)
    }

    fn another(receiver: &Self::Receiver) -> Self::Receiver {
        receiver.clone()
    }

    async fn send(sender: &Self::Sender, value: u64) {
        sender.send_async(value).await.expect(OPEN);
    }

    async fn recv(receiver: &mut Self::Receiver) -> Option<u64> {
        receiver.recv_async().await.ok()
    }
}

impl ThreadChannel for Flume {
    type Sender = flume::Sender<u64>;
    type Receiver = flume::Receiver<u64>;

    fn new(capacity: Option<usize>) -> (Self::Sender, Self::Receiver) {
        <Self as TaskChannel>::new(capacity)
    }

    fn another(receiver: &Self::Receiver) -> Self::Receiver {
        receiver.clone()
    }

    fn send(sender: &Self::Sender, value: u64) {
        sender.send(value).expect(OPEN);
    }

    fn recv(receiver: &Self::Receiver) -> Option<u64> {
        receiver.recv().ok()
    }
}

/// async-channel, which has no capacity of 0.
pub struct AsyncChannel;

impl TaskChannel for AsyncChannel {
    type Sender = async_channel::Sender<u64>;
    type Receiver = async_channel::Receiver<u64>;

    fn new(capacity: Option<usize>) -> (Self::Sender, Self::Receiver) {
        capacity.map_or_else(async_channel::unbounded, async_channel::bounded)
    }

    fn another(receiver: &Self::Receiver) -> Self::Receiver {
        receiver.clone()
    }

    async fn send(sender: &Self::Sender, value: u64) {
        sender.send(value).await.expect(OPEN);
    }

    async fn recv(receiver: &mut Self::Receiver) -> Option<u64> {
        receiver.recv().await.ok()
    }
}

/// crossfire with a bound of at least 1.
pub struct Crossfire;

impl TaskChannel for Crossfire {
    type Sender = crossfire::MAsyncTx<crossfire::mpmc::Array<u64>>;
    type Receiver = crossfire::MAsyncRx<crossfire::mpmc::Array<u64>>;

    fn new(capacity: Option<usize>) -> (Self::Sender, Self::Receiver) {
        crossfire::mpmc::bounded_async(capacity.expect("it is measured with a bound"))
    }

    fn another(receiver: &Self::Receiver) -> Self::Receiver {
        receiver.clone()
    }

    async fn send(sender: &Self::Sender, value: u64) {
        sender.send(value).await.expect(OPEN);
    }

    async fn recv(receiver: &mut Self::Receiver) -> Option<u64> {
        receiver.recv().await.ok()
    }
}

impl ThreadChannel for Crossfire {
    type Sender = crossfire::MTx<crossfire::mpmc::Array<u64>>;
    type Receiver = crossfire::MRx<crossfire::mpmc::Array<u64>>;

    fn new(capacity: Option<usize>) -> (Self::Sender, Self::Receiver) {
        crossfire::mpmc::bounded_blocking(capacity.expect("it is measured with a bound"))
    }

    fn another(receiver: &Self::Receiver) -> Self::Receiver {
        receiver.clone()
    }

    fn send(sender: &Self::Sender, value: u64) {
        sender.send(value).expect(OPEN);
    }

    fn recv(receiver: &Self::Receiver) -> Option<u64> {
        receiver.recv().ok()
    }
}

/// `tokio::sync::mpsc` with a bound of at least 1 and one receiver.
pub struct Mpsc;

impl TaskChannel for Mpsc {
    type Sender = tokio::sync::mpsc::Sender<u64>;
    type Receiver = tokio::sync::mpsc::Receiver<u64>;

    fn new(capacity: Option<usize>) -> (Self::Sender, Self::Receiver) {
        tokio::sync::mpsc::channel(capacity.expect("it is measured with a bound"))
    }

    fn another(_: &Self::Receiver) -> Self::Receiver {
        panic!("it has one receiver")
    }

    async fn send(sender: &Self::Sender, value: u64) {
        sender.send(value).await.expect(OPEN);
    }

    async fn recv(receiver: &mut Self::Receiver) -> Option<u64> {
        receiver.recv().await
    }
}

/// crossbeam-channel.
pub struct Crossbeam;

impl ThreadChannel for Crossbeam {
    type Sender = crossbeam_channel::Sender<u64>;
    type Receiver = crossbeam_channel::Receiver<u64>;

    fn new(capacity: Option<usize>) -> (Self::Sender, Self::Receiver) {
        capacity.map_or_else(crossbeam_channel::unbounded, crossbeam_channel::bounded)
    }

    fn another(receiver: &Self::Receiver) -> Self::Receiver {
        receiver.clone()
    }

    fn send(sender: &Self::Sender, value: u64) {
        sender.send(value).expect(OPEN);
    }

    fn recv(receiver: &Self::Receiver) -> Option<u64> {
        receiver.recv().ok()
    }
}

/// `std::sync::mpsc::sync_channel`, with a bound and one receiver.
pub struct Std;

impl ThreadChannel for Std {
    type Sender = std::sync::mpsc::SyncSender<u64>;
    type Receiver = std::sync::mpsc::Receiver<u64>;

    fn new(capacity: Option<usize>) -> (Self::Sender, Self::Receiver) {
        std::sync::mpsc::sync_channel(capacity.expect("it is measured with a bound"))
    }

    fn another(_: &Self::Receiver) -> Self::Receiver {
        panic!("it has one receiver")
    }

    fn send(sender: &Self::Sender, value: u64) {
        sender.send(value).expect(OPEN);
    }

    fn recv(receiver: &Self::Receiver) -> Option<u64> {
        receiver.recv().ok()
    }
}
