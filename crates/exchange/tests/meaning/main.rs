//! What files mean: what becomes of goods, prices, stock and groups, exchange after exchange.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

#[path = "../common/mod.rs"]
mod common;

mod goods;
mod missing;
mod prices;

use std::cell::Cell;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::executor::block_on;
use http::Request;
use serde_json::{Value, json};
use sklad_exchange::handle;
use sklad_jobs::journal;
use sklad_store::native::{MemoryKv, NativeSql};
use sklad_store::{Clock, Sql, Statement};
use sklad_tenant::App;

use common::{Bytes, PASSWORD, TENANT, shop};

pub(crate) const MINUTE: i64 = 60_000;

/// Time stands still but for pauses.
struct Time(Cell<i64>);

impl Clock for Time {
    fn now_ms(&self) -> i64 {
        self.0.get()
    }

    async fn pause(&self) {
        self.0.set(self.0.get() + 5);
    }

    async fn sleep(&self, ms: u32) {
        self.0.set(self.0.get() + i64::from(ms));
    }
}

/// A shop.
pub(crate) struct World {
    app: App<NativeSql, MemoryKv>,
    time: Time,
    _dir: tempfile::TempDir,
}

/// A shop with these settings of the exchange and the employees `one@x.ru` and `two@x.ru`.
pub(crate) fn world(commerceml: Value) -> World {
    let dir = tempfile::tempdir().unwrap();
    let sql = NativeSql::open(&dir.path().join("db")).unwrap();
    let now = 1_700_000_000_000;
    let app = shop(sql, serde_json::from_value(commerceml).unwrap(), now);
    let time = Time(Cell::new(now));
    World {
        app,
        time,
        _dir: dir,
    }
}

impl World {
    pub(crate) fn later(&self, ms: i64) {
        self.time.0.set(self.time.0.get() + ms);
    }

    /// A client that has logged in, two seconds after whatever was before.
    pub(crate) fn client(&self, login: &'static str) -> Client<'_> {
        self.later(2_000);
        let mut client = Client {
            world: self,
            login,
            cookie: None,
            timestamp: String::new(),
        };
        let told = client.ask("checkauth", "", b"");
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!(lines[0], "success", "{told}");
        client.cookie = Some(format!("{}={}", lines[1], lines[2]));
        client.timestamp = lines[4].to_owned();
        client.ask("init", "", b"");
        client
    }

    /// A whole exchange: files are uploaded, then imported in this order.
    pub(crate) fn exchange(&self, files: &[(&str, String)]) {
        self.client("one@x.ru").send(files);
    }

    fn query(&self, sql: &str, external: &str) -> Option<Value> {
        let statement = Statement::new(sql.to_owned()).bind(TENANT).bind(external);
        let rows = block_on(self.app.sql.query(statement)).unwrap();
        rows.first()
            .map(|row| serde_json::from_str(&row.string(0)).unwrap())
    }

    /// A column of a good, as JSON; null where there is no such good.
    pub(crate) fn good(&self, external: &str, column: &str) -> Value {
        let sql =
            format!("SELECT json_array({column}) FROM goods g WHERE tenant = ?1 AND external = ?2");
        let found = self.query(&sql, external);
        let value = found.map_or(Value::Null, |row| row[0].clone());
        // Lists are kept as texts.
        let list = value.as_str().filter(|text| text.starts_with(['[', '{']));
        list.map_or(value.clone(), |text| serde_json::from_str(text).unwrap())
    }

    /// External ids of goods that are archived (or not), sorted.
    pub(crate) fn all(&self, archived: bool) -> Vec<String> {
        let sql = "SELECT json_group_array(external) FROM (SELECT external FROM goods \
             WHERE tenant = ?1 AND (archived <> 0) = (?2 = 'true') ORDER BY external)";
        let ids = self.query(sql, &archived.to_string()).unwrap();
        serde_json::from_value(ids).unwrap()
    }

    pub(crate) fn number(&self, sql: &str) -> i64 {
        let rows = block_on(self.app.sql.query(Statement::new(sql.to_owned()))).unwrap();
        rows[0].int(0).unwrap()
    }

    /// The texts of the journal about `object`, oldest first.
    pub(crate) fn journal(&self, object: &str) -> Vec<String> {
        let lines = journal::list(&self.app.sql, TENANT, journal::Filter::default(), 500);
        let lines = block_on(lines).unwrap();
        let about = lines.into_iter().rev().filter(|line| line.object == object);
        about.map(|line| line.text).collect()
    }

    #[track_caller]
    pub(crate) fn nothing_changed(&self, file: &str) {
        let last = self.journal(file).pop().unwrap();
        assert!(last.contains("изменений нет"), "{file}: {last}");
    }
}

/// A client of the exchange.
pub(crate) struct Client<'a> {
    world: &'a World,
    login: &'static str,
    cookie: Option<String>,
    /// `timestamp=…`, as it was told.
    pub(crate) timestamp: String,
}

