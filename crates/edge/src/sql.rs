//! [`Sql`] over Spin's SQLite.
//!
//! What a host call costs decides the shape (an open costs as much as four statements, a statement
//! a tenth of an empty request): connections live as long as the instance. Reads take one from a
//! free list, so that every connection is used by one statement at a time and no row stream is left
//! undrained while another statement waits for the same connection. Writes share one connection
//! behind a mutex: inside an instance they queue fairly instead of sleeping on SQLite's lock.

use std::cell::{Cell, RefCell};

use futures::lock::Mutex;
use sklad_store::{Row, Sql, SqlError, Statement, Value, migrations};
use spin_sdk::sqlite;

/// The label of the database in spin.toml.
const LABEL: &str = "default";
/// Read connections kept when idle; more may be open while requests need them.
const IDLE_READERS: usize = 4;
/// How often `BEGIN IMMEDIATE` is tried when the host gives up waiting for another writer (5 s).
const BEGIN_ATTEMPTS: usize = 2;

/// The application's database.
#[derive(Default)]
pub struct SpinSql {
    readers: RefCell<Vec<sqlite::Connection>>,
    writer: Mutex<Writer>,
    migrated: Cell<bool>,
}

/// The write connection, and whether a transaction may have been left open on it by a request that
/// was cancelled between two statements. Such a connection is dropped, which rolls back.
#[derive(Default)]
struct Writer {
    connection: Option<sqlite::Connection>,
    in_transaction: bool,
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

    /// Brings the schema to this build's version, once an instance. Two instances that start
    /// together are put in order by the write lock, and the second finds nothing to do.
    async fn migrate(&self) -> Result<(), SqlError> {
        let mut writer = self.writer.lock().await;
        let connection = writer.ready().await?;
        if version(connection).await? < migrations::latest() {
            begin(connection).await?;
            let steps = migrations::from(version(connection).await?);
            for step in steps {
                execute(connection, &Statement::new(step)).await?;
            }
            execute(connection, &Statement::new("COMMIT")).await?;
        }
        writer.in_transaction = false;
        self.migrated.set(true);
        Ok(())
    }
}

impl Writer {
    /// The connection, outside of a transaction; marked as inside of one until the caller says
    /// otherwise, see [`Writer`].
    async fn ready(&mut self) -> Result<&sqlite::Connection, SqlError> {
        if self.in_transaction {
            self.connection = None;
        }
        self.in_transaction = true;
        if self.connection.is_none() {
            let connection = open().await?;
            execute(&connection, &Statement::new("PRAGMA journal_mode = WAL")).await?;
            execute(&connection, &Statement::new("PRAGMA synchronous = FULL")).await?;
            self.connection = Some(connection);
        }
        self.connection
            .as_ref()
            .ok_or_else(|| SqlError::Other("no connection".to_owned()))
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
        let mut writer = self.writer.lock().await;
        let connection = writer.ready().await?;
        let result = match batch.as_slice() {
            [one] if one.expected().is_none() => {
                execute(connection, one).await.map(|rows| vec![rows])
            }
            many => transaction(connection, many).await,
        };
        writer.in_transaction = match &result {
            Ok(_) => false,
            // Rolled back by dropping the connection where even that fails.
            Err(_) => rollback(writer.connection.as_ref()).await.is_err(),
        };
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
async fn rollback(connection: Option<&sqlite::Connection>) -> Result<(), SqlError> {
    let Some(connection) = connection else {
        return Ok(());
    };
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
