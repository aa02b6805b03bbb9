//! Connections to shops: so far those of InSales.

mod save;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sklad_connections::{Connection, MAX_NAME_CHARS, State, companies, connection};
use sklad_insales::api::{Access, Api, Failure, Part, Session};
use sklad_insales::check::{self, Checked};
use sklad_insales::connected::{self, Connected, Facts, KIND, Unusable};
use sklad_insales::domain;
use sklad_insales::number_field;
use sklad_insales::options::{self, Options};
use sklad_insales::orders::rows;
use sklad_insales::plan::{self, Changed};
use sklad_insales::settings::{InsalesSecrets, InsalesSettings};
use sklad_insales::webhook::hooks;
use sklad_insales::webhook::register::{self, Address};
use sklad_jobs::job::{self, Wish};
use sklad_jobs::journal::Outcome;
use sklad_loyalty::programme::Problem;
use sklad_store::{Clock, Http, Kv, Ports, Sql, SqlError, Statement};
use sklad_tenant::Tenant;

use self::save::Draft;
use crate::context::{Context, Told};
use crate::error::ApiError;
use crate::reply::Reply;

/// How long a shop is asked within one request, in milliseconds.
const ASK_MS: i64 = 25_000;

/// What a connection is made with.
#[derive(Debug, Clone, Copy, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ConnectionKind {
    /// InSales.
    Insales,
}

/// A connection to be made.
#[derive(Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewConnection {
    /// Компания: идентификатор или название. Не указана – первая.
    company: Option<String>,
    /// С чем.
    #[serde(rename = "kind")]
    _kind: ConnectionKind,
    /// Название, от 1 до 100 знаков. Не указано – адрес магазина.
    name: Option<String>,
    /// Настройки.
    #[serde(deserialize_with = "sklad_loyalty::programme::read::object")]
    settings: InsalesSettings,
    /// Ключ доступа; показать его потом нельзя.
    #[serde(default, deserialize_with = "sklad_loyalty::programme::read::maybe")]
    secrets: Option<InsalesSecrets>,
}

/// What a connection shall be.
#[derive(Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ConnectionEdit {
    /// Компания: идентификатор или название. Не указана – прежняя.
    company: Option<String>,
    /// Название. Не указано – прежнее.
    name: Option<String>,
    /// Настройки целиком.
    #[serde(deserialize_with = "sklad_loyalty::programme::read::object")]
    settings: InsalesSettings,
    /// Новый ключ доступа. Не указан – прежний.
    #[serde(default, deserialize_with = "sklad_loyalty::programme::read::maybe")]
    secrets: Option<InsalesSecrets>,
}

/// A connection as it is shown: without its key.
#[derive(Serialize)]
#[cfg_attr(
    feature = "openapi",
    derive(schemars::JsonSchema),
    schemars(rename = "Connection")
)]
pub struct ConnectionCard {
    /// Идентификатор.
    id: String,
    /// Компания.
    company: String,
    /// С чем: insales.
    kind: String,
    /// Название.
    name: String,
    /// Настройки.
    #[cfg_attr(feature = "openapi", schemars(with = "InsalesSettings"))]
    settings: Box<RawValue>,
    /// Введён ли ключ доступа.
    has_secrets: bool,
    /// Включено ли.
    enabled: bool,
    /// Что показала последняя проверка или работа.
    state: State,
    /// То же словами.
    state_text: String,
    /// Когда это было, миллисекунды с 1970 года (UTC).
    checked_at: Option<i64>,
    /// Как магазин называет себя.
    shop_title: Option<String>,
    /// Свой домен магазина.
    shop_domain: Option<String>,
    /// Когда заведено, миллисекунды с 1970 года (UTC).
    created_at: i64,
    /// Когда изменено, миллисекунды с 1970 года (UTC).
    updated_at: i64,
}

/// What the shop said in a check.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct ConnectionChecked {
    /// Всё ли в порядке.
    ok: bool,
    /// Состояние.
    state: State,
    /// То же словами.
    text: String,
    /// Какие права на чтение у ключа не отмечены, по их названиям в InSales. Права менять чтением не видны.
    missing: Vec<&'static str>,
    /// Как магазин называет себя.
    shop_title: Option<String>,
    /// Свой домен магазина.
    shop_domain: Option<String>,
}

