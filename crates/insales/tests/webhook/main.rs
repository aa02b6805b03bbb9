//! Webhooks of shops, over a real database: subscribed to, received, handled.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops at the first surprise"
)]

use std::cell::{Cell, RefCell};
use std::sync::LazyLock;

use bytes::Bytes;
use futures::executor::block_on;
use http::{Method, Request, Response};
use serde_json::{Value, json};
use sklad_connections::Connection;
use sklad_insales::api::{Access, Api, Error, Failure};
use sklad_insales::plan::{CATALOGUE, ORDERS};
use sklad_insales::sync::Ended;
use sklad_insales::webhook::hooks::{self, Paths};
use sklad_insales::webhook::receive::{self, GATHER_MS};
use sklad_insales::webhook::register::{self, Address};
use sklad_insales::webhook::{BODY_LIMIT, SOURCE, TOPICS, handle};
use sklad_jobs::{inbox, job};
use sklad_store::native::{MemoryKv, NativeSql};
use sklad_store::{Call, Clock, Http, HttpError, Ports, Sql, Statement};
use sklad_tenant::{App, Config};

const MASTER: &[u8] = b"master-key-of-the-tests";
const NOW: i64 = 1_767_214_800_000;
const PUBLIC: &str = "https://edge.example.ru";

struct Still;

impl Clock for Still {
    fn now_ms(&self) -> i64 {
        NOW
    }

    async fn pause(&self) {}

    async fn sleep(&self, _: u32) {}
}

/// A shop that keeps subscriptions.
#[derive(Default)]
struct Shop {
    rows: RefCell<Vec<Value>>,
    asked: RefCell<Vec<String>>,
    /// Answers that are lost after they had their effect.
    lost: Cell<usize>,
    refused: Cell<Option<u16>>,
}

impl Shop {
    fn add(&self, id: u64, topic: &str, address: &str) {
        let row = json!({"id": id, "topic": topic, "address": address, "format_type": "json"});
        self.rows.borrow_mut().push(row);
    }

    fn write(&self, method: &Method, id: Option<u64>, body: &Value) {
        let mut rows = self.rows.borrow_mut();
        let place = rows.iter().position(|row| row["id"].as_u64() == id);
        match (method, place) {
            (&Method::DELETE, Some(place)) => drop(rows.remove(place)),
            (&Method::PUT, Some(place)) => {
                for (name, value) in body["webhook"].as_object().unwrap() {
                    rows[place][name] = value.clone();
                }
            }
            (&Method::POST, None) => {
                let mut row = body["webhook"].clone();
                row["id"] = (rows.len() + 1_000).into();
                rows.push(row);
            }
            other => panic!("{other:?}"),
        }
    }
}

impl Http for Shop {
    async fn send(&self, call: Call) -> Result<Response<Bytes>, HttpError> {
        call.check()?;
        let request = call.request;
        let path = request.uri().path().to_owned();
        self.asked
            .borrow_mut()
            .push(format!("{} {path}", request.method()));
        if let Some(status) = self.refused.get() {
            return Ok(Response::builder()
                .status(status)
                .body(Bytes::new())
                .unwrap());
        }
        if *request.method() == Method::GET {
            let rows = Value::from(self.rows.borrow().clone()).to_string();
            return Ok(Response::new(rows.into()));
        }
        let id = path
            .trim_start_matches("/admin/webhooks/")
            .trim_end_matches(".json");
        let body = serde_json::from_slice(request.body()).unwrap_or_default();
        self.write(request.method(), id.parse().ok(), &body);
        match self.lost.get().checked_sub(1) {
            Some(left) => {
                self.lost.set(left);
                Err(HttpError::NoAnswer("lost".into()))
            }
            None => Ok(Response::new(Bytes::from_static(b"{\"status\":\"ok\"}"))),
        }
    }
}

struct World {
    app: App<NativeSql, MemoryKv>,
    shop: Shop,
    _dir: tempfile::TempDir,
}

fn world() -> World {
    let dir = tempfile::tempdir().unwrap();
    let sql = NativeSql::open(&dir.path().join("db")).unwrap();
    World {
        app: App::new(sql, MemoryKv::default(), Config::default()),
        shop: Shop::default(),
        _dir: dir,
    }
}

fn api() -> Api<'static> {
    static ACCESS: LazyLock<Access> = LazyLock::new(|| Access {
        shop: "a.myinsales.ru".into(),
        key_id: "k".into(),
        password: "p".into(),
    });
    Api {
        gateway: None,
        access: &ACCESS,
    }
}

fn address(paths: &Paths) -> Address<'_> {
    Address {
        public_url: PUBLIC,
        tenant: "kofe",
        paths,
    }
}

impl World {
    fn paths(&self, connection: &str) -> Paths {
        block_on(hooks::ensure(
            &self.app.sql,
            MASTER,
            "kofe",
            connection,
            NOW,
        ))
        .unwrap()
    }

