//! The body of a request, read as it comes.

/// The body broke off before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the request's body broke off")]
pub struct BrokenBody;

/// The body of a request that may be too large to be held.
#[allow(
    async_fn_in_trait,
    reason = "guests are single-threaded; nothing here must be Send"
)]
pub trait Body {
    /// Its length in bytes, where the client told it (`Content-Length`).
    fn length(&self) -> Option<u64>;

    /// The next bytes, `None` behind the last.
    ///
    /// # Errors
    /// [`BrokenBody`]: what was read so far is not all.
    async fn chunk(&mut self) -> Result<Option<Vec<u8>>, BrokenBody>;
}
