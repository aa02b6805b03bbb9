//! Goods and categories of a tenant.
//!
//! * [`goods`] – upsert in batches, one with everything, archive.
//! * [`query`] – the list: by words of the name, article, code, barcode, category, change.
//! * [`categories`] – the tree; every category knows its ancestors.
//!
//! A good is known by several keys (the table `good_keys`): the kind `uuid` (our id, МойСклад's,
//! the till's syncId; lower case) and `external` (the id in the system it came from) name one good
//! each; `article` and `code` (folded to lower case) and `barcode` may be shared. Money is
//! kopecks.

pub mod categories;
mod error;
pub mod goods;
pub mod query;
pub mod text;

pub use categories::{Category, CategoryInput};
pub use error::Error;
pub use goods::{Good, GoodInput, Upserted};
pub use query::{After, Order, Query};
