//! Orders to a shop and its word on them, over a shop in memory.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

mod back;
mod fake;
mod once;
mod plans;
mod there;
mod world;
