//! From a request to its answer.

use http::{Request, Response};
use sklad_access::{Refused, Right, employees};
use sklad_jobs::journal::{Direction, Outcome, Record};
use sklad_orders::document;
use sklad_store::{Body, Clock, Kv, Sql, SqlError};
use sklad_tenant::address::tenant_in_request;
use sklad_tenant::exchange::Encoding;
use sklad_tenant::{App, ExchangeSettings, Tenant};

use crate::import::{self, Ended};
use crate::names::{self, FileKind};
use crate::request::{self, Credentials, Kind, Mode, Query, header};
use crate::session::{self, COOKIE, Session};
use crate::upload::{self, Action, Place};
use crate::{Error, Reply, sale, sweep};

/// What follows the tenant in the address (§1.1); a slash at the end is passed over.
const PATHS: [&str; 2] = ["/rest/integration/1c_exchange.php", "/1c_exchange.php"];
/// How long staged bytes are freed at a login, in milliseconds.
const SWEEP_MS: i64 = 100;
/// After so long an upload of another session that was not asked for is imported without being asked for,
/// in milliseconds: «1С:Розница» never asks (§4). To one that is only slow it does no harm: its question
/// finds the import begun.
pub const ABANDONED_MS: i64 = 60 * 1000;
/// The job that does [`housekeeping`]: a file that comes asks for it.
pub const JOB: &str = "exchange";
/// How long a request works on what nobody asks for, in milliseconds.
const GO_ON_MS: i64 = 400;
/// The same for one that uploads a file, in milliseconds: a client that never asks for an import sends
/// little else.
const GO_ON_FILE_MS: i64 = 3_000;
/// The newest schema of catalogue files that is read (§1.10).
const SCHEMA: &str = "3.1";

/// A request whose sender is known.
pub(crate) struct Call<'a, S, K, C> {
    pub app: &'a App<S, K>,
    pub clock: &'a C,
    pub tenant: &'a Tenant,
    pub settings: &'a ExchangeSettings,
    pub session: Session,
    /// The token of the session, where the client has let us know.
    pub token: Option<String>,
    pub kind: Kind,
    pub query: &'a Query,
}

impl<S: Sql, K: Kv, C: Clock> Call<'_, S, K, C> {
    pub fn slug(&self) -> &str {
        self.tenant.slug.as_str()
    }

    pub fn settings(&self) -> &ExchangeSettings {
        self.settings
    }

    pub fn place<'p>(&'p self, name: &'p str) -> Place<'p> {
        Place {
            tenant: self.slug(),
            session: &self.session.id,
            kind: self.kind,
            name,
        }
    }
}

/// Answers one request of a client.
pub async fn handle<S: Sql, K: Kv, C: Clock, B: Body>(
    app: &App<S, K>,
    clock: &C,
    request: Request<B>,
) -> Response<Vec<u8>> {
    let (head, mut body) = request.into_parts();
    let now = clock.now_ms();
    let host = header(&head.headers, "host");
    let domain = app.config.base_domain.as_deref();
    let (slug, path) = tenant_in_request(host, head.uri.path(), domain);
    if !PATHS.contains(&path.trim_end_matches('/')) {
        return refuse("Нет такого адреса");
    }
    let Some(slug) = slug else {
        return refuse("В адресе не указан магазин");
    };
    let tenant = match app.tenant(&slug, now).await {
        Ok(Some(tenant)) => tenant,
        Ok(None) => return refuse("Нет такого магазина"),
        Err(error) => {
            eprintln!("exchange: {error}");
            return refuse(UNAVAILABLE);
        }
    };
    let settings: ExchangeSettings = match tenant.section() {
        Ok(settings) => settings,
        Err(error) => {
            eprintln!("exchange: {error}");
            return refuse(UNAVAILABLE);
        }
    };
    let query = Query::parse(head.uri.query().unwrap_or_default());
    let shop = (&*tenant, &settings);
    let reply = answer(app, clock, shop, &query, &head, &mut body).await;
    reply.into_response(settings.reply_encoding)
}

/// What is told when the fault is ours.
const UNAVAILABLE: &str = "Сервис временно недоступен, повторите попытку позже";

/// The reference server's word for a type or a mode that it does not know (§1.9).
const UNKNOWN: &str = "Unknown command type.";

fn refuse(text: &str) -> Response<Vec<u8>> {
    Reply::failure(text).into_response(Encoding::Utf8)
}

