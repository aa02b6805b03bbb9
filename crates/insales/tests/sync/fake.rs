//! A small shop in memory: lists of what has changed, the limit, and what goes wrong on demand. Its clock is
//! the test's.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use bytes::Bytes;
use http::Response;
use serde_json::{Value, json};
use sklad_store::{Call, Clock, Http, HttpError};

pub const SHOP: &str = "tea.myinsales.ru";
/// A page of more bytes is too much for whoever asks.
const PAGE_BYTES: usize = 1_000_000;

/// Time that passes only when somebody waits for it.
#[derive(Default)]
pub struct TestClock(pub Cell<i64>);

impl Clock for TestClock {
    fn now_ms(&self) -> i64 {
        self.0.get()
    }

    async fn pause(&self) {
        self.0.set(self.0.get() + 1);
    }

    async fn sleep(&self, ms: u32) {
        self.0.set(self.0.get() + i64::from(ms));
    }
}

/// What happens instead of an answer, or before it.
pub type Trouble = Box<dyn Fn(&Fake, &str) -> Option<Response<Bytes>>>;

pub struct Fake {
    /// Rows by list, as `products`.
    pub lists: RefCell<BTreeMap<String, Vec<Value>>>,
    /// The most rows of a page.
    pub most: Cell<usize>,
    pub trouble: RefCell<Option<Trouble>>,
    /// What was asked for.
    pub asked: RefCell<Vec<String>>,
    /// Numbers the changes.
    tick: Cell<u32>,
}

pub fn answer(status: u16, body: &Value) -> Response<Bytes> {
    let body = Bytes::from(body.to_string());
    Response::builder().status(status).body(body).unwrap()
}

/// A moment that is long past: the `n`th second of a day.
pub fn moment(n: u32) -> String {
    let (hour, minute, second) = (n / 3600, n / 60 % 60, n % 60);
    format!("2023-11-22T{hour:02}:{minute:02}:{second:02}.000+03:00")
}

/// The price of the `n`th product is n roubles; every tenth has two variants.
pub fn product(n: u64) -> Value {
    let variant = |id: u64, title: Value| {
        json!({"id": id, "title": title, "sku": format!("A{id}"), "barcode": format!("46{id:011}"),
            "price": format!("{n}.0"), "old_price": null, "cost_price": null, "price2": format!("{n}.5"),
            "quantity": 3, "quantity_at_warehouse1": 3, "available": true, "option_values": []})
    };
    let variants = match n % 10 {
        0 => vec![variant(n * 10, json!("S")), variant(n * 10 + 1, json!("M"))],
        _ => vec![variant(n * 10, Value::Null)],
    };
    json!({
        "id": n, "title": format!("Товар {n}"), "category_id": 1, "collections_ids": [n % 3 + 1],
        "is_hidden": false, "archived": false, "available": true, "currency_code": "RUR", "unit": "pce", "vat": 20,
        // Many have changed at one moment.
        "updated_at": moment(u32::try_from(n / 7).unwrap()), "variants": variants,
        "properties": [{"id": 5, "title": "Состав"}], "characteristics": [{"property_id": 5, "title": "лист"}],
        "images": [{"id": n, "original_url": format!("https://static.insales-cdn.com/{n}.png")}],
    })
}

impl Fake {
    /// With so many products.
    pub fn with(products: u64) -> Self {
        let group = |id: u64, parent: Value| json!({"id": id, "parent_id": parent, "title": format!("Раздел {id}"), "updated_at": moment(1)});
        let lists = [
            ("products", (1..=products).map(product).collect()),
            (
                "collections",
                vec![
                    group(1, Value::Null),
                    group(2, json!(1)),
                    group(3, json!(2)),
                ],
            ),
            ("categories", vec![group(1, Value::Null)]),
            (
                "price_kinds",
                vec![
                    json!({"id": 1, "price_index": 1, "title": "Опт", "variant_price_method_name": "price2"}),
                ],
            ),
            ("warehouses", vec![json!({"id": 1, "title": "Центр"})]),
        ];
        let lists = lists.map(|(name, rows)| (name.to_owned(), rows));
        Self {
            lists: RefCell::new(lists.into()),
            most: Cell::new(250),
            trouble: RefCell::default(),
            asked: RefCell::default(),
            tick: Cell::new(40_000),
        }
    }

