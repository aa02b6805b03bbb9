//! Requests of the Admin API as values, and what their answers say: no network here (insales.md §1, §2).

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Method};
use sha2::{Digest, Sha256};
use sklad_store::{Call, Reach, Within};

use super::error::{Error, refused};

/// Where the API lies below the shop's address.
pub const BASE: &str = "/admin";
/// The largest body of an answer, in bytes: a page of 250 products with long descriptions.
pub const BODY_BYTES: usize = 8 * 1024 * 1024;
/// What an answer may cost. What the shop has not answered in 50 s it answers with 504 (§2).
pub const WITHIN: Within = Within {
    connect_ms: 5_000,
    answer_ms: 55_000,
    body_bytes: BODY_BYTES,
};

/// A shop, and what lets us in. Without `Debug`: it must not get into a log.
#[derive(Clone, PartialEq, Eq)]
pub struct Access {
    /// The shop's domain, as `example.myinsales.ru`: lower case, no port, no path. Who makes this value
    /// has checked it against the domains that may be called.
    pub shop: String,
    /// The key's «Идентификатор».
    pub key_id: String,
    /// The key's «Пароль».
    pub password: String,
}

impl Access {
    /// Under which name the budget is kept: limits count by shop and key (§2). Tells nothing about them: the
    /// password is made by the shop, 128 bits. Who does not know it cannot use up the budget of who does.
    #[must_use]
    pub fn holder(&self) -> String {
        let Self {
            shop,
            key_id,
            password,
        } = self;
        let digest = Sha256::digest(format!("{shop}\0{key_id}\0{password}").as_bytes());
        hex::encode(digest.get(..16).unwrap_or_default())
    }

    fn header(&self) -> Result<HeaderValue, Error> {
        let pair = BASE64_STANDARD.encode(format!("{}:{}", self.key_id, self.password));
        let value = HeaderValue::from_str(&format!("Basic {pair}"));
        let mut value = value.map_err(|_| Error::NotAuthorised)?;
        value.set_sensitive(true);
        Ok(value)
    }
}

/// Makes requests to one shop.
#[derive(Clone, Copy)]
pub struct Api<'a> {
    /// An origin that stands for all shops, for tests alone: a shop is at `{gateway}/{shop}`. Without it
    /// shops are called at `https://{shop}`.
    pub gateway: Option<&'a str>,
    /// Which shop, and what lets us in.
    pub access: &'a Access,
}

impl Api<'_> {
    /// Reads `path`, which begins with a slash and is below [`BASE`], as `/account.json`.
    ///
    /// # Errors
    /// [`Error::NotAuthorised`] for a key that no header can carry, [`Error::NotSent`] for a path that is
    /// none.
    pub fn get(&self, path: &str) -> Result<Call, Error> {
        self.call(Method::GET, path, Bytes::new())
    }

    /// Sends JSON to `path`.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub fn send(&self, method: Method, path: &str, json: String) -> Result<Call, Error> {
        self.call(method, path, Bytes::from(json))
    }

    fn call(&self, method: Method, path: &str, body: Bytes) -> Result<Call, Error> {
        let shop = &self.access.shop;
        let (address, reach) = match self.gateway {
            Some(origin) => {
                let reach = Reach::Origin(origin.to_owned());
                (format!("{origin}/{shop}"), reach)
            }
            None => (format!("https://{shop}"), Reach::Public),
        };
        let mut request = http::Request::builder()
            .method(method)
            .uri(format!("{address}{BASE}{path}"))
            .header(AUTHORIZATION, self.access.header()?)
            .header(ACCEPT, "application/json");
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let request = request
            .body(body)
            .map_err(|e| Error::NotSent(e.to_string()))?;
        Ok(Call {
            request,
            reach,
            within: WITHIN,
        })
    }
}

/// What the headers of an answer say beside its body.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Headers {
    /// `API-Usage-Limit`: requests in the interval, and how many there may be.
    pub usage: Option<(i64, i64)>,
    /// `Retry-After`, seconds.
    pub retry_after_s: Option<u32>,
}

