//! An application that takes the fake for МойСклад, in which our solution is published; cabinets that are
//! connected to it by hand or by the solution, and tills that call where МойСклад was told.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fake_moysklad::{Fake, Options, Patience, Shape, Shop as Account, Solution, Status};
use serde_json::{Value, json};

use crate::durability::Host;
use crate::fixture::*;

/// The job that imports everything.
pub const GOODS: &str = "moysklad-goods";
/// The job that imports what has changed.
pub const CHANGES: &str = "moysklad-changes";
/// The job that subscribes to webhooks.
pub const WEBHOOKS: &str = "moysklad-webhooks";
/// The password of the employee of a cabinet.
pub const PASSWORD: &str = "пароль кабинета 1";
/// How long settings and keys are remembered by other instances, with some reserve.
pub const SETTLED: Duration = Duration::from_millis(3_500);
/// How long anything may take: lanes of one who was killed come back after a minute.
const PATIENCE: Duration = Duration::from_secs(120);

/// A fake account, our solution, and the application with its folder.
pub struct World {
    pub fake: Fake,
    pub account: uuid::Uuid,
    pub solution: Solution,
    runs: Runs,
    listen: String,
    state: tempfile::TempDir,
}

/// How the application runs.
enum Runs {
    Not,
    /// In this process.
    Here(Arc<App>),
    /// In a process of its own, which can be killed.
    Apart(Host),
}

/// A small shop: two price types, two stores, everything that is sold.
pub fn shape() -> Shape {
    Shape {
        products: 120,
        variants: 20,
        services: 5,
        bundles: 5,
        folders: 8,
        stores: 2,
        price_types: 2,
        counterparties: 3,
        seed: 1,
        images: false,
    }
}

impl World {
    /// Nothing, with a word why, when an application is tested that runs already.
    pub fn new(test: &str, latency_ms: u64) -> Option<Self> {
        Self::of(test, latency_ms, shape())
    }

    /// The same with another shop.
    pub fn of(test: &str, latency_ms: u64, shape: Shape) -> Option<Self> {
        let mut world = Self::stopped(test, latency_ms, shape)?;
        world.restart();
        Some(world)
    }

    /// The same in a process of its own.
    pub fn apart(test: &str, latency_ms: u64, shape: Shape) -> Option<Self> {
        let mut world = Self::stopped(test, latency_ms, shape)?;
        world.up();
        Some(world)
    }

    fn stopped(test: &str, latency_ms: u64, shape: Shape) -> Option<Self> {
        if skipped_outside(test) {
            return None;
        }
        let options = Options {
            latency_ms,
            patience: Patience {
                retry_ms: 200,
                retry_for_ms: 20_000,
                slow_retry_ms: 200,
                slow_retry_for_ms: 20_000,
                ..Patience::default()
            },
            ..Options::default()
        };
        let fake = Fake::start(options).unwrap();
        let account = fake.add_account("kofe", Account::Generated(shape));
        // Both sides must know the address before the application starts.
        let listen = free_address();
        let solution = Solution::published("bally.sklad", &format!("http://{listen}"));
        fake.add_solution(solution.clone());
        Some(Self {
            fake,
            account,
            solution,
            runs: Runs::Not,
            listen,
            state: tempfile::tempdir().unwrap(),
        })
    }

    /// Starts the application in this process, anew if it runs.
    pub fn restart(&mut self) {
        self.runs = Runs::Not;
        let variables = self.variables();
        let variables: Vec<_> = variables.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let app = app_on(self.state.path(), &self.listen, &variables);
        self.runs = Runs::Here(app);
    }

    /// Starts the application in a process of its own, anew if it runs.
    pub fn up(&mut self) {
        self.runs = Runs::Not;
        let variables = self.variables();
        let variables: Vec<_> = variables.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let host = Host::up_at(self.state.path(), &self.listen, &variables);
        self.runs = Runs::Apart(host);
    }

    /// SIGKILL, and another process on the same folder.
    pub fn kill(&mut self) {
        match &mut self.runs {
            Runs::Apart(host) => host.kill(),
            _ => panic!("the application runs in this process"),
        }
        self.up();
    }

    /// Tenants are addressed by path: no test resolves their hosts.
    fn variables(&self) -> Vec<(&'static str, String)> {
        let solution = json!([{
            "appId": self.solution.id, "appUid": self.solution.uid, "secretKey": self.solution.secret,
        }]);
        vec![
            ("base_domain", String::new()),
            ("public_url", format!("http://{}", self.listen)),
            ("moysklad_api", self.fake.api().to_owned()),
            ("moysklad_files", self.fake.files().to_owned()),
            ("moysklad_apps", self.fake.apps().to_owned()),
            ("moysklad_apps_credentials", solution.to_string()),
        ]
    }

    pub fn app(&self) -> Arc<App> {
        match &self.runs {
            Runs::Here(app) => app.clone(),
            Runs::Apart(host) => host.app.clone(),
            Runs::Not => panic!("the application does not run"),
        }
    }

