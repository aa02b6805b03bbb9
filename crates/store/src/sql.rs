//! The SQL port: values, rows, statements and the two things one can do with them.

use std::borrow::Cow;

/// One SQL value. There is no floating-point variant: money, points and quantities are integers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// SQL NULL.
    Null,
    /// A 64-bit integer; booleans are 0 and 1, times are milliseconds since 1970 UTC.
    Integer(i64),
    /// UTF-8 text.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
}

impl From<i64> for Value {
    fn from(v: i64) -> Self {
        Self::Integer(v)
    }
}

impl From<i32> for Value {
    fn from(v: i32) -> Self {
        Self::Integer(v.into())
    }
}

impl From<bool> for Value {
    fn from(v: bool) -> Self {
        Self::Integer(v.into())
    }
}

impl From<&str> for Value {
    fn from(v: &str) -> Self {
        Self::Text(v.to_owned())
    }
}

impl From<String> for Value {
    fn from(v: String) -> Self {
        Self::Text(v)
    }
}

impl From<&String> for Value {
    fn from(v: &String) -> Self {
        Self::Text(v.clone())
    }
}

impl From<Vec<u8>> for Value {
    fn from(v: Vec<u8>) -> Self {
        Self::Blob(v)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(v: Option<T>) -> Self {
        v.map_or(Self::Null, Into::into)
    }
}

/// One row of an answer. A column that is missing or of another type reads as `None`, so that a
/// wrong query can never panic an instance that also serves other tenants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row(pub Vec<Value>);

impl Row {
    /// The integer in column `i` (from 0).
    #[must_use]
    pub fn int(&self, i: usize) -> Option<i64> {
        match self.0.get(i) {
            Some(Value::Integer(v)) => Some(*v),
            _ => None,
        }
    }

    /// The text in column `i` (from 0).
    #[must_use]
    pub fn text(&self, i: usize) -> Option<&str> {
        match self.0.get(i) {
            Some(Value::Text(v)) => Some(v),
            _ => None,
        }
    }

    /// The bytes in column `i` (from 0).
    #[must_use]
    pub fn blob(&self, i: usize) -> Option<&[u8]> {
        match self.0.get(i) {
            Some(Value::Blob(v)) => Some(v),
            _ => None,
        }
    }

    /// The text in column `i`, owned; an absent one is empty.
    #[must_use]
    pub fn string(&self, i: usize) -> String {
        self.text(i).unwrap_or_default().to_owned()
    }
}

/// A statement with its parameters, and optionally the number of rows it must change.
///
/// Values are always bound, never put into the text: the text becomes a span name in the host's
/// telemetry, and the key of its statement cache.
#[derive(Clone, Debug)]
pub struct Statement {
    sql: Cow<'static, str>,
    params: Vec<Value>,
    expect: Option<usize>,
}

impl Statement {
    /// A statement without parameters so far. Parameters are `?1`, `?2`, … in SQL.
    #[must_use]
    pub fn new(sql: impl Into<Cow<'static, str>>) -> Self {
        Self {
            sql: sql.into(),
            params: Vec::new(),
            expect: None,
        }
    }

    /// Binds the next parameter.
    #[must_use]
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.params.push(value.into());
        self
    }

    /// The number of rows that this statement must return, or the whole batch is rolled back and
    /// comes out as [`SqlError::Conflict`]. A writing statement ends in `RETURNING 1`, so that the
    /// rows it changed are counted in the same call (a call for `changes()` costs as much again).
    #[must_use]
    pub fn expect_rows(mut self, rows: usize) -> Self {
        self.expect = Some(rows);
        self
    }

    /// The text.
    #[must_use]
    pub fn sql(&self) -> &str {
        &self.sql
    }

    /// The bound parameters.
    #[must_use]
    pub fn params(&self) -> &[Value] {
        &self.params
    }

    /// The expected number of rows, see [`Statement::expect_rows`].
    #[must_use]
    pub fn expected(&self) -> Option<usize> {
        self.expect
    }

    /// Whether `rows` is what the statement expected.
    ///
    /// # Errors
    /// [`SqlError::Conflict`] when it is not.
    pub fn check(&self, rows: usize) -> Result<(), SqlError> {
        match self.expect {
            Some(n) if n != rows => Err(SqlError::Conflict),
            _ => Ok(()),
        }
    }
}

/// What can go wrong in the database.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SqlError {
    /// A statement of the batch did not change the rows it had to: somebody else was faster.
    /// Nothing of the batch was applied.
    #[error("the rows changed in between")]
    Conflict,
    /// A uniqueness or check constraint failed. Nothing of the batch was applied.
    #[error("constraint failed: {0}")]
    Constraint(String),
    /// The database stayed locked for longer than the host waits (5 s).
    #[error("the database is busy")]
    Busy,
    /// Anything else: a wrong statement, a lost disk, access not granted.
    #[error("database: {0}")]
    Other(String),
}

impl SqlError {
    /// Sorts SQLite's own message into one of the variants.
    #[must_use]
    pub fn from_message(message: String) -> Self {
        let lower = message.to_ascii_lowercase();
        if lower.contains("constraint") {
            Self::Constraint(message)
        } else if lower.contains("locked") || lower.contains("busy") {
            Self::Busy
        } else {
            Self::Other(message)
        }
    }
}

/// The database of the application.
#[allow(
    async_fn_in_trait,
    reason = "guests are single-threaded; nothing here must be Send"
)]
pub trait Sql {
    /// Runs one statement and collects its rows.
    ///
    /// # Errors
    /// See [`SqlError`].
    async fn query(&self, statement: Statement) -> Result<Vec<Row>, SqlError>;

    /// Runs the statements in one transaction, in order, durable when it returns. Answers the rows
    /// that each statement returned. A batch of one statement needs no transaction of its own.
    ///
    /// # Errors
    /// See [`SqlError`]; after an error nothing of the batch is in the database.
    async fn atomic(&self, batch: Vec<Statement>) -> Result<Vec<Vec<Row>>, SqlError>;
}

impl<T: Sql> Sql for &T {
    async fn query(&self, statement: Statement) -> Result<Vec<Row>, SqlError> {
        (**self).query(statement).await
    }

    async fn atomic(&self, batch: Vec<Statement>) -> Result<Vec<Vec<Row>>, SqlError> {
        (**self).atomic(batch).await
    }
}
