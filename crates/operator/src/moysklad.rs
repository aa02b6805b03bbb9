//! How a tenant is connected to МойСклад.

use serde::{Deserialize, Serialize};
use sklad_jobs::job::{self, Wish};
use sklad_moysklad::api::Access;
use sklad_moysklad::api::session::Failure;
use sklad_moysklad::sync::plan::{self, Changed};
use sklad_moysklad::sync::{self, Place};
use sklad_moysklad::vendor::accounts::{self, Account, State, Weight};
use sklad_moysklad::vendor::{Error, settle};
use sklad_moysklad::webhook;
use sklad_moysklad::webhook::hooks::{self, Owner};
use sklad_moysklad::webhook::register::{self, Removed};
use sklad_store::{Clock, Http, Kv, Sql, SqlError};
use sklad_tenant::Tenant;

use crate::context::{Context, Told};
use crate::error::ApiError;
use crate::reply::Reply;

/// The longest token, login or password, in characters.
const MAX_SECRET_CHARS: usize = 200;
/// How long МойСклад is asked in a check, and when a connection is ended, in milliseconds.
const CHECK_MS: i64 = 20_000;

/// A connection by hand: a token, or login and password. Without `Debug`: it must not get into a log.
#[derive(Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MoyskladCredentials {
    /// Токен доступа к JSON API.
    token: Option<String>,
    /// Логин сотрудника, если токена нет: имя@аккаунт.
    login: Option<String>,
    /// Пароль этого сотрудника.
    password: Option<String>,
}

/// How a tenant is connected.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct MoyskladConnections {
    /// Адрес программы лояльности, который передаётся в МойСклад; null, если не задан public_url.
    loyalty_url: Option<String>,
    /// Аккаунты: решение из каталога и подключение вручную.
    accounts: Vec<MoyskladAccount>,
}

/// An account of МойСклад.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct MoyskladAccount {
    /// accountId; null, пока МойСклад его не назвал.
    account: Option<String>,
    /// Имя аккаунта.
    account_name: Option<String>,
    /// appId решения; null – подключено вручную.
    app_id: Option<String>,
    /// settings_required, activated, suspended или uninstalled.
    #[cfg_attr(feature = "openapi", schemars(with = "String"))]
    state: State,
    /// published или draft: лимиты запросов токена.
    #[cfg_attr(feature = "openapi", schemars(with = "String"))]
    weight: Weight,
    /// Есть ли доступ к JSON API.
    has_access: bool,
    /// Ключ касс, который МойСклад подтвердил.
    key_id: Option<String>,
    /// Передаётся ли новый ключ.
    key_pending: bool,
    /// Когда будет следующая попытка передать настройки, миллисекунды с 1970 года (UTC).
    due_at: Option<i64>,
    /// Почему МойСклад отказал.
    last_error: Option<String>,
}

/// What МойСклад said in a check.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct MoyskladChecked {
    /// Всё ли верно: доступ, права, организация.
    ok: bool,
    /// Что не так, словами.
    problems: Vec<String>,
    /// accountId, если МойСклад его назвал.
    account: Option<String>,
    /// ID найденной организации.
    organization: Option<String>,
    /// Её название.
    organization_name: Option<String>,
}

impl From<Account> for MoyskladAccount {
    fn from(account: Account) -> Self {
        let some = |text: &String| Some(text.clone()).filter(|t| !t.is_empty());
        Self {
            account: some(&account.account),
            account_name: some(&account.account_name),
            app_id: some(&account.app_id),
            state: account.state,
            weight: account.weight,
            has_access: account.has_credentials(),
            key_pending: account.has_pending_key(),
            key_id: account.key_id,
            due_at: account.due_at,
            last_error: account.last_error,
        }
    }
}

pub async fn get<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let tenant = c.tenant().await?;
    connections(c, &tenant).await
}

async fn connections<S: Sql, K: Kv>(
    c: &Context<'_, S, K>,
    tenant: &Tenant,
) -> Result<Reply, ApiError> {
    let slug = tenant.slug.as_str();
    let accounts = accounts::of_tenant(&c.app.sql, slug).await?;
    Reply::json(&MoyskladConnections {
        loyalty_url: settle::address(&c.app.config, slug).ok(),
        accounts: accounts.into_iter().map(MoyskladAccount::from).collect(),
    })
}

