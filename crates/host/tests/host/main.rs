//! The host as its users see it: a server with the probe component, spoken to over HTTP.
//!
//! Needs the probe:
//! `cargo build --profile wasm --target wasm32-wasip2 -p guest-probe -p guest-cron -p guest-wasi02`

mod cron;
mod grants;
mod http;
mod manifest;
mod outbound;
mod sqlite;
mod support;
mod survival;
mod trace;
mod wasi02;
