//! What the fake must do, over HTTP: its keys, its limit, its lists, its orders, its webhooks, its faults.

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
mod keys;
mod lists;
mod orders;
mod rates;
mod receiver;
