//! [`Sql`] over Spin's SQLite.
//!
//! What a host call costs decides the shape (an open costs as much as four statements, a statement
//! a tenth of an empty request): connections live as long as the instance. Reads take one from a
//! free list, so that every connection is used by one statement at a time and no row stream is left
//! undrained while another statement waits for the same connection. Writes share one connection,
//! one at a time: waiting for it costs a millisecond, waiting for SQLite's lock many.

use std::cell::{Cell, RefCell};

use sklad_store::{Row, Sql, SqlError, Statement, Value, migrations};
use spin_sdk::sqlite;
use spin_sdk::wasip3::clocks::monotonic_clock;

/// The label of the database in spin.toml.
const LABEL: &str = "default";
/// Read connections kept when idle; more may be open while requests need them.
const IDLE_READERS: usize = 4;
/// How often `BEGIN IMMEDIATE` is tried when the host gives up waiting for another writer (5 s).
const BEGIN_ATTEMPTS: usize = 2;

/// How long a write waits before it looks again whether the write connection is free, in
/// nanoseconds. A mutex that wakes the next one would need a stream and three more host calls each
/// time any request waits for anything.
const WRITER_WAIT_NS: u64 = 1_000_000;
/// How often it looks before it gives up: after ten seconds.
const WRITER_WAITS: usize = 10_000;

/// The application's database.
#[derive(Default)]
pub struct SpinSql {
    readers: RefCell<Vec<sqlite::Connection>>,
    writer: RefCell<Option<sqlite::Connection>>,
    writing: Cell<bool>,
    migrated: Cell<bool>,
}

/// The write connection in the hands of one request. When it is dropped in the middle, because the
/// request was cancelled between two statements, so is the connection, which rolls back.
struct Writer<'a> {
    sql: &'a SpinSql,
    connection: sqlite::Connection,
}

/// Marks the write connection as free again, however its holder ends.
struct Turn<'a>(&'a SpinSql);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.writing.set(false);
    }
}

impl Writer<'_> {
    /// Keeps the connection for the next write: no transaction is open on it.
    fn done(self) {
        self.sql.writer.replace(Some(self.connection));
    }
}

impl SpinSql {
    async fn reader(&self) -> Result<sqlite::Connection, SqlError> {
        if !self.migrated.get() {
            self.migrate().await?;
        }
        // The borrow must end before the open is awaited.
        let idle = self.readers.borrow_mut().pop();
        match idle {
            Some(connection) => Ok(connection),
            None => open().await,
        }
    }

    fn put_back(&self, connection: sqlite::Connection) {
        let mut readers = self.readers.borrow_mut();
        if readers.len() < IDLE_READERS {
            readers.push(connection);
        }
    }

    /// Waits until no other request of this instance writes.
    async fn turn(&self) -> Result<Turn<'_>, SqlError> {
        for _ in 0..WRITER_WAITS {
            if !self.writing.replace(true) {
                return Ok(Turn(self));
            }
            monotonic_clock::wait_for(WRITER_WAIT_NS).await;
        }
        Err(SqlError::Busy)
    }

    async fn writer(&self) -> Result<Writer<'_>, SqlError> {
        // The borrow must end before the open is awaited.
        let kept = self.writer.borrow_mut().take();
        let connection = match kept {
            Some(connection) => connection,
            None => {
                let connection = open().await?;
                execute(&connection, &Statement::new("PRAGMA journal_mode = WAL")).await?;
                execute(&connection, &Statement::new("PRAGMA synchronous = FULL")).await?;
                connection
            }
        };
        Ok(Writer { sql: self, connection })
    }

    /// Brings the schema to this build's version, once an instance. Two instances that start
    /// together are put in order by the write lock, and the second finds nothing to do.
    async fn migrate(&self) -> Result<(), SqlError> {
        let _turn = self.turn().await?;
        let writer = self.writer().await?;
        let connection = &writer.connection;
        if version(connection).await? < migrations::latest() {
            begin(connection).await?;
            for step in migrations::from(version(connection).await?) {
                execute(connection, &Statement::new(step)).await?;
            }
            execute(connection, &Statement::new("COMMIT")).await?;
        }
        writer.done();
        self.migrated.set(true);
        Ok(())
    }
}

