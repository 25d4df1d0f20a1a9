//! Contexts beside tokio-util's cancellation tokens.

use std::hint::black_box;

use norace::context::Context;
use tokio_util::sync::CancellationToken;

const TURNS: u64 = 100_000;

/// A family of things that are cancelled together.
pub trait Tree: Clone + Send + Sync + 'static {
    fn root() -> Self;
    fn child(&self) -> Self;
    fn cancel(&self);
    fn is_cancelled(&self) -> bool;
}

impl Tree for Context {
    fn root() -> Self {
        Self::new()
    }

    fn child(&self) -> Self {
        Self::child(self)
    }

    fn cancel(&self) {
        Self::cancel(self);
    }

    fn is_cancelled(&self) -> bool {
        Self::is_cancelled(self)
    }
}

impl Tree for CancellationToken {
    fn root() -> Self {
        Self::new()
    }

    fn child(&self) -> Self {
        self.child_token()
    }

    fn cancel(&self) {
        Self::cancel(self);
    }

    fn is_cancelled(&self) -> bool {
        Self::is_cancelled(self)
    }
}

/// Children that come and go.
pub fn children<T: Tree>() -> u64 {
    let root = T::root();
    for _ in 0..TURNS {
        black_box(root.child());
    }
    TURNS
}

/// Asks a cancelled one from two threads at once.
pub fn looks<T: Tree>() -> u64 {
    let root = T::root().child();
    root.cancel();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..TURNS * 10 {
                    assert!(black_box(&root).is_cancelled());
                }
            });
        }
    });
    TURNS * 20
}

/// A root with a thousand children is made and cancelled; operations are children.
pub fn wide<T: Tree>() -> u64 {
    for _ in 0..20 {
        let root = T::root();
        let children: Vec<T> = (0..1000).map(|_| root.child()).collect();
        root.cancel();
        assert!(children.iter().all(T::is_cancelled));
    }
    20_000
}

/// A chain of a thousand is made and cancelled; operations are links.
pub fn deep<T: Tree>() -> u64 {
    for _ in 0..20 {
        let mut links = vec![T::root()];
        for _ in 0..1000 {
            links.push(links[links.len() - 1].child());
        }
        links[0].cancel();
        assert!(links[1000].is_cancelled());
        // From the end: to drop a chain from its head is another matter.
        while links.pop().is_some() {}
    }
    20_000
}
