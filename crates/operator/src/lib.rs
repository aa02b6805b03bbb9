//! The operator's API `/api/v1`.
//!
//! [`handle`] answers one request. What there is stands in one table ([`routes::ROUTES`]): it
//! dispatches, answers 405 with what is allowed, bounds bodies, refuses unknown parameters, and
//! makes the OpenAPI document (`openapi.json` beside this crate, which a test compares).
//!
//! Errors are `{"error": {"code", "message", "path"?, "problems"?}}`: the code is for programs, the
//! message for people (Russian), the path is the place in the document that was sent.

mod catalog;
mod companies;
mod connections;
mod context;
mod customers;
mod dispatch;
mod employees;
mod error;
mod gifts;
mod jobs;
mod journal;
mod keys;
mod ledger;
mod moysklad;
#[cfg(feature = "openapi")]
pub mod openapi;
mod orders;
mod page;
mod reply;
pub mod routes;
mod sales;
mod settings;
mod simulate;
mod tenants;

pub use context::MAX_BODY_BYTES;
pub use dispatch::{
    handle, handle_connections, handle_customers, handle_employees, handle_goods, handle_insales,
    handle_openapi, handle_orders, handle_sales, handle_tenants,
};

/// The OpenAPI 3.1 document, as it is served at `/api/v1/openapi.json`; see `build.rs`.
const OPENAPI: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/openapi.deflate"));