async fn answer<S: Sql, K: Kv, C: Clock>(
    app: &App<S, K>,
    clock: &C,
    (tenant, settings): (&Tenant, &ExchangeSettings),
    query: &Query,
    head: &http::request::Parts,
    body: &mut impl Body,
) -> Reply {
    let (Some(kind), Some(mode)) = (query.kind(), query.mode()) else {
        return Reply::failure(UNKNOWN);
    };
    if !request::allowed(&head.method, mode) {
        return Reply::failure("Для этой команды нужен другой метод HTTP");
    }
    let credentials = Credentials::of(&head.headers);
    let address = request::address(&head.headers);
    let token = query.sessid.as_deref();
    let entered = enter(
        app,
        clock,
        tenant,
        mode,
        &credentials,
        token,
        address.as_deref(),
    )
    .await;
    let session = match entered {
        Ok(session) => session,
        Err(reply) => return reply,
    };
    if let Some(sessid) = &query.sessid
        && mode != Mode::Checkauth
        && !session.knows(sessid)
    {
        return Reply::failure("Сеанс обмена устарел, начните обмен заново");
    }
    let token = match &credentials.cookie {
        Some(cookie) => Some(session::token(cookie)),
        None => query.sessid.clone(),
    };
    let call = Call {
        app,
        clock,
        tenant,
        settings,
        token: token.filter(|token| session.knows(token)),
        session,
        kind,
        query,
    };
    match perform(&call, mode, body).await {
        Ok(reply) => reply,
        Err(error) => failed(&call, &error).await,
    }
}

/// Finds out who is calling: by the cookie that a login gave, or by login and password. A login itself
/// has no session yet.
async fn enter<S: Sql, K: Kv, C: Clock>(
    app: &App<S, K>,
    clock: &C,
    tenant: &Tenant,
    mode: Mode,
    credentials: &Credentials,
    token: Option<&str>,
    address: Option<&str>,
) -> Result<Session, Reply> {
    let (slug, now) = (tenant.slug.as_str(), clock.now_ms());
    let internal = |error: Error| {
        eprintln!("exchange: {error}");
        Reply::failure(UNAVAILABLE)
    };
    if let Some(cookie) = credentials
        .cookie
        .as_ref()
        .filter(|_| mode != Mode::Checkauth)
    {
        let id = session::of_token(&session::token(cookie));
        let found = session::find(&app.sql, slug, &id, now).await;
        if let Some(session) = found.map_err(|e| internal(e.into()))? {
            return still(app, slug, session, credentials, now).await;
        }
    }
    let Some((login, password)) = &credentials.basic else {
        return Err(match &credentials.cookie {
            Some(_) if mode != Mode::Checkauth => {
                Reply::failure("Сеанс обмена истёк, начните обмен заново")
            }
            _ => Reply::Unauthorized(
                "Нужны логин и пароль сотрудника (заголовок Authorization)".to_owned(),
            ),
        });
    };
    let employee = sklad_access::authenticate(
        &app.sql,
        slug,
        login,
        password,
        address,
        Right::CommerceMlImport,
        now,
    );
    let employee = match employee.await {
        Ok(employee) => employee,
        Err(refused) => return Err(turned_away(app, slug, &refused, now).await),
    };
    if mode == Mode::Checkauth {
        return Ok(Session::shared(&employee.id, now));
    }
    let found = session::of_employee(&app.sql, slug, &employee.id, token, now).await;
    let session = found.map_err(|e| internal(e.into()))?;
    if let Err(error) = session::touch(&app.sql, slug, &session, now).await {
        eprintln!("exchange: {error}");
    }
    Ok(session)
}

/// The session of a cookie, while its employee still has the right. A login that comes with it must be
/// the same employee's (§1.2).
async fn still<S: Sql, K: Kv>(
    app: &App<S, K>,
    tenant: &str,
    session: Session,
    credentials: &Credentials,
    now: i64,
) -> Result<Session, Reply> {
    let employee = employees::get(&app.sql, tenant, &session.employee).await;
    let employee = employee.map_err(|error| {
        eprintln!("exchange: {error}");
        Reply::failure(UNAVAILABLE)
    })?;
    let refused = match employee {
        None => Refused::Credentials,
        Some(employee) if !employee.active => Refused::Blocked,
        Some(employee) if !employee.rights.contains(&Right::CommerceMlImport) => {
            Refused::NoRight(Right::CommerceMlImport)
        }
        Some(employee) => match &credentials.basic {
            Some((login, _))
                if !sklad_cyrillic::decode(login)
                    .trim()
                    .eq_ignore_ascii_case(&employee.email) =>
            {
                Refused::Credentials
            }
            _ => {
                if let Err(error) = session::touch(&app.sql, tenant, &session, now).await {
                    eprintln!("exchange: {error}");
                }
                return Ok(session);
            }
        },
    };
    Err(turned_away(app, tenant, &refused, now).await)
}

