//! Tenants: who they are, what they have set, with which keys their tills call.
//!
//! * [`Slug`] – a tenant's name in addresses, and the first part of every key in storage.
//! * [`Settings`] – the one versioned document of a tenant, see [`settings`].
//! * [`exchange`] – its part about the exchange over CommerceML.
//! * [`moysklad_import`] – its part about what comes from МойСклад.
//! * [`keys`] – the loyalty keys that МойСклад sends: issue, list, revoke, resolve.
//! * [`App`] – storage, configuration and caches, which every handler gets.
//! * [`address`] – which tenant a request addresses by host or path.
//! * [`json`] – reading what a client sent, with the place of what is wrong.
//! * [`seal`], [`open`] – secrets of vendors at rest.
//! * [`moysklad`] – what the operator has configured for МойСклад.
//! * [`clock`] – wall-clock times of a tenant and of МойСклад.
//!
//! Settings and keys live in key-value, because a deployment may replicate it; the decision which
//! of two writers wins is SQL's (the table `tenants`), because key-value has no compare-and-swap.

pub mod address;
mod app;
mod cache;
pub mod clock;
mod error;
pub mod exchange;
pub mod json;
pub mod keys;
pub mod moysklad;
pub mod moysklad_import;
mod seal;
pub mod settings;
mod slug;

pub use app::{App, Config, NEGATIVE_TTL_MS, SECRET_MIN_CHARS, TENANT_TTL_MS, Tenant};
pub use error::Error;
pub use exchange::ExchangeSettings;
pub use keys::Token;
pub use moysklad::MoySklad;
pub use moysklad_import::MoyskladSettings;
pub use seal::{SealError, open, seal};
pub use settings::Settings;
pub use slug::{Slug, SlugError};
