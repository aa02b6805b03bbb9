//! A deployment with two solutions, and МойСклад's side of the Vendor API.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::path::Path;

use bytes::Bytes;
use futures::executor::block_on;
use http::{HeaderMap, Request, Response};
use serde_json::{Value, json};
use sklad_access::NewEmployee;
use sklad_jobs::journal;
use sklad_moysklad::vendor::accounts::{self, Account};
use sklad_moysklad::vendor::{self, jwt, routes, settle};
use sklad_store::native::{MemoryKv, NativeSql};
use sklad_store::{Call, Clock, Http, HttpError, Sql};
use sklad_tenant::{App, Config, MoySklad, Settings, Slug, settings};

pub const APP: &str = "5f3c5489-6a17-48b7-9fe5-b2000eb807fe";
pub const DRAFT: &str = "00000000-0000-4000-8000-000000000001";
pub const ACCOUNT: &str = "f088b0a7-9490-4a57-b804-393163e7680f";
pub const OTHER: &str = "aaaaaaaa-9490-4a57-b804-393163e7680f";
pub const SECRET: &str = "secret of the published solution";
pub const DRAFT_SECRET: &str = "secret of the draft of a solution";
pub const MASTER: &str = "master-key-of-the-tests";
pub const PASSWORD: &str = "пароль-123";

/// What МойСклад does with the next call.
#[derive(Clone)]
pub enum Does {
    /// What is asked, and answers.
    Well,
    /// Refuses or fails, with no effect.
    Status(u16, Value),
    /// What is asked, and the answer is lost.
    LostAfter,
    /// Nothing: the request is lost.
    LostBefore,
}

/// МойСклад's side: what it has been told.
#[derive(Default)]
pub struct Apps {
    pub script: RefCell<VecDeque<Does>>,
    /// Method and path of every call.
    pub calls: RefCell<Vec<String>>,
    /// Address and key of the loyalty programme.
    pub loyalty: RefCell<Option<(String, String)>>,
    pub status: RefCell<Option<String>>,
    /// The `jti` of every token: good once.
    jtis: RefCell<Vec<String>>,
    /// What a context key or token leads to: the key, and the answer.
    pub contexts: RefCell<Vec<(String, Value)>>,
}

impl Apps {
    pub fn next(&self, does: &[Does]) {
        self.script.borrow_mut().extend(does.iter().cloned());
    }

    pub fn key(&self) -> Option<String> {
        self.loyalty.borrow().as_ref().map(|(_, key)| key.clone())
    }

    fn authenticate(&self, call: &Call) {
        let bearer = call.request.headers()["authorization"].to_str().unwrap();
        let token = bearer.strip_prefix("Bearer ").unwrap();
        let now = now_of(token);
        let known = [SECRET, DRAFT_SECRET].map(|secret| jwt::verify(secret, token, now));
        let claims = known.into_iter().flatten().next().unwrap();
        assert_eq!(call.request.headers()["accept-encoding"], "gzip");
        let mut jtis = self.jtis.borrow_mut();
        assert!(!jtis.contains(&claims.jti), "a token is good once");
        jtis.push(claims.jti);
    }

    fn effect(&self, path: &str, body: &Value) -> (u16, Value) {
        if path.ends_with("/loyalty") {
            let text = |name: &str| body[name].as_str().unwrap().to_owned();
            assert_eq!(body["externalSearch"], true);
            *self.loyalty.borrow_mut() = Some((text("url"), text("token")));
        } else if path.ends_with("/status") {
            assert!(self.loyalty.borrow().is_some(), "the key comes first");
            *self.status.borrow_mut() = body["status"].as_str().map(str::to_owned);
        } else {
            let asked = match path.ends_with("/context/user") {
                true => body["token"].as_str().unwrap(),
                false => path.rsplit('/').next().unwrap(),
            };
            let mut contexts = self.contexts.borrow_mut();
            let at = contexts.iter().position(|(key, _)| key == asked);
            return match at {
                Some(at) => (200, contexts.remove(at).1),
                None => (404, json!({ "errors": [{ "error": "x", "code": 3007 }] })),
            };
        }
        (200, Value::Null)
    }
}

fn now_of(token: &str) -> i64 {
    use base64::Engine;
    let payload = token.split('.').nth(1).unwrap();
    let json = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload);
    let payload: Value = serde_json::from_slice(&json.unwrap()).unwrap();
    assert!(payload["sub"].is_string());
    payload["iat"].as_i64().unwrap()
}

