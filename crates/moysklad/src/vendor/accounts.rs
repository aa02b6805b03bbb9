//! The accounts of МойСклад that we know: the table `moysklad_accounts`.
//!
//! A row is read whole and written whole, with the version that was read as condition: whoever is late
//! reads again. Secrets in it are sealed for its tenant.

use serde::Serialize;
use sklad_store::{Row, Sql, SqlError, Statement};
use sklad_tenant::{SealError, moysklad::Solution, open, seal};

use crate::api::{Access, Class, Credentials, Error};

/// The most accounts that are due at once.
pub const MAX_DUE: usize = 100;
/// The most accounts of one tenant that are looked at.
pub const MAX_OF_TENANT: usize = 20;
/// What credentials are sealed for.
const CREDENTIALS: &str = "moysklad credentials";
/// What a loyalty key is sealed for.
const KEY: &str = "moysklad loyalty key";

/// Which limits of requests a token has (moysklad-loyalty.md §6.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// 45 requests in 3 seconds.
    Published,
    /// 11 requests in 3 seconds: the token of a draft or of a version under moderation.
    Draft,
}

impl Weight {
    /// That of a solution's tokens.
    #[must_use]
    pub fn of(solution: &Solution) -> Self {
        if solution.draft {
            Self::Draft
        } else {
            Self::Published
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Draft => "draft",
        }
    }
}

/// How far a solution is on an account (§6.3). What passes by – activating, deactivating – is nobody's
/// state here: a call is answered when it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Installed, and nobody has said for which cabinet, or МойСклад does not know our address yet.
    SettingsRequired,
    /// At work.
    Activated,
    /// Not paid for; everything is kept.
    Suspended,
    /// Removed; everything but the tokens is kept.
    Uninstalled,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 4] = [
        Self::SettingsRequired,
        Self::Activated,
        Self::Suspended,
        Self::Uninstalled,
    ];

    /// The word in the database and in our APIs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SettingsRequired => "settings_required",
            Self::Activated => "activated",
            Self::Suspended => "suspended",
            Self::Uninstalled => "uninstalled",
        }
    }

    /// Whether МойСклад's users can open the solution, and its token is good.
    #[must_use]
    pub fn is_on(self) -> bool {
        matches!(self, Self::SettingsRequired | Self::Activated)
    }

    fn parse(word: &str) -> Self {
        let known = Self::ALL.into_iter().find(|state| state.as_str() == word);
        // A word of a newer build: nothing may be done with it.
        known.unwrap_or(Self::Uninstalled)
    }
}

/// An account as it is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// Whose it is; empty before the activation.
    pub tenant: String,
    /// `accountId`; empty for a connection by hand that no answer has named yet.
    pub account: String,
    /// `appId`; empty for a connection by hand.
    pub app_id: String,
    /// `appUid`.
    pub app_uid: String,
    /// The account's name, as in `admin@name`.
    pub account_name: String,
    /// How far the solution is on it.
    pub state: State,
    /// Which limits its token has.
    pub weight: Weight,
    /// What МойСклад told of the subscription: JSON.
    pub subscription: Option<String>,
    /// When the call was signed that switched the solution on or off last, seconds since 1970.
    pub issued_at: i64,
    /// The loyalty key that МойСклад has confirmed.
    pub key_id: Option<String>,
    /// Keys that were replaced.
    pub retiring: Vec<String>,
    /// When these are revoked, milliseconds since 1970.
    pub retire_at: Option<i64>,
    /// Whether tills look for customers at ours.
    pub external_search: bool,
    /// When something is to be done ([`super::settle`]), milliseconds since 1970.
    pub due_at: Option<i64>,
    /// How often it was tried in vain.
    pub attempts: i64,
    /// Until when somebody is believed to be doing it, milliseconds since 1970.
    pub busy_until: i64,
    /// Why МойСклад refused, in Russian.
    pub last_error: Option<String>,
    credentials: Option<Vec<u8>>,
    pending_key: Option<Vec<u8>>,
    version: i64,
    /// The tenant under which the row is stored.
    stored: String,
}

const COLUMNS: &str = "tenant, account, app_id, app_uid, account_name, state, weight, subscription, \
     issued_at, key_id, retiring, retire_at, external_search, due_at, attempts, busy_until, last_error, \
     credentials, pending_key, version";

