//! The endpoints that МойСклад calls (moysklad-loyalty.md §6.2).
//!
//! The status is the message: 4xx and 551 end an installation for good, any other 5xx is repeated. So a
//! fault of ours is 503, and 4xx means that no repetition can help.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use sha2::{Digest, Sha256};
use sklad_jobs::journal::{Direction, Outcome, Record};
use sklad_store::{Kv, Row, Sql, SqlError, Statement};
use sklad_tenant::App;
use sklad_tenant::moysklad::Solution;

use super::accounts::{self, Account, State, Weight};
use super::jwt::{self, Claims};
use super::life::{self, On};
use super::wire::{self, Cause, Off, Status};
use super::{Error, settle};
use crate::api::Access;
use crate::sync::plan::{self, Changed};

/// What stands before `{appId}/{accountId}`.
pub const PREFIX: &str = "/api/moysklad/vendor/1.0/apps/";
/// The largest body, in bytes: a list of all permissions has a tenth of it.
pub const BODY_LIMIT: usize = 256 * 1024;
/// How often a call begins anew because somebody else has changed the account.
const ATTEMPTS: usize = 8;
/// The longest request id that is kept, in bytes.
const MAX_REQUEST_ID: usize = 200;

/// An answer, as it is also kept for a repetition of the call.
struct Answer {
    status: StatusCode,
    body: String,
}

impl Answer {
    fn empty(status: StatusCode) -> Self {
        Self {
            status,
            body: String::new(),
        }
    }

    fn status(status: Status) -> Self {
        Self {
            status: StatusCode::OK,
            body: serde_json::to_string(&status).unwrap_or_default(),
        }
    }

    fn error(status: StatusCode, text: &str) -> Self {
        let error = serde_json::json!({ "error": text, "code": status.as_u16() });
        Self {
            status,
            body: serde_json::json!({ "errors": [error] }).to_string(),
        }
    }

    fn into_http(self) -> Response<Vec<u8>> {
        let mut response = Response::new(self.body.into_bytes());
        *response.status_mut() = self.status;
        if !response.body().is_empty() {
            let json = HeaderValue::from_static("application/json");
            response.headers_mut().insert(CONTENT_TYPE, json);
        }
        response
    }
}

/// What is asked.
enum Asked {
    Put(wire::Activation),
    Delete(Off),
    Get,
    Event(String),
}

/// A call whose token is good.
struct Call<'a> {
    solution: &'a Solution,
    account: String,
    asked: Asked,
    claims: Claims,
    request_id: String,
    digest: String,
}

/// Answers one call; `now` is milliseconds since 1970 UTC.
pub async fn handle<S: Sql, K: Kv>(
    app: &App<S, K>,
    now: i64,
    request: Request<Bytes>,
) -> Response<Vec<u8>> {
    let answer = match read(app, now, &request) {
        Ok(call) => decide(app, now, &call).await,
        Err(refused) => refused,
    };
    answer.into_http()
}

fn read<'a, S: Sql, K: Kv>(
    app: &'a App<S, K>,
    now: i64,
    request: &Request<Bytes>,
) -> Result<Call<'a>, Answer> {
    let nowhere = || Answer::error(StatusCode::NOT_FOUND, "no such address");
    let path = request.uri().path().strip_prefix(PREFIX);
    let mut parts = path.ok_or_else(nowhere)?.split('/');
    let mut id = || parts.next().and_then(wire::uuid).ok_or_else(nowhere);
    let (app_id, account) = (id()?, id()?);
    let event = match (parts.next(), parts.next()) {
        (None, _) => false,
        (Some("event"), None) => true,
        _ => return Err(nowhere()),
    };
    let (solution, claims) = authenticate(app, now, &app_id, request.headers())?;
    let body = request.body();
    if body.len() > BODY_LIMIT {
        return Err(Answer::error(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the body is too large",
        ));
    }
    Ok(Call {
        solution,
        account,
        asked: asked(request.method(), event, body)?,
        claims,
        request_id: request_id(request.headers()),
        digest: digest(request),
    })
}

