//! CommerceML, the XML in which 1C and МойСклад exchange a catalogue and orders with a site: a reader
//! of files of any size in bounded memory, section numbers (§) are of the project's specification of
//! the exchange.
//!
//! The crate does no IO and knows no clock. [`Reader`] is given the bytes of a file in pieces of any
//! size and gives back [`Item`]s: groups, properties, goods, offers, documents. Between any two of
//! them it can be put down as a small [`Checkpoint`] and taken up by another process.
//!
//! It reads what clients really write, not what the schemas say: no validation, any order of
//! elements, any namespace, unknown elements are skipped. What is absent stays absent (`None`): a
//! file of prices says nothing about stock, and a field that is not there must not be cleared.
//! A value that cannot be understood is `None` with a [`Warning`]; only a file that is no
//! CommerceML, is broken or is out of the [`Limits`] is a [`ReadError`].

mod decode;
mod error;
mod limits;
mod model;
mod reader;
pub mod value;

pub use decode::Encoding;
pub use error::{ErrorKind, ReadError, Warning, WarningCode};
pub use limits::Limits;
pub use model::*;
pub use reader::{Checkpoint, Reader, Step};