fn account(row: &Row) -> Account {
    let text = |i| row.text(i).map(str::to_owned);
    let retiring = row.text(10).unwrap_or("[]");
    Account {
        tenant: row.string(0),
        account: row.string(1),
        app_id: row.string(2),
        app_uid: row.string(3),
        account_name: row.string(4),
        state: State::parse(row.text(5).unwrap_or_default()),
        weight: match row.text(6) {
            Some("draft") => Weight::Draft,
            _ => Weight::Published,
        },
        subscription: text(7),
        issued_at: row.int(8).unwrap_or_default(),
        key_id: text(9),
        retiring: serde_json::from_str(retiring).unwrap_or_default(),
        retire_at: row.int(11),
        external_search: row.int(12) != Some(0),
        due_at: row.int(13),
        attempts: row.int(14).unwrap_or_default(),
        busy_until: row.int(15).unwrap_or_default(),
        last_error: text(16),
        credentials: row.blob(17).map(<[u8]>::to_vec),
        pending_key: row.blob(18).map(<[u8]>::to_vec),
        version: row.int(19).unwrap_or_default(),
        stored: row.string(0),
    }
}

impl Account {
    /// A solution that was just installed, for no tenant yet.
    #[must_use]
    pub fn installed(solution: &Solution, account: &str) -> Self {
        Self {
            app_id: solution.app_id.clone(),
            app_uid: solution.app_uid.clone(),
            weight: Weight::of(solution),
            ..Self::empty("", account, State::SettingsRequired)
        }
    }

    /// A connection that somebody made by hand.
    #[must_use]
    pub fn by_hand(tenant: &str) -> Self {
        Self::empty(tenant, "", State::Activated)
    }

    fn empty(tenant: &str, account: &str, state: State) -> Self {
        Self {
            tenant: tenant.to_owned(),
            account: account.to_owned(),
            app_id: String::new(),
            app_uid: String::new(),
            account_name: String::new(),
            state,
            weight: Weight::Published,
            subscription: None,
            issued_at: 0,
            key_id: None,
            retiring: Vec::new(),
            retire_at: None,
            external_search: true,
            due_at: None,
            attempts: 0,
            busy_until: 0,
            last_error: None,
            credentials: None,
            pending_key: None,
            version: 0,
            stored: tenant.to_owned(),
        }
    }

    /// Whether it belongs to a tenant.
    #[must_use]
    pub fn is_bound(&self) -> bool {
        !self.tenant.is_empty()
    }

    /// Whether there is a token.
    #[must_use]
    pub fn has_credentials(&self) -> bool {
        self.credentials.is_some()
    }

    /// Whether it was connected by hand and no answer has named it yet.
    #[must_use]
    pub fn is_unnamed(&self) -> bool {
        self.app_id.is_empty() && self.account.is_empty()
    }