    fn register(&self, paths: &Paths) -> Ended {
        block_on(register::step(
            self.ports(),
            api(),
            address(paths),
            NOW + 1_000,
        ))
        .unwrap()
    }

    fn end(&self, paths: &Paths) -> Result<(), Failure> {
        block_on(register::end(
            self.ports(),
            api(),
            address(paths),
            NOW + 1_000,
        ))
    }

    fn ports(&self) -> Ports<'_, NativeSql, Shop, Still> {
        Ports {
            sql: &self.app.sql,
            http: &self.shop,
            clock: &Still,
        }
    }

    fn call(&self, method: Method, path: &str, body: &[u8]) -> u16 {
        let request = Request::builder().method(method).uri(path);
        let request = request.body(Bytes::copy_from_slice(body)).unwrap();
        block_on(handle(&self.app, NOW, request)).status().as_u16()
    }

    fn post(&self, path: &str, body: &Value) -> u16 {
        self.call(Method::POST, path, body.to_string().as_bytes())
    }

    fn count(&self, sql: &'static str) -> i64 {
        let rows = block_on(self.app.sql.query(Statement::new(sql))).unwrap();
        rows[0].int(0).unwrap()
    }
}

fn order(id: u64) -> Value {
    json!({"id": id, "order_lines": [], "client": {"phone": "+79030000001"}, "updated_at": id.to_string()})
}

#[test]
fn each_topic_is_subscribed_to_once_and_repaired() {
    let w = world();
    let paths = w.paths("shop");
    let url = format!("{PUBLIC}{}", paths.own);
    let warning = false;
    let text = format!("Уведомления InSales: создано {}", TOPICS.len());
    assert_eq!(w.register(&paths), Ended::Done { warning, text });
    assert!(
        w.shop
            .rows
            .borrow()
            .iter()
            .all(|row| row["address"] == url && row["format_type"] == "json")
    );
    w.shop.asked.take();
    let text = "Уведомления InSales включены".to_owned();
    assert_eq!(w.register(&paths), Ended::Done { warning, text });
    assert_eq!(w.shop.asked.take(), ["GET /admin/webhooks.json"]);
    // One deleted, one doubled, one of an address that we had, one about what nobody wants; and others'.
    w.shop.rows.borrow_mut().remove(0);
    w.shop.add(1, "orders/update", &url);
    w.shop.rows.borrow_mut()[1]["address"] = format!("{PUBLIC}/hooks/insales/kofe/old").into();
    w.shop.add(2, "cart/update", &url);
    let others = [
        "https://other.ru/hook".to_owned(),
        format!("{PUBLIC}/hooks/insales/tea/x"),
    ];
    others
        .iter()
        .for_each(|other| w.shop.add(3, "orders/update", other));
    let text = "Уведомления InSales: создано 1, исправлено 1, удалено лишних 2".to_owned();
    assert_eq!(w.register(&paths), Ended::Done { warning, text });
    let rows = w.shop.rows.borrow();
    let ours = rows.iter().filter(|row| row["address"] == url);
    assert_eq!(ours.count(), TOPICS.len());
    assert_eq!(rows.len(), TOPICS.len() + 2);
}

#[test]
fn a_lost_answer_doubles_no_subscription_and_a_missing_right_is_told() {
    let w = world();
    let paths = w.paths("shop");
    w.shop.lost.set(1);
    let lost = w.register(&paths);
    assert!(
        matches!(lost, Ended::Failed(Error::NoAnswer(_))),
        "{lost:?}"
    );
    w.register(&paths);
    assert_eq!(w.shop.rows.borrow().len(), TOPICS.len());
    w.shop.refused.set(Some(403));
    let told = w.register(&paths);
    assert!(
        matches!(told, Ended::Done { warning: true, .. }),
        "{told:?}"
    );
    w.shop.refused.set(Some(401));
    assert_eq!(w.register(&paths), Ended::Failed(Error::NotAuthorised));
}

#[test]
fn two_connections_to_one_shop_have_each_their_own_subscriptions() {
    let w = world();
    let first = w.paths("a");
    w.register(&first);
    let second = w.paths("b");
    assert_eq!(second.others, std::slice::from_ref(&first.own));
    w.register(&second);
    w.register(&w.paths("a"));
    assert_eq!(w.shop.rows.borrow().len(), 2 * TOPICS.len());
}

#[test]
fn a_connection_that_is_removed_takes_back_its_subscriptions_and_no_others() {
    let w = world();
    let (first, foreign) = (w.paths("a"), "https://crm.example/hooks/1");
    w.register(&first);
    w.register(&w.paths("b"));
    w.shop.add(900, "orders/update", foreign);
    w.end(&w.paths("a")).unwrap();
    let left = w.shop.rows.borrow();
    assert_eq!(left.len(), TOPICS.len() + 1);
    let of_first = |row: &Value| row.to_string().contains(&first.own);
    assert!(!left.iter().any(of_first));
    drop(left);
    w.shop.refused.set(Some(401));
    let refused = w.end(&w.paths("b")).unwrap_err();
    assert!(matches!(refused, Failure::Api(Error::NotAuthorised)));
}

