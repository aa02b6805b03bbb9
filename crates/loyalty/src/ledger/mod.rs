//! The ledger: sales, returns and adjustments posted once, with everything that follows from them.
//!
//! An operation reads what it depends on ([`snapshot`]), works out the change without IO
//! ([`account`]) and writes it as one atomic batch that names the version of the account it has
//! read. When somebody was faster, the batch conflicts and the operation begins again; a document
//! that is already here then shows, so that a repetition has no second effect.

pub mod account;
mod adjust;
mod check;
mod post;
mod returns;
mod sale;
pub mod snapshot;

pub use adjust::{Adjusted, adjust, birthday};
pub use check::{Difference, Entries, check, entries};
pub use post::{GiftPayment, LedgerError, Posted, Shop, SoldPosition, register, register_or_find};
pub use returns::{Return, post_return};
pub use sale::{Sale, post_sale};
pub(crate) use snapshot::json;
