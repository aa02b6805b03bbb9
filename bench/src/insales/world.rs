//! The fake InSales in this process, and an application in a process of its own with a cabinet that its shop
//! is connected to.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use fake_insales::{Fake, Goods, Options, Shape};
use serde_json::{Value, json};

use crate::asked::{call, call_with};
use crate::imported::{Place, finish};
use crate::process::Process;
use crate::served::OPERATOR_TOKEN;

/// The cabinet.
pub const TENANT: &str = "kofe";
/// The shop.
pub const DOMAIN: &str = "kofe.myinsales.ru";
/// The job that imports what has changed.
pub const CATALOGUE: &str = "insales-catalogue";

/// A shop that sells what a shape says, and the application.
pub struct World {
    /// InSales.
    pub fake: Fake,
    /// The application.
    pub host: Process,
    /// The connection's id.
    pub connection: String,
    place: Place,
}

impl World {
    /// Starts both, the application on an empty folder, and connects the shop; nothing is imported yet.
    pub fn start(dir: &Path, name: &str, shape: Shape) -> Result<Self> {
        let fake = Fake::start(Options::default())?;
        let key = fake.add_shop(DOMAIN, Goods::Generated(shape));
        let place = Place::of(dir, name)?;
        let host = up(&fake, &place)?;
        let mut world = Self {
            fake,
            host,
            connection: String::new(),
            place,
        };
        world.operate("POST", "", &json!({ "slug": TENANT }))?;
        let body = json!({
            "kind": "insales", "settings": { "shop": DOMAIN },
            "secrets": { "key_id": key.id, "password": key.password },
        });
        let made = world.operate("POST", &format!("/{TENANT}/connections"), &body)?;
        let id = made.get("id").and_then(Value::as_str).context("no id")?;
        world.connection = id.to_owned();
        let enable = format!("/{TENANT}/connections/{id}/enable");
        world.operate("POST", &enable, &json!({}))?;
        Ok(world)
    }

    /// Kills the application and starts it again.
    pub fn kill(&mut self) -> Result<()> {
        self.host.kill()?;
        self.host = up(&self.fake, &self.place)?;
        Ok(())
    }

    /// Switches the passing on of orders on: paid in cash, fetched by the customer.
    pub fn pass_on_orders(&self) -> Result<()> {
        let is_pickup = |one: &&Value| one.get("type") == Some(&json!("DeliveryVariant::PickUp"));
        let deliveries = self.fake.things(DOMAIN, "delivery_variants");
        let pickup = deliveries
            .iter()
            .find(is_pickup)
            .and_then(|one| one.get("id"));
        let settings = json!({ "shop": DOMAIN, "orders": {
            "on": true,
            "payments": { "cash": self.fake.id(DOMAIN, "payment_gateways", 0) },
            "deliveries": { "pickup": pickup.context("no pickup")? },
        }});
        let path = format!("/api/v1/tenants/{TENANT}/connections/{}", self.connection);
        let body = json!({ "settings": settings });
        let any = [("if-match", "*")];
        call_with(&self.host.url, "PUT", &path, OPERATOR_TOKEN, &any, &body).map(drop)
    }

    /// Calls the operator's API.
    pub fn operate(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        let path = format!("/api/v1/tenants{path}");
        call(&self.host.url, method, &path, OPERATOR_TOKEN, body)
    }

    fn path(&self, job: &str) -> String {
        format!("/{TENANT}/jobs/{job}:{}", self.connection)
    }

    /// How a job of the connection stands.
    pub fn job(&self, job: &str) -> Result<Value> {
        self.operate("GET", &self.path(job), &Value::Null)
    }

    /// Asks for another run of the import.
    pub fn ask(&self) -> Result<()> {
        let path = format!("{}/run", self.path(CATALOGUE));
        self.operate("POST", &path, &json!({})).map(drop)
    }

    /// Ticks until the run of a job that was asked for has ended well.
    pub fn finish(&self, job: &str) -> Result<()> {
        finish(&self.host.url, || self.job(job))
    }

    /// The application's database.
    pub fn database(&self) -> PathBuf {
        self.place.database()
    }
}

fn up(fake: &Fake, place: &Place) -> Result<Process> {
    place.up(&[
        format!("public_url=http://{}", place.listen),
        format!("insales_gateway={}", fake.origin()),
    ])
}