    /// A shop of this name's own, which knows its organisation.
    pub fn shop(&self) -> Shop {
        let shop = Shop::with(self.app(), json!({}));
        let mut settings = shop.api("GET", "/settings", &json!({})).ok();
        let organization = self.fake.id(self.account, "organization", 0);
        settings["moysklad"]["organization"] = json!(organization.to_string());
        self.put(&shop, "/settings", &settings);
        shop
    }

    /// Replaces a document whatever version it has.
    pub fn put(&self, shop: &Shop, path: &str, body: &Value) {
        let path = format!("/{}{path}", shop.slug);
        let any = [("If-Match", "*")];
        self.app().operator("PUT", &path, &any, body).ok();
    }

    /// Connects the shop by a new token of the account's administrator.
    pub fn connect(&self, shop: &Shop) {
        let token = self.fake.user_token(self.account);
        let body = json!({ "token": token });
        let connected = shop.api("PUT", "/moysklad", &body).ok();
        assert_eq!(connected["accounts"][0]["has_access"], true);
        assert!(!connected.to_string().contains(&token));
    }

    /// What is due is done, for as long.
    pub fn tick(&self, budget_ms: u32) -> Value {
        tick(&self.app(), budget_ms).unwrap().ok()
    }

    /// Ticks until the job's run has ended; answers the job.
    pub fn finish(&self, shop: &Shop, job: &str) -> Value {
        let begun = Instant::now();
        loop {
            self.tick(5_000);
            let line = self.job(shop, job);
            if line["run_at"].is_null() && !line["last_result"].is_null() || line["state"] == "dead"
            {
                return line;
            }
            assert!(begun.elapsed() < PATIENCE, "{line}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    pub fn job(&self, shop: &Shop, job: &str) -> Value {
        shop.api("GET", &format!("/jobs/{job}"), &json!({})).ok()
    }

    /// Everything is imported, without a warning.
    pub fn import(&self, shop: &Shop) {
        let asked = shop.api("POST", "/moysklad/import", &json!({})).ok();
        assert_eq!(
            (&asked["id"], &asked["state"]),
            (&json!(GOODS), &json!("waiting"))
        );
        let done = self.finish(shop, GOODS);
        assert_eq!(done["last_result"], "ok", "{done}");
    }

    /// All webhooks have been delivered and handled.
    pub fn settle(&self) {
        assert!(self.fake.wait_for_webhooks(self.account, PATIENCE));
        let mut quiet = 0;
        for _ in 0..200 {
            let handled = self.tick(5_000)["received"].as_u64().unwrap();
            quiet = if handled == 0 { quiet + 1 } else { 0 };
            if quiet == 2 {
                return;
            }
        }
        panic!("an inbox without end");
    }

    /// The objects of a kind.
    pub fn objects(&self, kind: &str) -> Vec<Value> {
        self.fake.objects(self.account, kind)
    }
}

/// A tick of this application.
pub fn tick(app: &App, budget_ms: u32) -> Result<Answer, ureq::Error> {
    let bearer = format!("Bearer {}", app.token());
    let path = format!("/internal/tick?budget_ms={budget_ms}&once=true");
    app.send("POST", &path, &[("authorization", &bearer)], b"")
}

/// The solution, as МойСклад's users handle it.
impl World {
    /// A cabinet with an employee who may enter it; answers his e-mail too.
    pub fn cabinet(&self) -> (Shop, String) {
        let shop = self.shop();
        let group = json!({ "name": "Управляющие", "rights": ["admin-panel"] });
        shop.api("POST", "/groups", &group).ok();
        let email = format!("boss@{}.example", shop.slug);
        let employee = json!({ "email": email, "password": PASSWORD, "groups": ["Управляющие"] });
        shop.api("POST", "/employees", &employee).ok();
        (shop, email)
    }

    /// The solution's page asks something.
    pub fn page(&self, method: &str, path: &str, session: Option<&str>, body: &Value) -> Answer {
        let bearer = session.map(|session| format!("Bearer {session}"));
        let headers: Vec<_> = bearer
            .iter()
            .map(|b| ("authorization", b.as_str()))
            .collect();
        let path = format!("/api/moysklad/activation{path}");
        let sent = self
            .app()
            .send(method, &path, &headers, body.to_string().as_bytes());
        sent.unwrap()
    }

    /// A user of an account opens the solution's page; answers his session.
    pub fn open(&self, account: uuid::Uuid, login: &str) -> String {
        let token = self
            .fake
            .user_context_token(self.solution.id, account, login);
        let body = json!({ "appId": self.solution.id, "token": token });
        let told = self.page("POST", "/context", None, &body).ok();
        text(&told["session"])
    }

    /// The administrator of an account names the cabinet.
    pub fn activate(&self, account: uuid::Uuid, name: &str, shop: &Shop, email: &str) -> Answer {
        let session = self.open(account, &format!("admin@{name}"));
        let body = json!({ "cabinet": shop.slug, "email": email, "password": PASSWORD });
        self.page("POST", "/activate", Some(&session), &body)
    }

    /// A cabinet for which the solution is at work on the account, with everything imported and subscribed to.
    pub fn installed(&self) -> (Shop, String) {
        let (shop, email) = self.cabinet();
        assert_eq!(self.install(), Some(Status::SettingsRequired));
        let told = self.activate(self.account, "kofe", &shop, &email).ok();
        assert_eq!(told["state"], "activated");
        self.import(&shop);
        let subscribed = self.finish(&shop, WEBHOOKS);
        assert_eq!(subscribed["last_result"], "ok", "{subscribed}");
        (shop, email)
    }

    /// The merchant installs the solution.
    pub fn install(&self) -> Option<Status> {
        self.fake.install(self.solution.id, self.account)
    }

    /// Where the solution stands at МойСклад.
    pub fn status(&self) -> Option<Status> {
        self.fake.status(self.solution.id, self.account)
    }

    /// The tenant's row about the solution.
    pub fn connection(&self, shop: &Shop) -> Value {
        let all = shop.api("GET", "/moysklad", &json!({})).ok();
        let ours = |row: &&Value| row["app_id"] == json!(self.solution.id);
        let rows = all["accounts"].as_array().unwrap();
        rows.iter().find(ours).cloned().unwrap_or_default()
    }

    /// Ticks until this holds.
    pub fn until(&self, what: &str, holds: impl Fn() -> bool) {
        let begun = Instant::now();
        while !holds() {
            assert!(begun.elapsed() < PATIENCE, "never: {what}");
            self.tick(1_000);
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// A till of the account: it calls where МойСклад was told to, with the key that it was told.
    pub fn till(&self) -> Till {
        let told = self.fake.loyalty(self.solution.id, self.account).unwrap();
        let app = self.app();
        let path = told.url.strip_prefix(&app.url).unwrap().to_owned();
        Till {
            app,
            path,
            key: told.token,
        }
    }
}

/// What a till has of МойСклад: address and key.
pub struct Till {
    app: Arc<App>,
    path: String,
    pub key: String,
}

impl Till {
    /// Any POST.
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        let headers = [
            (KEY, self.key.as_str()),
            ("content-type", "application/json"),
        ];
        let path = format!("{}{path}", self.path);
        let sent = self
            .app
            .send("POST", &path, &headers, body.to_string().as_bytes());
        sent.unwrap()
    }

    pub fn recalc(&self, receipt: &Value) -> Value {
        self.post("/retaildemand/recalc", receipt).ok()
    }

    /// Sells what was quoted.
    pub fn sell(&self, quote: &Value) {
        let answer = self.post("/retaildemand", &sale_of(quote));
        assert_eq!((answer.status, answer.text.as_str()), (201, ""));
    }

    /// The balance that the till shows.
    pub fn balance(&self, buyer: &Value) -> i64 {
        let card = self.post("/counterparty/detail", buyer).ok();
        card["bonusProgram"]["agentBonusBalance"].as_i64().unwrap()
    }

    /// What a receipt with one good earns, in points.
    pub fn earns(&self, buyer: &Value, good_id: &str) -> i64 {
        let quote = self.recalc(&receipt(buyer, &[good(good_id, 1_000.0, 1.0)]));
        quote["bonusProgram"]["bonusValueToEarn"].as_i64().unwrap()
    }
}

/// Where the fake says that a good lies.
pub fn folder(good: &Value) -> Option<String> {
    let href = good["productFolder"]["meta"]["href"].as_str()?;
    href.rsplit('/').next().map(str::to_owned)
}

/// Whether points are earned with a good of the fake like with any other.
pub fn is_plain(good: &&Value) -> bool {
    let flag = |name: &str| good[name] == json!(true);
    let tracked = good["trackingType"].as_str();
    folder(good).is_some()
        && !flag("archived")
        && !flag("discountProhibited")
        && tracked.is_none_or(|t| t == "NOT_TRACKED")
}

/// What is known of a shop's catalogue, without what differs between two imports of the same.
pub fn catalogue(shop: &Shop) -> Vec<Value> {
    let strip = |mut row: Value| {
        if let Some(row) = row.as_object_mut() {
            row.remove("updated_at");
        }
        row
    };
    let mut all: Vec<Value> = Vec::new();
    for path in ["/categories", "/goods", "/stores", "/price-types"] {
        let answer = shop.api("GET", path, &json!({})).ok();
        let rows = match answer.as_array() {
            Some(rows) => rows.clone(),
            None => shop.list(path),
        };
        let mut rows: Vec<Value> = rows.into_iter().map(strip).collect();
        rows.sort_by_key(Value::to_string);
        all.extend(rows);
    }
    all
}
