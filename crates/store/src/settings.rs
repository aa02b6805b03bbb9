//! What a connection begins with, whoever opens it.

use crate::SqlError;

/// The settings of every connection. Each has pages of its own: 1.5 MiB hold the inner pages of what a
/// till reads, the leaves differ from call to call.
pub const EACH: [&str; 2] = ["PRAGMA synchronous = FULL", "PRAGMA cache_size = -1536"];
/// How often the switch to a write-ahead log is tried.
const WAL_ATTEMPTS: usize = 8;

/// Switches a database to a write-ahead log with `run`, which runs one statement. Two that do this to a
/// new file at the same time may meet a lock for which SQLite does not wait; it does wait to begin a
/// transaction.
///
/// # Errors
/// The database's; [`SqlError::Busy`] after eight attempts.
pub fn write_ahead(run: impl Fn(&str) -> Result<(), SqlError>) -> Result<(), SqlError> {
    for _ in 0..WAL_ATTEMPTS {
        match run("PRAGMA journal_mode = WAL") {
            Err(SqlError::Busy) => {
                run("BEGIN IMMEDIATE")?;
                run("ROLLBACK")?;
            }
            other => return other,
        }
    }
    Err(SqlError::Busy)
}
