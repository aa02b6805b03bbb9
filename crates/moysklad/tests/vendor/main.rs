//! The solution's life over the native stores, with МойСклад's Vendor API played by a script.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

mod activation;
mod calls;
mod keys;
mod life;
mod world;
