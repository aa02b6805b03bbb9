//! A client that asks as the vendor wants to be asked.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use fake_insales::{Fake, Goods, Key, Options};
use serde_json::{Value, json};

/// The shop of most tests.
pub const SHOP: &str = "kofe.myinsales.ru";

/// A fake with one shop.
pub struct World {
    pub fake: Fake,
    pub key: Key,
    pub client: Client,
}

pub fn world(goods: Goods) -> World {
    let fake = Fake::start(Options {
        group_ms: 300,
        ..Options::default()
    })
    .unwrap();
    let key = fake.add_shop(SHOP, goods);
    let client = Client::new(&fake, SHOP, &key.id, &key.password);
    World { fake, key, client }
}

impl World {
    /// A pair of delivery and payment by their places in every shop.
    pub fn ways(&self, delivery: u32, gateway: u32) -> (u64, u64) {
        let id = |kind, index| self.fake.id(SHOP, kind, index);
        (
            id("delivery_variants", delivery),
            id("payment_gateways", gateway),
        )
    }

    /// A valid order of one variant, to be picked up.
    pub fn order(&self, variant: u64, quantity: u32) -> Value {
        let (delivery, gateway) = self.ways(0, 0);
        json!({ "order": {
            "order_lines_attributes": [{ "variant_id": variant, "quantity": quantity }],
            "client": { "name": "Мария", "phone": "79111112233", "email": "m@example.com" },
            "delivery_variant_id": delivery, "payment_gateway_id": gateway,
        }})
    }

    /// The first variant of a product by its title.
    pub fn variant(&self, title: &str) -> Value {
        self.product(title)["variants"][0].clone()
    }

    pub fn product(&self, title: &str) -> Value {
        let products = self.fake.things(SHOP, "products");
        let found = products.iter().find(|one| one["title"] == title);
        found.unwrap().clone()
    }
}

#[derive(Clone)]
pub struct Client {
    pub origin: String,
    base: String,
    authorization: String,
    agent: ureq::Agent,
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: ureq::http::HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The fields that were wrong.
    pub fn wrong(&self) -> Vec<String> {
        let json = self.json();
        let fields = json["errors"]
            .as_object()
            .unwrap_or_else(|| panic!("{}", self.text));
        fields.keys().cloned().collect()
    }
}

impl Client {
    pub fn new(fake: &Fake, shop: &str, key: &str, password: &str) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(Duration::from_secs(5)))
            .build();
        let pair = BASE64_STANDARD.encode(format!("{key}:{password}"));
        Self {
            origin: fake.origin().to_owned(),
            base: format!("{}/{shop}/admin", fake.origin()),
            authorization: format!("Basic {pair}"),
            agent: config.into(),
        }
    }

    /// Asks for an address with these headers and no others.
    pub fn raw(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
    ) -> Result<Answer, ureq::Error> {
        let mut request = ureq::http::Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = match body {
            Some(body) => self.agent.run(request.body(body.to_owned())?)?,
            None => self.agent.run(request.body(())?)?,
        };
        let (head, mut body) = answer.into_parts();
        let bytes = body.with_config().limit(64 << 20).read_to_vec()?;
        Ok(Answer {
            status: head.status.as_u16(),
            headers: head.headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        })
    }

    pub fn try_ask(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer, ureq::Error> {
        let url = format!("{}{path}", self.base);
        let authorization = ("authorization", self.authorization.as_str());
        match body {
            Some(body) => {
                let headers = [authorization, ("content-type", "application/json")];
                self.raw(method, &url, &headers, Some(&body.to_string()))
            }
            None => self.raw(method, &url, &[authorization], None),
        }
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
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        answer.json().as_array().unwrap().clone()
    }

    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.ask("POST", path, Some(body))
    }

    pub fn put(&self, path: &str, body: &Value) -> Answer {
        self.ask("PUT", path, Some(body))
    }

    pub fn delete(&self, path: &str) -> Answer {
        self.ask("DELETE", path, None)
    }

    /// Orders something of the fake over HTTP.
    pub fn control(&self, path: &str, body: &Value) -> Value {
        let url = format!("{}/_fake/{path}", self.origin);
        let answer = self
            .raw("POST", &url, &[], Some(&body.to_string()))
            .unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()
    }
}

/// A text as it stands in an address.
pub fn escaped(text: &str) -> String {
    let plain = |char: char| char.is_ascii_alphanumeric() || "-_.".contains(char);
    text.chars()
        .map(|char| {
            if plain(char) {
                char.to_string()
            } else {
                format!("%{:02X}", char as u32)
            }
        })
        .collect()
}

/// The ids of rows.
pub fn ids(rows: &[Value]) -> Vec<u64> {
    rows.iter().map(|row| row["id"].as_u64().unwrap()).collect()
}