impl Http for Apps {
    async fn send(&self, call: Call) -> Result<Response<Bytes>, HttpError> {
        call.check()?;
        self.authenticate(&call);
        let path = call.request.uri().path().to_owned();
        let method = call.request.method().to_string();
        self.calls.borrow_mut().push(format!("{method} {path}"));
        let body = serde_json::from_slice(call.request.body()).unwrap_or(Value::Null);
        let does = self.script.borrow_mut().pop_front().unwrap_or(Does::Well);
        let lost = || Err(HttpError::NoAnswer("the connection broke".into()));
        let (status, answer) = match does {
            Does::Well => self.effect(&path, &body),
            Does::Status(status, answer) => (status, answer),
            Does::LostAfter => {
                self.effect(&path, &body);
                return lost();
            }
            Does::LostBefore => return lost(),
        };
        let body = if answer.is_null() {
            Bytes::new()
        } else {
            Bytes::from(answer.to_string())
        };
        Ok(Response::builder().status(status).body(body).unwrap())
    }
}

/// A clock that stands still.
struct Stopped(i64);

impl Clock for Stopped {
    fn now_ms(&self) -> i64 {
        self.0
    }

    async fn pause(&self) {}

    async fn sleep(&self, _ms: u32) {}
}

pub struct World {
    pub app: App<NativeSql, MemoryKv>,
    pub apps: Apps,
    pub now: Cell<i64>,
    jti: Cell<u32>,
    pub dir: tempfile::TempDir,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
    pub headers: HeaderMap,
}

impl Answer {
    fn of(response: Response<Vec<u8>>) -> Self {
        let (parts, body) = response.into_parts();
        Self {
            status: parts.status.as_u16(),
            body: match body.is_empty() {
                true => Value::Null,
                false => serde_json::from_slice(&body).unwrap(),
            },
            headers: parts.headers,
        }
    }

    /// The status in the answer to PUT.
    pub fn told(&self) -> &str {
        assert_eq!(self.status, 200, "{}", self.body);
        assert_eq!(self.headers["content-type"], "application/json");
        self.body["status"].as_str().unwrap()
    }

    /// Status and code of a refusal.
    pub fn code(&self) -> (u16, &str) {
        let error = &self.body["error"];
        assert!(!error["message"].as_str().unwrap().is_empty());
        (self.status, error["code"].as_str().unwrap())
    }
}

pub fn config(base_domain: &str) -> Config {
    let solutions = json!([
        { "appId": APP, "appUid": "sklad.vendor", "secretKey": SECRET },
        { "appId": DRAFT, "appUid": "sklad-draft.vendor", "secretKey": DRAFT_SECRET, "draft": true },
    ]);
    let moysklad = MoySklad::new("", "https://apps.example", &solutions.to_string()).unwrap();
    let config = Config::new(None, Some(MASTER), base_domain).unwrap();
    config
        .with_vendors("https://sklad.example", moysklad)
        .unwrap()
}

pub fn app(path: &Path) -> App<NativeSql, MemoryKv> {
    let sql = NativeSql::open(&path.join("db")).unwrap();
    App::new(sql, MemoryKv::default(), config(""))
}

pub fn world() -> World {
    let dir = tempfile::tempdir().unwrap();
    World {
        app: app(dir.path()),
        apps: Apps::default(),
        now: Cell::new(1_790_000_000_000),
        jti: Cell::new(0),
        dir,
    }
}

/// The body of PUT.
pub fn put_body(cause: &str, token: Option<&str>) -> Value {
    let mut body = json!({
        "appUid": "sklad.vendor",
        "accountName": "shop",
        "cause": cause,
        "subscription": { "tariffId": "x", "trial": true, "tariffName": "Basic" },
    });
    if let Some(token) = token {
        body["access"] = json!([{ "resource": "https://api.moysklad.ru/api/remap/1.2",
            "scope": ["admin"], "access_token": token }]);
    }
    body
}

impl World {
    pub fn later(&self, ms: i64) {
        self.now.set(self.now.get() + ms);
    }

    pub fn now_s(&self) -> i64 {
        self.now.get() / 1000
    }

    /// A token of МойСклад for one call.
    pub fn token(&self, secret: &str) -> String {
        self.jti.set(self.jti.get() + 1);
        jwt::sign(secret, "", &format!("jti-{}", self.jti.get()), self.now_s())
    }

