//! What the application does by itself.
//!
//! [`handle`] answers `POST /internal/tick`: it works on whatever is due, of all tenants, for as long as it
//! is told to ([`sklad_jobs::tick`]). Who calls it, how often, and whether several do so at once, does not
//! matter. [`kinds`] has the one table of what jobs there are.

mod door;
mod exchange;
mod goods;
mod insales_orders;
pub mod kinds;
mod shops;
mod tenants;
mod webhooks;

pub use door::{BUDGET_MAX_MS, BUDGET_MS, handle};
