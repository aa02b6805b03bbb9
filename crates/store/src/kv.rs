//! The key-value port: settings and small indexes.

/// What can go wrong in the key-value store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("key-value store: {0}")]
pub struct KvError(pub String);

/// A key-value store. Portable limits: keys up to 256 bytes, values up to 1 MB; no
/// compare-and-swap, no expiry.
#[allow(
    async_fn_in_trait,
    reason = "guests are single-threaded; nothing here must be Send"
)]
pub trait Kv {
    /// The value under `key`, if there is one.
    ///
    /// # Errors
    /// The store is not reachable or not granted.
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, KvError>;

    /// Puts `value` under `key`, replacing what was there.
    ///
    /// # Errors
    /// The store is not reachable or not granted.
    async fn set(&self, key: &str, value: &[u8]) -> Result<(), KvError>;

    /// Removes `key`; it need not exist.
    ///
    /// # Errors
    /// The store is not reachable or not granted.
    async fn delete(&self, key: &str) -> Result<(), KvError>;
}

impl<T: Kv> Kv for &T {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, KvError> {
        (**self).get(key).await
    }

    async fn set(&self, key: &str, value: &[u8]) -> Result<(), KvError> {
        (**self).set(key, value).await
    }

    async fn delete(&self, key: &str) -> Result<(), KvError> {
        (**self).delete(key).await
    }
}
