//! For which cabinet a solution works that was installed on an account: an existing one, by e-mail and
//! password of an employee, or a new one.
//!
//! Who asks has shown by his session that he is an administrator of the account. A new cabinet is made
//! in one batch with its first employee and with the account's row, so that a repetition finds it: no
//! second one is made, and there is never one that nobody can enter.

use serde::Deserialize;
use sklad_access::{NewEmployee, Right, authenticate, founder};
use sklad_jobs::journal::{Direction, Outcome, Record};
use sklad_store::{Http, Kv, Sql, SqlError, Statement};
use sklad_tenant::{App, Settings, Slug, settings};

use super::accounts::{self, Account, State};
use super::users::Session;
use super::{Error, names, random, settle};
use crate::sync::plan::{self, Changed};

/// How many names with a number behind them are tried for a new cabinet.
const NAMES: usize = 20;
/// How often a name that was taken at the same moment is looked for anew.
const ATTEMPTS: usize = 8;
/// The longest kind of business and promotional code, in characters.
pub const MAX_TEXT_CHARS: usize = 100;
/// Digits of a phone, at least and at most (ITU-T E.164).
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 10..=15;

/// An existing cabinet. Without `Debug`: the password must not get into a log.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Existing {
    /// Its name in addresses.
    pub cabinet: String,
    /// E-mail of an employee with the right «Доступ в админ-панель».
    pub email: String,
    /// His password.
    pub password: String,
}

/// A new cabinet. Without `Debug`: the password must not get into a log.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    /// Kind of business, as the merchant says.
    pub business: String,
    /// The organisation's name.
    pub organisation: String,
    /// The administrator's name.
    pub name: String,
    /// His phone.
    pub phone: String,
    /// His e-mail, with which he enters.
    pub email: String,
    /// His password.
    pub password: String,
    /// A promotional code.
    #[serde(default)]
    pub promo: String,
}

/// How far an account is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The cabinet; none before the activation.
    pub tenant: Option<String>,
    /// The state of the solution.
    pub state: State,
    /// Whether МойСклад is still to be told something, which happens by itself.
    pub pending: bool,
    /// Why МойСклад refused.
    pub refused: Option<String>,
}

impl Standing {
    /// That of an account.
    #[must_use]
    pub fn of(account: &Account) -> Self {
        let unfinished = account.state == State::SettingsRequired || account.has_pending_key();
        Self {
            tenant: Some(account.tenant.clone()).filter(|t| !t.is_empty()),
            state: account.state,
            pending: account.is_bound() && unfinished && account.due_at.is_some(),
            refused: account.last_error.clone(),
        }
    }
}

/// The account of a session, of any user of the account.
///
/// # Errors
/// [`Error::NotInstalled`], or the database's.
pub async fn account<S: Sql, K: Kv>(app: &App<S, K>, session: &Session) -> Result<Account, Error> {
    let found = accounts::find(&app.sql, &session.app_id, &session.account).await?;
    found
        .filter(|account| account.state.is_on())
        .ok_or(Error::NotInstalled)
}

/// The same for one who may activate.
async fn administrated<S: Sql, K: Kv>(
    app: &App<S, K>,
    session: &Session,
) -> Result<Account, Error> {
    if session.admin {
        account(app, session).await
    } else {
        Err(Error::NotAdmin)
    }
}

/// Connects an account to an existing cabinet and tells МойСклад. For one that is connected to it
/// already, tells МойСклад what it does not know yet.
///
/// `address` is the client's, for the limit of wrong passwords; `now` is milliseconds since 1970.
///
/// # Errors
/// [`Error::Login`], [`Error::Bound`], [`Error::Taken`], [`Error::NotAdmin`], or those of
/// [`settle::settle`]; after [`Error::Later`] and [`Error::Refused`] the account is connected.
pub async fn activate<S: Sql, K: Kv>(
    app: &App<S, K>,
    http: &impl Http,
    session: &Session,
    given: &Existing,
    address: Option<&str>,
    now: i64,
) -> Result<Account, Error> {
    administrated(app, session).await?;
    let slug = log_in(app, given, address, now).await?;
    for _ in 0..ATTEMPTS {
        match bind(app, account(app, session).await?, &slug, now).await {
            Err(Error::Sql(SqlError::Conflict)) => {}
            Err(e) => return Err(e),
            Ok(()) => return finish(app, http, session, now).await,
        }
    }
    Err(Error::Later)
}

