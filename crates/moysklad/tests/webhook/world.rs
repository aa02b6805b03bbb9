//! A tenant that is connected, the address of its webhooks, and a tick that does nothing else.

use std::cell::Cell;
use std::rc::Rc;

use bytes::Bytes;
use futures::executor::block_on;
use http::{Method, Request};
use serde_json::{Value, json};
use sklad_jobs::inbox;
use sklad_moysklad::api::session::Failure;
use sklad_moysklad::api::{Access, Class, Credentials};
use sklad_moysklad::sync::{self, Ended, Kind, Place};
use sklad_moysklad::webhook::hooks::{self, Owner};
use sklad_moysklad::webhook::register::{self, Address};
use sklad_moysklad::webhook::{self, receive};
use sklad_store::Ports;
use sklad_store::native::{MemoryKv, NativeSql};
use sklad_store::{Clock, Sql, Statement};
use sklad_tenant::{App, Config, MoyskladSettings};

use crate::fake::{Fake, ORIGIN, TestClock, uuid};

pub const TENANT: &str = "kofe";
pub const MASTER: &[u8] = b"master key of the tests";
const START: i64 = 1_767_214_800_000;

pub struct World {
    _dir: tempfile::TempDir,
    app: App<NativeSql, MemoryKv>,
    clock: Rc<TestClock>,
    pub fake: Fake,
    pub settings: MoyskladSettings,
    credentials: Credentials,
    requests: Cell<u32>,
}

pub fn world(products: usize) -> World {
    let dir = tempfile::tempdir().unwrap();
    let clock = Rc::new(TestClock(Cell::new(START)));
    let sql = NativeSql::open(&dir.path().join("db")).unwrap();
    World {
        _dir: dir,
        app: App::new(sql, MemoryKv::default(), Config::default()),
        fake: Fake::with(products, Rc::clone(&clock)),
        clock,
        settings: MoyskladSettings::default(),
        credentials: Credentials {
            access: Access::Token("token".into()),
            class: Class::Published,
        },
        requests: Cell::default(),
    }
}

pub fn event(kind: &str, id: &str, action: &str) -> Value {
    let href = format!("https://evil.example/api/remap/1.2/entity/{kind}/{id}");
    json!({"meta": {"type": kind, "href": href}, "action": action, "accountId": uuid(11, 1)})
}

pub fn body(events: &[Value]) -> Vec<u8> {
    let audit = json!({"uid": "admin@kofe", "moment": "2026-01-01 00:00:00"});
    let body = json!({"auditContext": audit, "events": events});
    body.to_string().into_bytes()
}

