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
        impl TaskChannel for $channel {
            type Sender = $sender;
            type Receiver = $receiver;

            fn new($capacity: Option<usize>) -> (Self::Sender, Self::Receiver) {
                $new
            }

            fn another($of: &Self::Receiver) -> Self::Receiver {
                $another
            }

            async fn send($to: &Self::Sender, $value: u64) {
                $send.expect(OPEN);
            }

            async fn recv($from: &mut Self::Receiver) -> Option<u64> {
                $recv
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

between_tasks!(Norace: norace::chan::Sender<u64>, norace::chan::Receiver<u64>;
    |capacity| capacity.map_or_else(norace::chan::unbounded, norace::chan::bounded);
    |of| of.clone(); |to, value| to.send(value).await; |from| from.recv().await.ok());
between_threads!(Norace: norace::chan::Sender<u64>, norace::chan::Receiver<u64>;
    |capacity| capacity.map_or_else(norace::chan::unbounded, norace::chan::bounded);
    |of| of.clone(); |to, value| to.send_blocking(value); |from| from.recv_blocking().ok());

between_tasks!(Kanal: kanal::AsyncSender<u64>, kanal::AsyncReceiver<u64>;
    |capacity| capacity.map_or_else(kanal::unbounded_async, kanal::bounded_async);
    |of| of.clone(); |to, value| to.send(value).await; |from| from.recv().await.ok());
between_threads!(Kanal: kanal::Sender<u64>, kanal::Receiver<u64>;
    |capacity| capacity.map_or_else(kanal::unbounded, kanal::bounded);
    |of| of.clone(); |to, value| to.send(value); |from| from.recv().ok());

between_tasks!(Flume: flume::Sender<u64>, flume::Receiver<u64>;
    |capacity| capacity.map_or_else(flume::unbounded, flume::bounded);
    |of| of.clone(); |to, value| to.send_async(value).await; |from| from.recv_async().await.ok());
between_threads!(Flume: flume::Sender<u64>, flume::Receiver<u64>;
    |capacity| capacity.map_or_else(flume::unbounded, flume::bounded);
    |of| of.clone(); |to, value| to.send(value); |from| from.recv().ok());

between_tasks!(AsyncChannel: async_channel::Sender<u64>, async_channel::Receiver<u64>;
    |capacity| capacity.map_or_else(async_channel::unbounded, async_channel::bounded);
    |of| of.clone(); |to, value| to.send(value).await; |from| from.recv().await.ok());

between_tasks!(Crossfire:
    crossfire::MAsyncTx<crossfire::mpmc::Array<u64>>, crossfire::MAsyncRx<crossfire::mpmc::Array<u64>>;
    |capacity| crossfire::mpmc::bounded_async(capacity.expect(BOUND));
    |of| of.clone(); |to, value| to.send(value).await; |from| from.recv().await.ok());
between_threads!(Crossfire:
    crossfire::MTx<crossfire::mpmc::Array<u64>>, crossfire::MRx<crossfire::mpmc::Array<u64>>;
    |capacity| crossfire::mpmc::bounded_blocking(capacity.expect(BOUND));
    |of| of.clone(); |to, value| to.send(value); |from| from.recv().ok());

between_tasks!(CrossfireUnbounded:
    crossfire::MTx<crossfire::mpmc::List<u64>>, crossfire::MAsyncRx<crossfire::mpmc::List<u64>>;
    |_capacity| crossfire::mpmc::unbounded_async();
    |of| of.clone(); |to, value| to.send(value); |from| from.recv().await.ok());
between_threads!(CrossfireUnbounded:
    crossfire::MTx<crossfire::mpmc::List<u64>>, crossfire::MRx<crossfire::mpmc::List<u64>>;
    |_capacity| crossfire::mpmc::unbounded_blocking();
    |of| of.clone(); |to, value| to.send(value); |from| from.recv().ok());

between_tasks!(Mpsc: tokio::sync::mpsc::Sender<u64>, tokio::sync::mpsc::Receiver<u64>;
    |capacity| tokio::sync::mpsc::channel(capacity.expect(BOUND));
    |_of| panic!("it has one receiver"); |to, value| to.send(value).await; |from| from.recv().await);
between_tasks!(MpscUnbounded:
    tokio::sync::mpsc::UnboundedSender<u64>, tokio::sync::mpsc::UnboundedReceiver<u64>;
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
