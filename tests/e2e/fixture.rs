//! A running application, a tenant of its own for each test, and the calls of its tills.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde_json::{Value, json};
use sklad_host::{Builder, Running, Server};

/// What МойСклад appends its methods to.
pub const PREFIX: &str = "/rest/integration/moysklad/v1";
/// The point of sale of every receipt here.
pub const STORE: &str = "5d0f8c5e-6f0b-11ef-8a84-bae500000001";
/// The header with a till's key.
pub const KEY: &str = "Lognex-Discount-API-Auth-Token";
/// The domain below which tenants have their hosts.
pub const DOMAIN: &str = "shops.example";

const ANY_PORT: &str = "127.0.0.1:0";
const TOKEN: &str = "operator-token-of-these-tests";
const BUILD: &str = "make build";

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// An application that answers.
pub struct App {
    pub url: String,
    token: String,
    /// The base domain, where it is known.
    pub domain: Option<String>,
    agent: ureq::Agent,
    /// The server, when it is ours; dropped before its folder.
    server: Option<Running>,
    _folder: Option<tempfile::TempDir>,
}

/// The application that most tests share.
pub fn app() -> Arc<App> {
    static APP: OnceLock<Arc<App>> = OnceLock::new();
    APP.get_or_init(|| Arc::new(external().unwrap_or_else(|| App::start(shared_folder(), None))))
        .clone()
}

