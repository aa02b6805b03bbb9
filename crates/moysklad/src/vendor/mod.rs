//! The life of our solution in МойСклад's marketplace: the Vendor API 1.0, both sides of it.
//!
//! * [`handle`] – what МойСклад calls: PUT, DELETE, GET of an account, and its events. Nothing of МойСклад
//!   is called on the way, so the answer is there within its 10 seconds.
//! * [`accounts`] – what is known of an account; how others get into its JSON API.
//! * [`settle`] – what we tell МойСклад: address and key of the loyalty programme, then that the solution
//!   is at work. It goes on from wherever it stopped, whoever calls it: an activation, the schedule.
//! * [`users`] – who has opened the solution in МойСклад, and his session with us.
//! * [`activation`] – for which cabinet: an existing one or a new one; its API is [`routes`].
//! * [`jwt`], [`wire`], [`life`], [`apps`], [`descriptor`] – pure.

pub mod accounts;
pub mod activation;
pub mod apps;
pub mod descriptor;
mod error;
mod handle;
pub mod jwt;
pub mod life;
mod names;
pub mod routes;
pub mod settle;
pub mod users;
pub mod wire;

pub use error::Error;
pub use handle::{BODY_LIMIT, PREFIX, handle};

use getrandom::fill;

/// `N` random bytes in hexadecimal.
fn random<const N: usize>() -> Result<String, Error> {
    let mut bytes = [0; N];
    fill(&mut bytes).map_err(|_| Error::Random)?;
    Ok(hex::encode(bytes))
}
