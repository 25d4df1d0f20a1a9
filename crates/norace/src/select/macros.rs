//! The grammar of `select!` and `select_blocking!`.
//!
//! One recursive macro reads arm after arm into `[future-name (condition) (future) (pattern) (body)]`. Each step
//! makes a fresh identifier for its future (macro hygiene keeps them apart), so any number of arms can be pinned side
//! by side.

/// Waits until one of several futures is ready and runs the body of that arm.
///
/// ```
/// use norace::{chan, context::Context, select, time};
/// use std::time::Duration;
///
/// # norace::block_on(async {
/// let context = Context::new();
/// let (tx, rx) = chan::bounded(1);
/// tx.send("hello").await.expect("the receiver is alive");
/// let said = select! {
///     value = rx.recv() => value.expect("the sender is alive"),
///     cause = context.cancelled() => panic!("{cause}"),
///     () = time::sleep(Duration::from_secs(60)) => "nothing",
/// };
/// assert_eq!(said, "hello");
/// # });
/// ```
///
/// # Grammar
///
/// ```text
/// select! {
///     biased;                                  // optional: poll the arms as written, first to last
///     pattern = future => body,                // up to 32 arms; the comma may be left out after a block
///     pattern = future, if condition => body,  // takes part only if `condition` holds; else `future` is not evaluated
///     default => body,                         // optional, last: when no arm is ready now, instead of waiting
/// }
/// ```
///
/// Every future expression whose condition holds is evaluated, in the order written, before any is polled. It may be
/// any future, `Unpin` or not, owned, or `&mut` one that is to be continued in a later select. What it borrows from
/// temporaries (`chan::after(d).recv()`) lives long enough, except in an arm with a condition.
///
/// # Choice
///
/// Of the arms that are ready each is equally likely to be taken, whatever its place. With `biased;` the first ready
/// one is. Without `default` the task waits until an arm is ready; if there is no arm that takes part, for ever, as
/// in Go.
///
/// # Exactly one arm takes effect
///
/// The futures of the other arms are dropped before the body runs. Those of this crate lose nothing by that: a value
/// that was handed to a receive goes to the next receiver or back to the front, a send not chosen delivers nothing
/// ([`send_many`](crate::chan::Sender::send_many) no more than it had done before: its queue tells). A
/// `tx.send(value)` that is not chosen drops `value`; to keep it, make the future outside and select on `&mut send`,
/// then [`try_cancel`](crate::chan::Send::try_cancel) it. Foreign futures must be safe to drop in the middle.
///
/// # Bodies
///
/// All bodies have one type, the value of the select. They stand in the surrounding function: `?`, `break`, `continue`,
/// `return` and `.await` refer to it. Patterns must match every output; one that may not is refused by the compiler:
///
/// ```compile_fail,E0005
/// # let (tx, rx) = norace::chan::bounded::<u8>(1);
/// # norace::block_on(async {
/// norace::select! {
///     Ok(value) = rx.recv() => drop(value), // error: pattern `Err(_)` not covered; match in the body
/// }
/// # });
/// ```
///
/// # Starvation
///
/// A loop around a select with `default` and nothing else to await never yields its worker: await something in it.
#[macro_export]
macro_rules! select {
    (biased; $($arms:tt)*) => {
        $crate::__select!(@arms task Biased [] $($arms)*)
    };
    ($($arms:tt)*) => {
        $crate::__select!(@arms task Uniform [] $($arms)*)
    };
}