impl Headers {
    /// From the headers of an answer; what is no number is not there.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let text = |value: Option<&HeaderValue>| Some(value?.to_str().ok()?.trim().to_owned());
        let usage = text(headers.get("api-usage-limit")).and_then(|text| {
            let (used, most) = text.split_once('/')?;
            let (used, most) = (used.trim().parse().ok()?, most.trim().parse().ok()?);
            (used >= 0 && most > 0).then_some((used, most))
        });
        let after = text(headers.get(RETRY_AFTER)).and_then(|text| text.parse().ok());
        Self {
            usage,
            retry_after_s: after,
        }
    }
}

/// The JSON of an answer; empty where the shop has nothing to say, which it also writes as `""` (§11).
///
/// # Errors
/// [`Error`], see [`refused`]; [`Error::Unreadable`] for what is no JSON: a page for people.
pub fn read(answer: http::Response<Bytes>) -> Result<String, Error> {
    let (parts, body) = answer.into_parts();
    if !parts.status.is_success() {
        let text = String::from_utf8_lossy(&body);
        return Err(refused(parts.status, Headers::of(&parts.headers), &text));
    }
    let text = String::from_utf8(Vec::from(body)).map_err(|_| Error::Unreadable("no UTF-8"))?;
    match text.trim() {
        "" | "\"\"" => Ok(String::new()),
        json if json.starts_with(['{', '[']) => Ok(text),
        _ => Err(Error::Unreadable("no JSON")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access() -> Access {
        Access {
            shop: "a.myinsales.ru".into(),
            key_id: "key".into(),
            password: "слово".into(),
        }
    }

    #[test]
    fn a_request_names_the_shop_and_is_let_in() {
        let access = access();
        let api = Api {
            gateway: None,
            access: &access,
        };
        let call = api.get("/account.json").unwrap();
        assert_eq!(
            call.request.uri(),
            "https://a.myinsales.ru/admin/account.json"
        );
        assert_eq!(call.check(), Ok(()));
        let header = call.request.headers().get(AUTHORIZATION).unwrap();
        assert!(header.is_sensitive());
        let encoded = BASE64_STANDARD.encode("key:слово");
        assert_eq!(header.to_str().unwrap(), format!("Basic {encoded}"));
        let call = api.send(Method::POST, "/orders.json", "{}".into()).unwrap();
        let kind = call.request.headers().get(CONTENT_TYPE).unwrap();
        assert_eq!(kind, "application/json");
    }

    #[test]
    fn a_gateway_stands_for_all_shops() {
        let access = access();
        let api = Api {
            gateway: Some("http://127.0.0.1:4002"),
            access: &access,
        };
        let call = api.get("/account.json").unwrap();
        assert_eq!(
            call.request.uri(),
            "http://127.0.0.1:4002/a.myinsales.ru/admin/account.json"
        );
        assert_eq!(call.check(), Ok(()));
    }

    #[test]
    fn inner_networks_are_not_called() {
        for shop in ["127.0.0.1", "localhost", "shop.local", "a b", "x@y.ru"] {
            let access = Access {
                shop: shop.into(),
                ..access()
            };
            let api = Api {
                gateway: None,
                access: &access,
            };
            let call = api.get("/account.json");
            assert!(call.is_err() || call.unwrap().check().is_err(), "{shop}");
        }
    }

    #[test]
    fn usage_is_read_and_nonsense_is_none() {
        let of = |text: &str| {
            let mut map = HeaderMap::new();
            map.insert("API-Usage-Limit", text.parse().unwrap());
            Headers::of(&map).usage
        };
        assert_eq!(of("501/500"), Some((501, 500)));
        assert_eq!(of(" 1 / 500 "), Some((1, 500)));
        for text in ["", "1", "a/b", "-1/500", "1/0", "1/500/3"] {
            assert_eq!(of(text), None, "{text}");
        }
    }

    #[test]
    fn an_answer_is_json_or_nothing() {
        let of = |body: &str| read(http::Response::new(Bytes::from(body.to_owned())));
        assert_eq!(of("[]"), Ok("[]".into()));
        assert_eq!(of("\"\""), Ok(String::new()));
        assert_eq!(of(""), Ok(String::new()));
        assert!(of("<html>").is_err());
    }
}
