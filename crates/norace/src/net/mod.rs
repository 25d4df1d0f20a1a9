//! TCP on the runtime's netpoller: [`TcpListener`] and [`TcpStream`].
//!
//! All operations take `&self`: one task may read while another one writes. One task waits per direction; a second one
//! that waits for the same direction of the same socket takes the first one's place. Sockets are non-blocking and
//! registered with the runtime that was current when they were made; after its shutdown their operations fail. Making
//! one panics in a model of the checker, which does not control the network.
//!
//! ```
//! # norace::rt::Runtime::new().unwrap().block_on(async {
//! use norace::{net, task};
//!
//! let listener = net::TcpListener::bind("127.0.0.1:0").unwrap();
//! let address = listener.local_addr().unwrap();
//! let server = task::spawn(async move {
//!     let (stream, _) = listener.accept().await?;
//!     let mut greeting = [0; 5];
//!     stream.read_exact(&mut greeting).await?;
//!     stream.write_all(&greeting).await
//! });
//! let client = net::TcpStream::connect(address).await.unwrap();
//! client.write_all(b"hello").await.unwrap();
//! let mut echo = [0; 5];
//! client.read_exact(&mut echo).await.unwrap();
//! assert_eq!(&echo, b"hello");
//! server.await.unwrap().unwrap();
//! # });
//! ```

mod listener;
mod stream;

pub use listener::TcpListener;
pub use std::net::Shutdown;
pub use stream::TcpStream;