fn card(connection: Connection) -> Result<ConnectionCard, ApiError> {
    let facts = Facts::of(&connection);
    Ok(ConnectionCard {
        has_secrets: connection.has_secrets(),
        id: connection.id,
        company: connection.company,
        kind: connection.kind,
        name: connection.name,
        settings: RawValue::from_string(connection.settings).map_err(|e| ApiError::internal(&e))?,
        enabled: connection.enabled,
        state: connection.state,
        state_text: connection.state_text,
        checked_at: connection.checked_at,
        shop_title: facts.title,
        shop_domain: facts.domain,
        created_at: connection.created_at,
        updated_at: connection.updated_at,
    })
}

fn reply(connection: Connection) -> Result<Reply, ApiError> {
    let version = u64::try_from(connection.version).unwrap_or_default();
    Ok(Reply::json(&card(connection)?)?.version(version))
}

pub async fn list<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let tenant = c.tenant().await?;
    let mut all = connection::of_tenant(&c.app.sql, tenant.slug.as_str()).await?;
    if let Some(key) = c.query("company") {
        let company = company(c, &tenant, Some(key)).await?;
        all.retain(|connection| connection.company == company);
    }
    let cards: Result<Vec<_>, _> = all.into_iter().map(card).collect();
    Reply::json(&cards?)
}

pub async fn get<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let tenant = c.tenant().await?;
    reply(found(c, &tenant).await?)
}

/// The connection in the path.
async fn found<S: Sql, K: Kv>(
    c: &Context<'_, S, K>,
    tenant: &Tenant,
) -> Result<Connection, ApiError> {
    let found = connection::get(&c.app.sql, tenant.slug.as_str(), c.name(1)).await?;
    let insales = found.filter(|connection| connection.kind == KIND);
    insales.ok_or_else(ApiError::not_found)
}

/// The id of the company of this id or name; that of the first one where none is named.
async fn company<S: Sql, K: Kv>(
    c: &Context<'_, S, K>,
    tenant: &Tenant,
    key: Option<&str>,
) -> Result<String, ApiError> {
    let Some(key) = key else {
        return Ok(companies::FIRST.to_owned());
    };
    crate::companies::id_of(c, tenant.slug.as_str(), key).await
}

pub async fn create<S: Sql, K: Kv>(
    c: &Context<'_, S, K>,
    http: &impl Http,
    clock: &impl Clock,
) -> Result<Reply, ApiError> {
    let given: NewConnection = c.json()?;
    let tenant = c.tenant().await?;
    let company = company(c, &tenant, given.company.as_deref()).await?;
    // A shop that is refused later needs no name.
    let shop = || domain::typed(&given.settings.shop, None).unwrap_or_else(|_| KIND.to_owned());
    let short = || shop().chars().take(MAX_NAME_CHARS).collect();
    let name = given.name.clone().unwrap_or_else(short);
    let new = Connection::new(tenant.slug.as_str(), &company, KIND, &name)?;
    let draft = Draft::new(new, None, given.settings, given.secrets);
    let made = draft.save(c, &tenant, http, clock).await?;
    let location = format!("/api/v1/tenants/{}/connections/{}", tenant.slug, made.id);
    Ok(reply(made)?.created(location))
}

pub async fn put<S: Sql, K: Kv>(
    c: &Context<'_, S, K>,
    http: &impl Http,
    clock: &impl Clock,
) -> Result<Reply, ApiError> {
    let given: ConnectionEdit = c.json()?;
    let if_match = c.if_match()?;
    let tenant = c.tenant().await?;
    let mut connection = found(c, &tenant).await?;
    if if_match.is_some_and(|version| i64::try_from(version) != Ok(connection.version)) {
        return Err(sklad_tenant::Error::Stale.into());
    }
    if given.company.is_some() {
        connection.company = company(c, &tenant, given.company.as_deref()).await?;
    }
    if let Some(name) = &given.name {
        connection.rename(name)?;
    }
    let before = connected::settings(&connection).ok();
    let draft = Draft::new(connection, before, given.settings, given.secrets);
    reply(draft.save(c, &tenant, http, clock).await?)
}

/// A shop that is asked.
struct Shop<'a, S, H, C> {
    ports: Ports<'a, S, H, C>,
    api: Api<'a>,
    until: i64,
}

