//! The Loyalty API 1.0 as МойСклад calls it: one handler for each of our components.
//!
//! Every answer that is no success has the vendor's shape (moysklad-loyalty.md §2) and a short
//! Russian text, since a cashier may read it. Nothing of the inside is in it.

pub mod calc;
pub mod commit;
mod counterparty;
mod gift;
mod reply;
pub mod search;
pub mod verify;
pub mod wire;

use std::rc::Rc;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use sklad_loyalty::ledger::Shop;
use sklad_loyalty::ledger::snapshot::Clock;
use sklad_store::{Kv, Sql};
use sklad_tenant::address::tenant_in_request;
use sklad_tenant::{App, Tenant};

pub use reply::{BODY_LIMIT, Reply};

/// What МойСклад appends its method names to.
pub const PREFIX: &str = "/rest/integration/moysklad/v1";
/// The header with the key (§2).
const TOKEN: &str = "lognex-discount-api-auth-token";

/// A call whose key was accepted.
pub struct Call<'a> {
    /// Whose key it is.
    pub tenant: Rc<Tenant>,
    /// GET or POST.
    pub method: Method,
    /// What comes after [`PREFIX`].
    pub path: String,
    /// The query string, undecoded.
    pub query: String,
    /// The body.
    pub body: &'a Bytes,
    /// Milliseconds since 1970 UTC.
    pub now: i64,
}

impl Call<'_> {
    /// The ledger of the caller.
    #[must_use]
    pub fn shop(&self) -> Shop<'_> {
        let settings = &self.tenant.settings;
        Shop {
            tenant: self.tenant.slug.as_str(),
            programme: &settings.programme,
            create_unknown: settings.customers.create_unknown,
            clock: Clock {
                now: self.now,
                zone_minutes: settings.timezone_minutes,
            },
        }
    }

    /// A parameter of the query, decoded.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<String> {
        let raw = self
            .query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find(|(k, _)| *k == name)?
            .1;
        let spaced = raw.replace('+', " ");
        // A cashier's «+7» often comes unescaped, where a plus means a blank.
        let decoded = percent_encoding::percent_decode_str(&spaced)
            .decode_utf8_lossy()
            .into_owned();
        Some(if raw.starts_with('+') {
            format!("+{}", decoded.trim_start())
        } else {
            decoded
        })
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// 400 with the place of the mistake.
    pub fn json<'a, T: serde::Deserialize<'a>>(&'a self) -> Result<T, Reply> {
        let text = std::str::from_utf8(self.body).map_err(|e| Reply::not_utf8(e.valid_up_to()))?;
        // Some senders put a byte order mark before JSON.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        serde_json::from_str(text).map_err(|e| Reply::broken_json(&e))
    }
}

/// Lets a call in: the key names the tenant; the host or the path, when they name one, must agree.
///
/// # Errors
/// 401 without a reason, 413, or 503 when the storage does not answer.
async fn enter<'a, S: Sql, K: Kv>(
    app: &App<S, K>,
    now: i64,
    request: &'a Request<Bytes>,
) -> Result<Call<'a>, Reply> {
    let token = header(request.headers(), TOKEN).unwrap_or_default();
    let tenant = app
        .tenant_of_token(token, now)
        .await
        .map_err(|_| Reply::unavailable())?;
    let host =
        header(request.headers(), "host").or_else(|| request.uri().authority().map(|a| a.as_str()));
    let (named, path) = tenant_in_request(
        host,
        request.uri().path(),
        app.config.base_domain.as_deref(),
    );
    let tenant = tenant
        .filter(|tenant| named.as_ref().is_none_or(|slug| *slug == tenant.slug))
        .ok_or_else(Reply::unauthorized)?;
    if request.body().len() > BODY_LIMIT {
        return Err(Reply::too_large());
    }
    Ok(Call {
        tenant,
        method: request.method().clone(),
        path: path
            .strip_prefix(PREFIX)
            .unwrap_or(path)
            .trim_end_matches('/')
            .to_owned(),
        query: request.uri().query().unwrap_or_default().to_owned(),
        body: request.body(),
        now,
    })
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// The handlers' common frame: lets the call in, and turns what the handler says into an answer.
async fn answer<S: Sql, K: Kv>(
    app: &App<S, K>,
    now: i64,
    request: &Request<Bytes>,
    handle: impl AsyncFnOnce(&Call<'_>) -> Result<Reply, Reply>,
) -> Response<Vec<u8>> {
    let reply = match enter(app, now, request).await {
        Ok(call) => handle(&call).await.unwrap_or_else(|refused| refused),
        Err(refused) => refused,
    };
    reply.into_response()
}

#[cfg(test)]
mod tests;
