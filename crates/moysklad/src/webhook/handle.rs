//! `POST /hooks/moysklad/{tenant}/{token}`: a call is written down and answered; the tick does the rest.
//!
//! МойСклад waits 1.5 s and tells nothing again that was answered (§2.3), so 204 means that it is on the
//! disk. A refusal only costs three repetitions; a receiver that refuses everything for a week is switched
//! off (§2.7), so what is understood in part is taken.

use bytes::Bytes;
use http::header::ALLOW;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use sklad_jobs::inbox;
use sklad_store::{Kv, Sql, SqlError};
use sklad_tenant::{App, Slug};
use uuid::Uuid;

use super::{PREFIX, SOURCE, hooks, wire};

/// The largest body, in bytes: some four thousand events.
pub const BODY_LIMIT: usize = 1024 * 1024;

/// Answers one call; `now` is milliseconds since 1970 UTC.
pub async fn handle<S: Sql, K: Kv>(
    app: &App<S, K>,
    now: i64,
    request: Request<Bytes>,
) -> Response<Vec<u8>> {
    let mut response = Response::new(Vec::new());
    *response.status_mut() = match take(&app.sql, now, &request).await {
        Ok(status) => status,
        Err(error) => {
            eprintln!("webhook: {error}");
            StatusCode::SERVICE_UNAVAILABLE
        }
    };
    if response.status() == StatusCode::METHOD_NOT_ALLOWED {
        let post = HeaderValue::from_static("POST");
        response.headers_mut().insert(ALLOW, post);
    }
    response
}

async fn take(sql: &impl Sql, now: i64, request: &Request<Bytes>) -> Result<StatusCode, SqlError> {
    let path = request.uri().path().strip_prefix(PREFIX);
    let parts = path.and_then(|path| path.split_once('/'));
    let Some((tenant, token)) = parts.and_then(|(t, w)| Some((t.parse::<Slug>().ok()?, w))) else {
        return Ok(StatusCode::NOT_FOUND);
    };
    if request.method() != Method::POST {
        return Ok(StatusCode::METHOD_NOT_ALLOWED);
    }
    let Some(hook) = hooks::find(sql, tenant.as_str(), token).await? else {
        return Ok(StatusCode::NOT_FOUND);
    };
    if request.body().len() > BODY_LIMIT {
        return Ok(StatusCode::PAYLOAD_TOO_LARGE);
    }
    let request_id = request_id(request.uri().query().unwrap_or_default());
    let Ok(messages) = wire::messages(request.body(), &request_id, hook.expected()) else {
        return Ok(StatusCode::BAD_REQUEST);
    };
    if !messages.is_empty() {
        let receive = inbox::receive(tenant.as_str(), SOURCE, &messages, now);
        sql.atomic(vec![receive]).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// The name of the call, the same in its repetitions; one of our own where there is none, since a second
/// change must not be taken for the first.
fn request_id(query: &str) -> String {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let given = pairs.into_iter().find(|(name, _)| *name == "requestId");
    match given {
        Some((_, id)) if !id.is_empty() => id.to_lowercase(),
        _ => Uuid::new_v4().to_string(),
    }
}
