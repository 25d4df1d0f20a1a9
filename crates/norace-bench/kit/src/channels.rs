//! Channels of this crate and of its peers, behind one trait for tasks, one for threads, and one for a thread and a
//! task.

use std::future::Future;

/// A channel between tasks, of numbers or of something larger.
pub trait TaskChannel<T = u64>: 'static {
    type Sender: Clone + Send + Sync + 'static;
    type Receiver: Send + 'static;
    /// A channel with room for `capacity` values, or for any number.
    fn new(capacity: Option<usize>) -> (Self::Sender, Self::Receiver);
    /// Another receiver of the same channel.
    fn another(receiver: &Self::Receiver) -> Self::Receiver;
    /// Sends to a channel that is open.
    fn send(sender: &Self::Sender, value: T) -> impl Future<Output = ()> + Send;
    /// The next value; none when the channel is closed and empty.
    fn recv(receiver: &mut Self::Receiver) -> impl Future<Output = Option<T>> + Send;
}

/// The same channel's ends for a thread, whose peer is a task.
pub trait Bridge: TaskChannel {
    /// Sends numbers in the channel's own way of blocking.
    fn send_all(sender: Self::Sender, numbers: impl Iterator<Item = u64>);
    /// Receives in that way until the channel is closed, and adds up what came.
    fn sum_all(receiver: Self::Receiver) -> u64;
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
const BOUND: &str = "it is measured with a bound";

/// `norace::chan`.
pub struct Norace;
/// kanal.
pub struct Kanal;
/// flume.
pub struct Flume;
/// async-channel, which has no capacity of 0.
pub struct AsyncChannel;
/// crossfire with a bound of at least 1.
pub struct Crossfire;
/// crossfire without a bound.
pub struct CrossfireUnbounded;
/// `tokio::sync::mpsc` with a bound of at least 1 and one receiver.
pub struct Mpsc;
/// As [`Mpsc`], without a bound.
pub struct MpscUnbounded;
/// crossbeam-channel.
pub struct Crossbeam;
/// `std::sync::mpsc::sync_channel`, with one receiver.
pub struct Std;
/// `std::sync::mpsc::channel`.
pub struct StdUnbounded;

/// A channel between tasks: its ends, how it is made, how another receiver is, how one sends, and how one receives.
macro_rules! between_tasks {
    ($channel:ty: $sender:ty, $receiver:ty;
     |$capacity:ident| $new:expr; |$of:ident| $another:expr;
     |$to:ident, $value:ident| $send:expr; |$from:ident| $recv:expr) => {
        impl<T: Send + Unpin + 'static> TaskChannel<T> for $channel {
            type Sender = $sender;
            type Receiver = $receiver;

            fn new($capacity: Option<usize>) -> (Self::Sender, Self::Receiver) {
                $new
            }

            fn another($of: &Self::Receiver) -> Self::Receiver {
                $another
            }

            async fn send($to: &Self::Sender, $value: T) {
                assert!($send.is_ok(), "{OPEN}");
            }

            async fn recv($from: &mut Self::Receiver) -> Option<T> {
                $recv
            }
        }
    };
}

/// A channel between a thread and a task: what the thread makes of an end, and how it sends and receives.
macro_rules! bridges {
    ($channel:ty; |$of:ident| $sender:expr; |$to:ident, $value:ident| $send:expr;
     |$from_of:ident| $receiver:expr; |$from:ident| $recv:expr) => {
        impl Bridge for $channel {
            fn send_all($of: Self::Sender, numbers: impl Iterator<Item = u64>) {
                let $to = $sender;
                numbers.for_each(|$value| $send.expect(OPEN));
            }

            fn sum_all($from_of: Self::Receiver) -> u64 {
                let mut receiver = $receiver;
                let $from = &mut receiver;
                std::iter::from_fn(|| $recv).sum()
            }
        }
    };
}

/// A channel between threads; as [`between_tasks`].
macro_rules! between_threads {
    ($channel:ty: $sender:ty, $receiver:ty;
     |$capacity:ident| $new:expr; |$of:ident| $another:expr;
     |$to:ident, $value:ident| $send:expr; |$from:ident| $recv:expr) => {
        impl ThreadChannel for $channel {
            type Sender = $sender;
            type Receiver = $receiver;

            fn new($capacity: Option<usize>) -> (Self::Sender, Self::Receiver) {
                $new
            }

            fn another($of: &Self::Receiver) -> Self::Receiver {
                $another
            }

            fn send($to: &Self::Sender, $value: u64) {
                $send.expect(OPEN);
            }

            fn recv($from: &Self::Receiver) -> Option<u64> {
                $recv
            }
        }
    };
}

between_tasks!(Norace: norace::chan::Sender<T>, norace::chan::Receiver<T>;
    |capacity| capacity.map_or_else(norace::chan::unbounded, norace::chan::bounded);
    |of| of.clone(); |to, value| to.send(value).await; |from| from.recv().await.ok());
between_threads!(Norace: norace::chan::Sender<u64>, norace::chan::Receiver<u64>;
    |capacity| capacity.map_or_else(norace::chan::unbounded, norace::chan::bounded);
    |of| of.clone(); |to, value| to.send_blocking(value); |from| from.recv_blocking().ok());

