//! Errors, with the variants that the tests name.

pub use norace::chan::{RecvError, SendError};
use std::fmt;

macro_rules! errors {
    ($($(#[$meta:meta])* $name:ident $(<$t:ident>)? { $($variant:ident $(($inner:ident))?),* })*) => {
        $(
            $(#[$meta])*
            #[derive(PartialEq, Eq, Clone, Copy)]
            pub enum $name $(<$t>)? { $($variant $(($inner))?),* }

            impl $(<$t>)? fmt::Debug for $name $(<$t>)? {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str(match self { $(Self::$variant { .. } => stringify!($variant)),* })
                }
            }

            impl $(<$t>)? fmt::Display for $name $(<$t>)? {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    fmt::Debug::fmt(self, f)
                }
            }

            impl $(<$t>)? std::error::Error for $name $(<$t>)? {}
        )*
    };
}

errors! {
    TrySendError<T> { Full(T), Disconnected(T) }
    SendTimeoutError<T> { Timeout(T), Disconnected(T) }
    TryRecvError { Empty, Disconnected }
    RecvTimeoutError { Timeout, Disconnected }
}

impl<T> TrySendError<T> {
    pub fn into_inner(self) -> T {
        match self {
            Self::Full(value) | Self::Disconnected(value) => value,
        }
    }
}

#[derive(PartialEq, Eq, Clone, Copy, Debug)]
pub struct TrySelectError;

#[derive(PartialEq, Eq, Clone, Copy, Debug)]
pub struct SelectTimeoutError;

#[derive(PartialEq, Eq, Clone, Copy, Debug)]
pub struct TryReadyError;

#[derive(PartialEq, Eq, Clone, Copy, Debug)]
pub struct ReadyTimeoutError;
