//! An application that takes the fake for all shops of InSales, a shop there, and the cabinet that it is
//! connected to.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fake_insales::{Fake, Goods, Key, Options};
use serde_json::{Value, json};

use crate::durability::Host;
use crate::fixture::*;
use crate::moysklad::world::tick;

/// The job that imports what has changed.
pub const CATALOGUE: &str = "insales-catalogue";
/// The job that compares the whole catalogue.
pub const RECONCILE: &str = "insales-reconcile";
/// The job that sends orders and asks for their statuses.
pub const ORDERS: &str = "insales-orders";
/// The shop's domain.
pub const DOMAIN: &str = "kofe.myinsales.ru";
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// A shop of the fake's, and the application with its folder.
pub struct World {
    pub fake: Fake,
    pub key: Key,
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

impl World {
    /// Nothing, with a word why, when an application is tested that runs already.
    pub fn new(test: &str, goods: Goods) -> Option<Self> {
        let mut world = Self::stopped(test, goods)?;
        let variables = world.variables();
        let variables: Vec<_> = variables.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let app = app_on(world.state.path(), &world.listen, &variables);
        world.runs = Runs::Here(app);
        Some(world)
    }

    /// The same in a process of its own.
    pub fn apart(test: &str, goods: Goods) -> Option<Self> {
        let mut world = Self::stopped(test, goods)?;
        world.up();
        Some(world)
    }

    fn stopped(test: &str, goods: Goods) -> Option<Self> {
        if skipped_outside(test) {
            return None;
        }
        let fake = Fake::start(Options::default()).unwrap();
        let key = fake.add_shop(DOMAIN, goods);
        Some(Self {
            fake,
            key,
            runs: Runs::Not,
            listen: free_address(),
            state: tempfile::tempdir().unwrap(),
        })
    }

    fn up(&mut self) {
        self.runs = Runs::Not;
        let variables = self.variables();
        let variables: Vec<_> = variables.iter().map(|(n, v)| (*n, v.as_str())).collect();
        self.runs = Runs::Apart(Host::up_at(self.state.path(), &self.listen, &variables));
    }

    /// SIGKILL, and another process on the same folder.
    pub fn kill(&mut self) {
        match &mut self.runs {
            Runs::Apart(host) => host.kill(),
            _ => panic!("the application runs in this process"),
        }
        self.up();
    }

    fn variables(&self) -> Vec<(&'static str, String)> {
        vec![
            ("base_domain", String::new()),
            ("public_url", format!("http://{}", self.listen)),
            ("insales_gateway", self.fake.origin().to_owned()),
        ]
    }

    pub fn app(&self) -> Arc<App> {
        match &self.runs {
            Runs::Here(app) => app.clone(),
            Runs::Apart(host) => host.app.clone(),
            Runs::Not => panic!("the application does not run"),
        }
    }

    /// A cabinet without a connection.
    pub fn shop(&self) -> Shop {
        Shop::with(self.app(), json!({}))
    }

    /// The key as a merchant types it.
    pub fn secrets(&self) -> Value {
        json!({ "key_id": self.key.id, "password": self.key.password })
    }

    /// Connects the cabinet and switches the connection on; answers its id.
    pub fn connect(&self, shop: &Shop, settings: Value) -> String {
        let settings = with(json!({ "shop": DOMAIN }), settings);
        let body = json!({ "kind": "insales", "settings": settings, "secrets": self.secrets() });
        let made = shop.api("POST", "/connections", &body).ok();
        assert_eq!(
            (&made["state"], &made["enabled"]),
            (&json!("ok"), &json!(false)),
            "{made}"
        );
        assert!(!made.to_string().contains(&self.key.password));
        let id = text(&made["id"]);
        let on = shop
            .api("POST", &format!("/connections/{id}/enable"), &json!({}))
            .ok();
        assert_eq!(on["enabled"], json!(true), "{on}");
        id
    }

    /// Settings with which orders are sent: cash, to be fetched or brought.
    pub fn orders(&self) -> Value {
        let delivery = |kind: &str| {
            let all = self.theirs("delivery_variants");
            let found = all
                .iter()
                .find(|one| one["type"] == json!(format!("DeliveryVariant::{kind}")));
            found.unwrap()["id"].clone()
        };
        let pay = self.fake.id(DOMAIN, "payment_gateways", 0);
        json!({ "orders": {
            "on": true,
            "payments": { "cash": pay },
            "deliveries": { "pickup": delivery("PickUp"), "courier": delivery("Fixed") },
            "statuses": {
                "approved": { "name": "Согласован" },
                "dispatched": { "name": "Отправлен", "means": "shipped" },
                "declined": { "name": "Отменён", "final": true, "means": "cancelled" },
            },
        } })
    }

    /// The connection as it is shown.
    pub fn connection(&self, shop: &Shop, id: &str) -> Value {
        shop.api("GET", &format!("/connections/{id}"), &json!({}))
            .ok()
    }

    /// What is due is done, for as long.
    pub fn tick(&self, budget_ms: u32) -> Value {
        tick(&self.app(), budget_ms).unwrap().ok()
    }

    pub fn job(&self, shop: &Shop, kind: &str, id: &str) -> Value {
        shop.api("GET", &format!("/jobs/{kind}:{id}"), &json!({}))
            .ok()
    }

    /// Asks for a run of the job and ticks until it has ended; answers the job.
    pub fn run(&self, shop: &Shop, kind: &str, id: &str) -> Value {
        shop.api("POST", &format!("/jobs/{kind}:{id}/run"), &json!({}))
            .ok();
        self.finish(shop, kind, id)
    }

    /// Ticks until the job's run has ended; answers the job.
    pub fn finish(&self, shop: &Shop, kind: &str, id: &str) -> Value {
        let begun = Instant::now();
        loop {
            self.tick(5_000);
            let line = self.job(shop, kind, id);
            let rests = line["run_at"].is_null() && !line["last_result"].is_null();
            let due = line["next_at"]
                .as_i64()
                .is_some_and(|at| at <= self.fake.now_ms());
            if rests && !due || line["state"] == "dead" {
                return line;
            }
            assert!(begun.elapsed() < PATIENCE, "{line}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Ticks until this holds.
    pub fn until(&self, what: &str, holds: impl Fn() -> bool) {
        let begun = Instant::now();
        while !holds() {
            assert!(begun.elapsed() < PATIENCE, "never: {what}");
            self.tick(1_000);
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// What the shop has of a kind, whole.
    pub fn theirs(&self, kind: &str) -> Vec<Value> {
        self.fake.things(DOMAIN, kind)
    }
}
