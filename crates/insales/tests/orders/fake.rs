//! A shop in memory that takes orders, lists what has changed, and loses requests and answers on demand. Its
//! clock is the test's; its own time is two hours off.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use bytes::Bytes;
use http::{Method, Request, Response};
use serde_json::{Value, json};
use sklad_store::{Call, Clock, Http, HttpError};
use sklad_tenant::clock;

/// By how much the shop's clock is behind ours.
pub const BEHIND_MS: i64 = 2 * 60 * 60 * 1000;
/// The field that holds our number.
pub const FIELD: u64 = 7;

/// Time that passes only when somebody waits for it.
#[derive(Default)]
pub struct TestClock(pub Cell<i64>);

impl TestClock {
    pub fn pass(&self, ms: i64) {
        self.0.set(self.0.get() + ms);
    }
}

impl Clock for TestClock {
    fn now_ms(&self) -> i64 {
        self.0.get()
    }

    async fn pause(&self) {
        self.pass(1);
    }

    async fn sleep(&self, ms: u32) {
        self.pass(ms.into());
    }
}

/// What goes wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    NotSent,
    /// No answer, and nothing was done.
    Lost,
    /// It was done, and no answer comes.
    Done,
    /// No answer; it is done so many milliseconds later.
    DoneLater(i64),
    /// The answer is this status, and nothing was done.
    Status(u16),
    /// It was done, and the answer is 504.
    DoneTooSlow,
    /// It was done, and the answer says nothing.
    Empty,
    /// It was done, and the answer is a page for people.
    Html,
}

pub const EVERY: [Fault; 13] = [
    Fault::NotSent,
    Fault::Lost,
    Fault::Done,
    Fault::DoneLater(1_000),
    Fault::DoneLater(55_000),
    Fault::Status(429),
    Fault::Status(500),
    Fault::Status(502),
    Fault::Status(503),
    Fault::Status(504),
    Fault::DoneTooSlow,
    Fault::Empty,
    Fault::Html,
];

pub struct Shop {
    pub clock: Rc<TestClock>,
    pub orders: RefCell<BTreeMap<i64, Value>>,
    /// What is done later: when, and the order that is asked for.
    later: RefCell<Vec<(i64, Value)>>,
    /// What is asked next goes wrong so; by turns when it is empty and `percent` says so.
    pub faults: RefCell<Vec<Fault>>,
    pub percent: Cell<u64>,
    seed: Cell<u64>,
    pub asked: RefCell<Vec<String>>,
    pub bodies: RefCell<Vec<Value>>,
    /// A refusal of all orders that are asked for.
    pub refusal: RefCell<Option<(u16, Value)>>,
    pub field: RefCell<&'static str>,
    /// By how much it works out more than it is asked for, kopecks.
    pub dearer: Cell<i64>,
    /// The most rows of a page.
    pub page: Cell<usize>,
}

fn answer(status: u16, body: &Value) -> Response<Bytes> {
    let answer = Response::builder().status(status);
    answer.body(Bytes::from(body.to_string())).unwrap()
}

impl Shop {
    pub fn new(clock: Rc<TestClock>) -> Self {
        Self {
            clock,
            orders: RefCell::default(),
            later: RefCell::default(),
            faults: RefCell::default(),
            percent: Cell::new(0),
            seed: Cell::new(1),
            asked: RefCell::default(),
            bodies: RefCell::default(),
            refusal: RefCell::default(),
            field: RefCell::new("sklad_edge_number"),
            dearer: Cell::new(0),
            page: Cell::new(250),
        }
    }

    fn written(&self, at: i64) -> String {
        let local = clock::local(at - BEHIND_MS, 180).to_string();
        let (date, time) = local.split_once(' ').unwrap();
        format!("{date}T{}+03:00", &time[..8])
    }

    /// Changes an order as the shop's people do.
    pub fn change(&self, id: i64, change: impl FnOnce(&mut Value)) {
        let at = self.written(self.clock.0.get());
        let mut orders = self.orders.borrow_mut();
        let order = orders.get_mut(&id).unwrap();
        change(order);
        order["updated_at"] = json!(at);
    }