/// An application of this test's own; nothing, with a word why, when a running one is tested.
pub fn own_app(test: &str) -> Option<Arc<App>> {
    if skipped_outside(test) {
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    Some(Arc::new(App::start(folder.path().into(), Some(folder))))
}

/// An application on a folder and an address that outlive it, with more variables.
pub fn app_on(state: &Path, listen: &str, more: &[(&str, &str)]) -> Arc<App> {
    Arc::new(App::start_with(state.into(), None, listen, more))
}

/// An address that nobody listens on, for an application that must know where it is reached.
pub fn free_address() -> String {
    let free = std::net::TcpListener::bind(ANY_PORT).unwrap();
    free.local_addr().unwrap().to_string()
}

/// Whether the application is somebody else's process, which this test cannot use.
pub fn skipped_outside(test: &str) -> bool {
    let outside = std::env::var_os("SKLAD_EDGE_URL").is_some();
    if outside {
        println!("skipped: {test} must own the process, and SKLAD_EDGE_URL names another");
    }
    outside
}

fn external() -> Option<App> {
    let url = std::env::var("SKLAD_EDGE_URL").ok()?;
    let token = std::env::var("SKLAD_EDGE_OPERATOR_TOKEN")
        .expect("SKLAD_EDGE_URL needs SKLAD_EDGE_OPERATOR_TOKEN");
    let domain = std::env::var("SKLAD_EDGE_BASE_DOMAIN").ok();
    Some(App::at(url.trim_end_matches('/').to_owned(), token, domain))
}

/// Nothing runs at the end of a test binary that could remove the shared folder: the next run does.
fn shared_folder() -> PathBuf {
    const OLD: Duration = Duration::from_secs(3600);
    let tmp = Path::new(env!("CARGO_TARGET_TMPDIR"));
    for entry in std::fs::read_dir(tmp).into_iter().flatten().flatten() {
        let age = entry.metadata().and_then(|m| m.modified()).ok();
        let old = age
            .and_then(|at| at.elapsed().ok())
            .is_some_and(|age| age > OLD);
        if old && entry.file_name().to_string_lossy().starts_with("e2e-") {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
    let folder = tmp.join(format!("e2e-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Fails with the command to run when a component of the manifest is not built.
pub fn manifest() -> PathBuf {
    let manifest = root().join("spin.toml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    for line in text.lines() {
        if let Some(source) = line.strip_prefix("source = \"") {
            let wasm = root().join(source.trim_end_matches('"'));
            assert!(wasm.is_file(), "{} is missing: {BUILD}", wasm.display());
        }
    }
    manifest
}

/// The variables of the application under test.
pub fn variables() -> [(&'static str, &'static str); 3] {
    [
        ("operator_token", TOKEN),
        ("master_key", "master-key-of-these-tests"),
        ("base_domain", DOMAIN),
    ]
}

/// Starts a server on the runtime that all of this process share.
pub fn serve(builder: Builder) -> Running {
    static RUNTIME: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| tokio::runtime::Runtime::new().unwrap());
    runtime.block_on(builder.quiet(true).start()).unwrap()
}

impl App {
    fn at(url: String, token: String, domain: Option<String>) -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(60)))
            .max_idle_connections_per_host(64)
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .build();
        Self {
            url,
            token,
            domain,
            agent: config.into(),
            server: None,
            _folder: None,
        }
    }

    fn start(state: PathBuf, folder: Option<tempfile::TempDir>) -> Self {
        Self::start_with(state, folder, ANY_PORT, &[])
    }

    /// With more variables than [`variables`].
    fn start_with(
        state: PathBuf,
        folder: Option<tempfile::TempDir>,
        listen: &str,
        more: &[(&str, &str)],
    ) -> Self {
        let builder = Server::builder()
            .manifest(manifest())
            .listen(listen)
            .state_dir(state);
        let all = variables().into_iter().chain(more.iter().copied());
        let server = serve(all.fold(builder, |b, (k, v)| b.variable(k, v)));
        Self {
            server: Some(server),
            _folder: folder,
            ..Self::of_tests(String::new())
        }
        .located()
    }

    fn located(mut self) -> Self {
        self.url = self.server.as_ref().map(Running::url).unwrap_or_default();
        self
    }

    /// One with the test's secrets that somebody else has started.
    pub fn of_tests(url: String) -> Self {
        Self::at(url, TOKEN.to_owned(), Some(DOMAIN.to_owned()))
    }

    /// The operator's token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The counters of the host.
    pub fn metrics(&self) -> sklad_host::Metrics {
        self.server.as_ref().unwrap().metrics()
    }

    /// Any request; an error where no answer came.
    pub fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Answer, ureq::Error> {
        let mut request = http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = match method {
            "GET" | "HEAD" | "DELETE" | "OPTIONS" => self.agent.run(request.body(()).unwrap())?,
            _ => self.agent.run(request.body(body).unwrap())?,
        };
        let text = response.body_mut().read_to_string()?;
        Ok(Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            json: serde_json::from_str(&text).unwrap_or_default(),
            text,
        })
    }

    /// A request of the operator.
    pub fn operator(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        let mut all = vec![("authorization", bearer.as_str())];
        all.extend_from_slice(headers);
        let path = format!("/api/v1/tenants{path}");
        self.send(method, &path, &all, body.to_string().as_bytes())
            .unwrap()
    }
}

/// An answer read to its end.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: http::HeaderMap,
    pub text: String,
    /// Null where the text is no JSON.
    pub json: Value,
}

impl Answer {
    /// The JSON of a success.
    pub fn ok(self) -> Value {
        assert!(
            (200..300).contains(&self.status),
            "{} {}",
            self.status,
            self.text
        );
        self.json
    }

    /// Status and code of an error, after a look at its shape: МойСклад's, with short Russian texts.
    pub fn error(&self) -> (u16, i64) {
        assert!(self.status >= 400, "{} {}", self.status, self.text);
        let errors = self.json["errors"]
            .as_array()
            .unwrap_or_else(|| panic!("{self:?}"));
        assert_eq!(errors.len(), 1, "{self:?}");
        for name in ["error", "error_message"] {
            let text = errors[0][name]
                .as_str()
                .unwrap_or_else(|| panic!("{self:?}"));
            let russian = text.chars().any(|c| ('а'..='я').contains(&c));
            assert!(
                russian && (5..=140).contains(&text.chars().count()),
                "{text}"
            );
        }
        assert!(
            self.headers["content-type"]
                .to_str()
                .unwrap()
                .starts_with("application/json")
        );
        (self.status, errors[0]["code"].as_i64().unwrap())
    }
}

