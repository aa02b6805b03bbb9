//! End to end: what a till and an operator see over HTTP.
//!
//! The application is started in this process, with real components and a folder of its own.
//! `SKLAD_EDGE_URL` and `SKLAD_EDGE_OPERATOR_TOKEN` point the same tests at one that runs already
//! (`SKLAD_EDGE_BASE_DOMAIN`: the base domain it was started with); tests that must own the process
//! are skipped then. `SKLAD_EDGE_SHARED` names a folder with the vendor's specification, whose
//! payloads are posted as they stand.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

mod addressing;
mod codes;
mod commerceml;
mod concurrency;
mod durability;
mod errors;
mod fixture;
mod gifts;
mod host;
mod identity;
mod insales;
mod isolation;
mod moysklad;
mod official;
mod quote;
mod recalc;
mod returns;
mod sale;
mod sales;
mod search;
mod settings;
mod tolerance;
