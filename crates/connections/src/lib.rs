//! What a tenant is connected with: companies, and connections that belong to them.
//!
//! * [`companies`] – a tenant has a first one without doing anything, and may have more.
//! * [`connection`] – a row for every shop or system: its kind, settings, secrets, whether it is on, and
//!   what was found when it was last spoken to.
//! * [`orders`] – connections that pass on orders, and the words that their settings have for them.
//!
//! What settings and secrets mean otherwise, and how the other side is spoken to, is the business of the
//! kind's crate: here they are JSON, the secrets sealed for the tenant.

#![forbid(unsafe_code)]

pub mod companies;
pub mod connection;
mod error;
pub mod orders;
mod text;

pub use companies::Company;
pub use connection::{Connection, State};
pub use error::Error;
pub use text::MAX_NAME_CHARS;
