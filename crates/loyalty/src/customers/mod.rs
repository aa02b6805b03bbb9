//! Customers: who is meant, how one is found, created, edited and merged.

mod identity;
mod search;
mod twins;
mod write;

pub use identity::{IDS_MAX, Identity, Person, name_key, normal_card, normal_phone, normal_uuid};
pub use search::{Found, LIMIT as SEARCH_LIMIT, search};
pub use twins::unite;
pub use write::{Edit, Listed, create, edit, get, link, list, merge};
