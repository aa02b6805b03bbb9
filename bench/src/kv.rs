//! Key-value in Spin's own file and table: what the native program reads is what the host reads.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension as _};
use sklad_store::{Kv, KvError};

const TABLE: &str = "CREATE TABLE IF NOT EXISTS spin_key_value (\
    store TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (store, key))";
const GET: &str = "SELECT value FROM spin_key_value WHERE store = 'default' AND key = ?1";
const SET: &str = "INSERT INTO spin_key_value (store, key, value) VALUES ('default', ?1, ?2) \
    ON CONFLICT (store, key) DO UPDATE SET value = excluded.value";
const DELETE: &str = "DELETE FROM spin_key_value WHERE store = 'default' AND key = ?1";

/// The store labelled `default`.
pub struct FileKv(Connection);

impl FileKv {
    /// Opens the file, which may be new.
    pub fn open(path: &Path) -> rusqlite::Result<Self> {
        let connection = Connection::open(path)?;
        connection.execute(TABLE, [])?;
        Ok(Self(connection))
    }
}

#[allow(clippy::needless_pass_by_value, reason = "the shape of map_err")]
fn error(e: rusqlite::Error) -> KvError {
    KvError(e.to_string())
}

impl Kv for FileKv {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, KvError> {
        let mut statement = self.0.prepare_cached(GET).map_err(error)?;
        statement
            .query_row([key], |row| row.get(0))
            .optional()
            .map_err(error)
    }

    async fn set(&self, key: &str, value: &[u8]) -> Result<(), KvError> {
        let done = self.0.execute(SET, (key, value));
        done.map(drop).map_err(error)
    }

    async fn delete(&self, key: &str) -> Result<(), KvError> {
        self.0.execute(DELETE, [key]).map(drop).map_err(error)
    }
}