impl Client<'_> {
    /// One request; the answer's text.
    pub(crate) fn ask(&self, mode: &str, more: &str, body: &[u8]) -> String {
        let uri = format!("/t/demo/1c_exchange.php?type=catalog&mode={mode}{more}");
        let method = if mode == "file" { "POST" } else { "GET" };
        let mut request = Request::builder().method(method).uri(uri);
        match &self.cookie {
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

    #[track_caller]
    pub(crate) fn put(&self, name: &str, body: &[u8]) {
        let told = self.ask("file", &format!("&filename={name}"), body);
        assert_eq!(told, "success");
    }

    /// Asks until it ends.
    #[track_caller]
    pub(crate) fn until_ended(&self, mode: &str, more: &str) {
        for _ in 0..500 {
            let told = self.ask(mode, more, b"");
            if !told.starts_with("progress") {
                assert_eq!(told, "success");
                return;
            }
        }
        panic!("no end of {mode}{more}");
    }

    #[track_caller]
    pub(crate) fn import(&self, name: &str) {
        self.until_ended("import", &format!("&filename={name}"));
    }

    #[track_caller]
    pub(crate) fn send(&self, files: &[(&str, String)]) {
        for (name, body) in files {
            self.put(name, body.as_bytes());
        }
        for (name, _) in files {
            self.import(name);
        }
    }
}

pub(crate) fn root(inner: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<КоммерческаяИнформация ВерсияСхемы=\"2.07\">\
         {inner}</КоммерческаяИнформация>"
    )
}

/// A good with more inside.
pub(crate) fn good(id: &str, more: &str) -> String {
    format!("<Товар><Ид>{id}</Ид><Наименование>Товар {id}</Наименование>{more}</Товар>")
}

/// A catalogue, marked as full or as changes.
pub(crate) fn catalogue(id: &str, full: bool, goods: &[String]) -> String {
    format!(
        "<Каталог СодержитТолькоИзменения=\"{}\"><Ид>{id}</Ид><Товары>{}</Товары></Каталог>",
        !full,
        goods.concat()
    )
}

/// A full catalogue `c` with these goods.
pub(crate) fn list<'a>(ids: impl IntoIterator<Item = &'a str>) -> String {
    let goods: Vec<String> = ids.into_iter().map(|id| good(id, "")).collect();
    root(&catalogue("c", true, &goods))
}

/// A package of `c`, marked as full or as changes: what comes before its offers, and these.
pub(crate) fn package(full: bool, head: &str, offers: &[String]) -> String {
    format!(
        "<ПакетПредложений СодержитТолькоИзменения=\"{}\"><Ид>c#</Ид><ИдКаталога>c</ИдКаталога>{head}\
         <Предложения>{}</Предложения></ПакетПредложений>",
        !full,
        offers.concat()
    )
}

/// An offer with more inside.
pub(crate) fn offer(id: &str, more: &str) -> String {
    format!("<Предложение><Ид>{id}</Ид>{more}</Предложение>")
}

/// Prices in roubles by type.
pub(crate) fn prices(all: &[(&str, i64)]) -> String {
    let prices: String = all
        .iter()
        .map(|(id, price)| {
            format!(
                "<Цена><ИдТипаЦены>{id}</ИдТипаЦены><ЦенаЗаЕдиницу>{price}</ЦенаЗаЕдиницу></Цена>"
            )
        })
        .collect();
    format!("<Цены>{prices}</Цены>")
}

/// Price types by id and name.
pub(crate) fn types(all: &[(&str, &str)]) -> String {
    let types: String = all
        .iter()
        .map(|(id, name)| {
            format!("<ТипЦены><Ид>{id}</Ид><Наименование>{name}</Наименование></ТипЦены>")
        })
        .collect();
    format!("<ТипыЦен>{types}</ТипыЦен>")
}

/// Stock by store.
pub(crate) fn stock(all: &[(&str, i64)]) -> String {
    let one =
        |(id, n): &(&str, i64)| format!("<Склад ИдСклада=\"{id}\" КоличествоНаСкладе=\"{n}\"/>");
    all.iter().map(one).collect()
}

/// A characteristic of a variant.
pub(crate) fn colour(value: &str) -> String {
    format!(
        "<ХарактеристикиТовара><ХарактеристикаТовара><Наименование>Цвет</Наименование>\
         <Значение>{value}</Значение></ХарактеристикаТовара></ХарактеристикиТовара>"
    )
}

#[test]
fn a_shop_has_nothing_before_the_first_exchange() {
    let shop = world(json!({}));
    shop.exchange(&[]);
    assert_eq!((shop.all(false).len(), shop.all(true).len()), (0, 0));
}
