//! [`Sql`] over Spin's SQLite.
//!
//! What a host call costs decides the shape (an open costs as much as four statements, a statement
//! a tenth of an empty request): one connection lives as long as the instance, and every statement
//! is one synchronous call that answers all rows at once. The asynchronous one answers a stream and
//! a future, which take several calls more and suspend the request. Since nothing is awaited between
//! the statements of a transaction, no other request of the instance can come between them.

use std::cell::{Cell, RefCell};

use sklad_store::{Row, Sql, SqlError, Statement, Value, migrations, settings};
use spin_sdk::sqlite::wit::sqlite;

/// The label of the database in spin.toml.
const LABEL: &str = "default";
/// How often `BEGIN IMMEDIATE` is tried when the host gives up waiting for another writer (5 s).
const BEGIN_ATTEMPTS: usize = 2;

/// The application's database.
#[derive(Default)]
pub struct SpinSql {
    connection: RefCell<Option<sqlite::Connection>>,
    wrote: Cell<bool>,
}

impl SpinSql {
    /// Runs `work` on the instance's connection, which is opened at first use.
    fn with<T>(
        &self,
        work: impl FnOnce(&sqlite::Connection) -> Result<T, SqlError>,
    ) -> Result<T, SqlError> {
        let mut kept = self.connection.borrow_mut();
        let connection = match kept.take() {
            Some(connection) => connection,
            None => open()?,
        };
        work(kept.insert(connection))
    }

    /// Whether something was written since this was asked last.
    pub(crate) fn take_wrote(&self) -> bool {
        self.wrote.take()
    }
}

impl Sql for SpinSql {
    async fn query(&self, statement: Statement) -> Result<Vec<Row>, SqlError> {
        let rows = self.with(|connection| execute(connection, &statement))?;
        statement.check(rows.len())?;
        Ok(rows)
    }

    async fn atomic(&self, batch: Vec<Statement>) -> Result<Vec<Vec<Row>>, SqlError> {
        self.wrote.set(true);
        let result = self.with(|connection| match batch.as_slice() {
            [one] if one.expected().is_none() => {
                Ok(execute(connection, one).map(|rows| vec![rows]))
            }
            many => transaction(connection, || all(connection, many)),
        });
        if result.is_err() {
            // It could not even be rolled back; closing it does.
            self.connection.take();
        }
        result?
    }
}

/// Opens the database and brings its schema to this build's version. Two instances that start
/// together are put in order by the write lock, and the second finds nothing to do.
fn open() -> Result<sqlite::Connection, SqlError> {
    let connection = sqlite::Connection::open(LABEL).map_err(error)?;
    settings::write_ahead(|sql| run(&connection, sql))?;
    for setting in settings::EACH {
        run(&connection, setting)?;
    }
    if version(&connection)? < migrations::latest() {
        transaction(&connection, || {
            let steps = migrations::from(version(&connection)?);
            steps.iter().try_for_each(|step| run(&connection, step))
        })??;
    }
    Ok(connection)
}

fn version(connection: &sqlite::Connection) -> Result<i64, SqlError> {
    let rows = execute(connection, &Statement::new("PRAGMA user_version"))?;
    Ok(rows.first().and_then(|row| row.int(0)).unwrap_or_default())
}

/// Runs `work` in a transaction. The outer error means that the connection is of no use any more.
fn transaction<T>(
    connection: &sqlite::Connection,
    work: impl FnOnce() -> Result<T, SqlError>,
) -> Result<Result<T, SqlError>, SqlError> {
    let committed = begin(connection)
        .and_then(|()| work())
        .and_then(|done| run(connection, "COMMIT").map(|()| done));
    if committed.is_err() {
        rollback(connection)?;
    }
    Ok(committed)
}

fn all(connection: &sqlite::Connection, batch: &[Statement]) -> Result<Vec<Vec<Row>>, SqlError> {
    let one = |statement: &Statement| {
        let rows = execute(connection, statement)?;
        statement.check(rows.len()).map(|()| rows)
    };
    batch.iter().map(one).collect()
}

fn begin(connection: &sqlite::Connection) -> Result<(), SqlError> {
    for _ in 1..BEGIN_ATTEMPTS {
        match run(connection, "BEGIN IMMEDIATE") {
            Err(SqlError::Busy) => {}
            other => return other,
        }
    }
    run(connection, "BEGIN IMMEDIATE")
}

/// Ends a transaction that may or may not be open: SQLite ends it by itself after some errors, and
/// then says that none is active.
fn rollback(connection: &sqlite::Connection) -> Result<(), SqlError> {
    match run(connection, "ROLLBACK") {
        Err(SqlError::Other(message)) if message.contains("no transaction is active") => Ok(()),
        other => other,
    }
}

fn run(connection: &sqlite::Connection, sql: &str) -> Result<(), SqlError> {
    connection.execute(sql, &[]).map(drop).map_err(error)
}

fn execute(connection: &sqlite::Connection, statement: &Statement) -> Result<Vec<Row>, SqlError> {
    let params: Vec<_> = statement.params().iter().map(to_spin).collect();
    let result = connection
        .execute(statement.sql(), &params)
        .map_err(error)?;
    let row = |row: sqlite::RowResult| Row(row.values.into_iter().map(from_spin).collect());
    Ok(result.rows.into_iter().map(row).collect())
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
