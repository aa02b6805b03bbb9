//! A database that is only filled: the product's statements in large transactions that reach the
//! disk when they like.

use std::cell::Cell;
use std::path::Path;

use rusqlite::types::{Value as Sqlite, ValueRef};
use rusqlite::{Connection, Result as SqliteResult};
use sklad_store::{Row, Sql, SqlError, Statement, Value};

/// Batches in one transaction.
const TRANSACTION: u32 = 10_000;

/// One connection that sees what it has not committed yet.
pub struct BulkSql {
    connection: Connection,
    batches: Cell<u32>,
}

impl BulkSql {
    /// Opens a database that has been migrated.
    pub fn open(path: &Path) -> SqliteResult<Self> {
        let connection = Connection::open(path)?;
        connection.set_prepared_statement_cache_capacity(64);
        connection.execute_batch(
            "PRAGMA synchronous = OFF; PRAGMA cache_size = -400000; PRAGMA journal_mode = MEMORY; BEGIN",
        )?;
        Ok(Self {
            connection,
            batches: Cell::new(0),
        })
    }

    /// Commits, and leaves the file as the product does.
    pub fn finish(self) -> SqliteResult<()> {
        self.connection
            .execute_batch("COMMIT; PRAGMA journal_mode = WAL")
    }

    fn run(&self, statement: &Statement) -> SqliteResult<Vec<Row>> {
        let mut prepared = self.connection.prepare_cached(statement.sql())?;
        let width = prepared.column_count();
        let params = rusqlite::params_from_iter(statement.params().iter().map(parameter));
        let rows = prepared.query_map(params, |row| {
            (0..width)
                .map(|i| row.get_ref(i).map(value))
                .collect::<SqliteResult<_>>()
                .map(Row)
        })?;
        rows.collect()
    }

    fn checked(&self, statement: &Statement) -> Result<Vec<Row>, SqlError> {
        let rows = self
            .run(statement)
            .map_err(|e| SqlError::from_message(e.to_string()))?;
        statement.check(rows.len())?;
        Ok(rows)
    }
}

fn parameter(value: &Value) -> Sqlite {
    match value {
        Value::Null => Sqlite::Null,
        Value::Integer(v) => Sqlite::Integer(*v),
        Value::Text(v) => Sqlite::Text(v.clone()),
        Value::Blob(v) => Sqlite::Blob(v.clone()),
    }
}

fn value(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Integer(v) => Value::Integer(v),
        ValueRef::Text(v) => Value::Text(String::from_utf8_lossy(v).into_owned()),
        ValueRef::Blob(v) => Value::Blob(v.to_vec()),
        ValueRef::Null | ValueRef::Real(_) => Value::Null,
    }
}

impl Sql for BulkSql {
    async fn query(&self, statement: Statement) -> Result<Vec<Row>, SqlError> {
        self.checked(&statement)
    }

    async fn atomic(&self, batch: Vec<Statement>) -> Result<Vec<Vec<Row>>, SqlError> {
        let rows = batch.iter().map(|s| self.checked(s)).collect();
        self.batches.set(self.batches.get().wrapping_add(1));
        if self.batches.get().is_multiple_of(TRANSACTION) {
            self.connection
                .execute_batch("COMMIT; BEGIN")
                .map_err(|e| SqlError::from_message(e.to_string()))?;
        }
        rows
    }
}