/// The solution whose secret has signed the call. A solution that we do not know and a wrong signature
/// are told alike.
fn authenticate<'a, S: Sql, K: Kv>(
    app: &'a App<S, K>,
    now: i64,
    app_id: &str,
    headers: &HeaderMap,
) -> Result<(&'a Solution, Claims), Answer> {
    let refused = || Answer::error(StatusCode::UNAUTHORIZED, "the token is not valid");
    let Some(solution) = app.config.moysklad.solution(app_id) else {
        eprintln!("vendor: the solution {app_id} is not in moysklad_apps_credentials");
        return Err(refused());
    };
    let header = headers.get(http::header::AUTHORIZATION);
    let bearer = header.and_then(|h| h.to_str().ok()?.split_once(' '));
    let token = bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let (_, token) = token.ok_or_else(refused)?;
    match jwt::verify(&solution.secret_key, token.trim(), now.div_euclid(1000)) {
        Ok(claims) => Ok((solution, claims)),
        Err(e) => {
            eprintln!("vendor: a call to the solution {app_id} was refused: {e}");
            Err(refused())
        }
    }
}

fn asked(method: &Method, event: bool, body: &[u8]) -> Result<Asked, Answer> {
    let read = match (method, event) {
        (&Method::PUT, false) => wire::activation(body).map(Asked::Put),
        (&Method::DELETE, false) => wire::deactivation(body).map(Asked::Delete),
        (&Method::GET, false) => Ok(Asked::Get),
        (&Method::PUT | &Method::POST, true) => wire::event(body).map(Asked::Event),
        _ => {
            let status = StatusCode::METHOD_NOT_ALLOWED;
            return Err(Answer::error(status, "no such method"));
        }
    };
    read.map_err(|e| {
        let text = format!("the body cannot be read: {e}");
        Answer::error(StatusCode::BAD_REQUEST, &text)
    })
}

/// The name of the call, the same in its repetitions. МойСклад writes it with underscores; there are
/// proxies that make hyphens of them, and some drop it.
fn request_id(headers: &HeaderMap) -> String {
    let names = ["x_lognex_requestid", "x-lognex-requestid"];
    let value = names.iter().find_map(|name| headers.get(*name));
    let text = value.and_then(|v| v.to_str().ok()).unwrap_or_default();
    text.trim().chars().take(MAX_REQUEST_ID).collect()
}

fn digest(request: &Request<Bytes>) -> String {
    let mut hash = Sha256::new();
    hash.update(request.method().as_str());
    hash.update([0]);
    hash.update(request.uri().path());
    hash.update([0]);
    hash.update(request.body());
    hex::encode(hash.finalize())
}

/// Answers a call that has not been answered yet, with its effect and the answer in one batch, so that
/// its repetition has neither a second effect nor another answer.
async fn decide<S: Sql, K: Kv>(app: &App<S, K>, now: i64, call: &Call<'_>) -> Answer {
    for _ in 0..ATTEMPTS {
        match attempt(app, now, call).await {
            Ok(answer) => return answer,
            Err(Error::Sql(SqlError::Conflict | SqlError::Constraint(_))) => {}
            Err(e) => {
                eprintln!("vendor: {}", e.internal().unwrap_or_default());
                break;
            }
        }
    }
    Answer::error(StatusCode::SERVICE_UNAVAILABLE, "repeat the call")
}

