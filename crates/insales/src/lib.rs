//! InSales: what a merchant sets for a shop there ([`settings`]), and what we ask of it (the Admin API,
//! [`api`]).

#![forbid(unsafe_code)]

pub mod api;
pub mod connected;
pub mod domain;
pub mod orders;
pub mod settings;
