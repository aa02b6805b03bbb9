//! Pictures of goods, for whoever knows their hash: shops and cabinets show them.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use sklad_catalog::pictures;
use sklad_store::{Kv, Sql};
use sklad_tenant::App;
use sklad_tenant::address::tenant_in_request;

use crate::request::header;

/// Nobody sends a body here.
pub const BODY_LIMIT: usize = 0;
/// What precedes the hash in the address.
const PATH: &str = "/pictures/";
/// The bytes of a hash never change.
const FOREVER: &str = "public, max-age=31536000, immutable";
/// The length of a hash in hexadecimal digits.
const HASH_CHARS: usize = 64;

/// Answers `GET /pictures/{hash}` and `/t/{tenant}/pictures/{hash}`.
pub async fn handle<S: Sql, K: Kv>(
    app: &App<S, K>,
    now_ms: i64,
    request: Request<Bytes>,
) -> Response<Vec<u8>> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return empty(StatusCode::METHOD_NOT_ALLOWED);
    }
    let host = header(request.headers(), "host");
    let domain = app.config.base_domain.as_deref();
    let (slug, path) = tenant_in_request(host, request.uri().path(), domain);
    let hash = path.strip_prefix(PATH).unwrap_or_default();
    let is_hash = hash.len() == HASH_CHARS && hash.bytes().all(|b| b.is_ascii_hexdigit());
    let Some(slug) = slug.filter(|_| is_hash) else {
        return empty(StatusCode::NOT_FOUND);
    };
    let hash = hash.to_ascii_lowercase();
    let tag = format!("\"{hash}\"");
    let known = header(request.headers(), IF_NONE_MATCH.as_str());
    if known.is_some_and(|tags| {
        tags.split(',')
            .any(|t| t.trim().trim_start_matches("W/") == tag)
    }) {
        return cached(empty(StatusCode::NOT_MODIFIED), &tag);
    }
    match app.tenant(&slug, now_ms).await {
        Ok(Some(_)) => {}
        Ok(None) => return empty(StatusCode::NOT_FOUND),
        Err(error) => return unavailable(&error),
    }
    match pictures::get(&app.sql, slug.as_str(), &hash).await {
        Ok(Some(picture)) => {
            let mut response = Response::new(picture.bytes);
            if let Ok(kind) = HeaderValue::from_str(&picture.media_type) {
                response.headers_mut().insert(CONTENT_TYPE, kind);
            }
            // What it says it is, it is: nothing is guessed from the bytes.
            let sniff = HeaderValue::from_static("nosniff");
            response
                .headers_mut()
                .insert("x-content-type-options", sniff);
            cached(response, &tag)
        }
        Ok(None) => empty(StatusCode::NOT_FOUND),
        Err(error) => unavailable(&error),
    }
}

fn empty(status: StatusCode) -> Response<Vec<u8>> {
    let mut response = Response::new(Vec::new());
    *response.status_mut() = status;
    response
}

fn unavailable(error: &impl std::fmt::Display) -> Response<Vec<u8>> {
    eprintln!("pictures: {error}");
    empty(StatusCode::SERVICE_UNAVAILABLE)
}

fn cached(mut response: Response<Vec<u8>>, tag: &str) -> Response<Vec<u8>> {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(FOREVER));
    if let Ok(tag) = HeaderValue::from_str(tag) {
        headers.insert(ETAG, tag);
    }
    response
}
