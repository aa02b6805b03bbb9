//! What the fake must do, over HTTP: its limits, its lists, its webhooks, its faults, its vendor API.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

mod client;
mod faults;
mod goods;
mod hooks;
mod lists;
mod rates;
mod receiver;
mod solutions;
