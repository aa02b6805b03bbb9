//! `spin:sqlite@3.1`: one `open` is one connection of its own to the label's database file.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::fallible_iterator::FallibleIterator as _;
use rusqlite::limits::Limit;
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use wasmtime::component::{Accessor, FutureReader, HasSelf, Resource, StreamReader};

use crate::bindings::spin::sqlite::sqlite::{
    Error, Host, HostConnection, HostConnectionWithStore, QueryResult, RowResult, Value,
};
use crate::instance::InstanceState;
use crate::lock::{self, WriteLock};

/// Prepared statements that a connection keeps.
const CACHED_STATEMENTS: usize = 128;

/// A database that a label stands for.
#[derive(Debug)]
pub(crate) struct Database {
    path: PathBuf,
    lock: WriteLock,
}

impl Database {
    pub(crate) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            lock: WriteLock::default(),
        }
    }

    /// Opens a connection the way Spin does: no pragma, no ATTACH.
    pub(crate) fn open(self: &Arc<Self>) -> rusqlite::Result<Connection> {
        let inner = open_file(&self.path)?;
        inner.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
        Ok(Connection(Arc::new(Shared {
            inner: tokio::sync::Mutex::new(inner),
            database: self.clone(),
        })))
    }

    /// Runs all statements of `sql` at start.
    pub(crate) fn run_script(&self, sql: &str) -> rusqlite::Result<()> {
        rusqlite::Connection::open(&self.path)?.execute_batch(sql)
    }
}

/// Opens a database file whose locks are waited for by [`lock::retry`].
pub(crate) fn open_file(path: &Path) -> rusqlite::Result<rusqlite::Connection> {
    let connection = rusqlite::Connection::open(path)?;
    connection.busy_timeout(Duration::ZERO)?;
    connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    Ok(connection)
}

/// The resource behind `spin:sqlite/sqlite.connection`.
#[derive(Clone)]
pub struct Connection(Arc<Shared>);

struct Shared {
    // Statements of one connection run one after the other; waiting for the turn holds no thread.
    inner: tokio::sync::Mutex<rusqlite::Connection>,
    database: Arc<Database>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        // An open transaction is rolled back with its connection: someone may wait for the lock.
        self.database.lock.release();
    }
}

/// What a statement gave before it ended.
struct Rows {
    columns: Vec<String>,
    rows: Vec<RowResult>,
    /// Whether it was a write outside a transaction, which takes and returns the write lock.
    wrote_alone: bool,
}

/// What a started statement gave, and how it ended.
struct Outcome {
    rows: Rows,
    result: rusqlite::Result<()>,
}

impl Connection {
    /// Runs the first statement of `sql`. An `Err` means that it never started.
    async fn execute(&self, sql: &str, parameters: &[Value]) -> Result<Outcome, Error> {
        let mut connection = self.0.inner.lock().await;
        let mut failed = None;
        let attempt = |connection: &rusqlite::Connection| {
            let Outcome { rows, result } = run(connection, sql, parameters)?;
            match result {
                Ok(()) => Ok(rows),
                // What had been read goes out with the error, should it be the last one.
                Err(error) => {
                    failed = Some(rows);
                    Err(error)
                }
            }
        };
        let lock = &self.0.database.lock;
        let result = lock::retry(&mut connection, lock, attempt).await;
        let outcome = match (result, failed) {
            (Ok(rows), _) => Outcome {
                rows,
                result: Ok(()),
            },
            (Err(error), Some(rows)) => Outcome {
                rows,
                result: Err(error),
            },
            (Err(error), None) => return Err(io_error(&error)),
        };
        if outcome.rows.wrote_alone {
            lock.release();
        }
        Ok(outcome)
    }
}

/// Prepares and steps through one statement.
fn run(
    connection: &rusqlite::Connection,
    sql: &str,
    parameters: &[Value],
) -> rusqlite::Result<Outcome> {
    match connection.prepare_cached(sql) {
        Ok(mut statement) => step(connection, &mut statement, parameters),
        // Only the first of several statements runs, as in Spin.
        Err(error) if sql.contains(';') => match rusqlite::Batch::new(connection, sql).next()? {
            Some(mut statement) => step(connection, &mut statement, parameters),
            None => Err(error),
        },
        Err(error) => Err(error),
    }
}