/// Tells the client, and the merchant's journal, why a login was refused. Mistyped passwords are counted
/// elsewhere; here they would let strangers fill the journal.
async fn turned_away<S: Sql, K: Kv>(
    app: &App<S, K>,
    tenant: &str,
    refused: &Refused,
    now: i64,
) -> Reply {
    if let Refused::Sql(error) = refused {
        eprintln!("exchange: {error}");
    }
    if matches!(refused, Refused::Blocked | Refused::NoRight(_)) {
        let row = record("", Outcome::Error, format!("Обмену отказано: {refused}"));
        tell(&app.sql, tenant, &row, now).await;
    }
    Reply::failure(refused.to_string())
}

async fn perform<S: Sql, K: Kv, C: Clock>(
    call: &Call<'_, S, K, C>,
    mode: Mode,
    body: &mut impl Body,
) -> Result<Reply, Error> {
    if !matches!(mode, Mode::File | Mode::Import | Mode::Deactivate) {
        go_on(call, GO_ON_MS).await;
    }
    match (mode, call.kind) {
        (Mode::Checkauth, _) => checkauth(call).await,
        (Mode::Init, _) => init(call).await,
        (Mode::File, _) => {
            let reply = file(call, body).await?;
            go_on(call, GO_ON_FILE_MS).await;
            Ok(reply)
        }
        (Mode::Import, Kind::Catalog) => import(call).await,
        (Mode::Import, Kind::Sale) => sale::import(call).await,
        (Mode::Deactivate, _) => deactivate(call).await,
        (Mode::Complete, _) => complete(call).await,
        (Mode::Query, _) => sale::query(call).await,
        (Mode::Success, _) => sale::success(call).await,
        (Mode::Info, _) => sale::info(call).await,
    }
}

/// Works on what nobody asks for. Whatever goes wrong there is not this client's business.
async fn go_on<S: Sql, K: Kv, C: Clock>(call: &Call<'_, S, K, C>, budget_ms: i64) {
    if let Err(error) = import::go_on(call, budget_ms).await {
        eprintln!("exchange: {error}");
    }
}

/// What is to be done for a tenant when no client comes: imports that were left go on, files that nobody
/// asked for are imported, exchanges of which nobody has heard for long end, and what is of no use any more
/// is freed. `budget_ms` is in milliseconds; answers when it is to be called again, milliseconds since 1970
/// UTC, or nothing where nothing is left.
///
/// # Errors
/// Internal ones.
pub async fn housekeeping<S: Sql, K: Kv, C: Clock>(
    app: &App<S, K>,
    clock: &C,
    tenant: &Tenant,
    budget_ms: i64,
) -> Result<Option<i64>, Error> {
    let query = Query::default();
    let settings = tenant.section();
    let settings = settings.map_err(|error| SqlError::Other(error.to_string()))?;
    let call = Call {
        app,
        clock,
        tenant,
        settings: &settings,
        session: Session::default(),
        token: None,
        kind: Kind::Catalog,
        query: &query,
    };
    import::go_alone(&call, budget_ms).await?;
    import::end_exchanges(&call).await?;
    sweep::sweep(&app.sql, call.slug(), clock, SWEEP_MS).await?;
    import::next_look(&call).await
}

/// §1.2. The fifth line is echoed by `deactivate`.
async fn checkauth<S: Sql, K: Kv, C: Clock>(call: &Call<'_, S, K, C>) -> Result<Reply, Error> {
    // What was done since the request came belongs to the new session.
    let (sql, now) = (&call.app.sql, call.session.created_at);
    let cookie = session::begin(sql, call.slug(), &call.session.employee, now).await?;
    sweep::sweep(sql, call.slug(), call.clock, SWEEP_MS).await?;
    import::end_exchanges(call).await?;
    let mut lines = vec![
        COOKIE.to_owned(),
        cookie.clone(),
        format!("sessid={}", session::token(&cookie)),
    ];
    if call.kind == Kind::Catalog {
        lines.push(format!("timestamp={}", now / 1000));
    }
    let cookie = format!("{COOKIE}={cookie}; Path=/; HttpOnly; SameSite=Lax");
    Ok(Reply::LoggedIn { lines, cookie })
}

/// §1.3.
async fn init<S: Sql, K: Kv, C: Clock>(call: &Call<'_, S, K, C>) -> Result<Reply, Error> {
    let (settings, now) = (call.settings(), call.clock.now_ms());
    session::reset(&call.app.sql, call.slug(), &call.session, call.kind, now).await?;
    let zip = if settings.zip { "yes" } else { "no" };
    let mut lines = vec![
        format!("zip={zip}"),
        format!("file_limit={}", settings.chunk_limit_bytes),
    ];
    if let Some(version) = &call.query.version {
        let ours = match call.kind {
            // What is no version is answered with ours (§1.10).
            Kind::Catalog => document::agreed(version).unwrap_or(SCHEMA).to_owned(),
            Kind::Sale => sale::version(call, version).await?,
        };
        if let Some(token) = &call.token {
            lines.push(format!("sessid={token}"));
        }
        lines.push(format!("version={ours}"));
    }
    Ok(Reply::Settings(lines))
}

