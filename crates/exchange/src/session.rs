//! Sessions: who is logged in. A cookie is issued at `checkauth` alone and never taken from a client. The
//! token that comes back as `sessid` is made of the cookie, so that a client which keeps no cookies but
//! returns the token has its own session too; those that return neither share one of their employee's.

use sklad_store::{Row, Sql, SqlError, Statement};

use subtle::ConstantTimeEq;

use crate::Error;
use crate::random;
use crate::request::Kind;

/// The cookie's name; letters and an underscore, because a dot broke a client (commerceml §1.2).
pub const COOKIE: &str = "sklad_exchange";
/// How long a session lives unused, in milliseconds.
pub const IDLE_MS: i64 = 60 * 60 * 1000;
/// How long a session lives at most, in milliseconds.
pub const LIFE_MS: i64 = 24 * 60 * 60 * 1000;
/// How long it is remembered whose a session was, in milliseconds: its uploads may still be imported.
pub const KEPT_MS: i64 = 2 * LIFE_MS;
/// How exactly the last use is known, in milliseconds: not every request writes.
const TOUCH_MS: i64 = 60 * 1000;
/// The random part of a cookie, in bytes.
const SECRET_BYTES: usize = 24;
/// The length of a token, in hexadecimal digits.
const TOKEN_CHARS: usize = 48;

/// A session.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Session {
    /// The SHA-256 of the token, or `basic:{employee}`.
    pub id: String,
    /// The employee's id.
    pub employee: String,
    /// When it was begun, milliseconds since 1970 UTC.
    pub created_at: i64,
    /// When it was used last, as far as it is known.
    used_at: i64,
}

impl Session {
    /// The session that all clients of an employee share which return neither cookie nor token.
    #[must_use]
    pub fn shared(employee: &str, now_ms: i64) -> Self {
        Self {
            id: format!("{SHARED}{employee}"),
            employee: employee.to_owned(),
            created_at: now_ms,
            used_at: now_ms,
        }
    }

    /// Whether several clients may be in it.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        is_shared(&self.id)
    }

    /// Whether `token` is the one of this session, compared in constant time.
    #[must_use]
    pub fn knows(&self, token: &str) -> bool {
        self.id.as_bytes().ct_eq(of_token(token).as_bytes()).into()
    }
}

/// Whether several clients may be in the session of this id.
#[must_use]
pub fn is_shared(id: &str) -> bool {
    id.starts_with(SHARED)
}

/// How the id of a shared session begins.
const SHARED: &str = "basic:";

/// The token that belongs to a cookie. It tells nothing of the cookie, and opens nothing by itself.
#[must_use]
pub fn token(cookie: &str) -> String {
    let mut token = random::sha256(format!("sessid {cookie}").as_bytes());
    token.truncate(TOKEN_CHARS);
    token
}

/// The id of the session of this token.
#[must_use]
pub fn of_token(token: &str) -> String {
    random::sha256(token.trim().as_bytes())
}

/// Begins a session; answers its cookie. Others of the same employee go on.
///
/// # Errors
/// The database's, or no random numbers.
pub async fn begin(
    sql: &impl Sql,
    tenant: &str,
    employee: &str,
    now_ms: i64,
) -> Result<String, Error> {
    let cookie = random::hex::<SECRET_BYTES>()?;
    let old = Statement::new(
        "DELETE FROM exchange_sessions WHERE tenant = ?1 AND (used_at < ?2 OR created_at < ?2)",
    )
    .bind(tenant)
    .bind(now_ms - KEPT_MS);
    let session = Session {
        id: of_token(&token(&cookie)),
        ..Session::shared(employee, now_ms)
    };
    sql.atomic(vec![old, session.insert(tenant)]).await?;
    Ok(cookie)
}

/// The living session of this id.
///
/// # Errors
/// The database's.
pub async fn find(
    sql: &impl Sql,
    tenant: &str,
    id: &str,
    now_ms: i64,
) -> Result<Option<Session>, SqlError> {
    let statement = Statement::new(
        "SELECT id, employee, created_at, used_at FROM exchange_sessions \
         WHERE tenant = ?1 AND id = ?2 AND used_at >= ?3 AND created_at >= ?4",
    )
    .bind(tenant)
    .bind(id)
    .bind(now_ms - IDLE_MS)
    .bind(now_ms - LIFE_MS);
    let rows = sql.query(statement).await?;
    Ok(rows.first().map(session))
}

fn session(row: &Row) -> Session {
    Session {
        id: row.string(0),
        employee: row.string(1),
        created_at: row.int(2).unwrap_or_default(),
        used_at: row.int(3).unwrap_or_default(),
    }
}

