//! Jobs, inbox and ticks on real SQLite files.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

mod dead;
mod inbox;
mod job;
mod killed;
mod plans;
mod sweep;
mod tick;
mod world;
