//! The activation over HTTP, for the page that МойСклад shows as the solution's main window:
//!
//! | request below [`PREFIX`] | body | answers |
//! |---|---|---|
//! | `POST /context` | `{"appId", "contextKey"}` or `{"appId", "token"}` | who it is, his session, how far the account is |
//! | `GET /state` | – | the same without the session |
//! | `POST /activate` | [`Existing`] | how far the account is, a session of the cabinet |
//! | `POST /register` | [`Registration`] | the same |
//!
//! All but the first need `Authorization: Bearer` with the session. 202 says that МойСклад did not answer
//! and that it goes on by itself. Errors are `{"error": {"code", "message", "path"?}}`, the message in
//! Russian for the merchant.

use bytes::Bytes;
use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use sklad_access::Refused;
use sklad_store::{Http, Kv, Sql};
use sklad_tenant::App;

use super::activation::{self, Existing, Registration, Standing};
use super::apps::User;
use super::users::{self, Begun, Proof, Session};
use super::{Error, settle};

/// What stands before the routes.
pub const PREFIX: &str = "/api/moysklad/activation";
/// The largest body, in bytes.
pub const BODY_LIMIT: usize = 16 * 1024;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Opened {
    app_id: String,
    context_key: Option<String>,
    token: Option<String>,
}

/// Answers one request; `now` is milliseconds since 1970 UTC.
pub async fn handle<S: Sql, K: Kv>(
    app: &App<S, K>,
    http: &impl Http,
    now: i64,
    request: Request<Bytes>,
) -> Response<Vec<u8>> {
    match route(app, http, now, &request).await {
        Ok((status, body)) => response(status, &body),
        Err(error) => refused(&error),
    }
}

type Answer = Result<(StatusCode, Value), Error>;

async fn route<S: Sql, K: Kv>(
    app: &App<S, K>,
    http: &impl Http,
    now: i64,
    request: &Request<Bytes>,
) -> Answer {
    let path = request
        .uri()
        .path()
        .strip_prefix(PREFIX)
        .unwrap_or_default();
    match (request.method(), path) {
        (&Method::POST, "/context") => opened(app, http, now, request).await,
        (&Method::GET, "/state") => {
            let (_, session) = entered(app, now, request).await?;
            let account = activation::account(app, &session).await?;
            let standing = Standing::of(&account);
            Ok((StatusCode::OK, told(app, &session, &standing)))
        }
        (&Method::POST, "/activate") => {
            let given: Existing = body(request)?;
            let (token, session) = entered(app, now, request).await?;
            let client = client(request.headers());
            let address = client.as_deref();
            let done = activation::activate(app, http, &session, &given, address, now).await;
            connected(app, now, &token, &session, done.map(drop)).await
        }
        (&Method::POST, "/register") => {
            let given: Registration = body(request)?;
            let (token, session) = entered(app, now, request).await?;
            let done = activation::register(app, http, &session, &given, now).await;
            connected(app, now, &token, &session, done.map(drop)).await
        }
        _ => {
            let error = json!({ "code": "not_found", "message": "Нет такого адреса" });
            Ok((StatusCode::NOT_FOUND, json!({ "error": error })))
        }
    }
}

async fn opened<S: Sql, K: Kv>(
    app: &App<S, K>,
    http: &impl Http,
    now: i64,
    request: &Request<Bytes>,
) -> Answer {
    let opened: Opened = body(request)?;
    let proof = match (&opened.context_key, &opened.token) {
        (Some(key), None) => Proof::Key(key),
        (None, Some(token)) => Proof::Token(token),
        _ => return Err(Error::Context),
    };
    let begun = users::enter(app, http, &opened.app_id, proof, now).await?;
    let account = activation::account(app, &begun.session).await?;
    let body = told(app, &begun.session, &Standing::of(&account));
    Ok((StatusCode::OK, with_session(body, &begun)))
}

/// Answers an activation: the account is connected also where МойСклад did not answer. The session that
/// asked is followed by one of the cabinet.
async fn connected<S: Sql, K: Kv>(
    app: &App<S, K>,
    now: i64,
    token: &str,
    session: &Session,
    done: Result<(), Error>,
) -> Answer {
    let status = match done {
        Ok(()) => StatusCode::OK,
        Err(Error::Later) => StatusCode::ACCEPTED,
        Err(e) => return Err(e),
    };
    let account = activation::account(app, session).await?;
    let user = User {
        account: session.account.clone(),
        login: session.login.clone(),
        name: session.name.clone(),
        admin: session.admin,
    };
    let begun = users::begin(&app.sql, &account, &user, now).await?;
    if session.tenant.is_empty() && account.is_bound() {
        app.sql.atomic(vec![users::end(token)]).await?;
    }
    let body = told(app, &begun.session, &Standing::of(&account));
    Ok((status, with_session(body, &begun)))
}

