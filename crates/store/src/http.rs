//! The port to other systems over HTTP.

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("http: {0}")]
pub struct HttpError(pub String);

/// Outgoing HTTP.
#[allow(
    async_fn_in_trait,
    reason = "guests are single-threaded; nothing here must be Send"
)]
pub trait Http {
    /// Posts a JSON body, follows no redirect, waits a few seconds at most, and answers the status.
    ///
    /// # Errors
    /// The address is not granted, cannot be reached or does not answer in time.
    async fn post_json(&self, url: &str, body: String) -> Result<u16, HttpError>;
}
