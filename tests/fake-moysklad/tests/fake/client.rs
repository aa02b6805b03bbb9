//! A client that asks as the vendor wants to be asked.

use std::io::Read as _;
use std::time::Duration;

use fake_moysklad::{Fake, Options, Shop};
use flate2::read::GzDecoder;
use serde_json::Value;
use uuid::Uuid;

/// A fake with one small account.
pub struct World {
    pub fake: Fake,
    pub account: Uuid,
    pub client: Client,
}

/// Starts a fake that is not short of units.
pub fn world(shop: Shop) -> World {
    let mut options = Options::default();
    options.limits.units = 100_000;
    with(options, shop)
}

pub fn with(options: Options, shop: Shop) -> World {
    let fake = Fake::start(options).unwrap();
    let account = fake.add_account("kofe", shop);
    let client = Client::new(fake.api(), &fake.user_token(account));
    World {
        fake,
        account,
        client,
    }
}

#[derive(Clone)]
pub struct Client {
    pub origin: String,
    pub authorization: String,
    agent: ureq::Agent,
}

pub struct Answer {
    pub status: u16,
    pub headers: ureq::http::HeaderMap,
    pub bytes: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes)
            .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&self.bytes)))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The vendor's code of the first error.
    pub fn code(&self) -> Option<u64> {
        self.json()["errors"][0]["code"].as_u64()
    }
}

pub const ACCEPT: (&str, &str) = ("accept", "application/json;charset=utf-8");
pub const GZIP: (&str, &str) = ("accept-encoding", "gzip");

impl Client {
    pub fn new(origin: &str, token: &str) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .allow_non_standard_methods(true)
            .timeout_global(Some(Duration::from_secs(5)))
            .build();
        Self {
            origin: origin.to_owned(),
            authorization: format!("Bearer {token}"),
            agent: config.into(),
        }
    }

    /// Asks with these headers and no others.
    pub fn raw(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Answer, ureq::Error> {
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.origin));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        // The agent adds what it thinks missing, unless it is there.
        for name in ["accept", "accept-encoding"] {
            if !headers.iter().any(|(given, _)| given == &name) {
                request = request.header(name, "");
            }
        }
        let answer = match body {
            Some(body) => self.agent.run(
                request
                    .header("content-type", "application/json")
                    .body(body.to_string())?,
            )?,
            None => self.agent.run(request.body(())?)?,
        };
        let (head, mut body) = answer.into_parts();
        let packed = body.with_config().limit(64 << 20).read_to_vec()?;
        let mut bytes = packed.clone();
        if head
            .headers
            .get("content-encoding")
            .is_some_and(|value| value == "gzip")
        {
            bytes.clear();
            GzDecoder::new(packed.as_slice()).read_to_end(&mut bytes)?;
        }
        Ok(Answer {
            status: head.status.as_u16(),
            headers: head.headers,
            bytes,
        })
    }

    pub fn try_ask(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer, ureq::Error> {
        let path = format!(
            "/api/remap/1.2{}",
            path.replace(' ', "%20").replace('>', "%3E")
        );
        let authorization = ("authorization", self.authorization.as_str());
        self.raw(method, &path, &[ACCEPT, GZIP, authorization], body)
    }

    pub fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        self.try_ask(method, path, body)
            .unwrap_or_else(|e| panic!("{method} {path}: {e}"))
    }

    pub fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, None)
    }

    /// The rows of a list that must be there.
    pub fn rows(&self, path: &str) -> Vec<Value> {
        let answer = self.get(path);
        assert_eq!(
            answer.status,
            200,
            "{}",
            String::from_utf8_lossy(&answer.bytes)
        );
        answer.json()["rows"].as_array().unwrap().clone()
    }

    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.ask("POST", path, Some(body))
    }

    pub fn put(&self, path: &str, body: &Value) -> Answer {
        self.ask("PUT", path, Some(body))
    }
}

/// The field of every row.
pub fn all<'a>(rows: &'a [Value], field: &str) -> Vec<&'a str> {
    rows.iter()
        .map(|row| row[field].as_str().unwrap_or_default())
        .collect()
}
