//! An application that takes the fake for МойСклад, and a shop connected to it by hand.

use std::sync::Arc;

use fake_moysklad::{Fake, Options, Shape, Shop as Account};
use serde_json::{Value, json};

use crate::fixture::*;

/// The job that imports everything.
pub const GOODS: &str = "moysklad-goods";
/// The job that imports what has changed.
pub const CHANGES: &str = "moysklad-changes";

/// A fake account, and the application with its folder.
pub struct World {
    pub fake: Fake,
    pub account: uuid::Uuid,
    pub app: Option<Arc<App>>,
    state: tempfile::TempDir,
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
        if skipped_outside(test) {
            return None;
        }
        let options = Options {
            latency_ms,
            ..Options::default()
        };
        let fake = Fake::start(options).unwrap();
        let account = fake.add_account("kofe", Account::Generated(shape()));
        let mut world = Self {
            fake,
            account,
            app: None,
            state: tempfile::tempdir().unwrap(),
        };
        world.restart();
        Some(world)
    }

    /// Starts the application, anew if it runs.
    pub fn restart(&mut self) {
        self.app = None;
        let variables = [
            ("moysklad_api", self.fake.api()),
            ("moysklad_files", self.fake.files()),
            ("moysklad_apps", self.fake.apps()),
        ];
        self.app = Some(app_on(self.state.path(), &variables));
    }

    pub fn app(&self) -> Arc<App> {
        self.app.clone().unwrap()
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
        let app = self.app();
        let bearer = format!("Bearer {}", app.token());
        let path = format!("/internal/tick?budget_ms={budget_ms}&once=true");
        app.send("POST", &path, &[("authorization", &bearer)], b"")
            .unwrap()
            .ok()
    }

    /// Ticks until the job's run has ended; answers the job.
    pub fn finish(&self, shop: &Shop, job: &str) -> Value {
        for _ in 0..60 {
            self.tick(5_000);
            let line = self.job(shop, job);
            if line["run_at"].is_null() || line["state"] == "dead" {
                return line;
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        panic!("{}", self.job(shop, job));
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

    /// The objects of a kind.
    pub fn objects(&self, kind: &str) -> Vec<Value> {
        self.fake.objects(self.account, kind)
    }
}