/// §1.4.
async fn file<S: Sql, K: Kv, C: Clock>(
    call: &Call<'_, S, K, C>,
    body: &mut impl Body,
) -> Result<Reply, Error> {
    let name = names::sanitised(&call.query.filename)?;
    let kind = names::kind(&name)?;
    if kind == FileKind::Picture && !call.settings().images {
        drain(body).await?;
        return Ok(Reply::success());
    }
    let (sql, limit) = (&call.app.sql, call.settings().chunk_limit_bytes);
    let place = call.place(&name);
    let now = call.clock.now_ms();
    let received = upload::receive(sql, place, kind, limit, body, upload::MAX_BODY_BYTES, now);
    let (upload, action) = received.await?;
    match kind {
        FileKind::Picture if action != Action::Repeated && upload.last_size < limit => {
            import::keep_picture(call, &upload).await?;
        }
        _ if call.kind == Kind::Sale => return sale::received(call, &upload, kind).await,
        _ => {}
    }
    Ok(Reply::success())
}

/// Takes a body that nobody wants, so that the client can finish sending it.
async fn drain(body: &mut impl Body) -> Result<(), Error> {
    let mut size = 0usize;
    while let Some(bytes) = body.chunk().await.map_err(|_| Error::Broken)? {
        size = size.saturating_add(bytes.len());
        if u64::try_from(size).is_ok_and(|size| size > upload::MAX_BODY_BYTES) {
            return Err(Error::TooLarge);
        }
    }
    Ok(())
}

/// §1.5.
async fn import<S: Sql, K: Kv, C: Clock>(call: &Call<'_, S, K, C>) -> Result<Reply, Error> {
    let name = names::sanitised(&call.query.filename)?;
    Ok(match import::request(call, &name).await? {
        Ended::Progress(text) => Reply::Progress(text),
        Ended::Done => Reply::success(),
        Ended::Failed(text) => Reply::Failure(text),
    })
}

/// §1.7.
async fn deactivate<S: Sql, K: Kv, C: Clock>(call: &Call<'_, S, K, C>) -> Result<Reply, Error> {
    let timestamp = call.query.timestamp.as_deref().unwrap_or_default();
    let Some(since) = timestamp
        .trim()
        .parse()
        .ok()
        .filter(|since: &i64| *since > 0)
    else {
        return Ok(Reply::failure("Не указано время начала обмена (timestamp)"));
    };
    Ok(match import::deactivate(call, since).await? {
        Ended::Progress(text) => Reply::Progress(text),
        Ended::Done => Reply::success(),
        Ended::Failed(text) => Reply::Failure(text),
    })
}

/// §1.7.
async fn complete<S: Sql, K: Kv, C: Clock>(call: &Call<'_, S, K, C>) -> Result<Reply, Error> {
    import::settle_pictures(call).await?;
    import::end_this(call).await?;
    sweep::sweep(&call.app.sql, call.slug(), call.clock, SWEEP_MS).await?;
    Ok(Reply::success())
}

/// What an error is to the client, and to the merchant's journal.
async fn failed<S: Sql, K: Kv, C: Clock>(call: &Call<'_, S, K, C>, error: &Error) -> Reply {
    if error.is_internal() {
        eprintln!("exchange: {error}");
        return Reply::failure(UNAVAILABLE);
    }
    let name = names::sanitised(&call.query.filename).unwrap_or_default();
    let row = record(&name, Outcome::Error, format!("Обмен: {error}"));
    tell(&call.app.sql, call.slug(), &row, call.clock.now_ms()).await;
    Reply::failure(error.to_string())
}

/// A row of the journal about an exchange.
pub(crate) fn record(object: &str, outcome: Outcome, text: String) -> Record {
    Record {
        direction: Direction::In,
        action: "exchange",
        object: object.to_owned(),
        customer: None,
        outcome,
        text,
        detail: None,
    }
}

/// Writes a row of the journal. Where even this cannot be written, the answer says so already.
async fn tell(sql: &impl Sql, tenant: &str, row: &Record, now: i64) {
    if let Err(error) = sql.atomic(vec![row.statement(tenant, now)]).await {
        eprintln!("exchange: journal: {error}");
    }
}
