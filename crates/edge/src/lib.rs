//! The edge of the application: the only crate that knows `spin-sdk`.
//!
//! A component is one call of [`serve`] with a handler from a domain crate. The handler sees the
//! ports ([`App`]), the time and an `http` request whose body has been read; it answers an `http`
//! response. Everything that is Spin's stays here.

mod answer;
mod kv;
mod outbound;
mod sql;

use std::rc::Rc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use sklad_tenant::Config;
use spin_sdk::http::body::IncomingBodyExt;
use spin_sdk::http::{Error, Request};
use wasip3::http::types::Response;
use wasip3::http_compat::IncomingRequestBody;

pub use answer::early;
pub use kv::SpinKv;
pub use outbound::SpinHttp;
pub use sql::SpinSql;

/// What a component's entry point returns.
pub type Answer = Result<Response, Error>;

/// The application's ports over Spin.
pub type App = sklad_tenant::App<SpinSql, SpinKv>;

thread_local! {
    /// One for the life of the instance: connections and caches survive between requests, also of
    /// different tenants. Everything cached in it is keyed by tenant.
    static APP: std::cell::RefCell<Option<Rc<App>>> = const { std::cell::RefCell::new(None) };
}

/// Reads the request (at most `body_limit` bytes and one more, by which the handler sees that there
/// are too many), lets `handler` answer it, and sends the answer in one write.
///
/// # Errors
/// The request's body broke off, or a variable that the application needs is missing.
pub async fn serve<F>(request: Request, body_limit: usize, handler: F) -> Answer
where
    F: AsyncFnOnce(Rc<App>, i64, http::Request<Bytes>) -> http::Response<Vec<u8>>,
{
    let app = app().await?;
    let (parts, body) = request.into_parts();
    let body = read(body, body_limit.saturating_add(1)).await?;
    let response = handler(app, now_ms(), http::Request::from_parts(parts, body)).await;
    early(response).await
}

/// The instance's application, made at its first request.
async fn app() -> Result<Rc<App>, Error> {
    if let Some(app) = APP.with_borrow(Clone::clone) {
        return Ok(app);
    }
    let app = Rc::new(App::new(
        SpinSql::default(),
        SpinKv::default(),
        config().await?,
    ));
    APP.set(Some(Rc::clone(&app)));
    Ok(app)
}

/// The configuration, as far as this component is given it.
async fn config() -> Result<Config, Error> {
    let variable = async |name: &str| spin_sdk::variables::get(name).await.ok();
    let (operator_token, master_key) = (variable("operator_token").await, variable("master_key").await);
    let base_domain = variable("base_domain").await.unwrap_or_default();
    Config::new(operator_token.as_deref(), master_key.as_deref(), &base_domain)
        .map_err(|e| Error::other(e.to_string()))
}

async fn read(body: IncomingRequestBody, at_most: usize) -> Result<Bytes, Error> {
    let mut stream = body.stream();
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| Error::other("the request's body broke off"))?;
        // Most bodies come in one piece, which then is not copied.
        if first.is_empty() && rest.is_empty() {
            first = chunk;
        } else {
            if rest.is_empty() {
                rest.extend_from_slice(&first);
            }
            rest.extend_from_slice(&chunk);
        }
        if first.len().max(rest.len()) >= at_most {
            break;
        }
    }
    let mut body = if rest.is_empty() {
        first
    } else {
        rest.freeze()
    };
    body.truncate(at_most);
    Ok(body)
}

/// Milliseconds since 1970 UTC.
fn now_ms() -> i64 {
    let elapsed = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX)
}
