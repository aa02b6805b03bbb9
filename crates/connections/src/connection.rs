//! Connections: the table `connections`.
//!
//! A row is read whole, and written whole by whoever changes what people set, with the version that was
//! read as condition ([`Connection::update`]). What is found while a connection is used is noted beside
//! that ([`Connection::noted`]) and makes nobody's version stale.

use serde::Serialize;
use serde::de::DeserializeOwned;
use sklad_jobs::journal::{Direction, Outcome, Record};
use sklad_store::{Row, Sql, SqlError, Statement};
use sklad_tenant::{SealError, open, seal};

use crate::error::Error;
use crate::text;

/// The most connections of a tenant.
pub const MAX_CONNECTIONS: i64 = 50;
/// The longest words on a state, in characters; more is cut.
const MAX_STATE_CHARS: usize = 500;
/// What secrets are sealed for.
const PURPOSE: &str = "connection";

/// What was found when a connection was last used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(rename = "ConnectionState")
)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Ещё не проверено.
    Unknown,
    /// Всё в порядке.
    Ok,
    /// Ключ или пароль не подходят.
    WrongKey,
    /// У ключа не хватает прав.
    NoRight,
    /// Тариф не даёт доступа, или магазин заблокирован.
    Tariff,
    /// Исчерпан лимит запросов.
    Limited,
    /// Другая сторона не отвечает.
    Unreachable,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 7] = [
        Self::Unknown,
        Self::Ok,
        Self::WrongKey,
        Self::NoRight,
        Self::Tariff,
        Self::Limited,
        Self::Unreachable,
    ];

    /// The word in the database and in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Ok => "ok",
            Self::WrongKey => "wrong_key",
            Self::NoRight => "no_right",
            Self::Tariff => "tariff",
            Self::Limited => "limited",
            Self::Unreachable => "unreachable",
        }
    }

    /// Whether only a person can mend it: waiting is of no use.
    #[must_use]
    pub fn needs_a_person(self) -> bool {
        matches!(self, Self::WrongKey | Self::NoRight | Self::Tariff)
    }

    fn parse(word: &str) -> Self {
        let known = Self::ALL.into_iter().find(|state| state.as_str() == word);
        // A word of a newer build.
        known.unwrap_or(Self::Unknown)
    }

    /// What the journal calls it; that nobody has looked yet is no trouble.
    #[must_use]
    pub fn outcome(self) -> Outcome {
        match self {
            Self::Ok | Self::Unknown => Outcome::Ok,
            state if state.needs_a_person() => Outcome::Error,
            _ => Outcome::Warning,
        }
    }
}

/// A connection as it is stored. Without `Debug`: it holds secrets, if only sealed ones.
#[derive(Clone, PartialEq, Eq)]
pub struct Connection {
    /// Whose it is.
    pub tenant: String,
    /// Its id: short, random, never changed.
    pub id: String,
    /// The company that it belongs to.
    pub company: String,
    /// What it is connected with, as `insales`.
    pub kind: String,
    /// What people call it.
    pub name: String,
    /// JSON, which the kind's crate types.
    pub settings: String,
    /// What the other side has told of itself: JSON, which the kind's crate types.
    pub facts: String,
    /// Whether it is at work.
    pub enabled: bool,
    /// What was found last.
    pub state: State,
    /// The same in Russian.
    pub state_text: String,
    /// When that was, milliseconds since 1970 UTC.
    pub checked_at: Option<i64>,
    /// Raised by every change of what people set; 0 before it is stored.
    pub version: i64,
    /// When it was made, milliseconds since 1970 UTC.
    pub created_at: i64,
    /// When somebody changed it, milliseconds since 1970 UTC.
    pub updated_at: i64,
    secrets: Option<Vec<u8>>,
}

const COLUMNS: &str = "tenant, id, company, kind, name, settings, secrets, enabled, state, state_text, \
     checked_at, facts, version, created_at, updated_at";

fn connection(row: &Row) -> Connection {
    Connection {
        tenant: row.string(0),
        id: row.string(1),
        company: row.string(2),
        kind: row.string(3),
        name: row.string(4),
        settings: row.string(5),
        secrets: row.blob(6).map(<[u8]>::to_vec),
        enabled: row.int(7) == Some(1),
        state: State::parse(row.text(8).unwrap_or_default()),
        state_text: row.string(9),
        checked_at: row.int(10),
        facts: row.string(11),
        version: row.int(12).unwrap_or_default(),
        created_at: row.int(13).unwrap_or_default(),
        updated_at: row.int(14).unwrap_or_default(),
    }
}

