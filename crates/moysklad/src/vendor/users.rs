//! Who has opened the solution in МойСклад, and his session with us (moysklad-loyalty.md §6.7).
//!
//! МойСклад tells once who it is; from then on a session of ours says so. It is bound to the account and
//! to the cabinet that the account had when it began: it is over when the account gets another cabinet,
//! or the solution is removed or suspended. One that began before there was a cabinet opens none: it is
//! good for the activation.

use sha2::{Digest, Sha256};
use sklad_store::{Http, Kv, Row, Sql, Statement};
use sklad_tenant::App;

use super::accounts::{self, Account};
use super::apps::{self, Caller, User};
use super::{Error, random, wire};

/// What a session's token begins with, so that people and secret scanners recognise it.
pub const PREFIX: &str = "skls_";
/// How long a session lasts, in milliseconds.
pub const LIFE_MS: i64 = 8 * 60 * 60 * 1000;
/// The random part of a token, in bytes.
const SECRET_BYTES: usize = 24;
/// The longest login or name that is kept, in characters.
const MAX_NAME_CHARS: usize = 100;

/// With what МойСклад's page has come.
pub enum Proof<'a> {
    /// `contextKey` of the address.
    Key(&'a str),
    /// The token of `UserContextResponse`, good once and for a minute.
    Token(&'a str),
}

/// A session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The cabinet; empty before the activation.
    pub tenant: String,
    /// `accountId`.
    pub account: String,
    /// `appId`.
    pub app_id: String,
    /// The user's login in МойСклад.
    pub login: String,
    /// How he is called.
    pub name: String,
    /// Whether he is an administrator of the account.
    pub admin: bool,
    /// When it ends, milliseconds since 1970.
    pub expires_at: i64,
}

/// A session that has just begun: the only moment at which its token is known to us. Without `Debug`.
pub struct Begun {
    /// What the page sends from now on.
    pub token: String,
    /// The session.
    pub session: Session,
}

/// Asks МойСклад who it is, and begins his session. `now` is milliseconds since 1970.
///
/// # Errors
/// [`Error::Context`] where МойСклад knows nobody or the solution is not ours, [`Error::NotInstalled`],
/// [`Error::Later`] where МойСклад does not answer, or the database's.
pub async fn enter<S: Sql, K: Kv>(
    app: &App<S, K>,
    http: &impl Http,
    app_id: &str,
    proof: Proof<'_>,
    now: i64,
) -> Result<Begun, Error> {
    let moysklad = &app.config.moysklad;
    let app_id = wire::uuid(app_id).ok_or(Error::Context)?;
    let caller = Caller {
        origin: &moysklad.apps,
        solution: moysklad.solution(&app_id).ok_or(Error::Context)?,
        now_s: now.div_euclid(1000),
        jti: random::<16>()?,
    };
    let call = match proof {
        Proof::Key(key) => caller.context_key(key)?,
        Proof::Token(token) => caller.context_token(token)?,
    };
    let user = apps::user(http.send(call).await)?;
    let account = accounts::find(&app.sql, &app_id, &user.account).await?;
    let account = account.filter(|account| account.state.is_on());
    begin(&app.sql, &account.ok_or(Error::NotInstalled)?, &user, now).await
}

/// Begins a session of a user of an account, for the cabinet that the account has now.
///
/// # Errors
/// The database's, or no random numbers.
pub async fn begin(
    sql: &impl Sql,
    account: &Account,
    user: &User,
    now: i64,
) -> Result<Begun, Error> {
    let token = format!("{PREFIX}{}", random::<SECRET_BYTES>()?);
    let short = |text: &str| text.chars().take(MAX_NAME_CHARS).collect::<String>();
    let session = Session {
        tenant: account.tenant.clone(),
        account: account.account.clone(),
        app_id: account.app_id.clone(),
        login: short(&user.login),
        name: short(&user.name),
        admin: user.admin,
        expires_at: now.saturating_add(LIFE_MS),
    };
    let insert = Statement::new(
        "INSERT INTO cabinet_sessions (tenant, id, account, app_id, login, name, admin, created_at, \
         expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )
    .bind(&session.tenant)
    .bind(id(&token))
    .bind(&session.account)
    .bind(&session.app_id)
    .bind(&session.login)
    .bind(&session.name)
    .bind(session.admin)
    .bind(now)
    .bind(session.expires_at);
    sql.atomic(vec![insert]).await?;
    Ok(Begun { token, session })
}

/// The session of a token, while it lasts.
///
/// # Errors
/// [`Error::Session`] where there is none, or the database's.
pub async fn session(sql: &impl Sql, token: &str, now: i64) -> Result<Session, Error> {
    let statement = Statement::new(
        "SELECT s.tenant, s.account, s.app_id, s.login, s.name, s.admin, s.expires_at \
         FROM cabinet_sessions s INDEXED BY cabinet_sessions_by_id \
         CROSS JOIN moysklad_accounts a INDEXED BY moysklad_accounts_of_app \
             ON a.app_id = s.app_id AND a.account = s.account AND a.app_id <> '' \
             AND s.tenant IN ('', a.tenant) AND a.state IN ('settings_required', 'activated') \
         WHERE s.id = +?1 AND s.expires_at > +?2",
    )
    .bind(id(token))
    .bind(now);
    let rows = sql.query(statement).await?;
    rows.first().map(read).ok_or(Error::Session)
}

/// The statement that ends a session.
#[must_use]
pub fn end(token: &str) -> Statement {
    Statement::new("DELETE FROM cabinet_sessions WHERE id = ?1").bind(id(token))
}

fn read(row: &Row) -> Session {
    Session {
        tenant: row.string(0),
        account: row.string(1),
        app_id: row.string(2),
        login: row.string(3),
        name: row.string(4),
        admin: row.int(5) == Some(1),
        expires_at: row.int(6).unwrap_or_default(),
    }
}

fn id(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}
