//! The Loyalty API 1.0 as МойСклад calls it: one handler for each of our components.
//!
//! Every answer that is no success has the vendor's shape (moysklad-loyalty.md §2) and a short
//! Russian text, since a cashier may read it. Nothing of the inside is in it.

pub mod calc;
pub mod commit;
mod counterparty;
mod gift;
mod meaning;
mod reply;
pub mod search;
pub mod verify;
pub mod wire;

use std::rc::Rc;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use sklad_jobs::journal::{Direction, Outcome, Record};
use sklad_loyalty::ledger::Shop;
use sklad_loyalty::ledger::snapshot::Clock;
use sklad_store::{Kv, Sql};
use sklad_tenant::address::tenant_in_request;
use sklad_tenant::settings::Loyalty;
use sklad_tenant::{App, Tenant};

pub use reply::{BODY_LIMIT, Reply};

/// What МойСклад appends its method names to.
pub const PREFIX: &str = "/rest/integration/moysklad/v1";
/// How much of an unknown address the journal keeps, in characters.
const PATH_MAX: usize = 100;
/// The header with the key (§2).
const TOKEN: &str = "lognex-discount-api-auth-token";

/// A call whose key was accepted.
pub struct Call<'a> {
    /// Whose key it is.
    pub tenant: Rc<Tenant>,
    /// Its programme.
    pub loyalty: Rc<Loyalty>,
    /// GET or POST.
    pub method: Method,
    /// What comes after [`PREFIX`], with one slash before it and none after.
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
        Shop {
            tenant: self.tenant.slug.as_str(),
            programme: &self.loyalty.programme,
            create_unknown: self.loyalty.customers.create_unknown,
            clock: Clock {
                now: self.now,
                zone_minutes: self.tenant.settings.timezone_minutes,
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
/// 401 without a reason, or 503 when the storage does not answer.
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
    // The prefix is still there when the host names another tenant than the path: nobody's address.
    let torn = named.is_some() && path.starts_with("/t/");
    let tenant = tenant
        .filter(|tenant| !torn && named.as_ref().is_none_or(|slug| *slug == tenant.slug))
        .ok_or_else(Reply::unauthorized)?;
    let loyalty = tenant.loyalty().map_err(|_| Reply::unavailable())?;
    let loyalty = Rc::clone(loyalty);
    Ok(Call {
        tenant,
        loyalty,
        method: request.method().clone(),
        path: method_path(path),
        query: request.uri().query().unwrap_or_default().to_owned(),
        body: request.body(),
        now,
    })
}

/// What a call asks for. МойСклад appends `/retaildemand` to whatever the merchant typed, so a base
/// address that ends with a slash makes two of it.
fn method_path(path: &str) -> String {
    let asked = path.strip_prefix(PREFIX).unwrap_or(path);
    match asked.trim_matches('/') {
        "" => String::new(),
        asked => format!("/{asked}"),
    }
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
        Ok(call) => {
            let large = call.body.len() > BODY_LIMIT;
            let handled = if large {
                Err(Reply::too_large())
            } else {
                handle(&call).await
            };
            match handled {
                Ok(reply) => reply,
                Err(refused) => {
                    told(&app.sql, &call, &refused).await;
                    refused
                }
            }
        }
        Err(refused) => refused,
    };
    reply.into_response()
}

/// Writes into the merchant's journal that a call of his till was refused, and why. That a code is
/// asked for is no failure.
async fn told(sql: &impl Sql, call: &Call<'_>, refused: &Reply) {
    let Some(why) = refused.failure() else { return };
    let record = Record {
        direction: Direction::In,
        action: "call",
        object: call.path.chars().take(PATH_MAX).collect(),
        customer: None,
        outcome: Outcome::Error,
        text: format!("Касса получила ошибку: {why}"),
        detail: None,
    };
    let row = record.statement(call.shop().tenant, call.now);
    // Where even this cannot be written, the answer says so already.
    if let Err(e) = sql.atomic(vec![row]).await {
        eprintln!("loyalty: journal: {e}");
    }
}

#[cfg(test)]
mod tests;
