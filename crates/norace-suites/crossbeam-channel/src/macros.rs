//! crossbeam's `select!` and `select_biased!`.
//!
//! The cases are read one by one into `[operation (end) (value) (pattern) (body)]`, the ends are bound, one inside the
//! other, and then the cases are gone through for the one that was chosen.

#[macro_export]
macro_rules! select {
    ($($cases:tt)*) => { $crate::select_internal!(@read new [] [] $($cases)*) };
}

#[macro_export]
macro_rules! select_biased {
    ($($cases:tt)*) => { $crate::select_internal!(@read new_biased [] [] $($cases)*) };
}

/// The tests name this one, too.
#[macro_export]
macro_rules! crossbeam_channel_internal {
    ($($cases:tt)*) => { $crate::select_internal!(@read new [] [] $($cases)*) };
}

#[macro_export]
macro_rules! select_internal {
    // Cases, with a body that ends in a comma, that is the last, or that is a block.
    (@read $new:ident [$($done:tt)*] $default:tt
        recv($r:expr $(,)?) -> $res:pat => $body:expr, $($rest:tt)*) => {
        $crate::select_internal!(@read $new [$($done)* [recv ($r) () ($res) ($body)]] $default $($rest)*)
    };
    (@read $new:ident [$($done:tt)*] $default:tt
        recv($r:expr $(,)?) -> $res:pat => $body:expr) => {
        $crate::select_internal!(@read $new [$($done)* [recv ($r) () ($res) ($body)]] $default)
    };
    (@read $new:ident [$($done:tt)*] $default:tt
        recv($r:expr $(,)?) -> $res:pat => $body:block $($rest:tt)*) => {
        $crate::select_internal!(@read $new [$($done)* [recv ($r) () ($res) ($body)]] $default $($rest)*)
    };
    (@read $new:ident [$($done:tt)*] $default:tt
        send($s:expr, $m:expr $(,)?) -> $res:pat => $body:expr, $($rest:tt)*) => {
        $crate::select_internal!(@read $new [$($done)* [send ($s) ($m) ($res) ($body)]] $default $($rest)*)
    };
    (@read $new:ident [$($done:tt)*] $default:tt
        send($s:expr, $m:expr $(,)?) -> $res:pat => $body:expr) => {
        $crate::select_internal!(@read $new [$($done)* [send ($s) ($m) ($res) ($body)]] $default)
    };
    (@read $new:ident [$($done:tt)*] $default:tt
        send($s:expr, $m:expr $(,)?) -> $res:pat => $body:block $($rest:tt)*) => {
        $crate::select_internal!(@read $new [$($done)* [send ($s) ($m) ($res) ($body)]] $default $($rest)*)
    };
    (@read $new:ident $done:tt $default:tt default $(())? => $body:expr, $($rest:tt)*) => {
        $crate::select_internal!(@read $new $done [() ($body)] $($rest)*)
    };
    (@read $new:ident $done:tt $default:tt default $(())? => $body:expr) => {
        $crate::select_internal!(@read $new $done [() ($body)])
    };
    (@read $new:ident $done:tt $default:tt default $(())? => $body:block $($rest:tt)*) => {
        $crate::select_internal!(@read $new $done [() ($body)] $($rest)*)
    };
    (@read $new:ident $done:tt $default:tt default($d:expr $(,)?) => $body:expr, $($rest:tt)*) => {
        $crate::select_internal!(@read $new $done [($d) ($body)] $($rest)*)
    };
    (@read $new:ident $done:tt $default:tt default($d:expr $(,)?) => $body:expr) => {
        $crate::select_internal!(@read $new $done [($d) ($body)])
    };
    (@read $new:ident $done:tt $default:tt default($d:expr $(,)?) => $body:block $($rest:tt)*) => {
        $crate::select_internal!(@read $new $done [($d) ($body)] $($rest)*)
    };
    (@read $new:ident [$($case:tt)*] $default:tt) => {
        $crate::select_internal!(@bind $new [] $default $($case)*)
    };

    // The ends. Each expansion's `end` is another one.
    (@bind $new:ident [$($bound:tt)*] $default:tt
        [recv ($r:expr) $m:tt $res:tt $body:tt] $($rest:tt)*) => {
        match $r {
            ref end => {
                let end: &$crate::Receiver<_> = end;
                $crate::select_internal!(@bind $new [$($bound)* [recv end $m $res $body]] $default $($rest)*)
            }
        }
    };
    (@bind $new:ident [$($bound:tt)*] $default:tt
        [send ($s:expr) $m:tt $res:tt $body:tt] $($rest:tt)*) => {
        match $s {
            ref end => {
                let end: &$crate::Sender<_> = end;
                $crate::select_internal!(@bind $new [$($bound)* [send end $m $res $body]] $default $($rest)*)
            }
        }
    };
    (@bind $new:ident [$([$kind:ident $end:ident $m:tt $res:tt $body:tt])*] $default:tt) => {{
        let operation = {
            let mut select = $crate::MacroSelect::$new();
            $(select.$kind($end);)*
            $crate::select_internal!(@run select $default)
        };
        match operation {
            ::std::option::Option::Some(operation) => {
                $crate::select_internal!(@complete operation (0) $([$kind $end $m $res $body])*)
            }
            ::std::option::Option::None => $crate::select_internal!(@default $default),
        }
    }};

    (@run $select:ident []) => { $select.select() };
    (@run $select:ident [() $body:tt]) => { $select.try_select() };
    (@run $select:ident [($d:expr) $body:tt]) => { $select.select_timeout($d) };

    (@default []) => { ::std::unreachable!() };
    (@default [$d:tt ($body:expr)]) => { $body };

    // The case that was chosen. A value is made only then.
    (@complete $operation:ident ($i:expr)) => {{
        let _unused: $crate::SelectedOperation<'_> = $operation;
        ::std::unreachable!()
    }};
    (@complete $operation:ident ($i:expr)
        [recv $end:ident () ($res:pat) ($body:expr)] $($rest:tt)*) => {
        if $operation.index() == $i {
            let $res = $operation.recv($end);
            $body
        } else {
            $crate::select_internal!(@complete $operation ($i + 1) $($rest)*)
        }
    };
    (@complete $operation:ident ($i:expr)
        [send $end:ident ($m:expr) ($res:pat) ($body:expr)] $($rest:tt)*) => {
        if $operation.index() == $i {
            let $res = $operation.send($end, $m);
            $body
        } else {
            $crate::select_internal!(@complete $operation ($i + 1) $($rest)*)
        }
    };
}
