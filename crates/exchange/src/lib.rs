//! The exchange server that МойСклад and 1C push their catalogue to, over the protocol of «Обмен с
//! сайтом» (commerceml §1).
//!
//! * [`request`], [`reply`] – what is asked and what is told, to the byte.
//! * [`session`] – who is logged in; [`upload`] – files in pieces, durable before `success`; [`zip`] –
//!   archives; [`sweep`] – what is of no use any more.
//! * [`import`] – a file becomes goods, in steps: each batch and how far it came are one transaction.
//! * `sale` – orders, out and in; [`pictures`] – what a shop shows.
//!
//! Reading a file is `sklad-commerceml`'s, storing goods is `sklad-catalog`'s.

mod error;
mod handle;
pub mod import;
pub mod names;
pub mod pictures;
mod random;
pub mod reply;
pub mod request;
mod sale;
pub mod session;
pub mod sweep;
pub mod upload;
pub mod zip;

pub use error::Error;
pub use handle::{ABANDONED_MS, JOB, handle, housekeeping};
pub use reply::Reply;
