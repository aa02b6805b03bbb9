//! The JSON API 1.2 of МойСклад (moysklad-json-api.md): what we ask and what is answered.
//!
//! * [`client`] – requests as values, answers as text or [`Error`]: no network.
//! * [`error`] – what can go wrong, and what follows from it.
//! * [`limits`] – how much may be asked, by all instances together: statements, no clock.
//! * [`page`] – lists in pages, and how nothing is lost between two of them: pure.
//! * [`wire`] – what objects look like: pure.
//! * [`session`] – requests sent over the ports, within the limits, repeated where that helps.

pub mod client;
pub mod error;
pub mod limits;
pub mod page;
pub mod session;
pub mod wire;

pub use client::{Access, Api, Credentials};
pub use error::{Error, Retry};
pub use limits::Class;
pub use session::Session;