impl<'a, S: Sql, H: Http, C: Clock> Shop<'a, S, H, C> {
    fn new<K: Kv>(c: &Context<'a, S, K>, http: &'a H, clock: &'a C, access: &'a Access) -> Self {
        Self {
            ports: c.ports(http, clock),
            api: Api {
                gateway: c.app.config.insales_gateway.as_deref(),
                access,
            },
            until: clock.now_ms().saturating_add(ASK_MS),
        }
    }

    async fn check(&self, settings: &InsalesSettings) -> Result<Checked, ApiError> {
        let checked = check::check(&self.session(), settings).await;
        checked.map_err(ApiError::from)
    }

    fn session(&self) -> Session<'a, S, H, C> {
        Session::open(self.ports, self.api, Part::Orders, self.until).hasty()
    }

    /// What there is, or in words why that cannot be told.
    async fn options(&self) -> Result<Result<Options, String>, ApiError> {
        told_apart(options::read(&self.session()).await)
    }

    /// What of the settings the shop does not have, or in words why that cannot be told. The field for our
    /// number is made where orders are on.
    async fn problems(
        &self,
        settings: &InsalesSettings,
    ) -> Result<Result<Vec<Problem>, String>, ApiError> {
        let session = self.session();
        let looked = async {
            let options = options::read(&session).await?;
            let mut problems = options.problems(settings);
            if problems.is_empty() && settings.orders.on {
                let field = &settings.orders.number_field;
                problems.extend(number_field::ensure(&session, &options, field).await?);
            }
            Ok(problems)
        };
        told_apart(looked.await)
    }
}

/// A shop that does not answer is no fault of ours.
fn told_apart<T>(asked: Result<T, Failure>) -> Result<Result<T, String>, ApiError> {
    match asked {
        Ok(found) => Ok(Ok(found)),
        Err(Failure::Api(error)) => Ok(Err(check::words(&error))),
        Err(Failure::Sql(error)) => Err(error.into()),
    }
}

/// What a check has found, for the next write.
fn learn(connection: &mut Connection, checked: &Checked, now_ms: i64) {
    connection.found(checked.state, &checked.text, Some(now_ms));
    if let Some(facts) = facts(checked) {
        connection.facts = facts;
    }
}

fn facts(checked: &Checked) -> Option<String> {
    serde_json::to_string(checked.facts.as_ref()?).ok()
}

fn refused(place: &str, problems: Vec<Problem>) -> ApiError {
    let within = |problem: Problem| Problem {
        path: format!("{place}.{}", problem.path),
        message: problem.message,
    };
    let problems = problems.into_iter().map(within).collect();
    ApiError::problems(http::StatusCode::UNPROCESSABLE_ENTITY, "refused", problems)
}

fn unusable(error: Unusable) -> ApiError {
    match error {
        Unusable::NoKey => {
            ApiError::conflict("Сначала введите идентификатор и пароль ключа доступа")
        }
        Unusable::Seal(_) => ApiError::conflict(
            "Сохранённый ключ доступа не читается: введите идентификатор и пароль снова",
        ),
        Unusable::Settings(_) => ApiError::internal(&error),
    }
}

/// Orders of a company go to one shop.
fn orders_are_alone(
    connection: &Connection,
    settings: &InsalesSettings,
    all: &[Connection],
) -> Result<(), ApiError> {
    let of_orders = |other: &&Connection| {
        let theirs = connected::settings(other).ok();
        theirs.is_some_and(|theirs| theirs.orders.on)
    };
    let mut others = all.iter().filter(|other| {
        other.id != connection.id && other.enabled && other.company == connection.company
    });
    match others.find(of_orders).filter(|_| settings.orders.on) {
        Some(other) => Err(ApiError::conflict(format!(
            "Заказы этой компании уже передаются в «{}»: выключите их там",
            other.name
        ))),
        None => Ok(()),
    }
}

/// The statement behind the write of a connection: a conflict where two of its company pass on orders, because
/// somebody else has switched on another one since they were read.
fn one_for_orders(connection: &Connection) -> Statement {
    Statement::new(
        "SELECT 1 WHERE (SELECT count(*) FROM connections WHERE tenant = ?1 AND company = ?2 AND enabled = 1 \
         AND settings ->> '$.orders.on' = 1) < 2",
    )
    .bind(&connection.tenant)
    .bind(&connection.company)
    .expect_rows(1)
}