between_tasks!(Kanal: kanal::AsyncSender<T>, kanal::AsyncReceiver<T>;
    |capacity| capacity.map_or_else(kanal::unbounded_async, kanal::bounded_async);
    |of| of.clone(); |to, value| to.send(value).await; |from| from.recv().await.ok());
between_threads!(Kanal: kanal::Sender<u64>, kanal::Receiver<u64>;
    |capacity| capacity.map_or_else(kanal::unbounded, kanal::bounded);
    |of| of.clone(); |to, value| to.send(value); |from| from.recv().ok());

between_tasks!(Flume: flume::Sender<T>, flume::Receiver<T>;
    |capacity| capacity.map_or_else(flume::unbounded, flume::bounded);
    |of| of.clone(); |to, value| to.send_async(value).await; |from| from.recv_async().await.ok());
between_threads!(Flume: flume::Sender<u64>, flume::Receiver<u64>;
    |capacity| capacity.map_or_else(flume::unbounded, flume::bounded);
    |of| of.clone(); |to, value| to.send(value); |from| from.recv().ok());

between_tasks!(AsyncChannel: async_channel::Sender<T>, async_channel::Receiver<T>;
    |capacity| capacity.map_or_else(async_channel::unbounded, async_channel::bounded);
    |of| of.clone(); |to, value| to.send(value).await; |from| from.recv().await.ok());

between_tasks!(Crossfire:
    crossfire::MAsyncTx<crossfire::mpmc::Array<T>>, crossfire::MAsyncRx<crossfire::mpmc::Array<T>>;
    |capacity| crossfire::mpmc::bounded_async(capacity.expect(BOUND));
    |of| of.clone(); |to, value| to.send(value).await; |from| from.recv().await.ok());
between_threads!(Crossfire:
    crossfire::MTx<crossfire::mpmc::Array<u64>>, crossfire::MRx<crossfire::mpmc::Array<u64>>;
    |capacity| crossfire::mpmc::bounded_blocking(capacity.expect(BOUND));
    |of| of.clone(); |to, value| to.send(value); |from| from.recv().ok());

between_tasks!(CrossfireUnbounded:
    crossfire::MTx<crossfire::mpmc::List<T>>, crossfire::MAsyncRx<crossfire::mpmc::List<T>>;
    |_capacity| crossfire::mpmc::unbounded_async();
    |of| of.clone(); |to, value| to.send(value); |from| from.recv().await.ok());
between_threads!(CrossfireUnbounded:
    crossfire::MTx<crossfire::mpmc::List<u64>>, crossfire::MRx<crossfire::mpmc::List<u64>>;
    |_capacity| crossfire::mpmc::unbounded_blocking();
    |of| of.clone(); |to, value| to.send(value); |from| from.recv().ok());

between_tasks!(Mpsc: tokio::sync::mpsc::Sender<T>, tokio::sync::mpsc::Receiver<T>;
    |capacity| tokio::sync::mpsc::channel(capacity.expect(BOUND));
    |_of| panic!("it has one receiver"); |to, value| to.send(value).await; |from| from.recv().await);
between_tasks!(MpscUnbounded:
    tokio::sync::mpsc::UnboundedSender<T>, tokio::sync::mpsc::UnboundedReceiver<T>;
    |_capacity| tokio::sync::mpsc::unbounded_channel();
    |_of| panic!("it has one receiver"); |to, value| to.send(value); |from| from.recv().await);

between_threads!(Crossbeam: crossbeam_channel::Sender<u64>, crossbeam_channel::Receiver<u64>;
    |capacity| capacity.map_or_else(crossbeam_channel::unbounded, crossbeam_channel::bounded);
    |of| of.clone(); |to, value| to.send(value); |from| from.recv().ok());

between_threads!(Std: std::sync::mpsc::SyncSender<u64>, std::sync::mpsc::Receiver<u64>;
    |capacity| std::sync::mpsc::sync_channel(capacity.expect(BOUND));
    |_of| panic!("it has one receiver"); |to, value| to.send(value); |from| from.recv().ok());
between_threads!(StdUnbounded: std::sync::mpsc::Sender<u64>, std::sync::mpsc::Receiver<u64>;
    |_capacity| std::sync::mpsc::channel();
    |_of| panic!("it has one receiver"); |to, value| to.send(value); |from| from.recv().ok());

bridges!(Norace; |of| of; |to, value| to.send_blocking(value); |of| of; |from| from.recv_blocking().ok());
bridges!(Kanal; |of| of.to_sync(); |to, value| to.send(value); |of| of.to_sync(); |from| from.recv().ok());
bridges!(Flume; |of| of; |to, value| to.send(value); |of| of; |from| from.recv().ok());
bridges!(AsyncChannel;
    |of| of; |to, value| to.send_blocking(value); |of| of; |from| from.recv_blocking().ok());
bridges!(Crossfire;
    |of| of.into_blocking(); |to, value| to.send(value); |of| of.into_blocking(); |from| from.recv().ok());
bridges!(Mpsc; |of| of; |to, value| to.blocking_send(value); |of| of; |from| from.blocking_recv());
