//! Goods and categories of a tenant.
//!
//! * [`import`] – the port of every importer: changes of goods become statements.
//! * [`goods`] – the operator's upsert in batches, one with everything, archive.
//! * [`card`] – one good with everything.
//! * [`offers`] – many goods at once, as the lines of an order name them.
//! * [`query`] – the list: by words of the name, article, code, barcode, category, change.
//! * [`categories`] – the tree; every category knows its ancestors.
//! * [`refs`] – what goods name by id: price types, stores, properties and their values, units.
//! * [`pictures`] – picture files by name and by content.
//!
//! A good is known by several ids, each of which names one good: its own, those in `good_ids` (of
//! МойСклад, the till's syncId, of goods that were merged into it; lower case) and the external one
//! (in the system it came from), a column. An article, a code (folded to lower case) or a barcode may
//! be shared; they are in `good_terms`. Money is kopecks, quantities are thousandths.

pub mod card;
pub mod categories;
mod error;
pub mod goods;
pub mod ids;
pub mod import;
pub mod offers;
pub mod pictures;
pub mod query;
pub mod refs;
pub mod text;

pub use card::GoodCard;
pub use categories::{Category, CategoryChange, CategoryInput, CategoryQuery};
pub use error::Error;
pub use goods::{Good, GoodInput, Upserted};
pub use query::{After, Key, Order, Query};
pub use refs::{CatalogRef, RefInput, RefKind};
