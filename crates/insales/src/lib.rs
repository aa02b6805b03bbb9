//! InSales: what we ask of a shop there (the Admin API, [`api`]).

#![forbid(unsafe_code)]

pub mod api;