/// A tenant and a till's key of it.
pub struct Shop {
    pub app: Arc<App>,
    pub slug: String,
    pub key: String,
}

/// A new id of anything.
pub fn id() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// A new complete Russian phone number, ten digits.
pub fn phone() -> String {
    format!("9{:09}", uuid::Uuid::new_v4().as_u128() % 1_000_000_000)
}

impl Shop {
    /// A tenant with this programme in the shared application.
    pub fn new(programme: Value) -> Self {
        Self::with(app(), json!({ "programme": programme }))
    }

    /// A tenant with these settings.
    pub fn with(app: Arc<App>, mut settings: Value) -> Self {
        let slug = format!("e2e-{}", &id()[..13]);
        settings["slug"] = json!(slug);
        app.operator("POST", "", &[], &settings).ok();
        let mut shop = Self {
            app,
            slug,
            key: String::new(),
        };
        shop.key = shop.new_key().0;
        shop
    }

    /// Issues another key: its text and its id.
    pub fn new_key(&self) -> (String, String) {
        let issued = self.api("POST", "/keys", &json!({ "label": "test" })).ok();
        (text(&issued["token"]), text(&issued["key"]["id"]))
    }

    /// The operator's API of this tenant.
    pub fn api(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.app
            .operator(method, &format!("/{}{path}", self.slug), &[], body)
    }

    /// Every item of a list of the operator's API.
    pub fn list(&self, path: &str) -> Vec<Value> {
        let join = if path.contains('?') { '&' } else { '?' };
        let (mut items, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = self
                .api("GET", &format!("{path}{join}limit=500{cursor}"), &json!({}))
                .ok();
            items.extend(page["items"].as_array().unwrap().iter().cloned());
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return items,
            }
        }
    }

    /// Creates a customer; answers the card.
    pub fn customer(&self, input: Value) -> Value {
        self.api("POST", "/customers", &input).ok()
    }

    /// A customer with a phone and so many points: the agent of a receipt.
    pub fn buyer(&self, points: i64) -> Value {
        let card = self.customer(json!({ "name": "Покупатель Пётр", "phone": phone() }));
        let id = text(&card["id"]);
        if points != 0 {
            self.adjust(&id, points);
        }
        agent(&id)
    }

    /// Gives or takes points.
    pub fn adjust(&self, customer: &str, points: i64) {
        let path = format!("/{}/customers/{customer}/adjust", self.slug);
        let body = json!({ "points": points, "reason": "для проверки" });
        self.app
            .operator("POST", &path, &[("Idempotency-Key", &id())], &body)
            .ok();
    }

    /// A call of the till.
    pub fn call(&self, method: &str, path: &str, body: &[u8]) -> Answer {
        let headers = [
            (KEY, self.key.as_str()),
            ("content-type", "application/json"),
        ];
        self.app
            .send(method, &format!("{PREFIX}{path}"), &headers, body)
            .unwrap()
    }

    /// A POST of the till.
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.call("POST", path, body.to_string().as_bytes())
    }

    /// What a search finds.
    pub fn search(&self, typed: &str) -> Vec<Value> {
        let path = format!(
            "/counterparty?search={}&retailStoreId={STORE}",
            encode(typed)
        );
        let found = self.call("GET", &path, b"").ok();
        found["rows"].as_array().unwrap().clone()
    }

    /// The balance that the till shows.
    pub fn balance(&self, agent: &Value) -> i64 {
        let answer = self.post("/counterparty/detail", agent).ok();
        answer["bonusProgram"]["agentBonusBalance"]
            .as_i64()
            .unwrap()
    }

    /// Quotes a receipt whose body is a success.
    pub fn recalc(&self, receipt: &Value) -> Value {
        let answer = self.post("/retaildemand/recalc", receipt);
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json
    }

    /// Sells; the answer must be МойСклад's 201 without a body.
    pub fn sell(&self, sale: &Value) {
        let answer = self.post("/retaildemand", sale);
        assert_eq!((answer.status, answer.text.as_str()), (201, ""), "{sale}");
    }

    /// Takes goods back.
    pub fn take_back(&self, back: &Value) {
        let answer = self.post("/retailsalesreturn", back);
        assert_eq!((answer.status, answer.text.as_str()), (201, ""), "{back}");
    }

    /// A document as the operator sees it.
    pub fn document(&self, id: &str) -> Value {
        self.api("GET", &format!("/sales/{}", encode(id)), &json!({}))
            .ok()
    }

    /// That every balance is what the ledger gives.
    pub fn check(&self) {
        let path = "/check?limit=500";
        let answer = self.api("GET", path, &json!({})).ok();
        assert_eq!(
            (&answer["differences"], &answer["next"]),
            (&json!([]), &Value::Null)
        );
    }
}

