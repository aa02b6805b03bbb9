//! The exchange over the native stores, request by request, at a time that the tests choose.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

#[path = "../common/mod.rs"]
mod common;

mod abandoned;
mod archives;
mod clients;
mod imports;
mod sweeping;
mod uploads;

use std::cell::Cell;
use std::io::{Cursor, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::executor::block_on;
use http::Request;
use sklad_exchange::{handle, housekeeping};
use sklad_jobs::journal;
use sklad_store::native::{MemoryKv, NativeSql};
use sklad_store::{Clock, Row, Sql, SqlError, Statement};
use sklad_tenant::{App, ExchangeSettings, Slug};

use common::{Bytes, PASSWORD, TENANT, shop};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

/// A database that can be made to fail: after so many batches, every one.
struct Fragile {
    inner: NativeSql,
    left: Cell<Option<usize>>,
}

impl Sql for Fragile {
    async fn query(&self, statement: Statement) -> Result<Vec<Row>, SqlError> {
        self.inner.query(statement).await
    }

    async fn atomic(&self, batch: Vec<Statement>) -> Result<Vec<Vec<Row>>, SqlError> {
        match self.left.get() {
            Some(0) => return Err(SqlError::Other("killed".to_owned())),
            Some(left) => self.left.set(Some(left - 1)),
            None => {}
        }
        self.inner.atomic(batch).await
    }
}

/// Time goes on by itself at every pause, as far as the test wants.
struct Time {
    now: Cell<i64>,
    pause: Cell<i64>,
}

impl Clock for Time {
    fn now_ms(&self) -> i64 {
        self.now.get()
    }

    async fn pause(&self) {
        self.now.set(self.now.get() + self.pause.get());
    }

    async fn sleep(&self, ms: u32) {
        self.now.set(self.now.get() + i64::from(ms));
    }
}

struct World {
    app: App<Fragile, MemoryKv>,
    time: Time,
    _dir: tempfile::TempDir,
}

/// A shop with the employees `one@x.ru` and `two@x.ru`.
fn world() -> World {
    with(ExchangeSettings::default())
}

fn with(commerceml: ExchangeSettings) -> World {
    let dir = tempfile::tempdir().unwrap();
    let sql = Fragile {
        inner: NativeSql::open(&dir.path().join("db")).unwrap(),
        left: Cell::new(None),
    };
    let now = 1_700_000_000_000;
    let app = shop(sql, commerceml, now);
    World {
        app,
        time: Time {
            now: Cell::new(now),
            pause: Cell::new(10),
        },
        _dir: dir,
    }
}

impl World {
    fn later(&self, ms: i64) {
        self.time.now.set(self.time.now.get() + ms);
    }

    /// How long every batch takes from now on, in milliseconds.
    fn batches_take(&self, ms: i64) {
        self.time.pause.set(ms);
    }

    /// The database fails after so many more batches.
    fn dies_after(&self, batches: usize) {
        self.app.sql.left.set(Some(batches));
    }

    fn lives(&self) {
        self.app.sql.left.set(None);
    }

    fn client(&self) -> Client<'_> {
        self.client_of("one@x.ru")
    }

    fn client_of(&self, login: &str) -> Client<'_> {
        Client {
            world: self,
            login: login.to_owned(),
            cookie: None,
            token: None,
            kind: "catalog",
        }
    }

    /// A client that has logged in.
    fn begun(&self) -> Client<'_> {
        let mut client = self.client();
        client.begin();
        client
    }

    /// What is done without a client; when it is to be done again, milliseconds from now.
    fn housekeeping(&self) -> Option<i64> {
        let slug: Slug = TENANT.parse().unwrap();
        let now = self.time.now_ms();
        let tenant = block_on(self.app.tenant(&slug, now)).unwrap().unwrap();
        let again = block_on(housekeeping(&self.app, &self.time, &tenant, 5_000)).unwrap();
        again.map(|at| at - self.time.now_ms())
    }

    /// When the job of the exchange is due, milliseconds from now; nothing where it rests.
    fn due(&self) -> Option<i64> {
        let rows =
            self.rows("SELECT next_at FROM jobs WHERE kind = 'exchange' AND state = 'waiting'");
        let at = rows.first().and_then(|row| row.int(0));
        at.map(|at| at - self.time.now_ms())
    }

    fn rows(&self, sql: &'static str) -> Vec<Row> {
        block_on(self.app.sql.query(Statement::new(sql))).unwrap()
    }

    fn number(&self, sql: &'static str) -> i64 {
        self.rows(sql)[0].int(0).unwrap()
    }

    /// Kopecks of a good; `None` where there is none, or no price.
    fn price(&self, external: &str) -> Option<i64> {
        let sql = "SELECT price FROM goods WHERE tenant = 'demo' AND external = ?1";
        let rows = block_on(self.app.sql.query(Statement::new(sql).bind(external))).unwrap();
        rows.first().and_then(|row| row.int(0))
    }

    fn goods(&self) -> i64 {
        self.number("SELECT count(*) FROM goods WHERE tenant = 'demo'")
    }

    /// The texts of the journal about `object`, oldest first.
    fn journal(&self, object: &str) -> Vec<String> {
        let lines = journal::list(&self.app.sql, TENANT, journal::Filter::default(), 500);
        let lines = block_on(lines).unwrap();
        let about = lines.into_iter().rev().filter(|line| line.object == object);
        about.map(|line| line.text).collect()
    }
}