/// The cabinet in which somebody has shown that he may enter. For a name that is no cabinet the work and
/// the words are those of a wrong password, and failures are counted among the deployment's.
async fn log_in<S: Sql, K: Kv>(
    app: &App<S, K>,
    given: &Existing,
    address: Option<&str>,
    now: i64,
) -> Result<Slug, Error> {
    let slug: Option<Slug> = given.cabinet.trim().to_lowercase().parse().ok();
    let tenant = match &slug {
        Some(slug) => app.tenant(slug, now).await?.map(|t| t.slug.clone()),
        None => None,
    };
    let name = tenant.as_ref().map(Slug::as_str).unwrap_or_default();
    let (login, password) = (given.email.as_bytes(), given.password.as_bytes());
    let right = Right::AdminPanel;
    authenticate(&app.sql, name, login, password, address, right, now).await?;
    tenant.ok_or(Error::Login(sklad_access::Refused::Credentials))
}

/// Gives an account to a cabinet; one that had it before, and where the solution was removed, has it no
/// longer.
async fn bind<S: Sql, K: Kv>(
    app: &App<S, K>,
    mut account: Account,
    slug: &Slug,
    now: i64,
) -> Result<(), Error> {
    if account.is_bound() {
        return match account.tenant == slug.as_str() {
            true => Ok(()),
            false => Err(Error::Bound(account.tenant)),
        };
    }
    let others = accounts::of_tenant(&app.sql, slug.as_str()).await?;
    let other = |a: &Account| a.account != account.account && !a.account.is_empty();
    let mut batch = Vec::new();
    for mut old in others.into_iter().filter(other) {
        if old.state != State::Uninstalled {
            return Err(Error::Taken);
        }
        // Should the solution be installed there again, it is for nobody.
        if old.retire_at.is_some() {
            settle::revoke(app, &old, now).await?;
            return Err(SqlError::Conflict.into());
        }
        old.bind(&app.config.master_key, "")?;
        batch.push(old.save(now));
    }
    account.bind(&app.config.master_key, slug.as_str())?;
    batch.extend(bound(&account, now));
    app.sql.atomic(batch).await?;
    Ok(())
}

/// The statements that write a connected account: no other account is connected to the cabinet at the
/// same moment.
fn bound(account: &Account, now: i64) -> Vec<Statement> {
    let alone = Statement::new(
        "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM moysklad_accounts WHERE tenant = ?1 \
         AND account NOT IN ('', ?2) AND state <> 'uninstalled')",
    )
    .bind(&account.tenant)
    .bind(&account.account)
    .expect_rows(1);
    let record = Record {
        direction: Direction::In,
        action: "connection",
        object: account.account_name.clone(),
        customer: None,
        outcome: Outcome::Ok,
        text: format!(
            "Кабинет подключён к аккаунту МойСклад «{}»",
            account.account_name
        ),
        detail: None,
    };
    vec![
        alone,
        account.save(now),
        record.statement(&account.tenant, now),
    ]
}

/// Makes a cabinet for an account and tells МойСклад. Where the account has one already – a click came
/// twice, an answer was lost – it is that one, whatever is sent.
///
/// # Errors
/// [`Error::Invalid`] with its place, [`Error::NotAdmin`], or those of [`settle::settle`]; after
/// [`Error::Later`] and [`Error::Refused`] the cabinet is there.
pub async fn register<S: Sql, K: Kv>(
    app: &App<S, K>,
    http: &impl Http,
    session: &Session,
    given: &Registration,
    now: i64,
) -> Result<Account, Error> {
    check(given)?;
    if !administrated(app, session).await?.is_bound() {
        found(app, session, given, now).await?;
    }
    complete(app, session, &given.organisation, now).await?;
    finish(app, http, session, now).await
}

