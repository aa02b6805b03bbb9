//! The tick over the native stores.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

use std::cell::Cell;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::executor::block_on;
use http::{Method, Request, StatusCode};
use serde_json::Value;
use sklad_access::{GroupInput, NewEmployee, Right, employees, groups};
use sklad_jobs::{inbox, job, outbox};
use sklad_store::native::{MemoryKv, NativeSql};
use sklad_store::{Body, BrokenBody, Call, Clock, Http, HttpError, Sql, Statement};
use sklad_sync::kinds::SWEEP;
use sklad_tenant::{App, Config, Settings};

const TOKEN: &str = "operator-token-of-the-tests";
const START: i64 = 1_795_300_000_000;

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

struct Gateway(Cell<usize>);

impl Http for Gateway {
    async fn send(&self, _: Call) -> Result<http::Response<Bytes>, HttpError> {
        self.0.set(self.0.get() + 1);
        Ok(http::Response::new(Bytes::new()))
    }
}

struct World {
    app: App<NativeSql, MemoryKv>,
    clock: Steps,
    gateway: Gateway,
    _dir: tempfile::TempDir,
}

fn world() -> World {
    let dir = tempfile::tempdir().unwrap();
    let sql = NativeSql::open(&dir.path().join("db")).unwrap();
    let config = Config::new(Some(TOKEN), None, "").unwrap();
    World {
        app: App::new(sql, MemoryKv::default(), config),
        clock: Steps(Cell::new(START)),
        gateway: Gateway(Cell::new(0)),
        _dir: dir,
    }
}

impl World {
    fn call(&self, method: Method, query: &str, authorization: &str) -> (StatusCode, Value) {
        let request = Request::builder()
            .method(method)
            .uri(format!("/internal/tick{query}"))
            .header("authorization", authorization)
            .body(())
            .unwrap();
        let answer = sklad_sync::handle(&self.app, &self.gateway, &self.clock, request);
        let answer = block_on(answer);
        let body = serde_json::from_slice(answer.body()).unwrap();
        (answer.status(), body)
    }

    fn tick(&self, query: &str) -> Value {
        let (status, body) = self.call(Method::POST, query, &format!("Bearer {TOKEN}"));
        assert_eq!(status, StatusCode::OK, "{body}");
        body
    }

    fn tenant(&self, slug: &str) {
        let settings = Settings {
            name: "Лавка".into(),
            ..Settings::default()
        };
        let (sql, kv) = (&self.app.sql, &self.app.kv);
        let slug = slug.parse().unwrap();
        let made = sklad_tenant::settings::create(sql, kv, &slug, settings, START);
        block_on(made).unwrap();
    }

    fn jobs(&self, tenant: &str) -> Vec<job::Line> {
        block_on(job::list(&self.app.sql, tenant, self.clock.now_ms())).unwrap()
    }

    fn count(&self, sql: &'static str) -> usize {
        block_on(self.app.sql.query(Statement::new(sql)))
            .unwrap()
            .len()
    }
}

#[test]
fn only_the_operator_can_tick_and_only_by_post() {
    let w = world();
    for wrong in [
        "",
        "Bearer",
        "Bearer x",
        "Basic operator-token-of-the-tests",
    ] {
        let (status, body) = w.call(Method::POST, "", wrong);
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        assert_eq!(body["error"]["code"], "unauthorized");
    }
    let (status, _) = w.call(Method::GET, "", &format!("bearer {TOKEN}"));
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
    assert!(
        w.jobs("").iter().all(|job| job.last_result.is_none()),
        "nothing ran"
    );
}

#[test]
fn wrong_parameters_are_told() {
    let w = world();
    for wrong in [
        "?budget_ms=x",
        "?budget_ms=-1",
        "?budget_ms=300001",
        "?once=1",
        "?budget=5",
        "?once",
    ] {
        let (status, body) = w.call(Method::POST, wrong, &format!("Bearer {TOKEN}"));
        assert_eq!(status, StatusCode::BAD_REQUEST, "{wrong}");
        assert!(!body["error"]["message"].as_str().unwrap().is_empty());
    }
}

#[test]
fn a_tick_lasts_as_long_as_it_is_told() {
    let w = world();
    w.tick("?budget_ms=7000&once=false");
    assert_eq!(w.clock.now_ms(), START + 7_000);
    w.tick("?budget_ms=7000&once=true");
    assert_eq!(w.clock.now_ms(), START + 7_000);
    w.tick("?budget_ms=0");
    assert_eq!(w.clock.now_ms(), START + 7_000);
}

#[test]
fn every_tenant_gets_its_jobs_and_they_run() {
    let w = world();
    for n in 0..250 {
        w.tenant(&format!("t{n}"));
    }
    let counts = w.tick("?budget_ms=60000&once=true");
    assert_eq!(counts["finished"], 1, "{counts}");
    for tenant in ["", "t0", "t249"] {
        assert!(
            w.jobs(tenant).iter().any(|job| job.kind == SWEEP),
            "{tenant}"
        );
    }
    assert_eq!(w.jobs("")[1].done, 250);
    w.clock.0.set(START + 6 * 60 * 60 * 1000);
    let counts = w.tick("?budget_ms=60000&once=true");
    assert_eq!(
        (&counts["finished"], &counts["failed"]),
        (&Value::from(252), &Value::from(0))
    );
    assert_eq!(w.jobs("t7")[0].last_result.as_deref(), Some("ok"));
}

