//! The handle of who publishes and of who reads now and then.

use super::changes::Changes;
use super::reader::{Loaded, Reader};
use super::shared::Shared;
use super::snapshot::Snapshot;
use norace_prim::sync::Arc;
use std::convert::Infallible;
use std::fmt;

/// Says whether a value may take another one's place.
pub(crate) type Validate<T, E> = dyn Fn(&T, &T) -> Result<(), E> + Send + Sync;

/// Tells subscribers when the last handle goes.
struct Closer<T>(Arc<Shared<T>>);

impl<T> Drop for Closer<T> {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// A value that is replaced as a whole while others read it; see the [module](super).
///
/// A handle: clones are the same value. When the last one is dropped, readers keep what they have, and those who wait
/// for a change get [`Closed`](super::Closed).
///
/// `E` is what the validator says of a value that it refuses; without one nothing is refused.
pub struct Hot<T, E = Infallible> {
    pub(crate) shared: Arc<Shared<T>>,
    pub(crate) validate: Option<Arc<Validate<T, E>>>,
    closer: Arc<Closer<T>>,
}

/// Makes a [`Hot`] with a validator or a history.
pub struct Builder<T, E = Infallible> {
    value: Arc<T>,
    history_max: usize,
    validate: Option<Arc<Validate<T, E>>>,
}

impl<T> Hot<T> {
    /// A value at version 1, without validator and history.
    pub fn new(value: T) -> Self {
        Self::builder(value).build()
    }

    /// Begins to make one.
    pub fn builder(value: T) -> Builder<T> {
        Builder { value: Arc::new(value), history_max: 0, validate: None }
    }
}

impl<T, E> Builder<T, E> {
    /// Keeps the last `versions` former values to roll back to. Default 0.
    #[must_use]
    pub fn history(self, versions: usize) -> Self {
        Self { history_max: versions, ..self }
    }

    /// Has each new value checked against the one in force, which comes first. The first value is not checked.
    ///
    /// It runs on the publisher's thread and under no lock, and once more when others publish meanwhile. A panic in it
    /// reaches the publisher and changes nothing.
    ///
    /// ```
    /// use norace::config::Hot;
    ///
    /// let hot = Hot::builder(10).validate(|old, new| {
    ///     if new < old { Err("it must not fall") } else { Ok(()) }
    /// }).build();
    /// assert_eq!(hot.publish(5), Err("it must not fall"));
    /// assert_eq!(*hot.load(), 10);
    /// assert_eq!(hot.publish(15), Ok(2));
    /// ```
    pub fn validate<F>(
        self,
        validate: impl Fn(&T, &T) -> Result<(), F> + Send + Sync + 'static,
    ) -> Builder<T, F> {
        let Self { value, history_max, .. } = self;
        Builder { value, history_max, validate: Some(Arc::new(validate)) }
    }

    /// The value, at version 1.
    pub fn build(self) -> Hot<T, E> {
        let shared = Arc::new(Shared::new(self.value, self.history_max));
        let closer = Arc::new(Closer(shared.clone()));
        Hot { shared, validate: self.validate, closer }
    }
}

impl<T, E> Hot<T, E> {
    /// The value in force, for a short while: as long as the [`Loaded`] lives, so does the value.
    ///
    /// ```
    /// let hot = norace::config::Hot::new(String::from("on"));
    /// let loaded = hot.load();
    /// assert_eq!((loaded.as_str(), loaded.version()), ("on", 1));
    /// ```
    #[inline]
    pub fn load(&self) -> Loaded<'_, T> {
        Loaded(self.shared.load())
    }

    /// The value in force, for keeps.
    pub fn snapshot(&self) -> Snapshot<T> {
        self.shared.load().snapshot()
    }

    /// The version in force.
    pub fn version(&self) -> u64 {
        self.shared.load().version()
    }

    /// A reader with a copy of its own, for a thread or task that reads often.
    pub fn reader(&self) -> Reader<T> {
        Reader::new(self.shared.clone())
    }

    /// The former versions that are kept, the newest first.
    pub fn history(&self) -> Vec<Snapshot<T>> {
        self.shared.history()
    }

    /// Waits for changes of a part of the value: of what `project` makes of it, by `==`.
    ///
    /// The projection and the comparison run on publishers' threads, under no lock. A panic in one reaches the
    /// publisher, whose value is in force all the same and was told to the others.
    ///
    /// ```
    /// # norace::block_on(async {
    /// use norace::config::Hot;
    ///
    /// let hot = Hot::new((1, "a"));
    /// let mut names = hot.subscribe(|pair| pair.1);
    /// let _ = hot.publish((2, "a")); // Wakes nobody.
    /// let _ = hot.publish((3, "b"));
    /// let _ = hot.publish((4, "c"));
    /// assert_eq!(*names.changed().await.unwrap(), "c");
    /// # });
    /// ```
    pub fn subscribe<P>(&self, project: impl Fn(&T) -> P + Send + Sync + 'static) -> Changes<T, P>
    where
        T: 'static,
        P: PartialEq + Send + Sync + 'static,
    {
        Changes::new(self.shared.clone(), Box::new(project))
    }
}

impl<T, E> Clone for Hot<T, E> {
    fn clone(&self) -> Self {
        Self {
            shared: self.shared.clone(),
            validate: self.validate.clone(),
            closer: self.closer.clone(),
        }
    }
}

impl<T: fmt::Debug, E> fmt::Debug for Hot<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let loaded = self.load();
        f.debug_struct("Hot").field("version", &loaded.version()).field("value", &*loaded).finish()
    }
}

impl<T, E> fmt::Debug for Builder<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("history_max", &self.history_max).finish_non_exhaustive()
    }
}
