//! `POST /internal/tick`.

use http::header::{ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use serde_json::{Value, json};
use sklad_jobs::tick::Tick;
use sklad_moysklad::vendor::settle;
use sklad_store::{Clock, Http, Kv, Sql};
use sklad_tenant::App;

use crate::kinds::Handlers;

/// For how long a tick works when it is not told, in milliseconds.
pub const BUDGET_MS: i64 = 20_000;
/// The longest that a tick can be told to work, in milliseconds.
pub const BUDGET_MAX_MS: i64 = 300_000;

/// A refusal.
struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
    header: Option<(HeaderName, &'static str)>,
}

impl Refusal {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            header: None,
        }
    }
}

/// Answers one request: `budget_ms` is for how long to work (0…[`BUDGET_MAX_MS`]), `once` (`true` or
/// `false`) whether to end as soon as nothing is due. The operator's token is needed. The body is not read.
pub async fn handle<S: Sql, K: Kv, B>(
    app: &App<S, K>,
    http: &impl Http,
    clock: &impl Clock,
    request: Request<B>,
) -> Response<Vec<u8>> {
    match tick(app, http, clock, &request).await {
        Ok(counts) => answer(StatusCode::OK, &counts, None),
        Err(refusal) => {
            let body = json!({ "error": { "code": refusal.code, "message": refusal.message } });
            answer(refusal.status, &body, refusal.header)
        }
    }
}

async fn tick<S: Sql, K: Kv, B>(
    app: &App<S, K>,
    http: &impl Http,
    clock: &impl Clock,
    request: &Request<B>,
) -> Result<Value, Refusal> {
    authorize(app, request)?;
    if request.method() != Method::POST {
        let message = "Для этого адреса метод не поддерживается";
        let status = StatusCode::METHOD_NOT_ALLOWED;
        let mut refusal = Refusal::new(status, "method_not_allowed", message);
        refusal.header = Some((ALLOW, "POST"));
        return Err(refusal);
    }
    let (budget_ms, once) = query(request.uri().query().unwrap_or_default())?;
    let tick = Tick {
        sql: &app.sql,
        http,
        clock,
        runner: &Handlers { app, http, clock },
    };
    let failed = |error: &dyn std::fmt::Display| {
        eprintln!("tick: {error}");
        let message = "База данных недоступна: повторите запрос";
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message)
    };
    solutions(app, http, clock, budget_ms).await;
    let counts = tick.run(budget_ms, once).await.map_err(|e| failed(&e))?;
    serde_json::to_value(counts).map_err(|e| failed(&e))
}

/// Tells МойСклад what it does not know of our solutions yet; what fails is due later again and keeps the
/// tick from nothing.
async fn solutions<S: Sql, K: Kv>(
    app: &App<S, K>,
    http: &impl Http,
    clock: &impl Clock,
    budget_ms: i64,
) {
    let until = clock.now_ms().saturating_add(budget_ms / 2);
    if let Err(error) = settle::due(app, http, clock, until).await {
        eprintln!("tick: {}", error.internal().unwrap_or_default());
    }
}

fn authorize<S: Sql, K: Kv, B>(app: &App<S, K>, request: &Request<B>) -> Result<(), Refusal> {
    let header = request.headers().get(AUTHORIZATION);
    let scheme = header.and_then(|h| h.to_str().ok()?.split_once(' '));
    let known = scheme.is_some_and(|(scheme, token)| {
        scheme.eq_ignore_ascii_case("bearer") && app.config.is_operator(token)
    });
    if known {
        return Ok(());
    }
    let message = "Нужен токен оператора";
    let mut refusal = Refusal::new(StatusCode::UNAUTHORIZED, "unauthorized", message);
    refusal.header = Some((WWW_AUTHENTICATE, "Bearer"));
    Err(refusal)
}

fn query(text: &str) -> Result<(i64, bool), Refusal> {
    let bad = |message: String| Refusal::new(StatusCode::BAD_REQUEST, "bad_request", message);
    let (mut budget_ms, mut once) = (BUDGET_MS, false);
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=').unwrap_or((pair, "")) {
            ("budget_ms", value) => {
                let given = value.parse().ok();
                let within = given.filter(|ms| (0..=BUDGET_MAX_MS).contains(ms));
                budget_ms = within
                    .ok_or_else(|| bad(format!("budget_ms: число от 0 до {BUDGET_MAX_MS}")))?;
            }
            ("once", "true") => once = true,
            ("once", "false") => once = false,
            ("once", _) => return Err(bad("once: true или false".to_owned())),
            _ => return Err(bad("Возможны только budget_ms и once".to_owned())),
        }
    }
    Ok((budget_ms, once))
}

fn answer(
    status: StatusCode,
    body: &Value,
    header: Option<(HeaderName, &'static str)>,
) -> Response<Vec<u8>> {
    let mut response = Response::new(body.to_string().into_bytes());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some((name, value)) = header {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
