//! Requests, from WASI's form into `http`'s.

use bytes::Bytes;
use http::header::{
    AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST, HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH,
};
use http::{HeaderMap, Method, Uri};
use spin_sdk::wasip3::http::types::{self, ErrorCode, Request};
use spin_sdk::wasip3::wit_bindgen::{StreamReader, StreamResult};
use spin_sdk::wasip3::wit_future;

use crate::failed;
use crate::stream::SpinBody;

/// The headers that handlers look at; the others are not read. Hosts give names in lower case.
fn wanted(name: &str) -> Option<HeaderName> {
    Some(match name {
        "host" => HOST,
        "authorization" => AUTHORIZATION,
        "content-type" => CONTENT_TYPE,
        "cookie" => COOKIE,
        "if-match" => IF_MATCH,
        "if-none-match" => IF_NONE_MATCH,
        "idempotency-key" => HeaderName::from_static("idempotency-key"),
        "spin-client-addr" => HeaderName::from_static("spin-client-addr"),
        "x-forwarded-for" => HeaderName::from_static("x-forwarded-for"),
        "lognex-discount-api-auth-token" => {
            HeaderName::from_static("lognex-discount-api-auth-token")
        }
        // МойСклад writes it with underscores (moysklad-loyalty.md §6.2); some proxies make hyphens of them.
        "x_lognex_requestid" => HeaderName::from_static("x_lognex_requestid"),
        "x-lognex-requestid" => HeaderName::from_static("x-lognex-requestid"),
        _ => return None,
    })
}

/// How much of a body is asked for at once where its length is not told, in bytes.
const CHUNK: usize = 16 * 1024;
/// How much of a body that is too large is taken and thrown away, in bytes: a client that is still
/// sending when the answer comes may lose it.
const DISCARD: usize = 16 * 1024 * 1024;

/// Reads a request with at most `at_most` bytes of its body.
///
/// # Errors
/// The body broke off, or the request has no address.
pub async fn read(request: Request, at_most: usize) -> Result<http::Request<Bytes>, ErrorCode> {
    let (head, length) = head(&request)?;
    let none = head.method() == Method::GET || head.method() == Method::HEAD;
    let body = match length {
        Some(0) => Bytes::new(),
        None if none => Bytes::new(),
        length => body(request, length, at_most).await?,
    };
    Ok(head.map(|()| body))
}

/// A request whose body is read by the handler.
///
/// # Errors
/// The request has no address.
pub fn open(request: Request) -> Result<http::Request<SpinBody>, ErrorCode> {
    let (head, length) = head(&request)?;
    let length = length.and_then(|length| u64::try_from(length).ok());
    Ok(head.map(|()| SpinBody::new(request, length)))
}

/// All but the body, and the body's length where it is told.
fn head(request: &Request) -> Result<(http::Request<()>, Option<usize>), ErrorCode> {
    let method = method(&request.get_method())?;
    let authority = request.get_authority();
    let path = request
        .get_path_with_query()
        .unwrap_or_else(|| "/".to_owned());
    let uri: Uri = path.parse().map_err(|_| ErrorCode::HttpRequestUriInvalid)?;
    let (mut headers, length) = headers(request);
    if let Some(host) = authority.and_then(|a| HeaderValue::from_str(&a).ok()) {
        headers.entry(HOST).or_insert(host);
    }
    let mut head = http::Request::new(());
    *head.method_mut() = method;
    *head.uri_mut() = uri;
    *head.headers_mut() = headers;
    Ok((head, length))
}

/// The headers that are looked at, and the body's length where it is told.
fn headers(request: &Request) -> (HeaderMap, Option<usize>) {
    let mut headers = HeaderMap::new();
    let mut length = None;
    for (name, value) in request.get_headers().copy_all() {
        if name == "content-length" {
            length = std::str::from_utf8(&value)
                .ok()
                .and_then(|text| text.trim().parse().ok());
        }
        if let (Some(name), Ok(value)) = (wanted(&name), HeaderValue::from_bytes(&value)) {
            headers.insert(name, value);
        }
    }
    (headers, length)
}

fn method(method: &types::Method) -> Result<Method, ErrorCode> {
    Ok(match method {
        types::Method::Get => Method::GET,
        types::Method::Head => Method::HEAD,
        types::Method::Post => Method::POST,
        types::Method::Put => Method::PUT,
        types::Method::Delete => Method::DELETE,
        types::Method::Connect => Method::CONNECT,
        types::Method::Options => Method::OPTIONS,
        types::Method::Trace => Method::TRACE,
        types::Method::Patch => Method::PATCH,
        types::Method::Other(name) => {
            Method::from_bytes(name.as_bytes()).map_err(|_| ErrorCode::HttpRequestMethodInvalid)?
        }
    })
}

async fn body(request: Request, length: Option<usize>, at_most: usize) -> Result<Bytes, ErrorCode> {
    // Told when we have taken what we want; nothing is said about errors of ours.
    let (_taken, outcome) = wit_future::new(|| Ok(()));
    let (mut stream, trailers) = Request::consume_body(request, outcome);
    let mut body = Vec::with_capacity(length.unwrap_or(CHUNK).min(at_most));
    while body.len() < at_most {
        let ended;
        (ended, body) = more(&mut stream, body, length).await;
        if ended {
            // Only here a body that was cut short shows.
            trailers.await?;
            let missing = length.is_some_and(|length| body.len() < length);
            return if missing {
                Err(failed("the request's body broke off"))
            } else {
                Ok(body.into())
            };
        }
        if length.is_some_and(|length| body.len() >= length) {
            break;
        }
    }
    if body.len() >= at_most {
        discard(&mut stream).await;
    }
    body.truncate(at_most);
    Ok(body.into())
}

async fn discard(stream: &mut StreamReader<u8>) {
    let mut gone = 0;
    let mut chunk = Vec::with_capacity(CHUNK);
    while gone < DISCARD {
        let (result, read) = stream.read(chunk).await;
        if matches!(result, StreamResult::Dropped | StreamResult::Cancelled) {
            return;
        }
        gone = gone.saturating_add(read.len());
        chunk = read;
        chunk.clear();
    }
}

async fn more(
    stream: &mut StreamReader<u8>,
    mut body: Vec<u8>,
    length: Option<usize>,
) -> (bool, Vec<u8>) {
    if body.len() == body.capacity() {
        body.reserve(
            length
                .map_or(CHUNK, |length| length.saturating_sub(body.len()))
                .clamp(1, CHUNK),
        );
    }
    let (result, body) = stream.read(body).await;
    (
        matches!(result, StreamResult::Dropped | StreamResult::Cancelled),
        body,
    )
}
