//! One request, read as far as every handler needs it.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;
use sklad_jobs::journal::{Direction, Outcome, Record};
use sklad_loyalty::ledger::Shop;
use sklad_loyalty::ledger::snapshot::Clock;
use sklad_store::{Kv, Ports, Sql, Statement};
use sklad_tenant::{App, Slug, Tenant};

use crate::error::ApiError;
use crate::page::{self, DEFAULT_LIMIT, MAX_LIMIT};
use crate::routes::{BATCH_BYTES, Route};

/// The largest body of any route, in bytes: what a component must read at most.
pub const MAX_BODY_BYTES: usize = BATCH_BYTES;
/// The longest idempotency key, in bytes.
const MAX_IDEMPOTENCY_KEY: usize = 200;

/// The request of a route.
pub struct Context<'a, S, K> {
    pub app: &'a App<S, K>,
    pub now_ms: i64,
    headers: &'a HeaderMap,
    body: &'a Bytes,
    names: Vec<String>,
    query: BTreeMap<String, String>,
}

impl<'a, S: Sql, K: Kv> Context<'a, S, K> {
    /// Reads what stands outside of the body; refuses unknown parameters and too large a body.
    pub fn new(
        app: &'a App<S, K>,
        now_ms: i64,
        request: &'a http::Request<Bytes>,
        route: &Route,
        names: Vec<String>,
    ) -> Result<Self, ApiError> {
        if request.body().len() > route.body_limit {
            let message = format!("Тело запроса больше {} байт", route.body_limit);
            return Err(ApiError::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "too_large",
                message,
            ));
        }
        let query = query(request.uri().query().unwrap_or_default())?;
        if let Some(name) = query.keys().find(|name| !route.knows(name)) {
            return Err(ApiError::bad(name.clone(), "Неизвестный параметр"));
        }
        Ok(Self {
            app,
            now_ms,
            headers: request.headers(),
            body: request.body(),
            names,
            query,
        })
    }

    /// What stands in the place of the `i`th name of the path.
    pub fn name(&self, i: usize) -> &str {
        self.names.get(i).map(String::as_str).unwrap_or_default()
    }

    /// The name of the tenant in the path. A name that is no slug is no tenant.
    pub fn slug(&self) -> Result<Slug, ApiError> {
        self.name(0).parse().map_err(|_| ApiError::not_found())
    }

    /// The tenant in the path, as it is stored now: who changes settings must see what he changed.
    pub async fn tenant(&self) -> Result<Box<Tenant>, ApiError> {
        let slug = self.slug()?;
        let stored = sklad_tenant::settings::stored(&self.app.kv, &slug).await?;
        let stored = stored.ok_or_else(ApiError::not_found)?;
        Ok(Box::new(Tenant::new(slug, stored)?))
    }

    /// The ports, for who calls others.
    pub fn ports<H, C>(&self, http: &'a H, clock: &'a C) -> Ports<'a, S, H, C> {
        Ports {
            sql: &self.app.sql,
            http,
            clock,
        }
    }

    /// The tenant's ledger.
    pub fn shop<'t>(&self, tenant: &'t Tenant) -> Result<Shop<'t>, ApiError> {
        let loyalty = tenant.loyalty()?;
        Ok(Shop {
            tenant: tenant.slug.as_str(),
            programme: &loyalty.programme,
            create_unknown: loyalty.customers.create_unknown,
            clock: self.clock(tenant),
        })
    }

    /// The tenant's time.
    pub fn clock(&self, tenant: &Tenant) -> Clock {
        Clock {
            now: self.now_ms,
            zone_minutes: tenant.settings.timezone_minutes,
        }
    }

    /// A query parameter that is there and not empty.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query
            .get(name)
            .map(|v| v.trim())
            .filter(|v| !v.is_empty())
    }

    /// A query parameter that is a number.
    pub fn query_number(&self, name: &str) -> Result<Option<i64>, ApiError> {
        let number = self.query(name).map(str::parse).transpose();
        number.map_err(|_| ApiError::bad(name, "Нужно целое число"))
    }

    /// A query parameter that is one of a few words.
    pub fn query_one_of(&self, name: &str, words: &[&str]) -> Result<Option<&str>, ApiError> {
        match self.query(name) {
            Some(word) if !words.contains(&word) => {
                let message = format!("Возможно только: {}", words.join(", "));
                Err(ApiError::bad(name, message))
            }
            other => Ok(other),
        }
    }

    /// How many items the client wants on a page.
    pub fn limit(&self) -> Result<usize, ApiError> {
        match self.query("limit").map(str::parse::<usize>) {
            None => Ok(DEFAULT_LIMIT),
            Some(Ok(limit)) if (1..=MAX_LIMIT).contains(&limit) => Ok(limit),
            Some(_) => Err(ApiError::bad("limit", "Число от 1 до 500")),
        }
    }

    /// The sort key after which the page begins.
    pub fn cursor<const N: usize>(&self) -> Result<Option<[String; N]>, ApiError> {
        self.query("cursor").map(page::decode).transpose()
    }

    /// The sort key of one part after which the page begins.
    pub fn after(&self) -> Result<Option<String>, ApiError> {
        Ok(self.cursor::<1>()?.map(|[id]| id))
    }

    /// The body as a JSON object; what is wrong comes out as 400 with its place.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        self.readable(sklad_tenant::json::parse)
    }

    /// What `read` makes of the body; what is wrong comes out as 400 with its place.
    pub fn readable<T>(
        &self,
        read: impl FnOnce(&[u8]) -> Result<T, sklad_tenant::Error>,
    ) -> Result<T, ApiError> {
        read(self.body).map_err(unreadable)
    }

    /// The same where everything in the object may be left out: no body is an empty object.
    pub fn json_or_empty<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        match self.body.trim_ascii() {
            b"" => sklad_tenant::json::parse(b"{}").map_err(unreadable),
            _ => self.json(),
        }
    }

    /// The body as a JSON list of objects; what is wrong comes out as 400 with its place.
    pub fn list<T: DeserializeOwned>(&self) -> Result<Vec<T>, ApiError> {
        sklad_tenant::json::parse_list(self.body).map_err(unreadable)
    }

    /// The body as UTF-8.
    pub fn text(&self) -> Result<&str, ApiError> {
        std::str::from_utf8(self.body).map_err(|_| ApiError::bad("", "Файл должен быть в UTF-8"))
    }

    /// The version in `If-Match`; `None` for `*`, which matches every one.
    pub fn if_match(&self) -> Result<Option<u64>, ApiError> {
        let Some(value) = self.headers.get(http::header::IF_MATCH) else {
            let message = "Нужен заголовок If-Match с ETag прочитанных настроек";
            let status = StatusCode::PRECONDITION_REQUIRED;
            return Err(ApiError::new(status, "if_match_required", message));
        };
        let text = value.to_str().unwrap_or_default().trim();
        if text == "*" {
            return Ok(None);
        }
        // What is no version of ours matches none.
        let version = text.trim_matches('"').parse();
        version
            .map(Some)
            .map_err(|_| sklad_tenant::Error::Stale.into())
    }

    /// The key that makes a repetition harmless.
    pub fn idempotency_key(&self) -> Result<&str, ApiError> {
        let value = self
            .headers
            .get("idempotency-key")
            .and_then(|v| v.to_str().ok());
        match value.map(str::trim) {
            Some(key) if (1..=MAX_IDEMPOTENCY_KEY).contains(&key.len()) => Ok(key),
            _ => Err(ApiError::bad(
                "Idempotency-Key",
                "Нужен заголовок Idempotency-Key, от 1 до 200 знаков ASCII",
            )),
        }
    }

    /// The statement of a row in the tenant's journal.
    pub fn told(&self, tenant: &Slug, row: Told) -> Statement {
        let record = Record {
            direction: Direction::Operator,
            action: row.action,
            object: row.object,
            customer: row.customer,
            outcome: row.outcome,
            text: row.text,
            detail: None,
        };
        record.statement(tenant.as_str(), self.now_ms)
    }

    /// Writes a row in the tenant's journal, after a change in key-value that no batch can hold.
    pub async fn tell(&self, tenant: &Slug, row: Told) -> Result<(), ApiError> {
        self.app.sql.atomic(vec![self.told(tenant, row)]).await?;
        Ok(())
    }
}