fn step(
    connection: &rusqlite::Connection,
    statement: &mut rusqlite::Statement<'_>,
    parameters: &[Value],
) -> rusqlite::Result<Outcome> {
    let columns: Vec<String> = statement.column_names().map(Into::into).collect();
    let alone = connection.is_autocommit();
    let reaches_disk = reaches_disk(connection, statement);
    let width = columns.len();
    let mut rows = statement.query(rusqlite::params_from_iter(parameters.iter().map(Parameter)))?;
    let mut collect = || {
        let mut collected = Vec::new();
        let result = loop {
            match rows.next() {
                Ok(Some(row)) => match read(row, width) {
                    Ok(row) => collected.push(row),
                    Err(error) => break Err(error),
                },
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        (collected, result)
    };
    let (rows, result) = if reaches_disk {
        lock::blocking(collect)
    } else {
        collect()
    };
    let wrote_alone = reaches_disk && alone;
    Ok(Outcome {
        rows: Rows {
            columns,
            rows,
            wrote_alone,
        },
        result,
    })
}

/// Whether the statement may wait for the disk: a write of its own, or the end of a transaction.
/// Reads and the writes inside a transaction work in memory and are too short to hand over.
fn reaches_disk(connection: &rusqlite::Connection, statement: &rusqlite::Statement<'_>) -> bool {
    if connection.is_autocommit() {
        return !statement.readonly();
    }
    statement.readonly() && statement.column_count() == 0
}

fn read(row: &rusqlite::Row<'_>, width: usize) -> rusqlite::Result<RowResult> {
    let mut values = Vec::with_capacity(width);
    for column in 0..width {
        values.push(match row.get_ref(column)? {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(number) => Value::Integer(number),
            ValueRef::Real(number) => Value::Real(number),
            ValueRef::Text(text) => Value::Text(
                String::from_utf8(text.to_vec())
                    .map_err(|error| rusqlite::Error::Utf8Error(column, error.utf8_error()))?,
            ),
            ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
        });
    }
    Ok(RowResult { values })
}

/// Lends a guest's value to SQLite.
struct Parameter<'a>(&'a Value);

impl ToSql for Parameter<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Value::Null => ValueRef::Null,
            Value::Integer(number) => ValueRef::Integer(*number),
            Value::Real(number) => ValueRef::Real(*number),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

fn io_error(error: &rusqlite::Error) -> Error {
    Error::Io(error.to_string())
}

impl InstanceState {
    /// Opens the database behind `label`, if the component may.
    fn open_database(
        &mut self,
        label: &str,
    ) -> wasmtime::Result<Result<Resource<Connection>, Error>> {
        let Some(database) = self.component.sqlite.get(label) else {
            return Ok(Err(Error::AccessDenied));
        };
        let Some(database) = database else {
            return Ok(Err(Error::NoSuchDatabase));
        };
        match database.open() {
            Ok(connection) => Ok(Ok(self.table.push(connection)?)),
            Err(error) => Ok(Err(io_error(&error))),
        }
    }
}

fn connection<T: Send>(
    accessor: &Accessor<T, HasSelf<InstanceState>>,
    resource: &Resource<Connection>,
) -> wasmtime::Result<Connection> {
    accessor.with(|mut access| Ok(access.get().table.get(resource)?.clone()))
}

type Streams = (
    Vec<String>,
    StreamReader<RowResult>,
    FutureReader<Result<(), Error>>,
);

impl Host for InstanceState {}

/// The synchronous half of the interface.
impl HostConnection for InstanceState {
    async fn open(
        &mut self,
        label: String,
    ) -> wasmtime::Result<Result<Resource<Connection>, Error>> {
        self.open_database(&label)
    }

    async fn execute(
        &mut self,
        resource: Resource<Connection>,
        sql: String,
        parameters: Vec<Value>,
    ) -> wasmtime::Result<Result<QueryResult, Error>> {
        let connection = self.table.get(&resource)?.clone();
        Ok(connection
            .execute(&sql, &parameters)
            .await
            .and_then(|outcome| {
                outcome.result.map_err(|error| io_error(&error))?;
                Ok(QueryResult {
                    columns: outcome.rows.columns,
                    rows: outcome.rows.rows,
                })
            }))
    }

    async fn last_insert_rowid(&mut self, resource: Resource<Connection>) -> wasmtime::Result<i64> {
        let connection = self.table.get(&resource)?.clone();
        Ok(connection.0.inner.lock().await.last_insert_rowid())
    }

    async fn changes(&mut self, resource: Resource<Connection>) -> wasmtime::Result<u64> {
        let connection = self.table.get(&resource)?.clone();
        Ok(connection.0.inner.lock().await.changes())
    }

    fn drop(&mut self, resource: Resource<Connection>) -> wasmtime::Result<()> {
        self.table.delete(resource)?;
        Ok(())
    }
}

/// The asynchronous half, which SDK 7 uses. A statement that meets no lock is done at the first
/// poll: the guest is not suspended at all.
impl<T: Send> HostConnectionWithStore<T> for HasSelf<InstanceState> {
    async fn open_async(
        accessor: &Accessor<T, Self>,
        label: String,
    ) -> wasmtime::Result<Result<Resource<Connection>, Error>> {
        accessor.with(|mut access| access.get().open_database(&label))
    }

    async fn execute_async(
        accessor: &Accessor<T, Self>,
        resource: Resource<Connection>,
        sql: String,
        parameters: Vec<Value>,
    ) -> wasmtime::Result<Result<Streams, Error>> {
        let connection = connection(accessor, &resource)?;
        let outcome = match connection.execute(&sql, &parameters).await {
            Ok(outcome) => outcome,
            Err(error) => return Ok(Err(error)),
        };
        let result = outcome.result.map_err(|error| io_error(&error));
        accessor.with(|mut access| {
            let rows = StreamReader::new(&mut access, outcome.rows.rows)?;
            let result =
                FutureReader::new(&mut access, async move { wasmtime::error::Ok(result) })?;
            Ok(Ok((outcome.rows.columns, rows, result)))
        })
    }

    async fn last_insert_rowid_async(
        accessor: &Accessor<T, Self>,
        resource: Resource<Connection>,
    ) -> wasmtime::Result<i64> {
        let connection = connection(accessor, &resource)?;
        Ok(connection.0.inner.lock().await.last_insert_rowid())
    }

    async fn changes_async(
        accessor: &Accessor<T, Self>,
        resource: Resource<Connection>,
    ) -> wasmtime::Result<u64> {
        let connection = connection(accessor, &resource)?;
        Ok(connection.0.inner.lock().await.changes())
    }
}