impl World {
    fn place(&self) -> Place<'_> {
        Place {
            tenant: TENANT,
            settings: &self.settings,
            origin: ORIGIN,
            files: None,
            credentials: &self.credentials,
        }
    }

    fn ports(&self) -> Ports<'_, NativeSql, Fake, TestClock> {
        Ports {
            sql: &self.app.sql,
            http: &self.fake,
            clock: &self.clock,
        }
    }

    fn until(&self) -> i64 {
        self.clock.now_ms() + 4_000
    }

    pub fn try_address(&self, master_key: &[u8]) -> Result<String, hooks::Error> {
        let owner = Owner {
            tenant: TENANT,
            account: "",
            app_id: "",
            own_uid: "",
        };
        block_on(hooks::ensure(&self.app.sql, master_key, owner, START))
    }

    pub fn address_with(&self, master_key: &[u8]) -> String {
        self.try_address(master_key).unwrap()
    }

    pub fn address(&self) -> String {
        self.address_with(MASTER)
    }

    fn call(&self, method: Method, path: &str, body: &[u8]) -> u16 {
        let request = Request::builder().method(method).uri(path);
        let request = request.body(Bytes::copy_from_slice(body)).unwrap();
        let now = self.clock.now_ms();
        block_on(webhook::handle(&self.app, now, request))
            .status()
            .as_u16()
    }

    pub fn post(&self, path: &str, body: &[u8]) -> u16 {
        self.call(Method::POST, path, body)
    }

    pub fn get(&self, path: &str) -> u16 {
        self.call(Method::GET, path, b"")
    }

    /// A webhook about one object.
    pub fn tell(&self, kind: &str, id: &str, action: &str) {
        self.requests.set(self.requests.get() + 1);
        let path = format!("{}?requestId=t-{}", self.address(), self.requests.get());
        assert_eq!(self.post(&path, &body(&[event(kind, id, action)])), 204);
    }

    /// Takes once what waits and handles it; whether there was something.
    pub fn once(&self) -> bool {
        let word = format!("w-{}-{}", self.clock.now_ms(), self.requests.get());
        self.requests.set(self.requests.get() + 1);
        let sql = &self.app.sql;
        let taken = block_on(inbox::take(sql, TENANT, word, self.clock.now_ms())).unwrap();
        let Some(taken) = taken else { return false };
        let until = self.until();
        let work = receive::receive(self.ports(), self.place(), &taken, until);
        let handled = block_on(work).unwrap();
        let batch = taken.settle(&handled, self.clock.now_ms(), 7);
        block_on(sql.atomic(batch)).unwrap();
        true
    }

    /// Handles all that waits, also what is to be tried again later.
    pub fn settle(&self) {
        for _ in 0..200 {
            if !self.once() {
                if self.count("SELECT count(*) FROM inbox WHERE state = 'due'") == 0 {
                    return;
                }
                self.clock.0.set(self.clock.now_ms() + 60_000);
            }
        }
        panic!("an inbox without end");
    }

    pub fn run(&self, kind: Kind) -> String {
        let saved = |_: &str, _, _| Statement::new("UPDATE tenants SET tenant = tenant WHERE 0");
        let mut cursor: Option<String> = None;
        for _ in 0..100 {
            let until = self.until();
            let step = sync::step(
                self.ports(),
                self.place(),
                kind,
                cursor.as_deref(),
                until,
                &saved,
            );
            let step = block_on(step).unwrap();
            match step.ended {
                Ended::More => {}
                Ended::Later(at) => self.clock.0.set(at.max(self.clock.now_ms())),
                Ended::Done { text, .. } => return text,
                other => panic!("{other:?}"),
            }
            cursor = Some(step.cursor);
        }
        panic!("a run without end");
    }

    pub fn import(&self) {
        self.run(Kind::Full);
    }

    pub fn register(&self) -> Ended {
        let path = self.address();
        let address = Address {
            public_url: "https://sklad.example",
            path: &path,
            solution: false,
        };
        for _ in 0..10 {
            let step = register::step(self.ports(), self.place(), address, self.until());
            match block_on(step).unwrap() {
                Ended::More => {}
                ended => return ended,
            }
        }
        panic!("a run without end");
    }

    /// Removes subscriptions; answers how many are gone, and how many are left.
    pub fn unregister(&self) -> Result<(usize, usize), Failure> {
        let path = self.address();
        let removed = register::remove(self.ports(), self.place(), &path, self.until());
        block_on(removed).map(|removed| (removed.removed, removed.left))
    }

    pub fn rows(&self, sql: &'static str) -> Vec<String> {
        let rows = block_on(self.app.sql.query(Statement::new(sql))).unwrap();
        rows.iter().map(|row| row.string(0)).collect()
    }

    pub fn count(&self, sql: &'static str) -> i64 {
        let rows = block_on(self.app.sql.query(Statement::new(sql))).unwrap();
        rows[0].int(0).unwrap_or_default()
    }

    fn goods(&self) -> Vec<String> {
        self.rows(
            "SELECT json_array(ms_id, external, (SELECT p.external FROM goods p WHERE p.tenant = g.tenant \
             AND p.id = g.parent), name, kind, price, min_price, quantity, categories, archived <> 0) \
             FROM goods g ORDER BY ms_id",
        )
    }

    /// A full import finds nothing to change.
    pub fn ends_like_an_import(&self) {
        let before = self.goods();
        self.import();
        assert_eq!(before, self.goods());
    }
}
