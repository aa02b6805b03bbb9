//! InSales: what we ask of a shop there (the Admin API, [`api`]), and its catalogue ([`map`], [`sync`]).

#![forbid(unsafe_code)]

pub mod api;
pub mod link;
pub mod map;
pub mod sync;
mod wire;
