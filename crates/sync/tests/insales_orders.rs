//! The job that passes orders on to a shop: what its state follows, and that nothing is lost meanwhile.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

use std::cell::{Cell, RefCell};

use bytes::Bytes;
use futures::executor::block_on;
use http::{Method, Request};
use serde_json::{Value, json};
use sklad_catalog::goods::{self, GoodInput};
use sklad_connections::{Connection, State, connection};
use sklad_insales::orders::{view, wake};
use sklad_insales::plan::{self, Changed};
use sklad_insales::settings::InsalesSecrets;
use sklad_jobs::job;
use sklad_orders::{NewDelivery, NewItem, NewMethod, NewOrder, Who};
use sklad_store::native::{MemoryKv, NativeSql};
use sklad_store::{Call, Clock, Http, HttpError, Sql, Statement};
use sklad_tenant::{App, Config, Settings};

const TOKEN: &str = "operator-token-of-the-tests";
const MASTER: &str = "master-key-of-the-tests";
const START: i64 = 1_795_300_000_000;
const GOOD: &str = "9c56720c-e8a7-4fdc-aea4-7104f28207be";

struct Steps(Cell<i64>);

impl Clock for Steps {
    fn now_ms(&self) -> i64 {
        self.0.get()
    }

    async fn pause(&self) {
        self.sleep(1).await;
    }

    async fn sleep(&self, ms: u32) {
        self.0.set(self.0.get() + i64::from(ms));
    }
}

/// A shop that takes one order, once it lets anybody in.
#[derive(Default)]
struct Shop {
    open: Cell<bool>,
    /// Its key may read and change nothing.
    reading: Cell<bool>,
    asked: Cell<usize>,
    orders: RefCell<Vec<Value>>,
}

impl Http for Shop {
    async fn send(&self, call: Call) -> Result<http::Response<Bytes>, HttpError> {
        self.asked.set(self.asked.get() + 1);
        let request = call.request;
        let (status, body) = match (request.method(), request.uri().path()) {
            _ if !self.open.get() => (401, json!({})),
            (&Method::POST, _) if self.reading.get() => (403, json!({})),
            (_, "/admin/account.json") => (200, json!({"title": "Кофе"})),
            (_, "/admin/fields.json") => (
                200,
                json!([{"id": 7, "handle": "sklad_edge_number", "destiny": 3}]),
            ),
            (&Method::POST, "/admin/orders.json") => {
                let body: Value = serde_json::from_slice(request.body()).unwrap();
                self.orders.borrow_mut().push(body);
                (
                    201,
                    json!({"id": 500, "number": 1000, "total_price": "100.0",
                    "custom_status": {"permalink": "new"}, "fulfillment_status": "new"}),
                )
            }
            _ => (200, json!([])),
        };
        let answer = http::Response::builder().status(status);
        Ok(answer.body(Bytes::from(body.to_string())).unwrap())
    }
}

struct World {
    app: App<NativeSql, MemoryKv>,
    clock: Steps,
    shop: Shop,
    connection: String,
    _dir: tempfile::TempDir,
}

fn connected() -> Connection {
    let mut made = Connection::new("kofe", "main", "insales", "Магазин").unwrap();
    made.enabled = true;
    made.settings = json!({"shop": "a.myinsales.ru", "catalogue": {"on": false},
        "orders": {"on": true, "payments": {"cash": 1}, "deliveries": {"pickup": 2}}})
    .to_string();
    let secrets = InsalesSecrets {
        key_id: "k".to_owned(),
        password: "p".to_owned(),
    };
    made.set_secrets(MASTER.as_bytes(), &secrets).unwrap();
    made
}

fn world() -> World {
    let dir = tempfile::tempdir().unwrap();
    let sql = NativeSql::open(&dir.path().join("db")).unwrap();
    let config = Config::new(Some(TOKEN), Some(MASTER), "").unwrap();
    let app = App::new(sql, MemoryKv::default(), config);
    let settings = Settings {
        name: "Лавка".into(),
        ..Settings::default()
    };
    let slug = "kofe".parse().unwrap();
    let made = sklad_tenant::settings::create(&app.sql, &app.kv, &slug, settings, START);
    block_on(made).unwrap();
    let good = GoodInput {
        id: Some(GOOD.to_owned()),
        name: "Кофе".to_owned(),
        price_kopecks: Some(10_000),
        ..GoodInput::default()
    };
    block_on(goods::upsert(&app.sql, "kofe", &[good], START)).unwrap();
    let connection = connected();
    let source = format!("insales:{}", connection.id);
    let known =
        Statement::new("UPDATE goods SET extra = ?1").bind(json!({ source: "1#2" }).to_string());
    let mut batch = vec![known, connection.insert(START)];
    batch.extend(plan::statements(
        &connection,
        180,
        Changed::Connection,
        START,
    ));
    block_on(app.sql.atomic(batch)).unwrap();
    World {
        app,
        clock: Steps(Cell::new(START)),
        shop: Shop::default(),
        connection: connection.id,
        _dir: dir,
    }
}

