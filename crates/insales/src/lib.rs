//! InSales: what we ask of a shop there (the Admin API, [`api`]), and how it is connected: what a merchant
//! sets ([`settings`]) and can choose from ([`options`]), whether his key is good ([`check`]), which jobs
//! follow ([`plan`]); and orders, there and back ([`orders`]).

#![forbid(unsafe_code)]

pub mod api;
pub mod check;
pub mod connected;
pub mod domain;
pub mod number_field;
pub mod options;
pub mod orders;
pub mod plan;
pub mod settings;