fn told<S: Sql, K: Kv>(
    c: &Context<'_, S, K>,
    tenant: &Tenant,
    connection: &Connection,
    (outcome, text): (Outcome, &str),
) -> Statement {
    let row = Told {
        action: "connection",
        object: connection.id.clone(),
        text: format!("Подключение «{}» {text}", connection.name),
        outcome,
        ..Told::default()
    };
    c.told(&tenant.slug, row)
}

fn jobs<S: Sql, K: Kv>(
    c: &Context<'_, S, K>,
    tenant: &Tenant,
    connection: &Connection,
    changed: Changed,
) -> Vec<Statement> {
    let zone = tenant.settings.timezone_minutes;
    plan::statements(connection, zone, changed, c.now_ms)
}

/// The connection as it is stored now.
async fn again<S: Sql, K: Kv>(
    c: &Context<'_, S, K>,
    old: &Connection,
) -> Result<Connection, ApiError> {
    let now = connection::get(&c.app.sql, &old.tenant, &old.id).await?;
    now.ok_or_else(ApiError::not_found)
}

pub async fn remove<S: Sql, K: Kv>(
    c: &Context<'_, S, K>,
    http: &impl Http,
    clock: &impl Clock,
) -> Result<Reply, ApiError> {
    let tenant = c.tenant().await?;
    let connection = found(c, &tenant).await?;
    let mut text = "удалено".to_owned();
    if !unsubscribed(c, &connection, http, clock).await? {
        // They do no harm: calls of who is not connected are answered 404.
        text += ". Подписки на уведомления остались в InSales: отменить их не удалось";
    }
    let waiting = rows::waiting(&c.app.sql, &connection.tenant, &connection.id).await?;
    if waiting > 0 {
        text += &format!(". Не передано заказов: {waiting}");
    }
    let mut batch = vec![connection.remove()];
    batch.extend(plan::forgotten(&connection, c.now_ms));
    batch.push(told(c, &tenant, &connection, (Outcome::Ok, &text)));
    c.app.sql.atomic(batch).await?;
    Ok(Reply::empty())
}

/// Takes back the shop's subscriptions; whether none is left.
async fn unsubscribed<S: Sql, K: Kv>(
    c: &Context<'_, S, K>,
    connection: &Connection,
    http: &impl Http,
    clock: &impl Clock,
) -> Result<bool, ApiError> {
    let (sql, config) = (&c.app.sql, &c.app.config);
    let (tenant, id) = (&connection.tenant, &connection.id);
    let Some(public_url) = config.public_url.as_deref() else {
        return Ok(true);
    };
    if !hooks::has(sql, tenant, id).await? {
        return Ok(true);
    }
    let open = Connected::open(connection, &config.master_key);
    let paths = hooks::ensure(sql, &config.master_key, tenant, id, c.now_ms).await;
    let (Ok(open), Ok(paths)) = (open, paths) else {
        return Ok(false);
    };
    let shop = Shop::new(c, http, clock, &open.access);
    let address = Address {
        public_url,
        tenant,
        paths: &paths,
    };
    let ended = register::end(shop.ports, shop.api, address, shop.until).await;
    Ok(told_apart(ended)?.is_ok())
}

/// Asks the shop again. What it says is the answer, not an error.
pub async fn check<S: Sql, K: Kv>(
    c: &Context<'_, S, K>,
    http: &impl Http,
    clock: &impl Clock,
) -> Result<Reply, ApiError> {
    let tenant = c.tenant().await?;
    let connection = found(c, &tenant).await?;
    let open = Connected::open(&connection, &c.app.config.master_key).map_err(unusable)?;
    let shop = Shop::new(c, http, clock, &open.access);
    let checked = shop.check(&open.settings).await?;
    c.app
        .sql
        .atomic(noted(c, &tenant, &connection, &checked))
        .await?;
    let facts = checked.facts.unwrap_or_else(|| Facts::of(&connection));
    Reply::json(&ConnectionChecked {
        ok: checked.state == State::Ok,
        state: checked.state,
        text: checked.text,
        missing: checked.missing,
        shop_title: facts.title,
        shop_domain: facts.domain,
    })
}