    pub fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Bytes::copy_from_slice(body)).unwrap();
        Answer::of(block_on(vendor::handle(&self.app, self.now.get(), request)))
    }

    /// A call of МойСклад with a token and a request id of its own.
    pub fn call(&self, method: &str, account: &str, body: &Value) -> Answer {
        let bearer = format!("Bearer {}", self.token(SECRET));
        let id = format!("request-{}", self.jti.get());
        let headers = [
            ("authorization", bearer.as_str()),
            ("X_Lognex_RequestId", &id),
        ];
        let body = match body {
            Value::Null => Vec::new(),
            body => body.to_string().into_bytes(),
        };
        self.request(method, &path(APP, account), &headers, &body)
    }

    pub fn put(&self, cause: &str, token: Option<&str>) -> Answer {
        self.call("PUT", ACCOUNT, &put_body(cause, token))
    }

    pub fn delete(&self, cause: &str) -> Answer {
        self.call(
            "DELETE",
            ACCOUNT,
            &json!({ "appUid": "sklad.vendor", "cause": cause }),
        )
    }

    pub fn account(&self) -> Option<Account> {
        block_on(accounts::find(&self.app.sql, APP, ACCOUNT)).unwrap()
    }

    /// A cabinet with an administrator and an employee without the right.
    pub fn cabinet(&self, slug: &str) {
        let name: Slug = slug.parse().unwrap();
        let settings = Settings {
            name: slug.to_owned(),
            ..Settings::default()
        };
        let now = self.now.get();
        let (sql, kv) = (&self.app.sql, &self.app.kv);
        block_on(settings::create(sql, kv, &name, settings, now)).unwrap();
        let employee = |email: &str| NewEmployee {
            email: email.to_owned(),
            password: Some(PASSWORD.to_owned()),
            ..NewEmployee::default()
        };
        let founder = sklad_access::founder(slug, &employee("admin@shop.ru"), now).unwrap();
        block_on(sql.atomic(founder)).unwrap();
        let plain = employee("cashier@shop.ru");
        block_on(sklad_access::employees::create(sql, slug, &plain, now)).unwrap();
        self.app.forget();
    }

    /// A request of the activation's page.
    pub fn page(&self, method: &str, path: &str, session: Option<&str>, body: &Value) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", routes::PREFIX))
            .header("spin-client-addr", "203.0.113.7:5000");
        if let Some(session) = session {
            request = request.header("authorization", format!("Bearer {session}"));
        }
        let request = request.body(Bytes::from(body.to_string())).unwrap();
        let now = self.now.get();
        Answer::of(block_on(routes::handle(
            &self.app, &self.apps, now, request,
        )))
    }

    /// Opens the solution in МойСклад; answers the session.
    pub fn open(&self, account: &str, admin: bool) -> String {
        let answer = self.opened(account, admin);
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body["session"].as_str().unwrap().to_owned()
    }

    pub fn opened(&self, account: &str, admin: bool) -> Answer {
        let view = if admin { "ALL" } else { "NO" };
        let employee = json!({ "accountId": account, "uid": "admin@shop", "shortFio": "Иванов И.",
            "permissions": { "admin": { "view": view } } });
        self.jti.set(self.jti.get() + 1);
        let key = format!("context{}", self.jti.get());
        self.apps
            .contexts
            .borrow_mut()
            .push((key.clone(), employee));
        self.page(
            "POST",
            "/context",
            None,
            &json!({ "appId": APP, "contextKey": key }),
        )
    }

    pub fn activate(&self, session: &str, cabinet: &str) -> Answer {
        let body = json!({ "cabinet": cabinet, "email": "admin@shop.ru", "password": PASSWORD });
        self.page("POST", "/activate", Some(session), &body)
    }

    /// An account on which the solution is at work for the cabinet `demo`.
    pub fn at_work() -> Self {
        let w = world();
        w.cabinet("demo");
        assert_eq!(w.put("Install", Some("token-1")).told(), "SettingsRequired");
        let done = w.activate(&w.open(ACCOUNT, true), "demo");
        assert_eq!(
            (done.status, done.body["state"].as_str()),
            (200, Some("activated"))
        );
        w
    }

    /// The schedule, once; answers for how many accounts something was done.
    pub fn tick(&self) -> usize {
        let clock = Stopped(self.now.get());
        block_on(settle::due(&self.app, &self.apps, &clock, clock.0 + 1)).unwrap()
    }

    /// The schedule, as often as something is due within so long.
    pub fn work_off(&self, ms: i64) {
        let end = self.now.get() + ms;
        while let Some(due) = self
            .account()
            .and_then(|a| a.due_at)
            .filter(|at| *at <= end)
        {
            self.now.set(self.now.get().max(due));
            self.tick();
        }
        self.now.set(end);
    }

    /// Whose key it is, for a till that calls now.
    pub fn whose(&self, key: &str) -> Option<String> {
        self.app.forget();
        let tenant = block_on(self.app.tenant_of_token(key, self.now.get())).unwrap();
        tenant.map(|t| t.slug.to_string())
    }

    /// The merchant's journal about the connection, oldest first.
    pub fn journal(&self, tenant: &str) -> Vec<String> {
        let filter = journal::Filter {
            action: Some("connection".to_owned()),
            ..journal::Filter::default()
        };
        let lines = block_on(journal::list(&self.app.sql, tenant, filter, 100)).unwrap();
        let mut lines: Vec<_> = lines.into_iter().map(|line| (line.at, line.text)).collect();
        lines.reverse();
        lines.sort_by_key(|(at, _)| *at);
        lines.into_iter().map(|(_, text)| text).collect()
    }

    /// How many rows a table has.
    pub fn count(&self, table: &str) -> i64 {
        let statement = sklad_store::Statement::new(format!("SELECT count(*) FROM {table}"));
        let rows = block_on(self.app.sql.query(statement)).unwrap();
        rows[0].int(0).unwrap()
    }
}

pub fn path(app: &str, account: &str) -> String {
    format!("/api/moysklad/vendor/1.0/apps/{app}/{account}")
}