impl Sql for SpinSql {
    async fn query(&self, statement: Statement) -> Result<Vec<Row>, SqlError> {
        let connection = self.reader().await?;
        let rows = execute(&connection, &statement).await;
        self.put_back(connection);
        let rows = rows?;
        statement.check(rows.len())?;
        Ok(rows)
    }

    async fn atomic(&self, batch: Vec<Statement>) -> Result<Vec<Vec<Row>>, SqlError> {
        if !self.migrated.get() {
            self.migrate().await?;
        }
        let _turn = self.turn().await?;
        let writer = self.writer().await?;
        let connection = &writer.connection;
        let result = match batch.as_slice() {
            [one] if one.expected().is_none() => {
                execute(connection, one).await.map(|rows| vec![rows])
            }
            many => transaction(connection, many).await,
        };
        // What cannot even be rolled back is dropped with its connection.
        if result.is_ok() || rollback(connection).await.is_ok() {
            writer.done();
        }
        result
    }
}

async fn transaction(
    connection: &sqlite::Connection,
    batch: &[Statement],
) -> Result<Vec<Vec<Row>>, SqlError> {
    begin(connection).await?;
    let mut results = Vec::with_capacity(batch.len());
    for statement in batch {
        let rows = execute(connection, statement).await?;
        statement.check(rows.len())?;
        results.push(rows);
    }
    execute(connection, &Statement::new("COMMIT")).await?;
    Ok(results)
}

async fn begin(connection: &sqlite::Connection) -> Result<(), SqlError> {
    for _ in 1..BEGIN_ATTEMPTS {
        match execute(connection, &Statement::new("BEGIN IMMEDIATE")).await {
            Err(SqlError::Busy) => {}
            other => return other.map(|_| ()),
        }
    }
    execute(connection, &Statement::new("BEGIN IMMEDIATE"))
        .await
        .map(|_| ())
}

/// Ends a transaction that may or may not be open: SQLite ends it by itself after some errors, and
/// then says that none is active.
async fn rollback(connection: &sqlite::Connection) -> Result<(), SqlError> {
    match execute(connection, &Statement::new("ROLLBACK")).await {
        Err(SqlError::Other(message)) if message.contains("no transaction is active") => Ok(()),
        other => other.map(|_| ()),
    }
}

async fn version(connection: &sqlite::Connection) -> Result<i64, SqlError> {
    let rows = execute(connection, &Statement::new("PRAGMA user_version")).await?;
    Ok(rows.first().and_then(|row| row.int(0)).unwrap_or_default())
}

async fn open() -> Result<sqlite::Connection, SqlError> {
    sqlite::Connection::open(LABEL).await.map_err(error)
}

/// Runs one statement to its end. An error of SQLite shows only in the final result, which
/// `collect` waits for.
async fn execute(
    connection: &sqlite::Connection,
    statement: &Statement,
) -> Result<Vec<Row>, SqlError> {
    let params = statement.params().iter().map(to_spin);
    let result = connection
        .execute(statement.sql(), params)
        .await
        .map_err(error)?;
    let rows = result.collect().await.map_err(error)?;
    Ok(rows
        .into_iter()
        .map(|row| Row(row.values.into_iter().map(from_spin).collect()))
        .collect())
}

fn to_spin(value: &Value) -> sqlite::Value {
    match value {
        Value::Null => sqlite::Value::Null,
        Value::Integer(v) => sqlite::Value::Integer(*v),
        Value::Text(v) => sqlite::Value::Text(v.clone()),
        Value::Blob(v) => sqlite::Value::Blob(v.clone()),
    }
}

fn from_spin(value: sqlite::Value) -> Value {
    match value {
        sqlite::Value::Integer(v) => Value::Integer(v),
        sqlite::Value::Text(v) => Value::Text(v),
        sqlite::Value::Blob(v) => Value::Blob(v),
        // No column of the schema is a float, see `Value`.
        sqlite::Value::Null | sqlite::Value::Real(_) => Value::Null,
    }
}

fn error(e: sqlite::Error) -> SqlError {
    match e {
        sqlite::Error::Io(message) => SqlError::from_message(message),
        other => SqlError::Other(other.to_string()),
    }
}
