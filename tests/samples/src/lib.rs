//! CommerceML files of any size, as МойСклад and 1С write them, from a [`Shape`]: the same shape gives the
//! same bytes, and every value can be asked for without the file ([`Shape::price_kopecks`] and the like),
//! so that a test knows what must be stored. Files are written as a stream: memory does not grow with
//! them.
//!
//! * [`write_import`], [`write_offers`] – a catalogue and its offers (commerceml §2.3–2.5).
//! * [`write_prices`], [`write_rests`] – the same in the files of a batch exchange (commerceml §1.4).
//! * [`write_statuses`] – orders as they come back from 1С (commerceml §2.6).
//!
//! Names and numbers are made up here; nothing is copied from anybody's file.

mod catalogue;
mod offers;
mod orders;
mod out;
mod shape;
mod words;

pub use catalogue::write_import;
pub use offers::{write_offers, write_prices, write_rests};
pub use orders::{Status, write_statuses};
pub use out::Encoding;
pub use shape::{Shape, Style};

#[cfg(test)]
mod tests;