/// The connection of this id.
///
/// # Errors
/// The database's.
pub async fn get(sql: &impl Sql, tenant: &str, id: &str) -> Result<Option<Connection>, SqlError> {
    let statement = Statement::new(format!(
        "SELECT {COLUMNS} FROM connections WHERE tenant = ?1 AND id = ?2"
    ))
    .bind(tenant)
    .bind(id);
    Ok(sql.query(statement).await?.first().map(connection))
}

/// The connections of a tenant, the oldest first, at most [`MAX_CONNECTIONS`].
///
/// # Errors
/// The database's.
pub async fn of_tenant(sql: &impl Sql, tenant: &str) -> Result<Vec<Connection>, SqlError> {
    let statement = Statement::new(format!(
        "SELECT {COLUMNS} FROM connections WHERE tenant = ?1 ORDER BY created_at, id LIMIT 50"
    ))
    .bind(tenant);
    let rows = sql.query(statement).await?;
    Ok(rows.iter().map(connection).collect())
}

/// Those of one company.
///
/// # Errors
/// The database's.
pub async fn of_company(
    sql: &impl Sql,
    tenant: &str,
    company: &str,
) -> Result<Vec<Connection>, SqlError> {
    let all = of_tenant(sql, tenant).await?;
    Ok(all.into_iter().filter(|c| c.company == company).collect())
}

/// Those of one kind that are at work.
///
/// # Errors
/// The database's.
pub async fn enabled(
    sql: &impl Sql,
    tenant: &str,
    kind: &str,
) -> Result<Vec<Connection>, SqlError> {
    let all = of_tenant(sql, tenant).await?;
    let wanted = |c: &Connection| c.enabled && c.kind == kind;
    Ok(all.into_iter().filter(wanted).collect())
}

impl Connection {
    /// A connection that is not stored yet, off and without secrets.
    ///
    /// # Errors
    /// [`Error::Invalid`] for the name, [`Error::Random`].
    pub fn new(tenant: &str, company: &str, kind: &str, name: &str) -> Result<Self, Error> {
        Ok(Self {
            tenant: tenant.to_owned(),
            id: text::id()?,
            company: company.to_owned(),
            kind: kind.to_owned(),
            name: text::name(name)?,
            settings: "{}".to_owned(),
            facts: "{}".to_owned(),
            enabled: false,
            state: State::Unknown,
            state_text: String::new(),
            checked_at: None,
            version: 0,
            created_at: 0,
            updated_at: 0,
            secrets: None,
        })
    }

    /// Gives a new one the id that every connection to `what` has, so that what is connected again after it was
    /// removed finds its goods and orders.
    pub fn leads_to(&mut self, what: &str) {
        self.id = text::id_of(&format!("{} {what}", self.kind));
    }

    /// Gives it another name.
    ///
    /// # Errors
    /// [`Error::Invalid`].
    pub fn rename(&mut self, name: &str) -> Result<(), Error> {
        self.name = text::name(name)?;
        Ok(())
    }

    /// Whether there are secrets.
    #[must_use]
    pub fn has_secrets(&self) -> bool {
        self.secrets.is_some()
    }

    /// The secrets, as the kind's crate types them.
    ///
    /// # Errors
    /// The seal's; [`SealError::Broken`] also for another type than they were stored with.
    pub fn secrets<T: DeserializeOwned>(&self, master_key: &[u8]) -> Result<Option<T>, SealError> {
        let Some(sealed) = self.secrets.as_deref() else {
            return Ok(None);
        };
        let opened = open(master_key, PURPOSE, &self.tenant, sealed)?;
        let read = serde_json::from_slice(&opened);
        read.map(Some).map_err(|_| SealError::Broken)
    }

    /// Sets the secrets. What was found with others says nothing of these.
    ///
    /// # Errors
    /// The seal's.
    pub fn set_secrets(
        &mut self,
        master_key: &[u8],
        secrets: &impl Serialize,
    ) -> Result<(), SealError> {
        let json = serde_json::to_vec(secrets).map_err(|_| SealError::Broken)?;
        self.secrets = Some(seal(master_key, PURPOSE, &self.tenant, &json)?);
        self.found(State::Unknown, "", None);
        Ok(())
    }

    /// Sets what was found, for the next write: words in Russian, and when.
    pub fn found(&mut self, state: State, text: &str, at_ms: Option<i64>) {
        self.state = state;
        self.state_text = cut(text);
        self.checked_at = at_ms;
    }