impl World {
    fn tick(&self) {
        let request = Request::builder()
            .method(Method::POST)
            .uri("/internal/tick?once=true")
            .header("authorization", format!("Bearer {TOKEN}"))
            .body(())
            .unwrap();
        let done = sklad_sync::handle(&self.app, &self.shop, &self.clock, request);
        assert_eq!(block_on(done).status(), 200);
    }

    fn state(&self) -> State {
        let found = connection::get(&self.app.sql, "kofe", &self.connection);
        block_on(found).unwrap().unwrap().state
    }

    fn job(&self) -> job::Line {
        let id = job::id(plan::ORDERS, &self.connection);
        let found = job::get(&self.app.sql, "kofe", &id, self.clock.now_ms());
        block_on(found).unwrap().unwrap()
    }

    /// Makes an order, and lets it go.
    fn make(&self) -> String {
        let (sql, now) = (&self.app.sql, self.clock.now_ms());
        let new = NewOrder {
            items: vec![NewItem {
                offer: Some(GOOD.to_owned()),
                quantity_thousandths: 1_000,
                ..NewItem::default()
            }],
            payment: Some(NewMethod {
                id: "cash".to_owned(),
                name: String::new(),
            }),
            delivery: Some(NewDelivery {
                id: "pickup".to_owned(),
                ..NewDelivery::default()
            }),
            ..NewOrder::default()
        };
        let told = |_: &_| Statement::new("SELECT 1");
        let made = sklad_orders::create(sql, "kofe", Who::Api, "key", &new, now, told);
        let made = block_on(made).unwrap().stored.order.id;
        let woken = block_on(wake(sql, "kofe", None, now)).unwrap();
        assert_eq!(woken.len(), 1);
        block_on(sql.atomic(woken)).unwrap();
        made
    }
}

#[test]
fn an_order_waits_for_a_shop_that_lets_nobody_in() {
    let w = world();
    let order = w.make();
    w.tick();
    assert_eq!(w.state(), State::WrongKey);
    let (job, asked) = (w.job(), w.shop.asked.get());
    assert_eq!((job.state.as_str(), job.attempts), ("waiting", 1));
    // It is left alone, ever longer.
    w.tick();
    assert_eq!(w.shop.asked.get(), asked);
    let mut waits = Vec::new();
    for _ in 0..4 {
        let next = w.job().next_at.unwrap();
        waits.push(next - w.clock.now_ms());
        w.clock.0.set(next);
        w.tick();
    }
    assert!(waits.is_sorted() && waits[3] > 4 * waits[0], "{waits:?}");
    let told = Statement::new("SELECT text FROM journal WHERE action = 'connection'");
    assert_eq!(block_on(w.app.sql.query(told)).unwrap().len(), 1);
    w.shop.open.set(true);
    w.clock.0.set(w.job().next_at.unwrap());
    w.tick();
    assert_eq!(w.state(), State::Ok);
    assert_eq!(w.shop.orders.borrow().len(), 1);
    let seen = block_on(view::get(&w.app.sql, "kofe", &order))
        .unwrap()
        .unwrap();
    assert_eq!(
        (seen.state, seen.their_number.as_deref()),
        ("sent", Some("1000"))
    );
    let told = Statement::new("SELECT text FROM journal WHERE action = 'order'");
    let told = block_on(w.app.sql.query(told)).unwrap();
    assert_eq!(
        told[0].text(0),
        Some("Заказ 1 передан в InSales: номер 1000")
    );
}

#[test]
fn a_box_that_only_writing_needs_is_told_once_and_is_well_when_something_was_written() {
    let w = world();
    w.shop.open.set(true);
    w.shop.reading.set(true);
    w.make();
    let told = || {
        let rows = Statement::new("SELECT text FROM journal WHERE action = 'connection'");
        let rows = block_on(w.app.sql.query(rows)).unwrap();
        rows.iter().map(|row| row.string(0)).collect::<Vec<_>>()
    };
    for _ in 0..4 {
        w.tick();
        assert_eq!(w.state(), State::NoRight);
        w.clock.0.set(w.job().next_at.unwrap());
    }
    let rows = told();
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert!(rows[0].contains("«Изменять содержимое заказа»"), "{rows:?}");
    w.shop.reading.set(false);
    w.tick();
    assert_eq!((w.state(), told().len()), (State::Ok, 2));
    assert_eq!(w.shop.orders.borrow().len(), 1);
}

#[test]
fn an_order_goes_at_once_and_a_shop_without_orders_is_asked_seldom() {
    let w = world();
    w.shop.open.set(true);
    w.tick();
    let asked = w.shop.asked.get();
    w.make();
    w.tick();
    assert_eq!(w.shop.orders.borrow().len(), 1);
    assert_eq!(w.shop.asked.get(), asked + 1);
    // The schedule's first moment may come too soon after that.
    w.clock.0.set(w.job().next_at.unwrap());
    w.tick();
    let asked = w.shop.asked.get();
    for _ in 0..3 {
        w.clock.0.set(w.job().next_at.unwrap());
        w.tick();
    }
    assert_eq!(w.shop.asked.get(), asked + 3);
}