#[test]
fn old_rows_go_by_themselves() {
    let w = world();
    w.tenant("a");
    w.tick("?once=true");
    for n in 0..300 {
        let sql = "INSERT INTO journal (tenant, id, at, direction, action, outcome, text) \
            VALUES ('a', ?1, 0, 'in', 'sale', 'ok', '')";
        let old = Statement::new(sql).bind(format!("{n:020x}"));
        block_on(w.app.sql.atomic(vec![old])).unwrap();
    }
    let staged = "INSERT INTO uploads (tenant, session, kind, name, id, received_at) \
        VALUES ('a', 's', 'catalog', 'import.xml', 'u', 0)";
    block_on(w.app.sql.atomic(vec![Statement::new(staged)])).unwrap();
    w.clock.0.set(START + 6 * 60 * 60 * 1000);
    w.tick("?once=true");
    assert_eq!(w.count("SELECT 1 FROM journal"), 0);
    assert_eq!(w.count("SELECT 1 FROM uploads"), 0);
}

#[test]
fn messages_of_all_tenants_are_delivered() {
    let w = world();
    for tenant in ["a", "b"] {
        let message = outbox::Message {
            channel: "code",
            url: "https://gateway.ru".into(),
            payload: "{}".into(),
            expires_at: START + 1000,
        };
        block_on(w.app.sql.atomic(vec![message.statement(tenant, START)])).unwrap();
    }
    assert_eq!(w.tick("?once=true")["delivered"], 2);
    assert_eq!(w.gateway.0.get(), 2);
}

#[test]
fn what_this_release_does_not_know_waits_and_is_told() {
    let w = world();
    let message = inbox::Message {
        dedupe: "1".into(),
        object: "x".into(),
        payload: "{}".into(),
    };
    let batch = vec![
        job::ask("a", "teleport", "", START),
        inbox::receive("a", "teleporter", &[message], START),
    ];
    block_on(w.app.sql.atomic(batch)).unwrap();
    let counts = w.tick("?once=true&budget_ms=1000");
    assert_eq!(
        (&counts["failed"], &counts["received"]),
        (&Value::from(1), &Value::from(0))
    );
    let line = &w.jobs("a")[0];
    assert_eq!((line.state.as_str(), line.attempts), ("waiting", 1));
    assert!(line.last_text.contains("teleport"));
}

struct Whole(Option<Vec<u8>>, u64);

impl Body for Whole {
    fn length(&self) -> Option<u64> {
        Some(self.1)
    }

    async fn chunk(&mut self) -> Result<Option<Vec<u8>>, BrokenBody> {
        Ok(self.0.take())
    }
}

impl World {
    /// An employee of the exchange uploads a file and asks for nothing.
    fn uploaded(&self, tenant: &str, name: &str, body: &str) {
        let (sql, now) = (&self.app.sql, self.clock.now_ms());
        let group = GroupInput {
            name: "Обмен".to_owned(),
            rights: vec![Right::CommerceMlImport],
            members: None,
        };
        block_on(groups::create(sql, tenant, &group, now)).unwrap();
        let new = NewEmployee {
            email: "one@x.ru".to_owned(),
            name: "1С".to_owned(),
            password: Some("пароль-123".to_owned()),
            active: None,
            groups: vec!["Обмен".to_owned()],
        };
        block_on(employees::create(sql, tenant, &new, now)).unwrap();
        let login = STANDARD.encode("one@x.ru:пароль-123");
        let address = format!("/t/{tenant}/1c_exchange.php?type=catalog&mode=file&filename={name}");
        let length = u64::try_from(body.len()).unwrap();
        let request = Request::builder()
            .method(Method::POST)
            .uri(address)
            .header("authorization", format!("Basic {login}"))
            .body(Whole(Some(body.as_bytes().to_vec()), length))
            .unwrap();
        let answer = block_on(sklad_exchange::handle(&self.app, &self.clock, request));
        assert_eq!(answer.body(), b"success");
    }
}

#[test]
fn a_file_that_nobody_asks_to_import_is_imported_within_minutes() {
    let w = world();
    w.tenant("a");
    let goods: String = (0..600)
        .map(|n| format!("<Товар><Ид>{n}</Ид><Наименование>Товар</Наименование></Товар>"))
        .collect();
    let file = format!(
        "<КоммерческаяИнформация><Каталог><Товары>{goods}</Товары></Каталог></КоммерческаяИнформация>"
    );
    w.uploaded("a", "import.xml", &file);
    w.tick("?once=true");
    assert_eq!(w.count("SELECT 1 FROM goods"), 0, "its client may yet ask");
    w.tick("?budget_ms=120000");
    assert_eq!(w.count("SELECT 1 FROM goods"), 600);
    let jobs = w.jobs("a");
    let job = jobs.iter().find(|job| job.kind == "exchange").unwrap();
    assert_eq!(job.state, "idle", "nothing is left to do");
}
