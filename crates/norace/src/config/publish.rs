//! Publishing.

use super::error::{CompareError, RollbackError, Stale};
use super::hot::Hot;
use norace_prim::sync::Arc;

impl<T, E> Hot<T, E> {
    /// Whether `value` could be published now; publishes nothing.
    ///
    /// # Errors
    ///
    /// What the validator says.
    pub fn check(&self, value: &T) -> Result<(), E> {
        self.check_after(&self.load(), value)
    }

    fn check_after(&self, current: &T, value: &T) -> Result<(), E> {
        self.validate.as_ref().map_or(Ok(()), |validate| validate(current, value))
    }

    /// Replaces the value, and gives its version.
    ///
    /// When it returns, every later read gives this value or a later one. It never waits for readers.
    ///
    /// # Errors
    ///
    /// What the validator says; then nothing has changed.
    pub fn publish(&self, value: T) -> Result<u64, E> {
        self.publish_shared(&Arc::new(value))
    }

    fn publish_shared(&self, value: &Arc<T>) -> Result<u64, E> {
        loop {
            let current = self.load();
            self.check_after(&current, value)?;
            if let Some(version) = self.shared.commit(current.version(), value) {
                return Ok(version);
            }
        }
    }

    /// Replaces the value if `expected` is the version in force.
    ///
    /// # Errors
    ///
    /// When it is not, and when the validator refuses the value; then nothing has changed.
    ///
    /// ```
    /// use norace::config::{CompareError, Hot, Stale};
    ///
    /// let hot = Hot::new("first");
    /// assert_eq!(hot.compare_publish(1, "second"), Ok(2));
    /// let stale = Stale { expected: 1, current: 2 };
    /// assert_eq!(hot.compare_publish(1, "third"), Err(CompareError::Stale(stale)));
    /// ```
    pub fn compare_publish(&self, expected: u64, value: T) -> Result<u64, CompareError<E>> {
        let value = Arc::new(value);
        loop {
            let current = self.load();
            if current.version() != expected {
                let stale = Stale { expected, current: current.version() };
                return Err(CompareError::Stale(stale));
            }
            self.check_after(&current, &value).map_err(CompareError::Invalid)?;
            if let Some(version) = self.shared.commit(expected, &value) {
                return Ok(version);
            }
        }
    }

    /// Replaces the value by what `make` makes of it, and gives its version.
    ///
    /// `make` runs under no lock, and again when others publish meanwhile: no change is lost.
    ///
    /// # Errors
    ///
    /// What the validator says; then nothing has changed.
    pub fn update(&self, mut make: impl FnMut(&T) -> T) -> Result<u64, E> {
        loop {
            let current = self.load();
            let value = Arc::new(make(&current));
            self.check_after(&current, &value)?;
            if let Some(version) = self.shared.commit(current.version(), &value) {
                return Ok(version);
            }
        }
    }

    /// Publishes a former value again, as a new version.
    ///
    /// # Errors
    ///
    /// When the version is not in the history, and when the validator refuses it; then nothing has changed.
    ///
    /// ```
    /// let hot = norace::config::Hot::builder("good").history(4).build();
    /// let Ok(_) = hot.publish("bad");
    /// assert_eq!(hot.rollback(1), Ok(3));
    /// assert_eq!(*hot.load(), "good");
    /// ```
    pub fn rollback(&self, version: u64) -> Result<u64, RollbackError<E>> {
        let former = self.history().into_iter().find(|former| former.version() == version);
        let former = former.ok_or(RollbackError::Gone { version })?;
        self.publish_shared(former.value()).map_err(RollbackError::Invalid)
    }
}