#[test]
fn an_address_cannot_be_guessed_and_is_the_same_as_long_as_it_is_kept() {
    let w = world();
    let paths = w.paths("shop");
    assert_eq!(w.paths("shop"), paths);
    assert_ne!(w.paths("other").own, paths.own);
    let token = paths.own.rsplit_once('/').unwrap().1;
    assert_eq!(token.len(), 32);
    let stored = block_on(
        w.app
            .sql
            .query(Statement::new("SELECT nonce, sha256 FROM insales_hooks")),
    )
    .unwrap();
    assert!(
        stored
            .iter()
            .all(|row| row.text(0) != Some(token) && row.text(1) != Some(token))
    );
    let found = block_on(hooks::find(&w.app.sql, "kofe", token)).unwrap();
    assert_eq!(found.as_deref(), Some("shop"));
    assert_eq!(
        block_on(hooks::find(&w.app.sql, "tea", token)).unwrap(),
        None
    );
    assert!(block_on(hooks::ensure(&w.app.sql, b"", "kofe", "shop", NOW)).is_err());
    block_on(w.app.sql.atomic(vec![hooks::forget("kofe", "shop")])).unwrap();
    assert_eq!(w.post(&paths.own, &order(1)), 404);
}

#[test]
fn a_call_is_written_down_before_it_is_answered_and_keeps_nothing_personal() {
    let w = world();
    let path = w.paths("shop").own;
    let products = json!([{"id": 1, "variants": []}, {"id": 2, "variants": []}]);
    assert_eq!(w.post(&path, &products), 200);
    assert_eq!(w.post(&path, &order(5)), 200);
    assert_eq!(
        w.post(&path, &order(5)),
        200,
        "what comes again is taken once"
    );
    assert_eq!(w.count("SELECT count(*) FROM inbox"), 3);
    assert_eq!(
        w.count("SELECT count(*) FROM inbox WHERE payload <> '' OR object LIKE '%7903%'"),
        0
    );
    for (body, status) in [(&b"<order/>"[..], 400), (b"", 400), (b"[]", 200)] {
        assert_eq!(w.call(Method::POST, &path, body), status);
    }
    assert_eq!(
        w.call(Method::POST, &path, &vec![b' '; BODY_LIMIT + 1]),
        413
    );
    assert_eq!(w.call(Method::GET, &path, b""), 405);
    for path in [
        "/hooks/insales/kofe/wrong",
        "/hooks/insales/kofe",
        "/hooks/insales/НЕТ/x",
        "/x",
    ] {
        let path = path.replace("НЕТ", "%D0%9D");
        assert_eq!(w.post(&path, &order(1)), 404, "{path}");
    }
    assert_eq!(w.count("SELECT count(*) FROM inbox"), 3);
}

#[test]
fn many_hints_ask_for_one_run_of_what_is_switched_on() {
    let w = world();
    let mut made = Connection::new("kofe", "main", "insales", "Магазин").unwrap();
    made.enabled = true;
    made.settings = json!({"shop": "a.myinsales.ru", "orders": {"on": true}}).to_string();
    let path = w.paths(&made.id).own;
    for n in 1..=10 {
        w.post(&path, &order(n));
        w.post(&path, &json!([{"id": n, "variants": []}]));
        w.post(&path, &json!({"id": n, "phone": "+7"}));
    }
    let taken = inbox::take(&w.app.sql, "kofe", "me".into(), NOW);
    let taken = block_on(taken).unwrap().unwrap();
    assert_eq!(taken.source, SOURCE);
    let heard = receive::heard(&taken);
    let heard = &heard[&made.id];
    assert_eq!((heard.products.len(), heard.orders.len()), (10, 10));
    let asked = receive::asked(&made, heard, NOW);
    block_on(w.app.sql.atomic(asked)).unwrap();
    let next = |kind: &str| {
        let id = job::id(kind, &made.id);
        block_on(job::get(&w.app.sql, "kofe", &id, NOW))
            .unwrap()
            .unwrap()
            .next_at
    };
    assert_eq!(
        (next(CATALOGUE), next(ORDERS)),
        (Some(NOW + GATHER_MS), Some(NOW))
    );
    made.enabled = false;
    assert!(receive::asked(&made, heard, NOW).is_empty());
    made.enabled = true;
    made.settings = json!({"shop": "a.myinsales.ru", "catalogue": {"on": false}}).to_string();
    assert!(receive::asked(&made, heard, NOW).is_empty());
}
