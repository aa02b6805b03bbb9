//! A small МойСклад in memory: lists with paging and filters, reports, limits, and what goes wrong on
//! demand. Its clock is the test's.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Method, Request, Response};
use serde_json::{Value, json};
use sklad_store::{Call, Clock, Http, HttpError};
use sklad_tenant::clock;

pub const ORIGIN: &str = "https://api.moysklad.ru";
const BASE: &str = "https://api.moysklad.ru/api/remap/1.2";

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
    pub clock: std::rc::Rc<TestClock>,
    /// Rows by list, as `product`, in the order of ids.
    pub lists: RefCell<BTreeMap<String, Vec<Value>>>,
    /// Good, store, stock.
    pub stock: RefCell<Vec<(String, String, f64)>>,
    pub trouble: RefCell<Option<Trouble>>,
    /// When what was asked for.
    pub asked: RefCell<Vec<(i64, String)>>,
}

pub fn meta(kind: &str, id: &str) -> Value {
    json!({"meta": {"href": format!("{BASE}/entity/{kind}/{id}"), "type": kind}})
}

pub fn uuid(kind: u8, n: usize) -> String {
    format!("{kind:08x}-0000-11ee-0a80-{n:012x}")
}

pub fn answer(status: u16, body: &Value) -> Response<Bytes> {
    Response::builder()
        .status(status)
        .body(Bytes::from(body.to_string()))
        .unwrap()
}

pub fn error(status: u16, code: u32) -> Response<Bytes> {
    answer(status, &json!({"errors": [{"error": "Нет", "code": code}]}))
}

fn product(n: usize) -> Value {
    json!({
        "id": uuid(1, n), "name": format!("Товар {n}"), "externalCode": format!("P{n}"),
        "code": n.to_string(), "archived": false, "updated": "2020-01-01 00:00:00.000",
        "productFolder": meta("productfolder", &uuid(9, n % 3)), "uom": meta("uom", &uuid(8, 1)),
        "salePrices": [{"value": n * 100,
            "priceType": {"id": uuid(7, 1), "name": "Цена продажи", "externalCode": "retail"}}],
        "barcodes": [{"ean13": format!("46{n:011}")}],
    })
}

impl Fake {
    /// With so many products; the first ten have two variants each.
    pub fn with(products: usize, clock: std::rc::Rc<TestClock>) -> Self {
        let mut lists: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        lists.insert("product".into(), (0..products).map(product).collect());
        let variant = |n: usize| {
            json!({
                "id": uuid(2, n), "externalCode": format!("V{n}"), "name": format!("Товар {} (цвет {n})", n / 2),
                "updated": "2020-01-01 00:00:00.000", "archived": false,
                "product": meta("product", &uuid(1, n / 2)),
                "characteristics": [{"name": "Цвет", "value": n.to_string()}],
                "salePrices": [],
            })
        };
        let variants = products.min(10) * 2;
        lists.insert("variant".into(), (0..variants).map(variant).collect());
        lists.insert(
            "service".into(),
            vec![
                json!({"id": uuid(3, 1), "name": "Доставка", "externalCode": "S1",
            "updated": "2020-01-01 00:00:00.000"}),
            ],
        );
        lists.insert(
            "bundle".into(),
            vec![
                json!({"id": uuid(4, 1), "name": "Набор", "externalCode": "B1",
            "updated": "2020-01-01 00:00:00.000",
            "components": {"rows": [{"assortment": meta("product", &uuid(1, 0)), "quantity": 2}]}}),
            ],
        );
        let folder = |n: usize| {
            let mut folder = json!({"id": uuid(9, n), "name": format!("Группа {n}"), "externalCode": format!("G{n}")});
            if n > 0 {
                folder["productFolder"] = meta("productfolder", &uuid(9, n - 1));
            }
            folder
        };
        lists.insert("productfolder".into(), (0..3).map(folder).collect());
        let entry = |id: String, name: &str| json!({"id": id, "name": name, "externalCode": name});
        lists.insert("uom".into(), vec![entry(uuid(8, 1), "шт")]);
        lists.insert(
            "store".into(),
            vec![entry(uuid(6, 1), "main"), entry(uuid(6, 2), "shop")],
        );
        lists.insert("retailstore".into(), vec![entry(uuid(5, 1), "Касса")]);
        lists.insert("currency".into(), Vec::new());
        for empty in ["counterparty", "webhook", "webhookstock"] {
            lists.insert(empty.into(), Vec::new());
        }
        lists.insert(
            "organization".into(),
            vec![json!({"id": uuid(10, 1), "name": "ООО «Чай»", "accountId": uuid(11, 1)})],
        );
        Self {
            clock,
            lists: RefCell::new(lists),
            stock: RefCell::default(),
            trouble: RefCell::default(),
            asked: RefCell::default(),
        }
    }

