//! InSales: what we ask of a shop there (the Admin API, [`api`]); how it is connected: what a merchant sets
//! ([`settings`]) and can choose from ([`options`]), whether his key is good ([`check`]), which jobs follow
//! ([`plan`]); its catalogue: what products mean ([`map`], [`link`]) and how they come ([`sync`]); orders
//! there and back ([`orders`]); and what it tells by itself ([`webhook`]).

#![forbid(unsafe_code)]

pub mod api;
pub mod check;
pub mod connected;
pub mod domain;
pub mod link;
pub mod map;
pub mod number_field;
pub mod options;
pub mod orders;
pub mod plan;
pub mod settings;
pub mod sync;
pub mod webhook;
mod wire;
