//! Webhooks of a shop (insales.md §10): it sends what was changed, whole; only what it is about is kept.
//!
//! * [`wire`] – what a call is about: pure.
//! * [`hooks`] – the addresses that calls come to: the table `insales_hooks`.
//! * [`handle`] – takes a call: what it is about becomes rows of the inbox.
//! * [`register`] – subscribes, and repairs subscriptions.
//! * [`receive`] – which jobs the rows call for: what has changed is read anew, as by the schedule.
//!
//! Calls are not signed and nothing promises that they come: a call is a hint that comes under an address
//! which cannot be guessed.

pub mod handle;
pub mod hooks;
pub mod receive;
pub mod register;
pub mod wire;

pub use handle::{BODY_LIMIT, handle};

/// What webhooks of shops are called in the inbox.
pub const SOURCE: &str = "insales";
/// What stands before `{tenant}/{token}` in an address.
pub const PREFIX: &str = "/hooks/insales/";

/// What is subscribed to; clients are told in the singular.
pub const TOPICS: [&str; 7] = [
    "products/create",
    "products/update",
    "orders/create",
    "orders/update",
    "orders/destroy",
    "client/create",
    "client/update",
];