    pub fn change(&self, list: &str, change: impl FnOnce(&mut Vec<Value>)) {
        change(self.lists.borrow_mut().get_mut(list).unwrap());
    }

    /// What goes wrong from now on.
    pub fn when(&self, trouble: impl Fn(&Fake, &str) -> Option<Response<Bytes>> + 'static) {
        *self.trouble.borrow_mut() = Some(Box::new(trouble));
    }

    fn list(&self, name: &str, query: &BTreeMap<String, String>) -> Response<Bytes> {
        let lists = self.lists.borrow();
        let Some(all) = lists.get(name) else {
            return error(404, 1005);
        };
        let filter = query.get("filter").cloned().unwrap_or_default();
        let since = filter.split(';').find_map(|f| f.strip_prefix("updated>="));
        let tags: Vec<&str> = filter
            .split(';')
            .filter_map(|f| f.strip_prefix("tags="))
            .collect();
        let archived = filter.contains("archived=true");
        let ids: Vec<&str> = (filter.split(';'))
            .filter_map(|f| f.strip_prefix("id="))
            .collect();
        let fits = |row: &&Value| {
            let updated = row["updated"].as_str().unwrap_or_default();
            let tagged = row["tags"]
                .as_array()
                .is_some_and(|list| list.iter().any(|tag| tags.contains(&tag.as_str().unwrap())));
            since.is_none_or(|since| updated >= since)
                && (archived || row["archived"] != true)
                && (tags.is_empty() || tagged)
                && (ids.is_empty() || ids.contains(&row["id"].as_str().unwrap()))
        };
        let mut rows: Vec<&Value> = all.iter().filter(fits).collect();
        if query
            .get("order")
            .is_some_and(|order| order.starts_with("updated"))
        {
            rows.sort_by_key(|row| row["updated"].as_str().unwrap().to_owned());
        }
        let number = |name: &str, or: usize| query.get(name).map_or(or, |n| n.parse().unwrap());
        let (limit, offset) = (number("limit", 1000), number("offset", 0));
        assert!((1..=1000).contains(&limit));
        let expand = query.get("expand").cloned().unwrap_or_default();
        assert!(expand.is_empty() || limit <= 100, "expand is ignored");
        let page: Vec<Value> = rows
            .iter()
            .skip(offset)
            .take(limit)
            .map(|row| {
                let mut row = (*row).clone();
                for name in ["images", "components"] {
                    if !expand.contains(name) && row.get(name).is_some() {
                        row[name] = json!({"meta": {"size": 1}});
                    }
                }
                row
            })
            .collect();
        answer(
            200,
            &json!({"context": {}, "meta": {"size": rows.len(), "limit": limit}, "rows": page}),
        )
    }

    fn report(&self, query: &BTreeMap<String, String>) -> Response<Bytes> {
        let filter = query.get("filter").cloned().unwrap_or_default();
        let wanted: Vec<&str> = filter
            .strip_prefix("assortmentId=")
            .unwrap_or_default()
            .split(',')
            .collect();
        let stock = self.stock.borrow();
        let rows = stock
            .iter()
            .filter(|(good, ..)| filter.is_empty() || wanted.contains(&good.as_str()));
        let rows = rows.map(
            |(good, store, stock)| json!({"assortmentId": good, "storeId": store, "stock": stock}),
        );
        answer(200, &Value::Array(rows.collect()))
    }

