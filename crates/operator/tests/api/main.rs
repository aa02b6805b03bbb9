//! The API over the native stores, request by request.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

mod catalog;
mod connections;
mod customers;
mod doors;
mod employees;
mod gifts;
mod jobs;
mod moysklad;
mod orders;
mod readings;
mod settings;
mod shapes;
mod simulate;

use std::cell::Cell;

use bytes::Bytes;
use futures::executor::block_on;
use http::{HeaderMap, Request, StatusCode};
use serde_json::{Value, json};
use sklad_store::native::{MemoryKv, NativeSql};
use sklad_store::{Call, Clock, Http, HttpError};
use sklad_tenant::{App, Config};

const TOKEN: &str = "operator-token-of-the-tests";

struct World {
    app: App<NativeSql, MemoryKv>,
    now: Cell<i64>,
    shop: connections::Shop,
    dir: tempfile::TempDir,
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Answer {
    /// Code and path of the refusal.
    fn refusal(&self) -> (u16, &str, &str) {
        let error = &self.body["error"];
        let text = |name: &str| error[name].as_str().unwrap_or_default();
        assert!(!text("message").is_empty(), "{}", self.body);
        (self.status, text("code"), text("path"))
    }

    /// What the refusal says to people.
    fn message(&self) -> &str {
        self.body["error"]["message"].as_str().unwrap_or_default()
    }

    fn etag(&self) -> String {
        self.headers["etag"].to_str().unwrap().to_owned()
    }
}

fn world() -> World {
    let dir = tempfile::tempdir().unwrap();
    let sql = NativeSql::open(&dir.path().join("db")).unwrap();
    let config = Config::new(Some(TOKEN), Some("master-key-of-the-tests"), "").unwrap();
    World {
        app: App::new(sql, MemoryKv::default(), config),
        now: Cell::new(1_700_000_000_000),
        shop: connections::Shop::default(),
        dir,
    }
}

/// A world with the tenants `demo` and `other`.
fn shops() -> World {
    let w = world();
    for slug in ["demo", "other"] {
        let made = w.post("", &json!({ "slug": slug }));
        assert_eq!(made.status, 201, "{}", made.body);
    }
    w
}

/// Nobody who is called answers.
struct Nobody;

impl Http for Nobody {
    async fn send(&self, _: Call) -> Result<http::Response<Bytes>, HttpError> {
        Err(HttpError::NoAnswer("nobody".to_owned()))
    }
}

/// A clock that stands, unless somebody waits.
struct Standing<'a>(&'a Cell<i64>);

impl Clock for Standing<'_> {
    fn now_ms(&self) -> i64 {
        self.0.get()
    }

    async fn pause(&self) {}

    async fn sleep(&self, ms: u32) {
        self.0.set(self.0.get() + i64::from(ms));
    }
}

impl World {
    fn send(&self, method: &str, uri: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Bytes::copy_from_slice(body)).unwrap();
        self.now.set(self.now.get() + 1);
        // What calls others is answered by the parts that do.
        let (app, clock) = (&self.app, Standing(&self.now));
        let response = block_on(async {
            if method == "DELETE" && uri.ends_with("/moysklad") {
                sklad_operator::handle_connections(app, &Nobody, &clock, request).await
            } else if uri.contains("/connections") {
                sklad_operator::handle_insales(app, &self.shop, &clock, request).await
            } else {
                sklad_operator::handle(app, self.now.get(), request).await
            }
        });
        let (parts, body) = response.into_parts();
        let body = match body.is_empty() {
            true => Value::Null,
            false => serde_json::from_slice(&body).unwrap(),
        };
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body,
        }
    }

    fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        let bearer = format!("Bearer {TOKEN}");
        let mut all = vec![("authorization", bearer.as_str())];
        all.extend(headers);
        let body = match body {
            Value::Null => Vec::new(),
            Value::String(text) => text.clone().into_bytes(),
            json => json.to_string().into_bytes(),
        };
        self.send(method, &format!("/api/v1/tenants{path}"), &all, &body)
    }

    fn get(&self, path: &str) -> Answer {
        self.call("GET", path, &[], &Value::Null)
    }

    fn post(&self, path: &str, body: &Value) -> Answer {
        self.call("POST", path, &[], body)
    }

    /// A new customer's id.
    fn customer(&self, body: &Value) -> String {
        let made = self.post("/demo/customers", body);
        assert_eq!(made.status, 201, "{}", made.body);
        made.body["id"].as_str().unwrap().to_owned()
    }

    fn adjust(&self, id: &str, key: &str, points: i64) -> Answer {
        let body = json!({ "points": points, "reason": "проверка" });
        let path = format!("/demo/customers/{id}/adjust");
        self.call("POST", &path, &[("idempotency-key", key)], &body)
    }

    /// Follows the cursors to the end.
    fn all_pages(&self, path: &str, limit: usize) -> Vec<Value> {
        let join = if path.contains('?') { '&' } else { '?' };
        let mut items = Vec::new();
        let mut next = String::new();
        loop {
            let page = self.get(&format!("{path}{join}limit={limit}{next}"));
            assert_eq!(page.status, StatusCode::OK.as_u16(), "{}", page.body);
            items.extend(page.body["items"].as_array().unwrap().clone());
            match page.body["next"].as_str() {
                Some(cursor) => next = format!("&cursor={cursor}"),
                None => return items,
            }
        }
    }
}
