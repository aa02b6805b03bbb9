//! The embedded runner `sklad-edge`: runs `spin.toml` with wasmtime where Spin is not installed.
//!
//! It hosts what Spin hosts, in Spin's words: WASI 0.2 and 0.3 HTTP components,
//! `spin:key-value@3`, `spin:sqlite@3.1`, `spin:variables@3`, outbound HTTP and cron triggers.
//! What the manifest did not grant is denied the way Spin denies it, and the state folder has
//! Spin's files and tables, so that either can take over from the other.
//!
//! The same server starts inside a test, on a free port with a folder of its own:
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! let state = std::env::temp_dir().join("state");
//! let server = sklad_host::Server::builder()
//!     .manifest("spin.toml")
//!     .listen("127.0.0.1:0")
//!     .state_dir(state)
//!     .variable("operator_token", "secret")
//!     .quiet(true)
//!     .start()
//!     .await?;
//! println!("{}", server.url());
//! assert_eq!(server.metrics().answers, 0);
//! server.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! The test's tokio runtime should be `multi_thread`: writes to SQLite block their thread.

#![deny(unsafe_code)]
#![warn(missing_docs)]

mod app;
mod bindings;
mod client;
mod cron;
mod engine;
mod instance;
mod kv;
mod limits;
mod lock;
mod log;
pub mod manifest;
mod metrics;
mod outbound;
mod output;
mod request;
mod router;
mod runtime_config;
mod send;
mod server;
mod sqlite;
mod stream;
mod trace;
mod variables;

pub use instance::ReuseLimits;
pub use metrics::Metrics;
pub use server::{Builder, DEFAULT_LISTEN, RouteInfo, Running, Server};
