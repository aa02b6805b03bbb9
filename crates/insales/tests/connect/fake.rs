//! A shop that answers what it is told to.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use bytes::Bytes;
use http::Response;
use serde_json::{Value, json};
use sklad_insales::api::{Access, Api, Part, Session};
use sklad_insales::settings::InsalesSettings;
use sklad_store::native::NativeSql;
use sklad_store::{Call, Clock, Http, HttpError, Ports};

/// Time that passes only when somebody waits for it.
#[derive(Default)]
pub struct TestClock(pub Cell<i64>);

impl Clock for TestClock {
    fn now_ms(&self) -> i64 {
        self.0.get()
    }

    async fn pause(&self) {}

    async fn sleep(&self, ms: u32) {
        self.0.set(self.0.get() + i64::from(ms));
    }
}

/// Status and body by path, as `account`; every other path is 404.
pub struct Shop {
    pub answers: RefCell<BTreeMap<&'static str, (u16, Value)>>,
    pub asked: RefCell<Vec<String>>,
    pub reachable: Cell<bool>,
}

impl Http for Shop {
    async fn send(&self, call: Call) -> Result<Response<Bytes>, HttpError> {
        call.check()?;
        let path = call.request.uri().path();
        assert_eq!(call.request.uri().host(), Some("a.myinsales.ru"));
        let name = path
            .strip_prefix("/admin/")
            .unwrap()
            .strip_suffix(".json")
            .unwrap();
        let name = match *call.request.method() {
            http::Method::GET => name.to_owned(),
            ref method => format!("{method} {name}"),
        };
        self.asked.borrow_mut().push(name.clone());
        if !self.reachable.get() {
            return Err(HttpError::NotSent("nobody there".to_owned()));
        }
        let answers = self.answers.borrow();
        let (status, body) = answers
            .get(name.as_str())
            .cloned()
            .unwrap_or((404, json!({})));
        let answer = Response::builder().status(status);
        Ok(answer.body(Bytes::from(body.to_string())).unwrap())
    }
}

pub struct World {
    pub shop: Shop,
    pub sql: NativeSql,
    pub clock: TestClock,
    access: Access,
    _dir: tempfile::TempDir,
}

/// A shop with everything, and a key that may see it.
pub fn world() -> World {
    let dir = tempfile::tempdir().unwrap();
    let pairs = json!([
        {"id": 1, "payment_gateway_id": 11, "delivery_variant_id": 21},
        {"id": 2, "payment_gateway_id": 11, "delivery_variant_id": "22"},
        {"id": 3, "payment_gateway_id": 12, "delivery_variant_id": 21},
    ]);
    let delivery = |id: u32, title: &str, kind: &str| json!({"id": id, "title": title, "type": format!("DeliveryVariant::{kind}")});
    let answers = [
        (
            "account",
            json!({"id": 5, "title": "Ромашка", "main_host": "Romashka.ru", "blocked": false}),
        ),
        ("orders/count", json!({"count": 1})),
        ("clients/count", json!({"count": 1})),
        ("products/count", json!({"count": 1})),
        (
            "payment_gateways",
            json!([
                {"id": 11, "title": "Наличные", "type": "PaymentGateway::Cod", "payment_delivery_variants": pairs},
                {"id": 12, "title": "Карта", "type": "PaymentGateway::External"},
            ]),
        ),
        (
            "delivery_variants",
            json!([
                delivery(21, "Самовывоз", "PickUp"), delivery(22, "Курьер", "Fixed"),
                delivery(23, "СДЕК", "External"), {"id": "x", "title": "без номера"}, 7,
            ]),
        ),
        (
            "custom_statuses",
            json!([
                {"permalink": "packed", "title": "Собран", "system_status": "accepted"}, {"title": "без имени"},
            ]),
        ),
        (
            "fields",
            json!([
                {"id": 1, "destiny": 3, "handle": "sklad_edge_number", "office_title": "x", "title": "Номер"},
                {"id": 2, "destiny": 2, "handle": "of_clients", "title": "Клиент"},
            ]),
        ),
        (
            "price_kinds",
            json!([{"id": 31, "price_index": 1, "title": "Опт"}]),
        ),
        ("warehouses", json!([{"id": 41, "title": "Главный"}])),
    ];
    World {
        shop: Shop {
            answers: RefCell::new(answers.map(|(name, body)| (name, (200, body))).into()),
            asked: RefCell::default(),
            reachable: Cell::new(true),
        },
        sql: NativeSql::open(&dir.path().join("db")).unwrap(),
        clock: TestClock(Cell::new(1_700_000_000_000)),
        access: Access {
            shop: "a.myinsales.ru".to_owned(),
            key_id: "key".to_owned(),
            password: "password".to_owned(),
        },
        _dir: dir,
    }
}

impl World {
    pub fn ports(&self) -> Ports<'_, NativeSql, Shop, TestClock> {
        Ports {
            sql: &self.sql,
            http: &self.shop,
            clock: &self.clock,
        }
    }

    pub fn api(&self) -> Api<'_> {
        Api {
            gateway: None,
            access: &self.access,
        }
    }

    pub fn until(&self) -> i64 {
        self.clock.now_ms() + 20_000
    }

    pub fn session(&self) -> Session<'_, NativeSql, Shop, TestClock> {
        Session::open(self.ports(), self.api(), Part::Orders, self.until())
    }

    pub fn answer(&self, name: &'static str, status: u16, body: Value) {
        self.shop.answers.borrow_mut().insert(name, (status, body));
    }

    /// Takes the right to see these away.
    pub fn forbid(&self, names: &[&'static str]) {
        for name in names {
            self.answer(name, 403, json!({}));
        }
    }
}

/// Settings with these orders.
pub fn settings(orders: &Value) -> InsalesSettings {
    let json = json!({ "shop": "a.myinsales.ru", "orders": orders });
    serde_json::from_value(json).unwrap()
}

/// Orders that are on, with ways that go together.
pub fn orders() -> Value {
    json!({"on": true, "payments": {"cash": 11}, "deliveries": {"pickup": 21, "courier": 22}})
}
