//! The Admin API of InSales (insales.md): what we ask and what is answered.
//!
//! * [`client`] – requests as values, answers as text or [`Error`]: no network.
//! * [`error`] – what can go wrong, and what follows from it.
//! * [`limits`] – how much may be asked of a shop, by all instances together: statements, no clock.
//! * [`page`] – lists of what has changed, and how nothing is lost between two pages: pure.
//! * [`session`] – requests sent over the ports, within the limit, repeated where that helps.

pub mod client;
pub mod error;
pub mod limits;
pub mod page;
pub mod session;

pub use client::{Access, Api};
pub use error::{Error, Retry};
pub use limits::Part;
pub use session::{Failure, Session};
