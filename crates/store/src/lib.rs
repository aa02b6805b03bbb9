//! The ports behind which all storage lies, and the schema.
//!
//! A crate with domain logic sees [`Sql`] and [`Kv`] and nothing of Spin. Two adapters exist: the
//! one over Spin's interfaces in `crates/edge`, and the one over rusqlite in [`native`], which
//! tests and benchmarks use. Both run the same statements on the same SQLite.
//!
//! A read is one statement ([`Sql::query`]); a write is one atomic batch ([`Sql::atomic`]). There
//! are no interactive transactions: what a batch depends on is stated in it, and a state that moved
//! in between comes out as [`SqlError::Conflict`], which the caller answers by reading again.
//!
//! ```
//! use sklad_store::Statement;
//!
//! // A lost update is impossible: the version names the state that was read.
//! let raise = Statement::new(
//!     "UPDATE customers SET balance = balance + ?3, version = version + 1 \
//!      WHERE tenant = ?1 AND id = ?2 AND version = ?4 RETURNING 1",
//! )
//! .bind("demo")
//! .bind("c1")
//! .bind(50)
//! .bind(7)
//! .expect_rows(1);
//! assert_eq!(raise.params().len(), 4);
//! ```

mod body;
mod clock;
mod http;
mod kv;
pub mod migrations;
#[cfg(feature = "native")]
pub mod native;
mod ports;
pub mod settings;
mod sql;

pub use body::{Body, BrokenBody};
pub use clock::Clock;
pub use http::{Call, Http, HttpError, NotPublic, Reach, Within, post_json, public};
pub use kv::{Kv, KvError};
pub use ports::Ports;
pub use sql::{Row, Sql, SqlError, Statement, Value};