pub async fn connect<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let given: MoyskladCredentials = c.json()?;
    let tenant = c.tenant().await?;
    let access = access(given)?;
    let (slug, master_key) = (tenant.slug.as_str(), &c.app.config.master_key);
    accounts::connect(&c.app.sql, master_key, slug, &access, c.now_ms).await?;
    plan::plan(c.app, slug, Changed::Connection, c.now_ms).await;
    told(c, &tenant, "МойСклад подключён вручную").await?;
    connections(c, &tenant).await
}

fn access(given: MoyskladCredentials) -> Result<Access, ApiError> {
    let fits = |text: &str| {
        let chars = text.chars().count();
        (1..=MAX_SECRET_CHARS).contains(&chars) && !text.contains(char::is_control)
    };
    match (given.token, given.login, given.password) {
        (Some(token), None, None) if fits(token.trim()) => {
            Ok(Access::Token(token.trim().to_owned()))
        }
        (None, Some(login), Some(password)) if fits(login.trim()) && fits(&password) => {
            let login = login.trim().to_owned();
            Ok(Access::Login { login, password })
        }
        _ => Err(ApiError::refused(
            "",
            "Нужен token или login с password, до 200 знаков",
        )),
    }
}

/// Ends the connection by hand. МойСклад is asked to send nothing more; what it does not take back is told in
/// the journal, and is refused when it comes.
pub async fn disconnect<S: Sql, K: Kv>(
    c: &Context<'_, S, K>,
    http: &impl Http,
    clock: &impl Clock,
) -> Result<Reply, ApiError> {
    let tenant = c.tenant().await?;
    let (slug, sql) = (tenant.slug.as_str(), &c.app.sql);
    let all = accounts::of_tenant(sql, slug).await?;
    let by_hand = all.iter().find(|account| account.app_id.is_empty());
    let account = by_hand.ok_or_else(ApiError::not_found)?;
    let owner = Owner::of(account, "");
    // Nobody subscribes meanwhile; where a solution goes on, the plan brings the job back.
    sql.atomic(vec![job::remove(slug, webhook::JOB, "")])
        .await?;
    let text = match unsubscribe(c, &tenant, account, http, clock).await {
        Ok(Removed { left: 0, .. }) => "МойСклад, подключённый вручную, отключён".to_owned(),
        Ok(Removed { left, .. }) => {
            stayed(&format!("МойСклад оставил подписок на уведомления: {left}"))
        }
        Err(Failure::Api(error)) => stayed(&format!(
            "Подписки на уведомления не удалены: {}",
            error.for_merchant()
        )),
        Err(Failure::Sql(error)) => return Err(error.into()),
    };
    let gone = vec![accounts::disconnect(slug), hooks::forget(owner)];
    sql.atomic(gone).await?;
    plan::plan(c.app, slug, Changed::Connection, c.now_ms).await;
    told(c, &tenant, &text).await?;
    Ok(Reply::empty())
}

fn stayed(why: &str) -> String {
    format!(
        "МойСклад, подключённый вручную, отключён. {why}. На них больше не отвечают, и МойСклад выключит их \
         сам; можно удалить их и в МоёмСкладе"
    )
}

/// Takes back the subscriptions of a connection by hand.
async fn unsubscribe<S: Sql, K: Kv>(
    c: &Context<'_, S, K>,
    tenant: &Tenant,
    account: &Account,
    http: &impl Http,
    clock: &impl Clock,
) -> Result<Removed, Failure> {
    let config = &c.app.config;
    let path = hooks::path(&c.app.sql, &config.master_key, Owner::of(account, "")).await;
    let path = match path {
        Ok(path) => path,
        Err(hooks::Error::Sql(error)) => return Err(error.into()),
        Err(hooks::Error::NoSecret) => None,
    };
    let (Some(path), Ok(Some(credentials))) = (path, account.credentials(&config.master_key))
    else {
        // Nothing was asked for, or nobody can ask any more.
        return Ok(Removed::default());
    };
    let settings = tenant.section().unwrap_or_default();
    let place = Place::of(&config.moysklad, &tenant.slug, &settings, &credentials);
    let until = clock.now_ms().saturating_add(CHECK_MS);
    register::remove(c.ports(http, clock), place, &path, until).await
}

