//! Webhooks of МойСклад (moysklad-json-api.md §2): it tells which objects have changed, never what they are.
//!
//! * [`wire`] – what a call says: pure.
//! * [`hooks`] – the addresses that calls come to: the table `moysklad_hooks`.
//! * [`handle`] – takes a call: what it says becomes rows of the inbox.
//! * [`register`] – subscribes, and repairs subscriptions.
//! * [`receive`] – what the tick does with the rows: reads the objects anew.

pub mod handle;
pub mod hooks;
pub mod receive;
pub mod register;
pub mod wire;

pub use handle::{BODY_LIMIT, handle};

/// What webhooks of МойСклад are called in the inbox.
pub const SOURCE: &str = "moysklad";
/// The kind of the job that subscribes and repairs.
pub const JOB: &str = "moysklad-webhooks";
/// How often it runs, in minutes.
pub const EVERY_MINUTES: u16 = 60;
/// What stands before `{tenant}/{token}` in an address.
pub const PREFIX: &str = "/hooks/moysklad/";

/// The types of objects whose changes bring something here: they are read anew.
pub const IMPORTED: [&str; 6] = [
    "product",
    "service",
    "bundle",
    "variant",
    "productfolder",
    "counterparty",
];
/// The types whose changes are only noted as handled: nothing here is made of these documents yet.
pub const NOTED: [&str; 6] = [
    "customerorder",
    "demand",
    "salesreturn",
    "paymentin",
    "retaildemand",
    "retailsalesreturn",
];
/// What happens to objects.
pub const ACTIONS: [&str; 3] = ["CREATE", "UPDATE", "DELETE"];

/// Every type that is subscribed to.
pub fn types() -> impl Iterator<Item = &'static str> {
    IMPORTED.into_iter().chain(NOTED)
}
