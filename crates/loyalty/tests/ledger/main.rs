//! The ledger and the customers' store over real SQLite.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod aliases;
mod concurrency;
mod documents;
mod edits;
mod fixture;
mod gifts;
mod goods;
mod merges;
mod model;
mod occasions;
mod plans;
mod random;
mod returns;
mod sales;
mod search;
mod tiers;