/// The statements that keep what a check has found; what had stopped goes on where it works again.
fn noted<S: Sql, K: Kv>(
    c: &Context<'_, S, K>,
    tenant: &Tenant,
    connection: &Connection,
    checked: &Checked,
) -> Vec<Statement> {
    let mut batch = connection.noted(checked.state, &checked.text, c.now_ms);
    batch.extend(facts(checked).map(|facts| connection.learned(&facts)));
    // Whoever looks wants it to go on: a job may have stopped while all seemed well.
    if checked.state == State::Ok && connection.enabled {
        batch.extend(jobs(c, tenant, connection, Changed::Connection));
    }
    batch
}

pub async fn options<S: Sql, K: Kv>(
    c: &Context<'_, S, K>,
    http: &impl Http,
    clock: &impl Clock,
) -> Result<Reply, ApiError> {
    let tenant = c.tenant().await?;
    let connection = found(c, &tenant).await?;
    let open = Connected::open(&connection, &c.app.config.master_key).map_err(unusable)?;
    let options = Shop::new(c, http, clock, &open.access).options().await?;
    Reply::json(&options.map_err(ApiError::conflict)?)
}

/// «Включить»: the shop is asked, then the jobs begin. What only a person can mend is refused in words; a shop
/// that does not answer for the moment is not.
pub async fn enable<S: Sql, K: Kv>(
    c: &Context<'_, S, K>,
    http: &impl Http,
    clock: &impl Clock,
) -> Result<Reply, ApiError> {
    let tenant = c.tenant().await?;
    let mut connection = found(c, &tenant).await?;
    let open = Connected::open(&connection, &c.app.config.master_key).map_err(unusable)?;
    let all = connection::of_tenant(&c.app.sql, tenant.slug.as_str()).await?;
    orders_are_alone(&connection, &open.settings, &all)?;
    let shop = Shop::new(c, http, clock, &open.access);
    let checked = shop.check(&open.settings).await?;
    if checked.state.needs_a_person() || checked.hopeless {
        c.app
            .sql
            .atomic(noted(c, &tenant, &connection, &checked))
            .await?;
        return Err(ApiError::conflict(checked.text));
    }
    let text = match connection.enabled {
        true => "проверено и работает дальше",
        false => "включено",
    };
    connection.enabled = true;
    learn(&mut connection, &checked, c.now_ms);
    switched(c, &tenant, connection, text).await
}

pub async fn disable<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let tenant = c.tenant().await?;
    let mut connection = found(c, &tenant).await?;
    if !connection.enabled {
        return reply(connection);
    }
    connection.enabled = false;
    switched(c, &tenant, connection, "выключено").await
}

async fn switched<S: Sql, K: Kv>(
    c: &Context<'_, S, K>,
    tenant: &Tenant,
    connection: Connection,
    text: &str,
) -> Result<Reply, ApiError> {
    let mut batch = vec![
        connection.update(c.now_ms),
        one_for_orders(&connection),
        told(c, tenant, &connection, (Outcome::Ok, text)),
    ];
    batch.extend(jobs(c, tenant, &connection, Changed::Connection));
    c.app.sql.atomic(batch).await?;
    reply(again(c, &connection).await?)
}

/// Lets changes of the catalogue be imported now; a run under way goes on. Answers the job.
pub async fn run<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let tenant = c.tenant().await?;
    let connection = found(c, &tenant).await?;
    let id = job::id(plan::CATALOGUE, &connection.id);
    let row = Told {
        action: "job",
        object: id.clone(),
        text: format!("Запущена загрузка каталога: «{}»", connection.name),
        ..Told::default()
    };
    let told = c.told(&tenant.slug, row);
    let (sql, slug) = (&c.app.sql, tenant.slug.as_str());
    match job::grant(sql, slug, &id, Wish::Run, told, c.now_ms).await {
        Ok(Some(line)) => Reply::json(&line),
        Ok(None) => Err(ApiError::conflict(
            "Каталог не загружается: включите подключение и загрузку каталога в нём",
        )),
        Err(SqlError::Conflict) => Err(ApiError::conflict(
            "Загрузка приостановлена: сначала возобновите задание",
        )),
        Err(error) => Err(error.into()),
    }
}