    /// Whether goods can be read through it: it is on and has a token.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.state.is_on() && self.has_credentials()
    }

    /// Whether a key is with МойСклад, or on its way, that it has not confirmed.
    #[must_use]
    pub fn has_pending_key(&self) -> bool {
        self.pending_key.is_some()
    }

    /// How it gets into the JSON API.
    ///
    /// # Errors
    /// The seal's.
    pub fn access(&self, master_key: &[u8]) -> Result<Option<Access>, SealError> {
        let opened = self.opened(master_key, CREDENTIALS, self.credentials.as_deref())?;
        let read = opened.map(|bytes| serde_json::from_slice(&bytes));
        read.transpose().map_err(|_| SealError::Broken)
    }

    /// The same with what its requests weigh.
    ///
    /// # Errors
    /// The seal's.
    pub fn credentials(&self, master_key: &[u8]) -> Result<Option<Credentials>, SealError> {
        let class = match (self.app_id.is_empty(), self.weight) {
            (true, _) => Class::User,
            (false, Weight::Published) => Class::Published,
            (false, Weight::Draft) => Class::Draft,
        };
        let access = self.access(master_key)?;
        Ok(access.map(|access| Credentials { access, class }))
    }

    /// Sets or forgets how it gets into the JSON API. That another token was refused says nothing of this one.
    ///
    /// # Errors
    /// The seal's.
    pub fn set_access(
        &mut self,
        master_key: &[u8],
        access: Option<&Access>,
    ) -> Result<(), SealError> {
        let json = access.map(serde_json::to_vec).transpose();
        let json = json.map_err(|_| SealError::Broken)?;
        self.credentials = self.sealed(master_key, CREDENTIALS, json.as_deref())?;
        if access.is_some() && self.last_error == Some(Error::NotAuthorised.for_merchant()) {
            self.last_error = None;
        }
        Ok(())
    }

    /// The statement that notes that МойСклад refused the token or password, or that it does not any more;
    /// none where that is known. It passes over an account that was changed meanwhile: it has another token.
    #[must_use]
    pub fn noted(&self, refused: Option<&str>, now_ms: i64) -> Option<Statement> {
        let noted = self.last_error == Some(Error::NotAuthorised.for_merchant());
        let news = match refused {
            Some(text) => self.last_error.as_deref() != Some(text),
            None => noted,
        };
        news.then(|| {
            Statement::new(
                "UPDATE moysklad_accounts SET last_error = ?5, version = version + 1, updated_at = ?6 \
                 WHERE tenant = ?1 AND account = ?2 AND app_id = ?3 AND version = ?4",
            )
            .bind(&self.stored)
            .bind(&self.account)
            .bind(&self.app_id)
            .bind(self.version)
            .bind(refused.map(str::to_owned))
            .bind(now_ms)
        })
    }

    /// The text of the key that МойСклад has not confirmed.
    ///
    /// # Errors
    /// The seal's.
    pub fn pending_key(&self, master_key: &[u8]) -> Result<Option<String>, SealError> {
        let opened = self.opened(master_key, KEY, self.pending_key.as_deref())?;
        let text = opened.map(String::from_utf8).transpose();
        text.map_err(|_| SealError::Broken)
    }

    /// Sets or forgets the key that МойСклад has not confirmed.
    ///
    /// # Errors
    /// The seal's.
    pub fn set_pending_key(
        &mut self,
        master_key: &[u8],
        text: Option<&str>,
    ) -> Result<(), SealError> {
        self.pending_key = self.sealed(master_key, KEY, text.map(str::as_bytes))?;
        Ok(())
    }

    /// Gives it to another tenant (empty: to none), with its token sealed anew. A pending key is one of
    /// the former tenant's and is forgotten.
    ///
    /// # Errors
    /// The seal's.
    pub fn bind(&mut self, master_key: &[u8], tenant: &str) -> Result<(), SealError> {
        let access = self.access(master_key)?;
        self.tenant = tenant.to_owned();
        self.pending_key = None;
        self.set_access(master_key, access.as_ref())
    }

    fn opened(
        &self,
        master_key: &[u8],
        purpose: &str,
        sealed: Option<&[u8]>,
    ) -> Result<Option<Vec<u8>>, SealError> {
        sealed
            .map(|sealed| open(master_key, purpose, &self.tenant, sealed))
            .transpose()
    }

    fn sealed(
        &self,
        master_key: &[u8],
        purpose: &str,
        text: Option<&[u8]>,
    ) -> Result<Option<Vec<u8>>, SealError> {
        text.map(|text| seal(master_key, purpose, &self.tenant, text))
            .transpose()
    }

    /// The statement that writes it: a new row, or the one that was read where nobody has changed it
    /// since. After it the account is as stale as any other copy.
    #[must_use]
    pub fn save(&self, now_ms: i64) -> Statement {
        let statement = match self.version {
            0 => INSERT,
            _ => UPDATE,
        };
        let retiring = serde_json::Value::from(self.retiring.clone());
        Statement::new(statement)
            .bind(&self.tenant)
            .bind(&self.account)
            .bind(&self.app_id)
            .bind(&self.app_uid)
            .bind(&self.account_name)
            .bind(self.state.as_str())
            .bind(self.weight.as_str())
            .bind(self.subscription.clone())
            .bind(self.issued_at)
            .bind(self.key_id.clone())
            .bind(retiring.to_string())
            .bind(self.retire_at)
            .bind(self.external_search)
            .bind(self.due_at)
            .bind(self.attempts)
            .bind(self.busy_until)
            .bind(self.last_error.clone())
            .bind(self.credentials.clone())
            .bind(self.pending_key.clone())
            .bind(self.version)
            .bind(now_ms)
            .bind(&self.stored)
            .expect_rows(1)
    }
}

/// `?22` is there in both, so that they are bound alike.
const INSERT: &str = "INSERT INTO moysklad_accounts (tenant, account, app_id, app_uid, account_name, \
     state, weight, subscription, issued_at, key_id, retiring, retire_at, external_search, due_at, \
     attempts, busy_until, last_error, credentials, pending_key, version, created_at, updated_at) \
     SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, \
     ?20 + 1, ?21, ?21 WHERE ?22 IS NOT NULL ON CONFLICT DO NOTHING RETURNING 1";