impl Session {
    /// The statement that makes its row, or makes it anew.
    fn insert(&self, tenant: &str) -> Statement {
        Statement::new(
            "INSERT INTO exchange_sessions (tenant, id, employee, created_at, used_at) \
             VALUES (?1, ?2, ?3, ?4, ?4) ON CONFLICT (tenant, id) DO UPDATE SET \
             created_at = excluded.created_at, used_at = excluded.used_at",
        )
        .bind(tenant)
        .bind(&self.id)
        .bind(&self.employee)
        .bind(self.created_at)
    }
}

/// The session of a client that has no cookie: that of the token which it returns, else the one that it
/// shares, begun when there is none.
///
/// # Errors
/// The database's.
pub async fn of_employee(
    sql: &impl Sql,
    tenant: &str,
    employee: &str,
    token: Option<&str>,
    now_ms: i64,
) -> Result<Session, SqlError> {
    if let Some(token) = token
        && let Some(session) = find(sql, tenant, &of_token(token), now_ms).await?
        && session.employee == employee
    {
        return Ok(session);
    }
    let shared = Session::shared(employee, now_ms);
    if let Some(session) = find(sql, tenant, &shared.id, now_ms).await? {
        return Ok(session);
    }
    sql.atomic(vec![shared.insert(tenant)]).await?;
    Ok(shared)
}

/// Notes that the session is in use, once a minute.
///
/// # Errors
/// The database's.
pub async fn touch(
    sql: &impl Sql,
    tenant: &str,
    session: &Session,
    now_ms: i64,
) -> Result<(), SqlError> {
    if session.used_at + TOUCH_MS > now_ms {
        return Ok(());
    }
    let statement =
        Statement::new("UPDATE exchange_sessions SET used_at = ?3 WHERE tenant = ?1 AND id = ?2")
            .bind(tenant)
            .bind(&session.id)
            .bind(now_ms);
    sql.atomic(vec![statement]).await.map(drop)
}

/// Forgets the uploads of one kind: an exchange begins (commerceml §1.3). What is being imported goes on.
/// In a shared session another client may be in the middle of its own: what came just now stays.
///
/// # Errors
/// The database's.
pub async fn reset(
    sql: &impl Sql,
    tenant: &str,
    session: &Session,
    kind: Kind,
    now_ms: i64,
) -> Result<(), SqlError> {
    let shared = session.is_shared();
    let forget = Statement::new(
        "DELETE FROM uploads WHERE tenant = ?1 AND session = ?2 AND kind = ?3 AND received_at <= ?4 \
         AND id NOT IN (SELECT id FROM imports WHERE tenant = ?1 AND state = 'running')",
    )
    .bind(tenant)
    .bind(&session.id)
    .bind(kind.as_str())
    .bind(if shared { now_ms - TOUCH_MS } else { i64::MAX });
    let mut batch = vec![forget];
    if shared {
        let anew = Session::shared(&session.employee, now_ms);
        batch.push(anew.insert(tenant));
    }
    sql.atomic(batch).await.map(drop)
}

/// The statement that remembers which orders a client was told: JSON, `[[id, change], …]`.
#[must_use]
pub fn told(tenant: &str, session: &str, orders: &str) -> Statement {
    let sql = "UPDATE exchange_sessions SET orders = ?3 WHERE tenant = ?1 AND id = ?2";
    Statement::new(sql).bind(tenant).bind(session).bind(orders)
}

/// The statement that remembers the schema that was agreed.
#[must_use]
pub fn agreed(tenant: &str, session: &str, version: &str) -> Statement {
    let sql = "UPDATE exchange_sessions SET version = ?3 WHERE tenant = ?1 AND id = ?2";
    Statement::new(sql).bind(tenant).bind(session).bind(version)
}

/// The orders that [`told`] remembers; empty when there are none.
///
/// # Errors
/// The database's.
pub async fn orders(sql: &impl Sql, tenant: &str, session: &str) -> Result<String, SqlError> {
    Ok(remembered(sql, tenant, session).await?.string(0))
}

/// The schema that was agreed; empty when none was.
///
/// # Errors
/// The database's.
pub async fn version(sql: &impl Sql, tenant: &str, session: &str) -> Result<String, SqlError> {
    Ok(remembered(sql, tenant, session).await?.string(1))
}

async fn remembered(sql: &impl Sql, tenant: &str, session: &str) -> Result<Row, SqlError> {
    let statement = Statement::new(
        "SELECT orders, version FROM exchange_sessions WHERE tenant = ?1 AND id = ?2",
    )
    .bind(tenant)
    .bind(session);
    let rows = sql.query(statement).await?;
    Ok(rows.into_iter().next().unwrap_or_default())
}