async fn entered<S: Sql, K: Kv>(
    app: &App<S, K>,
    now: i64,
    request: &Request<Bytes>,
) -> Result<(String, Session), Error> {
    let token = bearer(request.headers()).ok_or(Error::Session)?;
    let session = users::session(&app.sql, token, now).await?;
    Ok((token.to_owned(), session))
}

fn client(headers: &HeaderMap) -> Option<String> {
    let header = |name: &str| headers.get(name)?.to_str().ok();
    sklad_access::client(header("spin-client-addr")?, header("x-forwarded-for"))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(token.trim())
}

fn body<T: for<'a> Deserialize<'a>>(request: &Request<Bytes>) -> Result<T, Error> {
    if request.body().len() > BODY_LIMIT {
        return Err(Error::invalid("", "Слишком длинный запрос"));
    }
    let text = std::str::from_utf8(request.body());
    let text = text.map_err(|_| Error::invalid("", "Запрос не в UTF-8"))?;
    serde_json::from_str(text).map_err(|e| {
        // serde_json's text may quote what was sent, and that may be a password.
        let place = format!(
            "Запрос не удалось прочитать: строка {}, позиция {}",
            e.line(),
            e.column()
        );
        Error::invalid("", place)
    })
}

fn told<S: Sql, K: Kv>(app: &App<S, K>, session: &Session, standing: &Standing) -> Value {
    let url = standing.tenant.as_deref();
    let url = url.and_then(|tenant| settle::address(&app.config, tenant).ok());
    json!({
        "state": standing.state,
        "cabinet": standing.tenant,
        "loyaltyUrl": url,
        "pending": standing.pending,
        "refused": standing.refused,
        "user": { "login": session.login, "name": session.name, "admin": session.admin },
    })
}

fn with_session(mut body: Value, begun: &Begun) -> Value {
    if let Some(body) = body.as_object_mut() {
        body.insert("session".to_owned(), json!(begun.token));
        body.insert("expiresAt".to_owned(), json!(begun.session.expires_at));
    }
    body
}

fn response(status: StatusCode, body: &Value) -> Response<Vec<u8>> {
    let mut response = Response::new(body.to_string().into_bytes());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn refused(error: &Error) -> Response<Vec<u8>> {
    if let Some(text) = error.internal() {
        eprintln!("activation: {text}");
    }
    let (status, code) = words(error);
    let mut inside = json!({ "code": code, "message": error.to_string() });
    if let (Error::Invalid { path, .. }, Some(inside)) = (error, inside.as_object_mut()) {
        inside.insert("path".to_owned(), json!(path));
    }
    let mut response = response(status, &json!({ "error": inside }));
    if let Error::Login(Refused::TooMany { retry_after_s }) = error {
        let value = HeaderValue::from(*retry_after_s);
        response.headers_mut().insert(RETRY_AFTER, value);
    }
    response
}

fn words(error: &Error) -> (StatusCode, &'static str) {
    match error {
        Error::Invalid { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "refused"),
        Error::Session | Error::Context => (StatusCode::UNAUTHORIZED, "session"),
        Error::NotAdmin => (StatusCode::FORBIDDEN, "not_admin"),
        Error::Login(Refused::TooMany { .. }) => (StatusCode::TOO_MANY_REQUESTS, "too_many"),
        Error::Login(Refused::Sql(_)) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        Error::Login(_) => (StatusCode::FORBIDDEN, "login"),
        Error::NotInstalled => (StatusCode::CONFLICT, "not_installed"),
        Error::Bound(_) => (StatusCode::CONFLICT, "bound"),
        Error::Taken => (StatusCode::CONFLICT, "taken"),
        Error::Refused(_) => (StatusCode::BAD_GATEWAY, "moysklad"),
        Error::Later => (StatusCode::SERVICE_UNAVAILABLE, "later"),
        Error::Setting(_) => (StatusCode::INTERNAL_SERVER_ERROR, "setting"),
        Error::Random | Error::Seal(_) | Error::Sql(_) | Error::Tenant(_) => {
            (StatusCode::SERVICE_UNAVAILABLE, "unavailable")
        }
    }
}
