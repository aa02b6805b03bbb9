//! A tenant with an employee who may exchange, and what its catalogue has in the end.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::client::{Client, ENDPOINT};
use crate::fixture::*;

/// The password of the employee.
pub const PASSWORD: &str = "пароль обмена 1";
/// How long settings are remembered, with some reserve.
const SETTLED: std::time::Duration = std::time::Duration::from_millis(3_500);
/// The right of the exchange.
pub const RIGHT: &str = "commerceml-import";

/// A tenant that МойСклад or 1С may log in to.
pub struct Merchant {
    pub shop: Shop,
    pub login: String,
}

impl Merchant {
    /// With these settings of the exchange, in the shared application.
    pub fn new(commerceml: Value) -> Self {
        Self::with(app(), json!({ "commerceml": commerceml }))
    }

    /// With these settings, in this application.
    pub fn with(app: Arc<App>, settings: Value) -> Self {
        let shop = Shop::with(app, settings);
        let group = json!({ "name": "Обмен", "rights": [RIGHT] });
        shop.api("POST", "/groups", &group).ok();
        let login = format!("obmen@{}.example", shop.slug);
        let merchant = Self { shop, login };
        merchant.hire(&merchant.login, &["Обмен"]);
        merchant
    }

    /// Another employee of the same password.
    pub fn hire(&self, email: &str, groups: &[&str]) {
        let employee = json!({ "email": email, "password": PASSWORD, "groups": groups });
        self.shop.api("POST", "/employees", &employee).ok();
    }

    /// The address of the exchange, as the merchant pastes it.
    pub fn path(&self) -> String {
        format!("/t/{}{ENDPOINT}", self.shop.slug)
    }

    /// A client that has not logged in yet.
    pub fn client(&self) -> Client {
        Client::new(&self.shop.app.url, self.path(), &self.login, PASSWORD)
    }

    /// A client that has begun an exchange of the catalogue.
    pub fn begun(&self) -> Client {
        let mut client = self.client();
        client.begin("catalog");
        client
    }

    /// Does a whole exchange.
    #[track_caller]
    pub fn exchange(&self, files: &[(&str, &[u8])]) {
        self.client().exchange(files);
    }

    /// Changes settings of the exchange, as the operator does, and waits until they are known everywhere.
    pub fn set(&self, changes: Value) {
        let mut settings = self.shop.api("GET", "/settings", &json!({})).ok();
        for (name, value) in changes.as_object().unwrap() {
            settings["commerceml"][name] = value.clone();
        }
        let version = settings["version"].to_string();
        let path = format!("/{}/settings", self.shop.slug);
        let tag = format!("\"{version}\"");
        let headers = [("if-match", tag.as_str())];
        self.shop
            .app
            .operator("PUT", &path, &headers, &settings)
            .ok();
        std::thread::sleep(SETTLED);
    }

    /// A good with everything, by its external id.
    #[track_caller]
    pub fn good(&self, external: &str) -> Value {
        self.shop
            .api("GET", &format!("/goods/{}", encode(external)), &json!({}))
            .ok()
    }

    /// Whether there is such a good, archived or not.
    pub fn has(&self, external: &str) -> bool {
        let path = format!("/goods/{}", encode(external));
        let answer = self.shop.api("GET", &path, &json!({}));
        assert!(matches!(answer.status, 200 | 404), "{}", answer.text);
        answer.status == 200
    }

    /// All goods and variants by their external ids; each once.
    #[track_caller]
    pub fn goods(&self) -> BTreeMap<String, Value> {
        let mut goods = BTreeMap::new();
        for good in self.shop.list("/goods") {
            let external = text(&good["external"]);
            let twice = goods.insert(external.clone(), good);
            assert!(twice.is_none(), "{external} is there twice");
        }
        goods
    }

    /// How many products and how many variants are not archived.
    pub fn live(&self) -> (usize, usize) {
        let goods = self.goods();
        let live = goods
            .iter()
            .filter(|(_, good)| good["archived"] == json!(false));
        let (variants, products): (Vec<_>, Vec<_>) = live.partition(|(id, _)| id.contains('#'));
        (products.len(), variants.len())
    }

    /// The catalogue without what differs from run to run: ids and times.
    pub fn state(&self) -> BTreeMap<String, Value> {
        let mut goods = self.goods();
        for external in goods.keys().cloned().collect::<Vec<_>>() {
            let mut good = self.good(&external);
            strip(&mut good);
            goods.insert(external, good);
        }
        goods
    }

    /// Rows of the journal about the exchange, the newest first.
    pub fn journal(&self) -> Vec<Value> {
        self.shop.list("/journal?action=exchange")
    }

    /// The texts of the journal about a file, the newest first.
    pub fn told(&self, file: &str) -> Vec<String> {
        let rows = self.journal();
        let rows = rows.iter().filter(|row| row["object"] == json!(file));
        rows.map(|row| text(&row["text"])).collect()
    }

    /// What the last import of a file did: the counts of its row.
    #[track_caller]
    pub fn totals(&self, file: &str) -> Value {
        let rows = self.journal();
        let mut rows = rows
            .iter()
            .filter(|row| row["object"] == json!(file) && row["detail"].is_object());
        let row = rows.next().unwrap_or_else(|| panic!("no row of {file}"));
        row["detail"].clone()
    }

    /// That the last import of a file has read all and changed nothing.
    #[track_caller]
    pub fn nothing_changed(&self, file: &str) {
        let totals = self.totals(file);
        for what in ["created", "changed", "archived", "references"] {
            assert_eq!(totals[what], json!(0), "{what} of {file}: {totals}");
        }
    }

    /// The price of a good by type, kopecks.
    #[track_caller]
    pub fn prices(&self, external: &str) -> BTreeMap<String, i64> {
        let good = self.good(external);
        let rows = good["prices"]
            .as_array()
            .unwrap_or_else(|| panic!("{good}"));
        let pair = |row: &Value| (text(&row["price_type"]), row["kopecks"].as_i64().unwrap());
        rows.iter().map(pair).collect()
    }

    /// The stock of a good by store, thousandths.
    #[track_caller]
    pub fn stock(&self, external: &str) -> BTreeMap<String, i64> {
        let good = self.good(external);
        let rows = good["stock"].as_array().unwrap_or_else(|| panic!("{good}"));
        let pair = |row: &Value| (text(&row["store"]), row["thousandths"].as_i64().unwrap());
        rows.iter().map(pair).collect()
    }
}

/// Takes ids of ours and times out of a good, those inside of it as well.
fn strip(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for name in ["id", "updated_at", "created_at", "parent", "version", "ids"] {
                fields.remove(name);
            }
            fields.values_mut().for_each(strip);
        }
        Value::Array(items) => items.iter_mut().for_each(strip),
        _ => {}
    }
}