/// [`select!`](crate::select!) for plain threads: the thread sleeps until an arm is ready.
///
/// Same grammar, same choice. Future expressions and bodies cannot `.await`. With a time limit: an arm that receives
/// from [`chan::after`](crate::chan::after).
///
/// ```
/// use norace::{chan, select_blocking};
/// use std::time::Duration;
///
/// let (tx, rx) = chan::bounded(0);
/// let sender = std::thread::spawn(move || tx.send_blocking(7));
/// let got = select_blocking! {
///     value = rx.recv() => value.ok(),
///     _ = chan::after(Duration::from_secs(60)).recv() => None,
/// };
/// assert_eq!(got, Some(7));
/// # sender.join().unwrap().unwrap();
/// ```
#[macro_export]
macro_rules! select_blocking {
    (biased; $($arms:tt)*) => {
        $crate::__select!(@arms thread Biased [] $($arms)*)
    };
    ($($arms:tt)*) => {
        $crate::__select!(@arms thread Uniform [] $($arms)*)
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __select {
    // The end: without and with a default.
    (@arms $wait:ident $order:ident [$($arm:tt)*]) => {{
        let output = $crate::__select!(@first $wait $order [$($arm)*]);
        $crate::__select!(@bodies output [$($arm)*])
    }};
    (@arms $wait:ident $order:ident [$($arm:tt)*] default => $body:expr $(,)?) => {{
        let output = $crate::__select!(@first now $order [$($arm)*]);
        match output {
            ::core::option::Option::Some(output) => $crate::__select!(@bodies output [$($arm)*]),
            ::core::option::Option::None => $body,
        }
    }};
    (@arms $wait:ident $order:ident [$($arm:tt)*] default => $($rest:tt)*) => {
        ::core::compile_error!("`default => body` must be the last arm of a select")
    };
    (@arms $wait:ident $order:ident [$($arm:tt)*] biased; $($rest:tt)*) => {
        ::core::compile_error!("`biased;` must come first in a select")
    };

    // One arm, with and without a condition. Its body is a block, with or without a comma, or an expression.
    (@arms $wait:ident $order:ident [$($arm:tt)*]
        $pattern:pat = $future:expr, if $condition:expr => $body:block $(, $($rest:tt)*)?
    ) => {
        $crate::__select!(@arms $wait $order
            [$($arm)* [future ($condition) ($future) ($pattern) ($body)]] $($($rest)*)?)
    };
    (@arms $wait:ident $order:ident [$($arm:tt)*]
        $pattern:pat = $future:expr, if $condition:expr => $body:block $($rest:tt)*
    ) => {
        $crate::__select!(@arms $wait $order
            [$($arm)* [future ($condition) ($future) ($pattern) ($body)]] $($rest)*)
    };
    (@arms $wait:ident $order:ident [$($arm:tt)*]
        $pattern:pat = $future:expr, if $condition:expr => $body:expr $(, $($rest:tt)*)?
    ) => {
        $crate::__select!(@arms $wait $order
            [$($arm)* [future ($condition) ($future) ($pattern) ($body)]] $($($rest)*)?)
    };
    (@arms $wait:ident $order:ident [$($arm:tt)*]
        $pattern:pat = $future:expr => $body:block $(, $($rest:tt)*)?
    ) => {
        $crate::__select!(@arms $wait $order
            [$($arm)* [future () ($future) ($pattern) ($body)]] $($($rest)*)?)
    };
    (@arms $wait:ident $order:ident [$($arm:tt)*]
        $pattern:pat = $future:expr => $body:block $($rest:tt)*
    ) => {
        $crate::__select!(@arms $wait $order
            [$($arm)* [future () ($future) ($pattern) ($body)]] $($rest)*)
    };
    (@arms $wait:ident $order:ident [$($arm:tt)*]
        $pattern:pat = $future:expr => $body:expr $(, $($rest:tt)*)?
    ) => {
        $crate::__select!(@arms $wait $order
            [$($arm)* [future () ($future) ($pattern) ($body)]] $($($rest)*)?)
    };

    // The output of the first arm. The futures and the temporaries they borrow (as in `after(d).recv()`) live in the
    // `match` and are gone after it.
    (@first $wait:ident $order:ident
        [$([$name:ident ($($condition:expr)?) ($future:expr) $pattern:tt $body:tt])*]
    ) => {
        match ($($crate::__select!(@enabled ($($condition)?) $future),)*) {
            ($($name,)*) => {
                $(let $name = ::core::pin::pin!($name);)*
                let select = $crate::select::arms::First::new(
                    $crate::__select!(@list [$($name)*]),
                    $crate::select::arms::Order::$order,
                );
                let output = $crate::__select!(@wait $wait select);
                output
            }
        }
    };
    (@enabled () $future:expr) => {
        ::core::option::Option::Some($future)
    };
    (@enabled ($condition:expr) $future:expr) => {
        if $condition {
            ::core::option::Option::Some($future)
        } else {
            ::core::option::Option::None
        }
    };
    (@list []) => {
        $crate::select::arms::End
    };
    (@list [$name:ident $($rest:ident)*]) => {
        $crate::select::arms::Arm { future: $name, rest: $crate::__select!(@list [$($rest)*]) }
    };

    (@wait task $select:ident) => {
        $select.await
    };
    (@wait thread $select:ident) => {
        $crate::block_on($select)
    };
    (@wait now $select:ident) => {
        $select.try_now()
    };

    // The output's way to its body.
    (@bodies $output:ident []) => {
        match $output {}
    };
    (@bodies $output:ident
        [[$name:ident $condition:tt $future:tt ($pattern:pat) ($body:expr)] $($rest:tt)*]
    ) => {
        match $output {
            $crate::select::arms::Either::First(value) => {
                let ($pattern) = value;
                $body
            }
            $crate::select::arms::Either::Rest(output) => $crate::__select!(@bodies output [$($rest)*]),
        }
    };
}
