//! The jobs of connections to InSales: what they find is told at the connection, and what stops them.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

use std::cell::{Cell, RefCell};

use bytes::Bytes;
use futures::executor::block_on;
use http::{Method, Request, Response};
use serde_json::json;
use sklad_connections::State;
use sklad_connections::connection::{self, Connection};
use sklad_insales::plan::{self, CATALOGUE, Changed, RECONCILE, WEBHOOKS};
use sklad_insales::settings::InsalesSecrets;
use sklad_insales::webhook;
use sklad_jobs::job;
use sklad_store::native::{MemoryKv, NativeSql};
use sklad_store::{Call, Clock, Http, HttpError, Sql, Statement};
use sklad_tenant::{App, Config, MoySklad, Settings};

const TOKEN: &str = "operator-token-of-the-tests";
const MASTER: &str = "master-key-of-the-tests";
const START: i64 = 1_795_300_000_000;
const HOUR: i64 = 60 * 60 * 1000;

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

/// A shop with two products, and statuses that it answers some paths with.
#[derive(Default)]
struct Shop {
    refused: RefCell<Vec<(&'static str, u16)>>,
    asked: RefCell<Vec<String>>,
}

impl Shop {
    fn refuses(&self, refused: &[(&'static str, u16)]) {
        *self.refused.borrow_mut() = refused.to_vec();
    }
}

impl Http for Shop {
    async fn send(&self, call: Call) -> Result<Response<Bytes>, HttpError> {
        call.check()?;
        let path = call.request.uri().path_and_query().unwrap().to_string();
        self.asked.borrow_mut().push(path.clone());
        let refused = self.refused.borrow();
        if let Some((_, status)) = refused.iter().find(|(part, _)| path.contains(part)) {
            return Ok(Response::builder()
                .status(*status)
                .body(Bytes::new())
                .unwrap());
        }
        let product = |id: u64| {
            json!({"id": id, "title": format!("Чай {id}"), "updated_at": "2026-01-01T00:00:00.000+03:00",
                "variants": [{"id": id, "price": "1.0"}]})
        };
        let body = match path.as_str() {
            path if path.contains("count") => json!({"count": 2}),
            path if path.contains("/products.json") && path.contains("1970") => {
                json!([product(1), product(2)])
            }
            path if path.contains("account") => json!({"title": "Лавка"}),
            _ if *call.request.method() == Method::POST => json!({"id": 1}),
            _ => json!([]),
        };
        Ok(Response::new(body.to_string().into()))
    }
}

struct World {
    app: App<NativeSql, MemoryKv>,
    clock: Steps,
    shop: Shop,
    id: String,
    _dir: tempfile::TempDir,
}

fn world() -> World {
    let dir = tempfile::tempdir().unwrap();
    let sql = NativeSql::open(&dir.path().join("db")).unwrap();
    let config = Config::new(Some(TOKEN), Some(MASTER), "").unwrap();
    let config = config.with_vendors("https://edge.example.ru", MoySklad::default());
    let app = App::new(sql, MemoryKv::default(), config.unwrap());
    let settings = Settings {
        name: "Лавка".into(),
        ..Settings::default()
    };
    let slug = "kofe".parse().unwrap();
    let made = sklad_tenant::settings::create(&app.sql, &app.kv, &slug, settings, START);
    block_on(made).unwrap();
    let mut row = Connection::new("kofe", "main", "insales", "Магазин").unwrap();
    row.enabled = true;
    row.settings = json!({"shop": "a.myinsales.ru"}).to_string();
    let secrets = InsalesSecrets {
        key_id: "key".into(),
        password: "password".into(),
    };
    row.set_secrets(MASTER.as_bytes(), &secrets).unwrap();
    let mut batch = vec![row.insert(START)];
    batch.extend(plan::statements(&row, 180, Changed::Connection, START));
    block_on(app.sql.atomic(batch)).unwrap();
    World {
        app,
        clock: Steps(Cell::new(START)),
        shop: Shop::default(),
        id: row.id,
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
        let answer = sklad_sync::handle(&self.app, &self.shop, &self.clock, request);
        assert_eq!(block_on(answer).status(), 200);
    }

    fn later(&self, ms: i64) {
        self.clock.0.set(self.clock.0.get() + ms);
    }

    fn job(&self, kind: &str) -> job::Line {
        let id = job::id(kind, &self.id);
        let now = self.clock.now_ms();
        block_on(job::get(&self.app.sql, "kofe", &id, now))
            .unwrap()
            .unwrap()
    }

    fn connection(&self) -> Connection {
        block_on(connection::get(&self.app.sql, "kofe", &self.id))
            .unwrap()
            .unwrap()
    }

    fn rows(&self, sql: &'static str) -> Vec<String> {
        let rows = block_on(self.app.sql.query(Statement::new(sql))).unwrap();
        rows.iter().map(|row| row.string(0)).collect()
    }

    fn told(&self, words: &str) -> usize {
        let texts = self.rows("SELECT text FROM journal");
        texts.iter().filter(|text| text.contains(words)).count()
    }
}

#[test]
fn a_catalogue_comes_at_once_and_stays_fresh() {
    let w = world();
    w.tick();
    assert_eq!(
        w.rows("SELECT name FROM goods ORDER BY name"),
        ["Чай 1", "Чай 2"]
    );
    let job = w.job(CATALOGUE);
    assert_eq!(job.last_result.as_deref(), Some("ok"), "{}", job.last_text);
    let connection = w.connection();
    assert_eq!(connection.state, State::Ok);
    w.shop.asked.take();
    w.later(6 * 60_000);
    w.tick();
    assert_eq!(w.shop.asked.take().len(), 3);
    assert!(w.connection().checked_at > connection.checked_at);
    // By night everything is compared.
    w.later(24 * HOUR);
    w.tick();
    assert_eq!(w.job(RECONCILE).last_result.as_deref(), Some("ok"));
    assert_eq!(w.told("Каталог InSales загружен"), 2);
}

#[test]
fn a_key_that_is_not_good_any_more_is_told_once_tried_ever_more_seldom_and_mended() {
    let w = world();
    w.tick();
    w.shop.refuses(&[("", 401)]);
    w.later(6 * 60_000);
    w.tick();
    assert_eq!(w.connection().state, State::WrongKey);
    let mut waits = Vec::new();
    for _ in 0..4 {
        let next = w.job(CATALOGUE).next_at.unwrap();
        waits.push(next - w.clock.now_ms());
        w.clock.0.set(next);
        w.tick();
    }
    assert!(waits.windows(2).all(|two| two[0] < two[1]), "{waits:?}");
    assert_eq!(w.told("не принимает идентификатор или пароль"), 1);
    w.shop.refuses(&[]);
    w.later(HOUR);
    w.tick();
    assert_eq!(w.connection().state, State::Ok);
    assert_eq!(w.job(CATALOGUE).last_result.as_deref(), Some("ok"));
    assert_eq!(w.told("Всё в порядке"), 2, "at the beginning and now");
}

#[test]
fn a_list_that_the_shop_refuses_is_tried_again_and_told_until_it_comes() {
    for (path, status, words) in [
        ("/products.json", 404, "нет магазина"),
        ("/collections.json", 400, "код 400"),
        ("/categories.json", 422, "код 422"),
        ("/products.json", 302, "другой сервер"),
    ] {
        let w = world();
        w.tick();
        w.shop.refuses(&[(path, status)]);
        w.later(6 * 60_000);
        w.tick();
        let (job, connection) = (w.job(CATALOGUE), w.connection());
        assert_eq!((job.state.as_str(), job.attempts), ("waiting", 1));
        assert_eq!(connection.state, State::Unreachable, "{path} {status}");
        let text = connection.state_text;
        assert!(text.contains(words), "{text}");
        w.clock.0.set(job.next_at.unwrap());
        w.tick();
        // What else goes well does not hide it.
        let asked = job::ask("kofe", WEBHOOKS, &w.id, w.clock.now_ms());
        block_on(w.app.sql.atomic(vec![asked])).unwrap();
        w.tick();
        assert_eq!(w.job(WEBHOOKS).last_result.as_deref(), Some("ok"));
        assert_eq!(w.connection().state, State::Unreachable);
        assert_eq!(w.told(words), 1);
        w.shop.refuses(&[]);
        w.clock.0.set(w.job(CATALOGUE).next_at.unwrap());
        w.tick();
        assert_eq!(w.connection().state, State::Ok);
        assert_eq!(w.job(CATALOGUE).last_result.as_deref(), Some("ok"));
    }
}

#[test]
fn webhooks_that_go_well_again_say_so_of_the_connection() {
    let w = world();
    w.tick();
    let ask = || {
        w.later(1_000);
        let asked = job::ask("kofe", WEBHOOKS, &w.id, w.clock.now_ms());
        block_on(w.app.sql.atomic(vec![asked])).unwrap();
        w.tick();
        w.connection().state
    };
    w.shop.refuses(&[("webhooks", 500)]);
    assert_eq!(ask(), State::Unreachable);
    w.shop.refuses(&[]);
    assert_eq!(ask(), State::Ok);
    // Without them everything else comes all the same.
    w.shop.refuses(&[("webhooks", 400)]);
    assert_eq!(ask(), State::Ok);
    assert_eq!(w.told("Всё в порядке"), 2, "at the beginning and now");
    assert_eq!(w.job(WEBHOOKS).last_result.as_deref(), Some("warning"));
}

#[test]
fn a_missing_right_is_over_when_the_shop_gives_all_of_them() {
    let w = world();
    w.shop.refuses(&[("products", 403)]);
    w.tick();
    assert_eq!(w.connection().state, State::NoRight);
    w.shop.refuses(&[("account", 403)]);
    w.later(HOUR);
    w.tick();
    let connection = w.connection();
    assert_eq!(connection.state, State::NoRight, "another one is missing");
    assert!(
        connection.state_text.contains("Настройки магазина"),
        "{}",
        connection.state_text
    );
    w.shop.refuses(&[]);
    w.later(HOUR);
    w.tick();
    assert_eq!(w.connection().state, State::Ok);
}

#[test]
fn a_connection_that_is_off_or_unreadable_stops_its_jobs() {
    let w = world();
    let off = Statement::new("UPDATE connections SET enabled = 0");
    block_on(w.app.sql.atomic(vec![off])).unwrap();
    w.tick();
    assert_eq!(w.job(CATALOGUE).state, "dead");
    assert!(w.job(CATALOGUE).last_text.contains("выключено"));
    assert!(w.shop.asked.take().is_empty());
    let w = world();
    let unreadable = Statement::new("UPDATE connections SET secrets = x'00'");
    block_on(w.app.sql.atomic(vec![unreadable])).unwrap();
    w.tick();
    assert_eq!(w.job(CATALOGUE).state, "dead");
}

#[test]
fn webhooks_are_subscribed_to_and_what_they_tell_is_read_soon() {
    let w = world();
    w.tick();
    assert_eq!(w.job(WEBHOOKS).last_result.as_deref(), Some("ok"));
    let posted = w.shop.asked.take();
    let posted = posted
        .iter()
        .filter(|path| path.as_str() == "/admin/webhooks.json");
    assert_eq!(posted.count(), webhook::TOPICS.len());
    let paths = webhook::hooks::ensure(&w.app.sql, MASTER.as_bytes(), "kofe", &w.id, START);
    let path = block_on(paths).unwrap().own;
    w.later(60_000);
    let next = w.job(CATALOGUE).next_at.unwrap();
    let body = Bytes::from_static(br#"[{"id":1,"variants":[]}]"#);
    let request = Request::post(path).body(body).unwrap();
    let answer = block_on(webhook::handle(&w.app, w.clock.now_ms(), request));
    assert_eq!(answer.status(), 200);
    w.tick();
    assert!(w.job(CATALOGUE).next_at.unwrap() < next);
    w.later(webhook::receive::GATHER_MS);
    w.tick();
    assert_eq!(w.shop.asked.take().len(), 3);
    assert_eq!(w.rows("SELECT state FROM inbox"), ["done"]);
}

#[test]
fn goods_of_a_removed_connection_are_archived_and_its_job_is_gone() {
    let w = world();
    w.tick();
    let live = "SELECT name FROM goods WHERE archived = 0 ORDER BY name";
    assert_eq!(w.rows(live).len(), 2);
    let ask = || {
        let asked = plan::farewell("kofe", &w.id, w.clock.now_ms());
        block_on(w.app.sql.atomic(vec![asked])).unwrap();
        w.tick();
    };
    // As long as it is there, or again, its goods are its own.
    ask();
    assert_eq!(w.rows(live).len(), 2);
    let gone = Statement::new("DELETE FROM connections");
    block_on(w.app.sql.atomic(vec![gone])).unwrap();
    ask();
    assert!(w.rows(live).is_empty());
    let jobs = "SELECT kind FROM jobs WHERE kind = 'insales-farewell'";
    assert!(w.rows(jobs).is_empty());
    assert_eq!(w.told("в архив ушло товаров 2"), 1);
}
