//! Orders of a shop on their way to 1C and МойСклад, and what comes back.
//!
//! The shop writes orders ([`upsert`]), or has them made here from goods of the catalogue ([`create`]); a client of CommerceML asks for what it has yet to hear of
//! ([`pending`]), gets it as a document ([`document::write`]) and confirms what it has stored
//! ([`confirm`]). Delivery is at least once: nothing counts as delivered because it was asked for,
//! and what changed between the question and the confirmation stays pending (commerceml §1.8).
//!
//! Both sides speak of an order's state – status, payment, shipment, cancellation. The later *change*
//! of a side's word counts ([`State`]): a shop that writes an order again without having heard of a
//! payment does not undo the payment, and 1C that repeats an old status does not undo the shop's.
//!
//! A shop to which an order was passed on has a word too ([`hear`]).
//!
//! Who changed what of an order is its [`history`], written in the batch of the change.

#![forbid(unsafe_code)]

mod cancel;
mod check;
mod company;
mod create;
pub mod document;
mod error;
mod exchange;
mod heard;
mod history;
mod model;
mod place;
mod state;
mod store;

pub use cancel::{MAX_REASON_CHARS, cancel};
pub use check::{
    MAX_DISCOUNTS, MAX_ITEMS, MAX_KOPECKS, MAX_NAME_CHARS, MAX_QUANTITY, MAX_RATE, MAX_REQUISITES,
    MAX_TEXT_CHARS, MAX_WORD_CHARS,
};
pub use create::{Created, create};
pub use error::Error;
pub use exchange::{Applied, Incoming, MAX_PENDING, Pending, apply, changed, confirm, pending};
pub use heard::{Word, hear};
pub use history::{Event, Who, history};
pub use model::{
    Address, Characteristic, Customer, DELIVERY_ID, Discount, Item, Kind, Method, Order, RATE_ONE,
    Requisite, Status, Unit,
};
pub use place::{NewDelivery, NewItem, NewMethod, NewOrder, rubles};
pub use state::{From1c, State};
pub use store::{After, MAX_BATCH, MAX_PAGE, OrderCounts, Stored, View, get, latest, list, upsert};
