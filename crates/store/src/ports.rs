//! What work needs that asks others and keeps what they say.

/// The ports that a connector works with.
#[derive(Debug)]
pub struct Ports<'a, S, H, C> {
    /// Database.
    pub sql: &'a S,
    /// Outgoing HTTP.
    pub http: &'a H,
    /// Time.
    pub clock: &'a C,
}

impl<S, H, C> Clone for Ports<'_, S, H, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S, H, C> Copy for Ports<'_, S, H, C> {}
