//! The kit's bus with the names and rules of tokio's broadcast: subscribers that lose the oldest, senders that fail
//! when nobody subscribes.

pub use upstream::*;

pub mod sync {
    pub mod broadcast;
}
