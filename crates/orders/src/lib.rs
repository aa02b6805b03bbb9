//! Orders of a shop on their way to 1C and МойСклад, and what comes back.
//!
//! The shop writes orders ([`upsert`]); a client of CommerceML asks for what it has yet to hear of
//! ([`pending`]), gets it as a document ([`document::write`]) and confirms what it has stored
//! ([`confirm`]). Delivery is at least once: nothing counts as delivered because it was asked for,
//! and what changed between the question and the confirmation stays pending (commerceml §1.8).
//!
//! Both sides speak of an order's state – status, payment, shipment, cancellation. The later *change*
//! of a side's word counts ([`State`]): a shop that writes an order again without having heard of a
//! payment does not undo the payment, and 1C that repeats an old status does not undo the shop's.

#![forbid(unsafe_code)]

mod check;
pub mod document;
mod error;
mod exchange;
mod model;
mod state;
mod store;

pub use check::{
    MAX_DISCOUNTS, MAX_ITEMS, MAX_KOPECKS, MAX_NAME_CHARS, MAX_QUANTITY, MAX_RATE, MAX_REQUISITES,
    MAX_TEXT_CHARS, MAX_WORD_CHARS,
};
pub use error::Error;
pub use exchange::{Applied, Incoming, MAX_PENDING, Pending, apply, confirm, pending};
pub use model::{
    Address, Characteristic, Customer, DELIVERY_ID, Discount, Item, Kind, Method, Order, RATE_ONE,
    Requisite, Status, Unit,
};
pub use state::{From1c, State};
pub use store::{After, MAX_BATCH, MAX_PAGE, OrderCounts, Sort, Stored, get, latest, list, upsert};