/// Asks МойСклад whether access, rights and organisation are right. What it says is the answer, not an error.
pub async fn check<S: Sql, K: Kv>(
    c: &Context<'_, S, K>,
    http: &impl Http,
    clock: &impl Clock,
) -> Result<Reply, ApiError> {
    let tenant = c.tenant().await?;
    let account = connection(c, &tenant).await?;
    let opened = account.credentials(&c.app.config.master_key);
    let credentials = opened.map_err(Error::from)?.ok_or_else(not_connected)?;
    let settings = tenant.section()?;
    let vendor = &c.app.config.moysklad;
    let place = Place::of(vendor, &tenant.slug, &settings, &credentials);
    let until = clock.now_ms().saturating_add(CHECK_MS);
    let checked = sync::check::check(c.ports(http, clock), place, until).await?;
    if let Some(named) = checked.account.as_deref().filter(|_| account.is_unnamed()) {
        let name = credentials.account_name().unwrap_or_default();
        let statement = accounts::named(tenant.slug.as_str(), named, name);
        c.app.sql.atomic(vec![statement]).await?;
    }
    Reply::json(&MoyskladChecked {
        ok: checked.problems.is_empty(),
        problems: checked.problems,
        account: checked.account,
        organization: checked.organization,
        organization_name: checked.name,
    })
}

/// Lets everything be imported now; a run under way goes on. Answers the job.
pub async fn import<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let tenant = c.tenant().await?;
    connection(c, &tenant).await?;
    let slug = tenant.slug.as_str();
    // The job is there where the connection is, unless a host died between the two.
    plan::plan(c.app, slug, Changed::Settings, c.now_ms).await;
    let row = Told {
        action: "job",
        object: plan::GOODS.to_owned(),
        text: "Запущена загрузка товаров из МоегоСклада".to_owned(),
        ..Told::default()
    };
    let told = c.told(&tenant.slug, row);
    let sql = &c.app.sql;
    match job::grant(sql, slug, plan::GOODS, Wish::Run, told, c.now_ms).await {
        Ok(Some(line)) => Reply::json(&line),
        Ok(None) => Err(not_connected()),
        Err(SqlError::Conflict) => Err(ApiError::conflict(
            "Загрузка приостановлена: сначала возобновите задание moysklad-goods",
        )),
        Err(error) => Err(error.into()),
    }
}

async fn connection<S: Sql, K: Kv>(
    c: &Context<'_, S, K>,
    tenant: &Tenant,
) -> Result<Account, ApiError> {
    let found = accounts::connection(&c.app.sql, tenant.slug.as_str()).await?;
    found.ok_or_else(not_connected)
}

fn not_connected() -> ApiError {
    ApiError::conflict("МойСклад не подключён: установите решение или введите токен")
}

/// Lets new keys be made for the solutions of a tenant; the schedule sends them.
pub async fn rotate<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let tenant = c.tenant().await?;
    let all = accounts::of_tenant(&c.app.sql, tenant.slug.as_str()).await?;
    let on = |a: &&Account| !a.app_id.is_empty() && a.state.is_on();
    let solutions: Vec<&Account> = all.iter().filter(on).collect();
    if solutions.is_empty() {
        return Err(ApiError::conflict(
            "Решение из каталога МоегоСклада не подключено: ключ, введённый вручную, меняют там же",
        ));
    }
    for account in solutions {
        settle::rotate(c.app, &account.app_id, &account.account, c.now_ms).await?;
    }
    told(c, &tenant, "Новый ключ касс будет передан в МойСклад").await?;
    connections(c, &tenant).await
}

async fn told<S: Sql, K: Kv>(
    c: &Context<'_, S, K>,
    tenant: &Tenant,
    text: &str,
) -> Result<(), ApiError> {
    let row = Told {
        action: "connection",
        text: text.to_owned(),
        ..Told::default()
    };
    c.tell(&tenant.slug, row).await
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        match error {
            Error::Sql(error) => error.into(),
            Error::Tenant(error) => error.into(),
            other => match other.internal() {
                Some(text) => Self::internal(&text),
                None => Self::conflict(other.to_string()),
            },
        }
    }
}