    /// Subscriptions can be made, changed and deleted.
    fn write(&self, request: &Request<Bytes>, list: &str, id: Option<&str>) -> Response<Bytes> {
        assert!(list.starts_with("webhook"));
        let mut lists = self.lists.borrow_mut();
        let rows = lists.get_mut(list).unwrap();
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        if id == Some("delete") {
            let hrefs = body.as_array().unwrap().iter();
            let hrefs: Vec<_> = hrefs.map(|one| one["meta"]["href"].as_str()).collect();
            let named = |row: &Value| {
                let id = row["id"].as_str().unwrap();
                hrefs.iter().flatten().any(|href| href.ends_with(id))
            };
            rows.retain(|row| !named(row));
            return answer(200, &json!([]));
        }
        let headers = request.headers();
        let quiet = headers.contains_key("x-lognex-webhook-disablebyprefix");
        assert!(quiet || *request.method() == Method::DELETE);
        let Some(id) = id else {
            let mut made = body;
            made["id"] = uuid(12, rows.len() + 1_000).into();
            made["enabled"] = true.into();
            rows.push(made.clone());
            return answer(200, &made);
        };
        let Some(place) = rows.iter().position(|row| row["id"] == id) else {
            return error(404, 1021);
        };
        if *request.method() == Method::DELETE {
            rows.remove(place);
        }
        for (name, value) in body.as_object().into_iter().flatten() {
            rows[place][name] = value.clone();
        }
        answer(200, &json!({}))
    }

    fn reply(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let path = request.uri().path().strip_prefix("/api/remap/1.2").unwrap();
        let query: BTreeMap<String, String> = request
            .uri()
            .query()
            .unwrap_or_default()
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| {
                let value = percent_encoding::percent_decode_str(value)
                    .decode_utf8()
                    .unwrap();
                (name.to_owned(), value.into_owned())
            })
            .collect();
        let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        match segments.as_slice() {
            ["context", "companysettings", "pricetype"] => answer(
                200,
                &json!([{"id": uuid(7, 1), "name": "Цена продажи", "externalCode": "retail"}]),
            ),
            ["entity", list, ..] if *request.method() != Method::GET => {
                self.write(request, list, segments.get(2).copied())
            }
            ["entity", list] => self.list(list, &query),
            ["entity", list, id] => {
                let lists = self.lists.borrow();
                match lists[*list].iter().find(|row| row["id"] == *id) {
                    Some(row) => answer(200, row),
                    None => error(404, 1021),
                }
            }
            ["report", "stock", .., "current"] | ["report", "stock", "all"] => self.report(&query),
            ["download", id] => Response::builder()
                .status(302)
                .header("location", format!("https://files.example.ru/{id}"))
                .body(Bytes::new())
                .unwrap(),
            _ => error(404, 1005),
        }
    }
}

impl Http for Fake {
    async fn send(&self, call: Call) -> Result<Response<Bytes>, HttpError> {
        call.check()?;
        let request = &call.request;
        let path = request.uri().path_and_query().unwrap().to_string();
        if request.uri().host() == Some("files.example.ru") {
            assert!(request.headers().get("authorization").is_none());
            return Ok(Response::new(Bytes::from_static(b"\x89PNG\r\n\x1a\nfile")));
        }
        assert_eq!(request.headers()["accept-encoding"], "gzip");
        assert!(request.headers().contains_key("authorization"));
        self.asked
            .borrow_mut()
            .push((self.clock.now_ms(), path.clone()));
        let trouble = self.trouble.borrow();
        let wrong = trouble.as_ref().and_then(|trouble| trouble(self, &path));
        Ok(wrong.unwrap_or_else(|| self.reply(request)))
    }
}

/// A moment as МойСклад writes it.
pub fn moment(at_ms: i64) -> String {
    format!("{}.000", clock::format_moscow(at_ms))
}
