//! The edge of the application: the only crate that knows `spin-sdk`.
//!
//! A component is one call of [`component!`] with a handler from a domain crate. The handler sees
//! the ports ([`App`]), the time and an `http` request whose body has been read; it answers an
//! `http` response. Everything that is Spin's stays here.

mod answer;
mod kv;
mod outbound;
mod request;
mod sql;
mod stream;

use std::cell::RefCell;
use std::rc::Rc;

use bytes::Bytes;
use sklad_store::Clock;
use sklad_tenant::{Config, Error, MoySklad};
use spin_sdk::wasip3::clocks::monotonic_clock;
use spin_sdk::wasip3::http::types::{ErrorCode, Request, Response};

pub use answer::early;
pub use kv::SpinKv;
pub use outbound::SpinHttp;
pub use request::open;
pub use spin_sdk;
pub use sql::SpinSql;
pub use stream::{SpinBody, SpinClock};

/// How long an answer with a body waits after a write, in nanoseconds.
const AFTER_WRITE_NS: u64 = 1_000;

/// The application's ports over Spin.
pub type App = sklad_tenant::App<SpinSql, SpinKv>;

/// Makes the crate a component that answers HTTP with an async handler
/// `|app: Rc<App>, now_ms: i64, request: http::Request<Bytes>| -> http::Response<Vec<u8>>`. Bodies
/// are read up to the limit in bytes and one byte more, by which the handler sees that there are too
/// many.
///
/// It does what `#[spin_sdk::http_service]` does, less the conversion of every header into an `http`
/// type: that is a twentieth of a component's code and of a short request's time.
///
/// With `streaming:` the handler is `|app: Rc<App>, clock: SpinClock, request: http::Request<SpinBody>|`
/// and reads the body itself.
///
/// With `vendors,` in front the configuration has what the vendors' side needs; without it a component has
/// no reader of that compiled in.
#[macro_export]
macro_rules! component {
    (vendors, $($rest:tt)+) => {
        $crate::component! { config: $crate::config_with_vendors, $($rest)+ }
    };
    (config: $config:path, body_limit: $limit:expr, handler: $handler:expr) => {
        $crate::component! { export: |request| $crate::serve(request, $config, $limit, $handler) }
    };
    (config: $config:path, streaming: $handler:expr) => {
        $crate::component! { export: |request| $crate::serve_streaming(request, $config, $handler) }
    };
    (export: |$request:ident| $serve:expr) => {
        struct Component;

        #[allow(unsafe_code, reason = "the export that wit-bindgen generates")]
        mod export {
            $crate::spin_sdk::wasip3::http::service::export!(Component);
            use super::Component;
        }

        impl $crate::spin_sdk::wasip3::exports::http::handler::Guest for Component {
            async fn handle(
                $request: $crate::spin_sdk::wasip3::http::types::Request,
            ) -> Result<
                $crate::spin_sdk::wasip3::http::types::Response,
                $crate::spin_sdk::wasip3::http::types::ErrorCode,
            > {
                $serve.await
            }
        }
    };
    ($($rest:tt)+) => {
        $crate::component! { config: $crate::config, $($rest)+ }
    };
}

thread_local! {
    /// One for the life of the instance: connections and caches survive between requests, also of
    /// different tenants. Everything cached in it is keyed by tenant.
    static APP: RefCell<Option<Rc<App>>> = const { RefCell::new(None) };
}

/// Reads a request, lets `handler` answer it, and sends the answer in one write; see
/// [`component!`].
///
/// # Errors
/// The request's body broke off, or the application is configured wrongly.
pub async fn serve<F>(
    request: Request,
    config: impl AsyncFnOnce() -> Result<Config, Error>,
    body_limit: usize,
    handler: F,
) -> Result<Response, ErrorCode>
where
    F: AsyncFnOnce(Rc<App>, i64, http::Request<Bytes>) -> http::Response<Vec<u8>>,
{
    let app = app(config).await?;
    let request = request::read(request, body_limit.saturating_add(1)).await?;
    let response = handler(Rc::clone(&app), SpinClock.now_ms(), request).await;
    send(&app, response).await
}

/// Lets `handler` read the request's body and answer it, and sends the answer in one write; see
/// [`component!`].
///
/// # Errors
/// The request is broken, or the application is configured wrongly.
pub async fn serve_streaming<F>(
    request: Request,
    config: impl AsyncFnOnce() -> Result<Config, Error>,
    handler: F,
) -> Result<Response, ErrorCode>
where
    F: AsyncFnOnce(Rc<App>, SpinClock, http::Request<SpinBody>) -> http::Response<Vec<u8>>,
{
    let app = app(config).await?;
    let response = handler(Rc::clone(&app), SpinClock, request::open(request)?).await;
    send(&app, response).await
}

async fn send(app: &App, response: http::Response<Vec<u8>>) -> Result<Response, ErrorCode> {
    // A write blocks the host's thread, and the others are ahead of it then: they would send the head
    // of the answer before this instance gets round to its body. After a wait they are not.
    if app.sql.take_wrote() && !response.body().is_empty() {
        monotonic_clock::wait_for(AFTER_WRITE_NS).await;
    }
    answer::early(response).await
}

/// The instance's application, made at its first request.
async fn app(config: impl AsyncFnOnce() -> Result<Config, Error>) -> Result<Rc<App>, ErrorCode> {
    if let Some(app) = APP.with_borrow(Clone::clone) {
        return Ok(app);
    }
    let config = config().await.map_err(|e| {
        eprintln!("{e}");
        failed("configuration")
    })?;
    let app = Rc::new(App::new(SpinSql::default(), SpinKv::default(), config));
    APP.set(Some(Rc::clone(&app)));
    Ok(app)
}

/// A variable, if this component is given it.
async fn variable(name: &str) -> Option<String> {
    spin_sdk::variables::get(name).await.ok()
}

/// The configuration, as far as this component is given it.
///
/// # Errors
/// A variable that cannot be used.
pub async fn config() -> Result<Config, Error> {
    let operator_token = variable("operator_token").await;
    let master_key = variable("master_key").await;
    let base_domain = variable("base_domain").await.unwrap_or_default();
    Config::new(
        operator_token.as_deref(),
        master_key.as_deref(),
        &base_domain,
    )
}

/// The same with what the vendors' side needs.
///
/// # Errors
/// A variable that cannot be used.
pub async fn config_with_vendors() -> Result<Config, Error> {
    let text = async |name: &str| variable(name).await.unwrap_or_default();
    let moysklad = MoySklad::new(
        &text("moysklad_api").await,
        &text("moysklad_apps").await,
        &text("moysklad_apps_credentials").await,
    )?
    .with_files(&text("moysklad_files").await)?;
    let public_url = text("public_url").await;
    let gateway = text("insales_gateway").await;
    let config = config().await?.with_vendors(&public_url, moysklad)?;
    config.with_insales(&gateway)
}

/// The error that the host answers with a bare 500.
fn failed(what: &str) -> ErrorCode {
    ErrorCode::InternalError(Some(what.to_owned()))
}
