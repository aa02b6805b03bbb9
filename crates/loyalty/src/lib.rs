//! The loyalty programme of a retailer.
//!
//! * [`units`] – kopecks, points, quantities and percents: integers with checked arithmetic.
//! * [`programme`] – what a merchant can set: rules as data, with defaults and validation.
//! * [`mod@quote`] – what a receipt costs: discounts, points to spend and to earn, unit prices.
//! * [`returns`] – what a return gives back and takes back, cumulatively.
//! * [`tiers`] – the tier of a turnover, moving up and down.
//! * [`giftcards`] – gift certificates: create, import, list, block, look up.
//! * [`gifts`] – welcome and birthday points.
//! * [`text`] – the text printed on the receipt.
//!
//! These modules do no IO, know no clock and draw no random numbers: time, ids and facts come in
//! as arguments. Money is integer kopecks, points are integers, quantities are thousandths; no
//! floating point is on the way of money.

pub mod codes;
pub mod customers;
pub mod giftcards;
pub mod gifts;
pub mod ledger;
pub mod programme;
pub mod quote;
pub mod returns;
pub mod text;
pub mod tiers;
pub mod units;

pub use programme::Programme;
pub use quote::{Quote, QuoteError, quote};
pub use units::{Kopecks, Percent, Points, Quantity};