fn check(given: &Registration) -> Result<(), Error> {
    let text = |path: &str, text: &str, least: usize, most: usize| {
        let chars = text.trim().chars().count();
        match (least..=most).contains(&chars) && !text.contains(char::is_control) {
            true => Ok(()),
            false if chars == 0 => Err(Error::invalid(path, "Заполните поле")),
            false => Err(Error::invalid(path, format!("Не длиннее {most} знаков"))),
        }
    };
    text("business", &given.business, 1, MAX_TEXT_CHARS)?;
    text(
        "organisation",
        &given.organisation,
        1,
        settings::MAX_NAME_CHARS,
    )?;
    text(
        "name",
        &given.name,
        1,
        sklad_access::employees::MAX_NAME_CHARS,
    )?;
    text("promo", &given.promo, 0, MAX_TEXT_CHARS)?;
    let digits = given.phone.chars().filter(char::is_ascii_digit).count();
    let written = |c: char| c.is_ascii_digit() || " +-().".contains(c);
    if !PHONE_DIGITS.contains(&digits) || !given.phone.chars().all(written) {
        return Err(Error::invalid("phone", "Телефон – от 10 до 15 цифр"));
    }
    Ok(sklad_access::password::check(&given.password)?)
}

/// Founds the cabinet under the first name that is free.
async fn found<S: Sql, K: Kv>(
    app: &App<S, K>,
    session: &Session,
    given: &Registration,
    now: i64,
) -> Result<(), Error> {
    let mut tried = 0;
    for _ in 0..ATTEMPTS.saturating_add(NAMES) {
        let mut account = account(app, session).await?;
        if account.is_bound() {
            return Ok(());
        }
        let slug = name(given, tried)?;
        account.bind(&app.config.master_key, slug.as_str())?;
        let mut batch = bound(&account, now);
        batch.extend(founder(slug.as_str(), &employee(given), now)?);
        batch.push(told(slug.as_str(), given, now));
        let settings = named(&given.organisation);
        match settings::found(&app.sql, &app.kv, &slug, settings, batch, now).await {
            Ok(_) => {
                app.forget();
                return Ok(());
            }
            Err(sklad_tenant::Error::Exists) => tried += 1,
            // The name or the account: what it was is read anew.
            Err(sklad_tenant::Error::Sql(SqlError::Conflict)) => {}
            Err(e) => return Err(e.into()),
        }
    }
    Err(Error::Later)
}

/// The organisation's name, with numbers, and in the end with something random behind it.
fn name(given: &Registration, tried: usize) -> Result<Slug, Error> {
    let name = match tried {
        0..NAMES => names::candidate(&given.organisation, tried),
        _ => format!(
            "{}-{}",
            names::candidate(&given.organisation, 0),
            random::<4>()?
        ),
    };
    name.parse().map_err(|_| Error::Random)
}

/// A programme that works as it is, see [`sklad_loyalty::programme`].
fn named(organisation: &str) -> Settings {
    Settings {
        name: organisation.trim().to_owned(),
        ..Settings::default()
    }
}

fn employee(given: &Registration) -> NewEmployee {
    NewEmployee {
        email: given.email.clone(),
        name: given.name.clone(),
        password: Some(given.password.clone()),
        ..NewEmployee::default()
    }
}

/// What was told at the registration, for the operator.
fn told(tenant: &str, given: &Registration, now: i64) -> Statement {
    Statement::new(
        "INSERT INTO registrations (tenant, business, organisation, name, phone, email, promo, created_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )
    .bind(tenant)
    .bind(given.business.trim())
    .bind(given.organisation.trim())
    .bind(given.name.trim())
    .bind(given.phone.trim())
    .bind(given.email.trim())
    .bind(given.promo.trim())
    .bind(now)
}

/// Writes the settings of a cabinet that was founded when the host died.
async fn complete<S: Sql, K: Kv>(
    app: &App<S, K>,
    session: &Session,
    organisation: &str,
    now: i64,
) -> Result<(), Error> {
    let account = account(app, session).await?;
    let slug: Slug = account.tenant.parse().map_err(|_| Error::Later)?;
    if settings::stored(&app.kv, &slug).await?.is_some() {
        return Ok(());
    }
    match settings::create(&app.sql, &app.kv, &slug, named(organisation), now).await {
        Ok(_) => app.forget(),
        // Somebody is at it.
        Err(sklad_tenant::Error::Exists) => return Err(Error::Later),
        Err(e) => return Err(e.into()),
    }
    Ok(())
}

/// Tells МойСклад what it does not know yet.
async fn finish<S: Sql, K: Kv>(
    app: &App<S, K>,
    http: &impl Http,
    session: &Session,
    now: i64,
) -> Result<Account, Error> {
    let account = account(app, session).await?;
    plan::plan(app, &account.tenant, Changed::Connection, now).await;
    if account.state == State::Activated && !account.has_pending_key() {
        return Ok(account);
    }
    settle::settle(app, http, &session.app_id, &session.account, now).await
}
