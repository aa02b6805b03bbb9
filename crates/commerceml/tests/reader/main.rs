//! The reader on hand-written files, on real ones and on random ones.
//!
//! `SKLAD_EDGE_SHARED` names a folder with real files (`data/commerceml`) that must not be copied
//! here; without it the tests of `real` are skipped.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

mod features;
mod hostile;
mod properties;
mod real;
mod support;