async fn attempt<S: Sql, K: Kv>(
    app: &App<S, K>,
    now: i64,
    call: &Call<'_>,
) -> Result<Answer, Error> {
    if let Some(row) = answered(&app.sql, call).await? {
        return Ok(again(&row, call));
    }
    let known = accounts::find(&app.sql, &call.solution.app_id, &call.account).await?;
    let tenant = known.as_ref().map(|account| account.tenant.clone());
    let Effect {
        answer,
        mut rows,
        revoked,
    } = match &call.asked {
        Asked::Put(put) => switch_on(app, now, call, put, known)?,
        Asked::Delete(off) => switch_off(app, now, call, *off, known)?,
        Asked::Get => Effect::none(told(known.as_ref())),
        Asked::Event(cause) => event(now, cause, known.as_ref()),
    };
    rows.push(kept(call, &answer, now));
    app.sql.atomic(rows).await?;
    if matches!(call.asked, Asked::Put(_) | Asked::Delete(_)) {
        let tenant = tenant.unwrap_or_default();
        plan::plan(app, &tenant, Changed::Connection, now).await;
    }
    if let Some(account) = revoked {
        // What does not succeed now is due, and is done by the schedule.
        if let Err(e) = settle::revoke(app, &account, now).await {
            eprintln!("vendor: {}", e.internal().unwrap_or_default());
        }
    }
    Ok(answer)
}

async fn answered(sql: &impl Sql, call: &Call<'_>) -> Result<Option<Row>, SqlError> {
    let statement = Statement::new(
        "SELECT request_id, digest, status, answer FROM moysklad_calls \
         WHERE tenant = '' AND app_id = ?1 AND jti = ?2",
    )
    .bind(&call.solution.app_id)
    .bind(&call.claims.jti);
    Ok(sql.query(statement).await?.into_iter().next())
}

/// The answer to a token that was here before: the same to the same call, else none (§6.1).
fn again(row: &Row, call: &Call<'_>) -> Answer {
    let same = row.text(0) == Some(&call.request_id) && row.text(1) == Some(&call.digest);
    let status = row.int(2).and_then(|s| u16::try_from(s).ok());
    let status = status.and_then(|s| StatusCode::from_u16(s).ok());
    match status.filter(|_| same) {
        Some(status) => Answer {
            status,
            body: row.string(3),
        },
        None => Answer::error(StatusCode::UNAUTHORIZED, "the token is not valid"),
    }
}

