//! `POST /hooks/insales/{tenant}/{token}`: a call is written down and answered; the tick does the rest.
//!
//! Nothing is known of what a shop does with a call that was not answered well, so 200 means that it is on
//! the disk, and what is understood in part is taken.

use bytes::Bytes;
use http::header::ALLOW;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use sklad_jobs::inbox;
use sklad_store::{Kv, Sql, SqlError};
use sklad_tenant::{App, Slug};

use super::{PREFIX, SOURCE, hooks, wire};

/// The largest body, in bytes: a batch of products with everything.
pub const BODY_LIMIT: usize = 4 * 1024 * 1024;

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
    let Some(connection) = hooks::find(sql, tenant.as_str(), token).await? else {
        return Ok(StatusCode::NOT_FOUND);
    };
    if request.body().len() > BODY_LIMIT {
        return Ok(StatusCode::PAYLOAD_TOO_LARGE);
    }
    let Ok(messages) = wire::messages(request.body(), &connection) else {
        return Ok(StatusCode::BAD_REQUEST);
    };
    if !messages.is_empty() {
        let receive = inbox::receive(tenant.as_str(), SOURCE, &messages, now);
        sql.atomic(vec![receive]).await?;
    }
    Ok(StatusCode::OK)
}