const UPDATE: &str = "UPDATE moysklad_accounts SET tenant = ?1, app_uid = ?4, account_name = ?5, \
     state = ?6, weight = ?7, subscription = ?8, issued_at = ?9, key_id = ?10, retiring = ?11, \
     retire_at = ?12, external_search = ?13, due_at = ?14, attempts = ?15, busy_until = ?16, \
     last_error = ?17, credentials = ?18, pending_key = ?19, version = version + 1, updated_at = ?21 \
     WHERE tenant = ?22 AND account = ?2 AND app_id = ?3 AND version = ?20 RETURNING 1";

/// The account of a solution, whosever it is.
///
/// # Errors
/// The database's.
pub async fn find(
    sql: &impl Sql,
    app_id: &str,
    account_id: &str,
) -> Result<Option<Account>, SqlError> {
    let statement = Statement::new(format!(
        "SELECT {COLUMNS} FROM moysklad_accounts INDEXED BY moysklad_accounts_of_app \
         WHERE app_id = ?1 AND account = ?2 AND app_id <> ''"
    ))
    .bind(app_id)
    .bind(account_id);
    Ok(sql.query(statement).await?.first().map(account))
}

/// The accounts of a tenant, at most [`MAX_OF_TENANT`].
///
/// # Errors
/// The database's.
pub async fn of_tenant(sql: &impl Sql, tenant: &str) -> Result<Vec<Account>, SqlError> {
    let statement = Statement::new(format!(
        "SELECT {COLUMNS} FROM moysklad_accounts WHERE tenant = ?1 AND tenant <> '' \
         ORDER BY account, app_id LIMIT 20"
    ))
    .bind(tenant);
    let rows = sql.query(statement).await?;
    Ok(rows.iter().map(account).collect())
}

/// The account through which a tenant's goods are read: one that is on and has a token. That of a
/// solution goes before one that was connected by hand, and a published one before a draft.
///
/// # Errors
/// The database's.
pub async fn connection(sql: &impl Sql, tenant: &str) -> Result<Option<Account>, SqlError> {
    let all = of_tenant(sql, tenant).await?;
    let usable = all.into_iter().filter(Account::is_usable);
    Ok(usable.min_by_key(|a| (a.app_id.is_empty(), a.weight == Weight::Draft)))
}

/// Connects a tenant by hand, or replaces how it was connected so; other tenants and solutions are not
/// touched.
///
/// # Errors
/// The seal's or the database's, as [`super::Error`]; a conflict when somebody else does the same.
pub async fn connect(
    sql: &impl Sql,
    master_key: &[u8],
    tenant: &str,
    access: &Access,
    now_ms: i64,
) -> Result<Account, super::Error> {
    let known = of_tenant(sql, tenant).await?;
    let by_hand = known.into_iter().find(|a| a.app_id.is_empty());
    let mut account = by_hand.unwrap_or_else(|| Account::by_hand(tenant));
    account.set_access(master_key, Some(access))?;
    account.state = State::Activated;
    account.last_error = None;
    sql.atomic(vec![account.save(now_ms)]).await?;
    Ok(account)
}

/// The statement that names the account of a connection by hand, once an answer of МойСклад has.
#[must_use]
pub fn named(tenant: &str, account_id: &str, account_name: &str) -> Statement {
    Statement::new(
        "UPDATE OR IGNORE moysklad_accounts SET account = ?2, account_name = ?3, version = version + 1 \
         WHERE tenant = ?1 AND account = '' AND app_id = ''",
    )
    .bind(tenant)
    .bind(account_id)
    .bind(account_name)
}

/// The statement that ends a tenant's connection by hand.
#[must_use]
pub fn disconnect(tenant: &str) -> Statement {
    Statement::new("DELETE FROM moysklad_accounts WHERE tenant = ?1 AND app_id = '' RETURNING 1")
        .bind(tenant)
}

/// The accounts where something is due, the longest waiting first, at most [`MAX_DUE`].
///
/// # Errors
/// The database's.
pub async fn due(sql: &impl Sql, now_ms: i64) -> Result<Vec<Account>, SqlError> {
    let statement = Statement::new(format!(
        "SELECT {COLUMNS} FROM moysklad_accounts INDEXED BY moysklad_accounts_due \
         WHERE due_at IS NOT NULL AND due_at <= ?1 ORDER BY due_at LIMIT 100"
    ))
    .bind(now_ms);
    let rows = sql.query(statement).await?;
    Ok(rows.iter().map(account).collect())
}