    pub fn set_status(&self, id: i64, permalink: &str) {
        self.change(id, |order| {
            order["custom_status"] =
                json!({"permalink": permalink, "title": format!("«{permalink}»")});
            order["fulfillment_status"] = json!("accepted");
        });
    }

    pub fn status(&self, id: i64) -> String {
        let orders = self.orders.borrow();
        orders[&id]["custom_status"]["permalink"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Our numbers in the values of our field, sorted.
    pub fn numbers(&self) -> Vec<String> {
        let orders = self.orders.borrow();
        let number = |order: &Value| {
            let value = order["fields_values"][0]["value"].as_str().unwrap();
            value.split('/').next().unwrap().to_owned()
        };
        let mut numbers: Vec<String> = orders.values().map(number).collect();
        numbers.sort();
        numbers
    }

    pub fn make(&self, draft: &Value) -> Value {
        let mut orders = self.orders.borrow_mut();
        let id = 500 + i64::try_from(orders.len()).unwrap();
        let at = self.written(self.clock.0.get());
        let cents = |text: &Value| {
            text.as_str()
                .unwrap()
                .replace('.', "")
                .parse::<i64>()
                .unwrap()
        };
        let lines = draft["order_lines_attributes"].as_array().unwrap();
        let goods = lines
            .iter()
            .map(|line| cents(&line["sale_price"]) * line["quantity"].as_i64().unwrap());
        let total = goods.sum::<i64>() + cents(&draft["delivery_price"]) + self.dearer.get();
        let mut order = json!({
            "id": id, "number": (id + 500).to_string(), "created_at": at, "updated_at": at,
            "total_price": format!("{}.{:02}", total / 100, total % 100),
            "custom_status": {"permalink": "new", "title": "Новый"}, "fulfillment_status": "new",
            "financial_status": "pending", "archived": false,
            "fields_values": [{"id": 1, "field_id": FIELD,
                "value": draft["fields_values_attributes"][0]["value"]}],
        });
        if *self.field.borrow() != "sklad_edge_number" {
            // What is given for a field that there is not is passed over.
            order["fields_values"] = json!([]);
        }
        orders.insert(id, order.clone());
        order
    }

    fn fault(&self) -> Option<Fault> {
        if !self.faults.borrow().is_empty() {
            return Some(self.faults.borrow_mut().remove(0));
        }
        // xorshift: any even spreading does.
        let mut seed = self.seed.get();
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        self.seed.set(seed);
        (seed % 100 < self.percent.get()).then(|| {
            let count = u64::try_from(EVERY.len()).unwrap();
            EVERY[usize::try_from(seed / 100 % count).unwrap()]
        })
    }

    fn done_meanwhile(&self) {
        let now = self.clock.0.get();
        let all = self.later.take();
        let (ripe, rest): (Vec<_>, Vec<_>) = all.into_iter().partition(|(at, _)| *at <= now);
        *self.later.borrow_mut() = rest;
        for (_, draft) in ripe {
            self.make(&draft);
        }
    }

    fn list(&self, query: &BTreeMap<String, String>) -> Response<Bytes> {
        let since = &query["updated_since"];
        let from: i64 = query["from_id"].parse().unwrap();
        assert!(!since.contains('+') || since.ends_with("+00:00") || since.ends_with("+03:00"));
        let moment = |text: &str| {
            let (date, rest) = (&text[..10], &text[11..]);
            let (time, zone) = (&rest[..8], rest[8..].trim());
            let zone = if zone == "+03:00" { 180 } else { 0 };
            clock::instant(clock::parse(&format!("{date} {time}")).unwrap(), zone)
        };
        let since = moment(since);
        let orders = self.orders.borrow();
        let mut rows: Vec<(i64, i64, &Value)> = orders
            .iter()
            .map(|(id, row)| (moment(row["updated_at"].as_str().unwrap()), *id, row))
            .filter(|(at, id, _)| *at > since || *at == since && *id > from)
            .collect();
        rows.sort_by_key(|row| (row.0, row.1));
        let asked: usize = query["per_page"].parse().unwrap();
        let rows: Vec<&Value> = rows
            .iter()
            .map(|row| row.2)
            .take(asked.min(self.page.get()))
            .collect();
        answer(200, &json!(rows))
    }

    fn done(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let path = request.uri().path().strip_prefix("/admin").unwrap();
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        let id = || {
            path.strip_prefix("/orders/")?
                .strip_suffix(".json")?
                .parse::<i64>()
                .ok()
        };
        match (request.method(), path) {
            (&Method::GET, "/fields.json") => answer(
                200,
                &json!([{"id": 6, "handle": "other", "destiny": 3},
                    {"id": FIELD, "handle": *self.field.borrow(), "destiny": 3}]),
            ),
            (&Method::GET, "/orders.json") => {
                let query = request.uri().query().unwrap().split('&').map(|pair| {
                    let (name, value) = pair.split_once('=').unwrap();
                    let value = percent_encoding::percent_decode_str(value)
                        .decode_utf8()
                        .unwrap();
                    (name.to_owned(), value.into_owned())
                });
                self.list(&query.collect())
            }
            (&Method::POST, "/orders.json") => match self.refusal.borrow().clone() {
                Some((status, body)) => answer(status, &body),
                None => answer(201, &self.make(&body["order"])),
            },
            (&Method::GET, _) => match id().and_then(|id| self.orders.borrow().get(&id).cloned()) {
                Some(order) => answer(200, &order),
                None => answer(404, &json!({})),
            },
            (&Method::PUT, _) => {
                let id = id().unwrap();
                if !self.orders.borrow().contains_key(&id) {
                    return answer(404, &json!({}));
                }
                let status = body["order"]["custom_status_permalink"].as_str().unwrap();
                self.set_status(id, status);
                answer(200, &self.orders.borrow()[&id])
            }
            other => panic!("{other:?}"),
        }
    }
}

impl Http for Shop {
    async fn send(&self, call: Call) -> Result<Response<Bytes>, HttpError> {
        call.check()?;
        self.clock.pass(200);
        self.done_meanwhile();
        let request = call.request;
        let path = request.uri().path().strip_prefix("/admin/").unwrap();
        self.asked
            .borrow_mut()
            .push(format!("{} {path}", request.method()));
        let writes = request.method() != Method::GET;
        if writes {
            let body = serde_json::from_slice(request.body()).unwrap();
            self.bodies.borrow_mut().push(body);
        }
        let gone = || HttpError::NoAnswer("gone".to_owned());
        match self.fault() {
            None => Ok(self.done(&request)),
            Some(Fault::NotSent) => Err(HttpError::NotSent("nobody there".to_owned())),
            Some(Fault::Lost) => Err(gone()),
            Some(Fault::DoneLater(ms)) => {
                if request.method() == Method::POST && self.refusal.borrow().is_none() {
                    let body: Value = serde_json::from_slice(request.body()).unwrap();
                    let at = self.clock.0.get() + ms;
                    self.later.borrow_mut().push((at, body["order"].clone()));
                }
                Err(gone())
            }
            Some(Fault::Status(status)) => {
                let mut answer = answer(status, &json!({}));
                if matches!(status, 429 | 503) {
                    answer
                        .headers_mut()
                        .insert("Retry-After", "2".parse().unwrap());
                }
                Ok(answer)
            }
            Some(fault) => {
                let done = self.done(&request);
                match fault {
                    Fault::Done => Err(gone()),
                    Fault::DoneTooSlow => Ok(answer(504, &json!({}))),
                    Fault::Empty if done.status().is_success() => Ok(Response::builder()
                        .status(200)
                        .body(Bytes::from_static(b"\"\""))
                        .unwrap()),
                    Fault::Html => Ok(Response::builder()
                        .status(200)
                        .body(Bytes::from_static(b"<html>"))
                        .unwrap()),
                    _ => Ok(done),
                }
            }
        }
    }
}