    /// The statement that stores a new connection. A conflict when its company is not there (any more) or the
    /// tenant has [`MAX_CONNECTIONS`].
    #[must_use]
    pub fn insert(&self, now_ms: i64) -> Statement {
        let statement = Statement::new(
            "INSERT INTO connections (tenant, id, company, kind, name, settings, secrets, enabled, state, \
             state_text, checked_at, facts, version, created_at, updated_at) \
             SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13 + 1, ?14, ?14 \
             WHERE EXISTS (SELECT 1 FROM companies WHERE tenant = ?1 AND id = ?3) \
             AND (SELECT count(*) FROM connections WHERE tenant = ?1) < ?15 RETURNING 1",
        );
        self.bound(statement, now_ms).bind(MAX_CONNECTIONS)
    }

    /// The statement that writes what was changed. A conflict when somebody else has changed it since it was
    /// read, or its company is not there.
    #[must_use]
    pub fn update(&self, now_ms: i64) -> Statement {
        let statement = Statement::new(
            "UPDATE connections SET company = ?3, kind = ?4, name = ?5, settings = ?6, secrets = ?7, \
             enabled = ?8, state = ?9, state_text = ?10, checked_at = ?11, facts = ?12, \
             version = version + 1, updated_at = ?14 \
             WHERE tenant = ?1 AND id = ?2 AND version = ?13 \
             AND EXISTS (SELECT 1 FROM companies WHERE tenant = ?1 AND id = ?3) RETURNING 1",
        );
        self.bound(statement, now_ms)
    }

    fn bound(&self, statement: Statement, now_ms: i64) -> Statement {
        statement
            .bind(&self.tenant)
            .bind(&self.id)
            .bind(&self.company)
            .bind(&self.kind)
            .bind(&self.name)
            .bind(&self.settings)
            .bind(self.secrets.clone())
            .bind(self.enabled)
            .bind(self.state.as_str())
            .bind(&self.state_text)
            .bind(self.checked_at)
            .bind(&self.facts)
            .bind(self.version)
            .bind(now_ms)
            .expect_rows(1)
    }

    /// The statement that removes it; a conflict when somebody else has changed it since it was read.
    #[must_use]
    pub fn remove(&self) -> Statement {
        Statement::new(
            "DELETE FROM connections WHERE tenant = ?1 AND id = ?2 AND version = ?3 RETURNING 1",
        )
        .bind(&self.tenant)
        .bind(&self.id)
        .bind(self.version)
        .expect_rows(1)
    }

    /// The statement that keeps what the other side has told of itself. It passes over a connection that was
    /// changed since it was read.
    #[must_use]
    pub fn learned(&self, facts: &str) -> Statement {
        Statement::new(
            "UPDATE connections SET facts = ?4 \
             WHERE tenant = ?1 AND id = ?2 AND version = ?3 AND facts <> ?4",
        )
        .bind(&self.tenant)
        .bind(&self.id)
        .bind(self.version)
        .bind(facts)
    }

    /// The statements that note what was found while it was used, for the batch of whatever was done: time and
    /// words each time, and where it is another state than the one before, a row of the journal, once. They
    /// pass over a connection that was changed since it was read: that one has another key. That a limit is
    /// used up passes by itself: it is shown, but no news, and hides nothing that somebody must mend.
    #[must_use]
    pub fn noted(&self, state: State, text: &str, now_ms: i64) -> Vec<Statement> {
        const LIMITED: &str = "UPDATE connections SET state_changed = 0, state = ?4, state_text = ?5, \
             checked_at = ?6 WHERE tenant = ?1 AND id = ?2 AND version = ?3 \
             AND state IN ('ok', 'unknown', 'limited')";
        const ANY: &str = "UPDATE connections SET \
             state_changed = (state <> ?4 AND NOT (state = 'limited' AND ?4 = 'ok')), \
             state = ?4, state_text = ?5, checked_at = ?6 WHERE tenant = ?1 AND id = ?2 AND version = ?3";
        let text = cut(text);
        let limited = state == State::Limited;
        let note = Statement::new(if limited { LIMITED } else { ANY })
            .bind(&self.tenant)
            .bind(&self.id)
            .bind(self.version)
            .bind(state.as_str())
            .bind(&text)
            .bind(now_ms);
        if limited {
            return vec![note];
        }
        let record = Record {
            direction: Direction::Out,
            action: "connection",
            object: self.id.clone(),
            customer: None,
            outcome: state.outcome(),
            text: format!("Подключение «{}»: {text}", self.name),
            detail: None,
        };
        let told = record
            .statement_if(
                &self.tenant,
                now_ms,
                "EXISTS (SELECT 1 FROM connections WHERE tenant = ?1 AND id = ?11 AND version = ?12 \
                 AND state_changed = 1)",
            )
            .bind(&self.id)
            .bind(self.version);
        vec![note, told]
    }
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_STATE_CHARS).collect()
}
