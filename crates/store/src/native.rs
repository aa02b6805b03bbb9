//! Native adapters: rusqlite for [`Sql`] and a map for [`Kv`]. Tests and the native twin of the
//! benchmarks use them; a component never contains them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::StatementStatus;
use rusqlite::types::ValueRef;

use crate::{Kv, KvError, Row, Sql, SqlError, Statement, Value, migrations, settings};

/// How long a statement waits for another writer, as Spin does.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

thread_local! {
    static COMPILED_ANEW: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// The kept statements that had to be compiled again in this thread since this was asked last. SQLite
/// does that where a plan depends on the value of a parameter (`LIMIT ?`, a join with `= ?`), and it
/// costs more than most statements do.
#[must_use]
pub fn compiled_anew() -> Vec<String> {
    COMPILED_ANEW.take()
}

/// SQLite over rusqlite: one connection that reads and one that writes, as a component has them.
pub struct NativeSql {
    reader: Mutex<rusqlite::Connection>,
    writer: Mutex<rusqlite::Connection>,
}

impl NativeSql {
    /// Opens (and migrates) the database file.
    ///
    /// # Errors
    /// The file cannot be opened or migrated.
    pub fn open(path: &Path) -> Result<Self, SqlError> {
        let writer = connect(path)?;
        migrate(&writer)?;
        Ok(Self {
            reader: Mutex::new(connect(path)?),
            writer: Mutex::new(writer),
        })
    }

    /// Runs a statement text that is no part of the port, for tests that look behind it.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn batch(&self, sql: &str) -> Result<(), SqlError> {
        lock(&self.writer).execute_batch(sql).map_err(error)
    }
}

fn connect(path: &Path) -> Result<rusqlite::Connection, SqlError> {
    let connection = rusqlite::Connection::open(path).map_err(error)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(error)?;
    connection.set_prepared_statement_cache_capacity(64);
    let run = |sql: &str| connection.execute_batch(sql).map_err(error);
    settings::write_ahead(run)?;
    settings::EACH.iter().try_for_each(|setting| run(setting))?;
    Ok(connection)
}

fn migrate(connection: &rusqlite::Connection) -> Result<(), SqlError> {
    connection.execute_batch("BEGIN IMMEDIATE").map_err(error)?;
    // Read inside of the transaction: another process may be migrating the same file.
    let version: i64 = connection
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .map_err(error)?;
    for step in migrations::from(version) {
        connection.execute_batch(&step).map_err(error)?;
    }
    connection.execute_batch("COMMIT").map_err(error)
}

#[allow(clippy::needless_pass_by_value, reason = "the shape of map_err")]
fn error(e: rusqlite::Error) -> SqlError {
    SqlError::from_message(e.to_string())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn run(connection: &rusqlite::Connection, statement: &Statement) -> Result<Vec<Row>, SqlError> {
    let mut prepared = connection.prepare_cached(statement.sql()).map_err(error)?;
    let width = prepared.column_count();
    let params = rusqlite::params_from_iter(statement.params().iter().map(to_sqlite));
    let mut rows = prepared.query(params).map_err(error)?;
    let mut out = Vec::new();
    while let Some(row) = rows.next().map_err(error)? {
        let values = (0..width)
            .map(|i| row.get_ref(i).map(from_sqlite))
            .collect::<Result<_, _>>()
            .map_err(error)?;
        out.push(Row(values));
    }
    drop(rows);
    if prepared.reset_status(StatementStatus::RePrepare) > 0 {
        COMPILED_ANEW.with_borrow_mut(|texts| texts.push(statement.sql().to_owned()));
    }
    Ok(out)
}

fn to_sqlite(value: &Value) -> rusqlite::types::Value {
    match value {
        Value::Null => rusqlite::types::Value::Null,
        Value::Integer(v) => rusqlite::types::Value::Integer(*v),
        Value::Text(v) => rusqlite::types::Value::Text(v.clone()),
        Value::Blob(v) => rusqlite::types::Value::Blob(v.clone()),
    }
}

fn from_sqlite(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Integer(v) => Value::Integer(v),
        ValueRef::Text(v) => Value::Text(String::from_utf8_lossy(v).into_owned()),
        ValueRef::Blob(v) => Value::Blob(v.to_vec()),
        // No column of the schema is a float, see `Value`.
        ValueRef::Null | ValueRef::Real(_) => Value::Null,
    }
}

impl Sql for NativeSql {
    async fn query(&self, statement: Statement) -> Result<Vec<Row>, SqlError> {
        let rows = run(&lock(&self.reader), &statement)?;
        statement.check(rows.len())?;
        Ok(rows)
    }

    async fn atomic(&self, batch: Vec<Statement>) -> Result<Vec<Vec<Row>>, SqlError> {
        let connection = lock(&self.writer);
        connection.execute_batch("BEGIN IMMEDIATE").map_err(error)?;
        let result = batch
            .iter()
            .map(|statement| {
                let rows = run(&connection, statement)?;
                statement.check(rows.len()).map(|()| rows)
            })
            .collect::<Result<Vec<_>, _>>()
            .and_then(|rows| {
                connection
                    .execute_batch("COMMIT")
                    .map_err(error)
                    .map(|()| rows)
            });
        if result.is_err() && !connection.is_autocommit() {
            connection.execute_batch("ROLLBACK").map_err(error)?;
        }
        result
    }
}

/// Key-value in memory.
#[derive(Default)]
pub struct MemoryKv(Mutex<BTreeMap<String, Vec<u8>>>);

impl Kv for MemoryKv {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, KvError> {
        Ok(lock(&self.0).get(key).cloned())
    }

    async fn set(&self, key: &str, value: &[u8]) -> Result<(), KvError> {
        lock(&self.0).insert(key.to_owned(), value.to_vec());
        Ok(())
    }

    async fn delete(&self, key: &str) -> Result<(), KvError> {
        lock(&self.0).remove(key);
        Ok(())
    }
}