/// The text of a value.
pub fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("no text: {value}"))
        .to_owned()
}

/// A part of a query or a path.
pub fn encode(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// `{"meta": {href, id}}` of an entity.
pub fn entity(kind: &str, id: &str) -> Value {
    json!({ "meta": {
        "href": format!("https://api.moysklad.ru/api/remap/1.2/entity/{kind}/{id}"),
        "id": id,
    } })
}

/// A customer on a receipt.
pub fn agent(id: &str) -> Value {
    entity("counterparty", id)
}

/// The agent with more fields.
pub fn with(mut value: Value, more: Value) -> Value {
    for (name, field) in more.as_object().unwrap() {
        value[name] = field.clone();
    }
    value
}

/// A position of a good without an entry in the catalogue.
pub fn line(price: f64, quantity: f64) -> Value {
    good(&id(), price, quantity)
}

/// A position of a good.
pub fn good(id: &str, price: f64, quantity: f64) -> Value {
    json!({ "assortment": entity("product", id), "price": price, "quantity": quantity })
}

/// A receipt of this agent before any discount.
pub fn receipt(agent: &Value, positions: &[Value]) -> Value {
    json!({
        "retailStore": entity("retailstore", STORE),
        "agent": agent,
        "positions": positions,
        "bonusProgram": { "transactionType": "EARNING" },
    })
}

/// The same, paid with as many points as possible, or with so many.
pub fn spending(agent: &Value, positions: &[Value], points: Option<i64>) -> Value {
    let mut body = receipt(agent, positions);
    body["bonusProgram"]["transactionType"] = json!("SPENDING");
    if let Some(points) = points {
        body["preferredBonusToSpend"] = json!(points);
    }
    body
}

/// The sale of a quote, with a new id.
pub fn sale_of(quote: &Value) -> Value {
    json!({
        "retailStore": entity("retailstore", STORE),
        "name": "00042",
        "moment": "2026-04-27 15:43:00",
        "meta": entity("retaildemand", &id())["meta"],
        "agent": quote["agent"],
        "positions": quote["positions"],
        "bonusProgram": {
            "bonusValueToSpend": quote["bonusProgram"]["bonusValueToSpend"],
            "bonusValueToEarn": quote["bonusProgram"]["bonusValueToEarn"],
        },
        "cashSum": 0,
        "noCashSum": 1,
    })
}

/// A return of these positions of a sale.
pub fn return_of(sale: &Value, positions: &[Value]) -> Value {
    json!({
        "retailStore": entity("retailstore", STORE),
        "name": "00043",
        "moment": "2026-04-28 15:43:00",
        "meta": entity("retailsalesreturn", &id())["meta"],
        "demand": { "meta": sale["meta"] },
        "agent": {},
        "positions": positions,
        "cashSum": 0,
        "noCashSum": 283_100.0,
    })
}

/// The id of a document.
pub fn id_of(document: &Value) -> String {
    text(&document["meta"]["id"])
}
