//! Sessions: who is logged in. A cookie is issued at `checkauth` alone and never taken from a client;
//! one that keeps no cookies has a session of its employee's.

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
/// How exactly the last use is known, in milliseconds: not every request writes.
const TOUCH_MS: i64 = 60 * 1000;
/// The random part of a cookie and of a token, in bytes.
const SECRET_BYTES: usize = 24;

/// A session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The SHA-256 of the cookie, or `basic:{employee}`.
    pub id: String,
    /// The employee's id.
    pub employee: String,
    /// SHA-256 of the token.
    pub sessid: String,
    /// When it was begun, milliseconds since 1970 UTC.
    pub created_at: i64,
    /// When it was used last, as far as it is known.
    used_at: i64,
}

impl Session {
    /// Whether `token` is the one of this session, compared in constant time.
    #[must_use]
    pub fn knows(&self, token: &str) -> bool {
        let given = random::sha256(token.trim().as_bytes());
        self.sessid.as_bytes().ct_eq(given.as_bytes()).into()
    }
}

/// What a client is told at its login, once.
#[derive(Debug, Clone)]
pub struct Secrets {
    /// The cookie's value.
    pub cookie: String,
    /// The token that comes back as `sessid`.
    pub sessid: String,
}

/// The id of the session of a client without cookies.
#[must_use]
pub fn basic_id(employee: &str) -> String {
    format!("basic:{employee}")
}

/// Begins a session with a cookie, and makes the cookieless one of this employee anew: what an exchange
/// that broke off has left is not continued by the next (commerceml §1.6).
///
/// # Errors
/// The database's, or no random numbers.
pub async fn begin(
    sql: &impl Sql,
    tenant: &str,
    employee: &str,
    now_ms: i64,
) -> Result<Secrets, Error> {
    let secrets = Secrets {
        cookie: random::hex::<SECRET_BYTES>()?,
        sessid: random::hex::<SECRET_BYTES>()?,
    };
    let sessid = random::sha256(secrets.sessid.as_bytes());
    let insert = |id: String| {
        Statement::new(
            "INSERT INTO exchange_sessions (tenant, id, employee, sessid, created_at, used_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?5) ON CONFLICT (tenant, id) DO UPDATE SET \
             sessid = excluded.sessid, created_at = excluded.created_at, used_at = excluded.used_at",
        )
        .bind(tenant)
        .bind(id)
        .bind(employee)
        .bind(&sessid)
        .bind(now_ms)
    };
    let old = Statement::new(
        "DELETE FROM exchange_sessions WHERE tenant = ?1 AND (used_at < ?2 OR created_at < ?3)",
    )
    .bind(tenant)
    .bind(now_ms - IDLE_MS)
    .bind(now_ms - LIFE_MS);
    let forget = Statement::new("DELETE FROM uploads WHERE tenant = ?1 AND session = ?2")
        .bind(tenant)
        .bind(basic_id(employee));
    sql.atomic(vec![
        old,
        insert(random::sha256(secrets.cookie.as_bytes())),
        insert(basic_id(employee)),
        forget,
    ])
    .await?;
    Ok(secrets)
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
        "SELECT id, employee, sessid, created_at, used_at FROM exchange_sessions \
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
        sessid: row.string(2),
        created_at: row.int(3).unwrap_or_default(),
        used_at: row.int(4).unwrap_or_default(),
    }
}

/// The session of a client without cookies, begun when there is none.
///
/// # Errors
/// The database's, or no random numbers.
pub async fn of_employee(
    sql: &impl Sql,
    tenant: &str,
    employee: &str,
    now_ms: i64,
) -> Result<Session, Error> {
    let id = basic_id(employee);
    if let Some(session) = find(sql, tenant, &id, now_ms).await? {
        return Ok(session);
    }
    begin(sql, tenant, employee, now_ms).await?;
    let found = find(sql, tenant, &id, now_ms).await?;
    found.ok_or(Error::Sql(SqlError::Conflict))
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

/// Forgets the unfinished uploads of one kind: an exchange begins (commerceml §1.3). What is being
/// imported goes on.
///
/// # Errors
/// The database's.
pub async fn reset(
    sql: &impl Sql,
    tenant: &str,
    session: &str,
    kind: Kind,
) -> Result<(), SqlError> {
    let statement = Statement::new(
        "DELETE FROM uploads WHERE tenant = ?1 AND session = ?2 AND kind = ?3 \
         AND id NOT IN (SELECT id FROM imports WHERE tenant = ?1 AND state = 'running')",
    )
    .bind(tenant)
    .bind(session)
    .bind(kind.as_str());
    sql.atomic(vec![statement]).await.map(drop)
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
