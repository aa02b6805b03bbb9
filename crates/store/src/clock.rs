//! Time, for work that goes on until its time is up.

/// The clock of a request.
#[allow(
    async_fn_in_trait,
    reason = "guests are single-threaded; nothing here must be Send"
)]
pub trait Clock {
    /// Milliseconds since 1970 UTC.
    fn now_ms(&self) -> i64;

    /// Lets the instance's other requests go on. An instance has one thread: long work calls this
    /// between its pieces.
    async fn pause(&self);

    /// Waits for so many milliseconds.
    async fn sleep(&self, ms: u32);
}