fn kept(call: &Call<'_>, answer: &Answer, now: i64) -> Statement {
    Statement::new(
        "INSERT INTO moysklad_calls (tenant, app_id, jti, request_id, digest, status, answer, at, \
         expires_at) VALUES ('', ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )
    .bind(&call.solution.app_id)
    .bind(&call.claims.jti)
    .bind(&call.request_id)
    .bind(&call.digest)
    .bind(i64::from(answer.status.as_u16()))
    .bind(&answer.body)
    .bind(now)
    .bind(call.claims.forgotten_at().saturating_mul(1000))
}

/// What a call does.
struct Effect {
    answer: Answer,
    rows: Vec<Statement>,
    /// The account, where keys of it are to be revoked at once.
    revoked: Option<Account>,
}

impl Effect {
    fn none(answer: Answer) -> Self {
        Self {
            answer,
            rows: Vec::new(),
            revoked: None,
        }
    }
}

fn switch_on<S: Sql, K: Kv>(
    app: &App<S, K>,
    now: i64,
    call: &Call<'_>,
    put: &wire::Activation,
    known: Option<Account>,
) -> Result<Effect, Error> {
    let master_key = &app.config.master_key;
    let was = known.as_ref().map(|account| account.state);
    let fresh = || Account::installed(call.solution, &call.account);
    let mut account = known.unwrap_or_else(fresh);
    let before = account.clone();
    let token = put.token.clone().map(Access::Token);
    let news = was.is_none() || life::is_news(&account, call.claims.iat);
    let stored = account.access(master_key).unwrap_or_default();
    let on = On {
        cause: put.cause,
        iat: call.claims.iat,
        new_token: token.is_some() && token != stored,
    };
    let status = life::switch_on(&mut account, on, now);
    // A token that comes for a solution that is off is that of a call which is late.
    if on.new_token && news && account.state.is_on() {
        account.set_access(master_key, token.as_ref())?;
    }
    account.app_uid.clone_from(&call.solution.app_uid);
    account.weight = Weight::of(call.solution);
    account.account_name = put.account_name.clone().unwrap_or(account.account_name);
    account.subscription = put.subscription.clone().or(account.subscription);
    let mut rows = Vec::new();
    if account != before || was.is_none() {
        rows.push(account.save(now));
        let text = words_on(put, was, account.state);
        rows.extend(journal(&account, text.map(|t| (Outcome::Ok, t)), now));
    }
    let revoked = (account.retire_at == Some(now)).then_some(account);
    Ok(Effect {
        answer: Answer::status(status),
        rows,
        revoked,
    })
}

/// What the merchant is told; nothing where nothing has changed for him.
fn words_on(put: &wire::Activation, was: Option<State>, is: State) -> Option<String> {
    let tariff = || match put.tariff() {
        Some(tariff) => format!(": «{tariff}»"),
        None => String::new(),
    };
    match put.cause {
        Cause::TariffChanged => Some(format!("Изменён тариф решения в МоёмСкладе{}", tariff())),
        Cause::Autoprolongation => Some(format!("Подписка на решение продлена{}", tariff())),
        _ if was == Some(is) => None,
        Cause::Resume => Some("Решение в МоёмСкладе возобновлено, настройки прежние".to_owned()),
        _ => Some("Решение снова установлено в МоёмСкладе, настройки прежние".to_owned()),
    }
}

fn switch_off<S: Sql, K: Kv>(
    app: &App<S, K>,
    now: i64,
    call: &Call<'_>,
    cause: Off,
    known: Option<Account>,
) -> Result<Effect, Error> {
    let off = || Effect::none(Answer::empty(StatusCode::NO_CONTENT));
    let Some(mut account) = known else {
        return Ok(off());
    };
    let was = account.state;
    if !life::switch_off(&mut account, cause, call.claims.iat, now) {
        return Ok(off());
    }
    let mut effect = Effect::none(Answer::empty(StatusCode::OK));
    if account.state == was {
        return Ok(effect);
    }
    account.set_access(&app.config.master_key, None)?;
    if cause == Off::Uninstall {
        settle::forget_pending(app, &mut account, now);
    }
    let text = match cause {
        Off::Suspend => {
            "Решение в МоёмСкладе приостановлено: подписка не оплачена. Настройки сохранены"
        }
        Off::Uninstall => {
            "Решение удалено из МоегоСклада. Настройки и баллы сохранены, его ключ отозван"
        }
    };
    effect.rows.push(account.save(now));
    let told = Some((Outcome::Warning, text.to_owned()));
    effect.rows.extend(journal(&account, told, now));
    effect.revoked = (account.retire_at == Some(now)).then_some(account);
    Ok(effect)
}

fn told(known: Option<&Account>) -> Answer {
    match known.filter(|account| account.state != State::Uninstalled) {
        Some(account) => Answer::status(Status::of(account.state)),
        None => Answer::error(StatusCode::NOT_FOUND, "not installed"),
    }
}

/// An event. What its token may do has changed at МойСклад: the next call with it shows.
fn event(now: i64, cause: &str, known: Option<&Account>) -> Effect {
    let mut effect = Effect::none(Answer::empty(StatusCode::OK));
    if let ("PermissionsChanged", Some(account)) = (cause, known) {
        let text = "Изменены права решения в МоёмСкладе".to_owned();
        effect.rows = journal(account, Some((Outcome::Ok, text)), now);
    }
    effect
}

/// The row of the merchant's journal, where there is a merchant yet.
pub(super) fn journal(
    account: &Account,
    told: Option<(Outcome, String)>,
    now: i64,
) -> Vec<Statement> {
    let row = told.filter(|_| account.is_bound()).map(|(outcome, text)| {
        let record = Record {
            direction: Direction::In,
            action: "connection",
            object: account.account_name.clone(),
            customer: None,
            outcome,
            text,
            detail: None,
        };
        record.statement(&account.tenant, now)
    });
    row.into_iter().collect()
}