    /// A later moment than all before.
    pub fn later(&self) -> String {
        self.tick.set(self.tick.get() + 1);
        moment(self.tick.get())
    }

    /// Changes a product.
    pub fn change(&self, id: u64, change: impl FnOnce(&mut Value)) {
        let later = self.later();
        let mut lists = self.lists.borrow_mut();
        let rows = lists.get_mut("products").unwrap();
        let row = rows.iter_mut().find(|row| row["id"] == id).unwrap();
        change(row);
        row["updated_at"] = later.into();
    }

    /// Destroys rows of a list without a trace.
    pub fn destroy(&self, list: &str, which: impl Fn(u64) -> bool) {
        let mut lists = self.lists.borrow_mut();
        let rows = lists.get_mut(list).unwrap();
        rows.retain(|row| !which(row["id"].as_u64().unwrap()));
    }

    /// What goes wrong from now on.
    pub fn when(&self, trouble: impl Fn(&Fake, &str) -> Option<Response<Bytes>> + 'static) {
        *self.trouble.borrow_mut() = Some(Box::new(trouble));
    }

    /// Lets everything go well again; answers what was asked for since.
    pub fn forget(&self) -> Vec<String> {
        self.trouble.borrow_mut().take();
        self.asked.take()
    }

    fn list(&self, name: &str, query: &BTreeMap<String, String>) -> Response<Bytes> {
        let lists = self.lists.borrow();
        let Some(all) = lists.get(name) else {
            return answer(404, &json!({}));
        };
        let number = |name: &str| query.get(name).and_then(|text| text.parse::<u64>().ok());
        let deleted = query.contains_key("with_deleted");
        let mut rows: Vec<&Value> = all
            .iter()
            .filter(|row| deleted || row["archived"] != true)
            .collect();
        let key = |row: &Value| {
            let at = row["updated_at"].as_str().unwrap_or_default().to_owned();
            (at, row["id"].as_u64().unwrap())
        };
        if let Some(since) = query.get("updated_since") {
            rows.sort_by_key(|row| key(row));
            let from = number("from_id").unwrap_or_default();
            rows.retain(|row| {
                let (at, id) = key(row);
                at.as_str() > since.as_str() || (at == *since && id > from)
            });
        }
        let asked = number("per_page").map_or(25, |n| usize::try_from(n).unwrap());
        assert!((10..=250).contains(&asked));
        rows.truncate(asked.min(self.most.get()));
        answer(200, &json!(rows))
    }

    fn reply(&self, path: &str, query: &BTreeMap<String, String>) -> Response<Bytes> {
        match path {
            "/admin/products/count.json" => {
                let lists = self.lists.borrow();
                let live = lists["products"]
                    .iter()
                    .filter(|row| row["archived"] != true);
                answer(200, &json!({"count": live.count()}))
            }
            path => {
                let name = path.strip_prefix("/admin/").unwrap();
                self.list(name.strip_suffix(".json").unwrap(), query)
            }
        }
    }
}

impl Http for Fake {
    async fn send(&self, call: Call) -> Result<Response<Bytes>, HttpError> {
        call.check()?;
        let uri = call.request.uri().clone();
        let path = uri.path_and_query().unwrap().to_string();
        self.asked.borrow_mut().push(path.clone());
        let trouble = self.trouble.borrow();
        if let Some(wrong) = trouble.as_ref().and_then(|trouble| trouble(self, &path)) {
            return Ok(wrong);
        }
        if uri.host() == Some("static.insales-cdn.com") {
            assert!(call.request.headers().get("authorization").is_none());
            let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
            png.extend_from_slice(path.as_bytes());
            return Ok(Response::new(Bytes::from(png)));
        }
        assert_eq!(uri.host(), Some(SHOP));
        assert!(call.request.headers().contains_key("authorization"));
        let query = uri.query().unwrap_or_default().split('&');
        let query = query.filter_map(|pair| pair.split_once('='));
        let decoded = |text: &str| {
            let text = percent_encoding::percent_decode_str(text);
            text.decode_utf8().unwrap().into_owned()
        };
        let query: BTreeMap<String, String> = query
            .map(|(name, value)| (name.to_owned(), decoded(value)))
            .collect();
        let answer = self.reply(uri.path(), &query);
        if answer.body().len() > PAGE_BYTES {
            return Err(HttpError::TooLarge);
        }
        Ok(answer)
    }
}