/// A client of the exchange.
#[derive(Clone)]
struct Client<'a> {
    world: &'a World,
    login: String,
    cookie: Option<String>,
    token: Option<String>,
    kind: &'static str,
}

impl Client<'_> {
    /// One request; the answer's text.
    fn ask(&self, mode: &str, more: &str, body: &[u8]) -> String {
        let kind = self.kind;
        let mut uri = format!("/t/demo/1c_exchange.php?type={kind}&mode={mode}{more}");
        if let Some(token) = self.token.as_ref().filter(|_| mode != "checkauth") {
            uri += &format!("&sessid={token}");
        }
        let method = if mode == "file" { "POST" } else { "GET" };
        let mut request = Request::builder().method(method).uri(uri);
        match self.cookie.as_ref().filter(|_| mode != "checkauth") {
            Some(cookie) => request = request.header("cookie", cookie),
            None => {
                let pair = STANDARD.encode(format!("{}:{PASSWORD}", self.login));
                request = request.header("authorization", format!("Basic {pair}"));
            }
        }
        let length = u64::try_from(body.len()).unwrap();
        let request = request
            .body(Bytes(Some(body.to_vec()), Some(length)))
            .unwrap();
        let response = block_on(handle(&self.world.app, &self.world.time, request));
        String::from_utf8(response.into_body()).unwrap()
    }

    fn checkauth(&mut self) -> String {
        let told = self.ask("checkauth", "", b"");
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!(lines[0], "success", "{told}");
        self.cookie = Some(format!("{}={}", lines[1], lines[2]));
        self.token = lines[3].strip_prefix("sessid=").map(str::to_owned);
        told
    }

    fn begin(&mut self) {
        self.checkauth();
        let told = self.ask("init", "", b"");
        assert!(told.starts_with("zip="), "{told}");
    }

    fn put(&self, name: &str, body: &[u8]) {
        let told = self.ask("file", &format!("&filename={name}"), body);
        assert_eq!(told, "success");
    }

    /// One question for an import.
    fn import_once(&self, name: &str) -> String {
        self.ask("import", &format!("&filename={name}"), b"")
    }

    /// Asks until it ends.
    fn import(&self, name: &str) -> String {
        for _ in 0..2_000 {
            let told = self.import_once(name);
            if !told.starts_with("progress") {
                return told;
            }
        }
        panic!("no end of {name}");
    }

    fn imported(&self, name: &str) {
        assert_eq!(self.import(name), "success");
    }
}

fn document(inner: &str) -> Vec<u8> {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<КоммерческаяИнформация ВерсияСхемы=\"2.07\">\
         {inner}</КоммерческаяИнформация>"
    )
    .into_bytes()
}

/// A catalogue of these goods.
fn goods(ids: impl IntoIterator<Item = impl std::fmt::Display>) -> Vec<u8> {
    let goods: String = ids
        .into_iter()
        .map(|id| format!("<Товар><Ид>{id}</Ид><Наименование>Товар {id}</Наименование></Товар>"))
        .collect();
    document(&format!(
        "<Каталог СодержитТолькоИзменения=\"true\"><Ид>c</Ид><Товары>{goods}</Товары></Каталог>"
    ))
}

/// Offers of these goods at one price in roubles.
fn offers(price: i64, ids: impl IntoIterator<Item = impl std::fmt::Display>) -> Vec<u8> {
    let offers: String = ids
        .into_iter()
        .map(|id| {
            format!(
                "<Предложение><Ид>{id}</Ид><Цены><Цена><ИдТипаЦены>p</ИдТипаЦены>\
                 <ЦенаЗаЕдиницу>{price}</ЦенаЗаЕдиницу></Цена></Цены></Предложение>"
            )
        })
        .collect();
    document(&format!(
        "<ПакетПредложений СодержитТолькоИзменения=\"true\"><Ид>c#</Ид><ТипыЦен><ТипЦены><Ид>p</Ид>\
         <Наименование>Розница</Наименование></ТипЦены></ТипыЦен>\
         <Предложения>{offers}</Предложения></ПакетПредложений>"
    ))
}

/// An archive of these files.
fn packed(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        let options = zip::write::SimpleFileOptions::default();
        zip.start_file(*name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}