/// What the operator did, for the journal.
#[derive(Default)]
pub struct Told {
    pub action: &'static str,
    pub object: String,
    pub customer: Option<String>,
    pub text: String,
    pub outcome: Outcome,
}

/// What cannot be read is 400; what is read and not allowed is 422.
fn unreadable(error: sklad_tenant::Error) -> ApiError {
    match error {
        sklad_tenant::Error::Invalid(problems) => {
            ApiError::problems(StatusCode::BAD_REQUEST, "bad_request", problems)
        }
        other => other.into(),
    }
}

fn query(text: &str) -> Result<BTreeMap<String, String>, ApiError> {
    let mut query = BTreeMap::new();
    for pair in text.split('&').filter(|p| !p.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let decoded = decode(&name.replace('+', " ")).zip(decode(&value.replace('+', " ")));
        let (name, value) = decoded.ok_or_else(|| ApiError::bad(name, "Неверно закодировано"))?;
        if query.insert(name.clone(), value).is_some() {
            return Err(ApiError::bad(name, "Параметр повторяется"));
        }
    }
    Ok(query)
}

/// Decodes `%D0%90`; `None` when that is no UTF-8 or cut off.
pub fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digit = |b: Option<u8>| char::from(b?).to_digit(16);
            let value = digit(rest.next())? * 16 + digit(rest.next())?;
            bytes.push(u8::try_from(value).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_decoded() {
        let q = query("q=%D0%98%D0%B2%D0%B0%D0%BD+%2B7&limit=5&x").unwrap();
        assert_eq!(q.get("q").map(String::as_str), Some("Иван +7"));
        assert_eq!(q.get("x").map(String::as_str), Some(""));
        assert!(query("a=1&a=2").is_err());
        for bad in ["a=%", "a=%D", "a=%ZZ", "a=%D0"] {
            assert!(query(bad).is_err(), "{bad}");
        }
    }
}
