//! Orders over the native stores, request by request (commerceml §1.8).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

mod common;

use std::cell::Cell;
use std::io::{Cursor, Write as _};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::executor::block_on;
use http::Request;
use serde_json::{Value, json};
use sklad_catalog::goods::{self, GoodInput};
use sklad_connections::Connection;
use sklad_orders::{NewOrder, Order, Stored, Who};
use sklad_store::native::{MemoryKv, NativeSql};
use sklad_store::{Clock, Sql, Statement};
use sklad_tenant::{App, ExchangeSettings};
use zip::write::SimpleFileOptions;

use common::{Bytes, PASSWORD, TENANT, shop};

/// When the tests begin, milliseconds since 1970 UTC.
const NOW: i64 = 1_795_287_600_000;

/// A clock that every look at it moves on.
struct Ticking(Cell<i64>);

impl Clock for Ticking {
    fn now_ms(&self) -> i64 {
        self.0.set(self.0.get() + 1);
        self.0.get()
    }

    async fn pause(&self) {}

    async fn sleep(&self, ms: u32) {
        self.0.set(self.0.get() + i64::from(ms));
    }
}

/// A shop with the orders 1 and 2, and a client that has logged in.
struct World {
    app: App<NativeSql, MemoryKv>,
    clock: Ticking,
    cookie: String,
    _dir: tempfile::TempDir,
}

fn world() -> World {
    let dir = tempfile::tempdir().unwrap();
    let sql = NativeSql::open(&dir.path().join("db")).unwrap();
    let app = shop(sql, ExchangeSettings::default(), NOW);
    let mut world = World {
        app,
        clock: Ticking(Cell::new(NOW)),
        cookie: String::new(),
        _dir: dir,
    };
    block_on(world.found());
    let told = world.ask("checkauth", "", None);
    let cookie: Vec<&str> = told.lines().collect();
    assert_eq!(cookie[0], "success", "{told}");
    world.cookie = format!("{}={}", cookie[1], cookie[2]);
    world.get("init");
    world
}

impl World {
    async fn found(&self) {
        for id in ["1", "2"] {
            self.order(id, json!({ "id": "N", "name": "Принят" })).await;
        }
    }

    async fn order(&self, id: &str, status: Value) {
        let order: Order = serde_json::from_value(json!({
            "id": id, "number": id, "moment": 1_795_287_600_000_i64, "sum_kopecks": 25_000,
            "items": [{ "id": "p", "name": "Кофе", "price_kopecks": 25_000,
                "quantity_thousandths": 1000, "sum_kopecks": 25_000 }],
            "status": status,
        }))
        .unwrap();
        let now = self.clock.now_ms();
        sklad_orders::upsert(&self.app.sql, TENANT, Who::Api, &[order], now)
            .await
            .unwrap();
    }

    fn ask(&self, mode: &str, more: &str, body: Option<&[u8]>) -> String {
        let basic = STANDARD.encode(format!("one@x.ru:{PASSWORD}"));
        let length = body.map(|b| u64::try_from(b.len()).unwrap());
        let method = if body.is_some() { "POST" } else { "GET" };
        let request = Request::builder()
            .method(method)
            .uri(format!(
                "/t/demo/1c_exchange.php?type=sale&mode={mode}{more}"
            ))
            .header("authorization", format!("Basic {basic}"))
            .header("cookie", &self.cookie)
            .body(Bytes(body.map(<[u8]>::to_vec), length))
            .unwrap();
        let answer = block_on(sklad_exchange::handle(&self.app, &self.clock, request));
        String::from_utf8(answer.into_body()).unwrap()
    }

    fn get(&self, mode: &str) -> String {
        self.ask(mode, "", None)
    }

    fn file(&self, name: &str, bytes: &[u8]) -> String {
        self.ask("file", &format!("&filename={name}"), Some(bytes))
    }

    fn import(&self, name: &str) -> String {
        for _ in 0..9 {
            let told = self.ask("import", &format!("&filename={name}"), None);
            if !told.starts_with("progress") {
                return told;
            }
        }
        panic!("{name} does not end");
    }

    fn stored(&self, id: &str) -> Stored {
        block_on(sklad_orders::get(&self.app.sql, TENANT, id))
            .unwrap()
            .unwrap()
    }

    /// What 1C has called the status of an order.
    fn status(&self, id: &str) -> String {
        self.stored(id).from_1c.status.unwrap_or_default()
    }

    /// Object and text of the journal's last rows, the last one first.
    fn journal(&self, rows: usize) -> Vec<(String, String)> {
        let text = format!(
            "SELECT object, text FROM journal WHERE tenant = 'demo' AND action = 'exchange' \
             ORDER BY id DESC LIMIT {rows}"
        );
        let rows = block_on(self.app.sql.query(Statement::new(text))).unwrap();
        rows.iter()
            .map(|row| (row.string(0), row.string(1)))
            .collect()
    }
}

fn document(id: &str, operation: &str, status: &str) -> String {
    format!(
        "<Документ><Ид>{id}</Ид><Номер>{id}</Номер><ХозОперация>{operation}</ХозОперация>\
         <ЗначенияРеквизитов><ЗначениеРеквизита><Наименование>Статус заказа</Наименование>\
         <Значение>{status}</Значение></ЗначениеРеквизита></ЗначенияРеквизитов></Документ>"
    )
}

fn root(inner: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><КоммерческаяИнформация ВерсияСхемы=\"3.1\">{inner}</КоммерческаяИнформация>"
    )
}

fn order(id: &str, status: &str) -> String {
    root(&document(id, "Заказ товара", status))
}

fn packed(files: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in files {
        writer
            .start_file(*name, SimpleFileOptions::default())
            .unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn failed(told: &str, part: &str) {
    assert!(
        told.starts_with("failure\n") && told.contains(part),
        "{told}"
    );
}

#[test]
fn an_archive_that_nobody_asks_to_import_is_read_when_it_is_whole() {
    let w = world();
    let archive = packed(&[
        ("orders.xml", &order("1", "Готов")),
        ("more.xml", &order("2", "Новый")),
    ]);
    let (begin, end) = archive.split_at(archive.len() / 2);
    assert_eq!(w.file("v8_1.zip", begin), "success");
    assert_eq!(w.status("1"), "");
    assert_eq!(w.file("v8_1.zip", end), "success");
    assert_eq!(
        (w.status("1"), w.status("2")),
        ("Готов".into(), "Новый".into())
    );
    // Asked for after all it is done, and done once.
    let rows = w.journal(9).len();
    assert_eq!(w.import("v8_1.zip"), "success");
    assert_eq!(w.journal(9).len(), rows);
}

#[test]
fn a_bad_file_is_told_by_its_name_whenever_it_is_asked_for_and_keeps_back_no_other() {
    let w = world();
    let bad = order("1", "Нет").replacen("</Номер>", "</Нмер>", 1);
    let told = w.file("bad.xml", bad.as_bytes());
    failed(&told, "bad.xml: строка 1, столбец");
    assert_eq!(w.import("bad.xml"), told);
    let (object, text) = w.journal(1).remove(0);
    assert_eq!(object, "bad.xml");
    assert!(text.starts_with("Файл не загружен: строка 1"), "{text}");
    // A file that has broken off waits for its rest, and keeps back no archive either.
    assert_eq!(
        w.file("cut.xml", &order("1", "Нет").as_bytes()[..80]),
        "success"
    );
    let archive = packed(&[("orders.xml", &order("1", "Готов"))]);
    assert_eq!(w.file("v8_2.zip", &archive), "success");
    assert_eq!(w.import("v8_2.zip"), "success");
    assert_eq!(w.status("1"), "Готов");
    // Sent again, and right.
    assert_eq!(w.file("bad.xml", order("1", "Да").as_bytes()), "success");
    assert_eq!(w.status("1"), "Да");
    assert_eq!(w.import("bad.xml"), "success");
}

#[test]
fn of_an_archive_with_a_bad_file_the_others_are_read_and_the_failure_stays() {
    let w = world();
    let bad = order("1", "Нет").replacen("</Номер>", "</Нмер>", 1);
    let archive = packed(&[("a.xml", &bad), ("b.xml", &order("2", "Готов"))]);
    let told = w.file("v8_3.zip", &archive);
    failed(&told, "a.xml: строка 1");
    assert_eq!(w.status("2"), "Готов");
    for _ in 0..3 {
        assert_eq!(w.import("v8_3.zip"), told);
    }
    let cut = &archive[..archive.len() - 20];
    assert_eq!(w.file("v8_4.zip", cut), "success");
    let told = w.import("v8_4.zip");
    failed(&told, "v8_4.zip: Архив не принят");
    assert_eq!(w.import("v8_4.zip"), told);
}

#[test]
fn a_file_is_whole_whatever_blanks_follow_and_in_utf_16_too() {
    let w = world();
    let blanks = " \r\n".repeat(2000);
    assert_eq!(
        w.file("a.xml", (order("1", "А") + &blanks).as_bytes()),
        "success"
    );
    assert_eq!(w.status("1"), "А");
    let utf16 = |bytes: fn(u16) -> [u8; 2], status| -> Vec<u8> {
        let text = "\u{feff}".to_owned() + &order("1", status).replace("UTF-8", "UTF-16") + "\r\n";
        text.encode_utf16().flat_map(bytes).collect()
    };
    assert_eq!(w.file("b.xml", &utf16(u16::to_le_bytes, "Б")), "success");
    assert_eq!(w.status("1"), "Б");
    assert_eq!(w.file("c.xml", &utf16(u16::to_be_bytes, "В")), "success");
    assert_eq!(w.status("1"), "В");
    // The last chunk may be shorter than the last element.
    let text = order("1", "Г");
    let (begin, end) = text.as_bytes().split_at(text.len() - 3);
    assert_eq!(w.file("d.xml", begin), "success");
    assert_eq!(
        (w.file("d.xml", end), w.status("1")),
        ("success".into(), "Г".into())
    );
}

#[test]
fn payments_and_shipments_beside_an_order_are_no_orders() {
    let w = world();
    let container = [
        document("1", "Заказ товара", "Готов"),
        // Its number is that of another order, by chance.
        document("2", "Выплата безналичных денег", "Нет"),
        document("77", "Отпуск товара", "Нет"),
    ]
    .concat();
    let file = root(&format!("<Контейнер>{container}</Контейнер>"));
    assert_eq!(w.file("orders.xml", file.as_bytes()), "success");
    assert_eq!(
        (w.status("1"), w.status("2")),
        ("Готов".into(), String::new())
    );
    let text = "Заказы из учётной системы: изменено 1, без изменений 0, других документов 2";
    assert_eq!(w.journal(1), [("orders.xml".to_owned(), text.to_owned())]);
}

/// A document of an order with these requisites.
fn with(id: &str, requisites: &[(&str, &str)]) -> String {
    let each = |(name, value): &(&str, &str)| {
        format!(
            "<ЗначениеРеквизита><Наименование>{name}</Наименование><Значение>{value}</Значение></ЗначениеРеквизита>"
        )
    };
    let requisites: String = requisites.iter().map(each).collect();
    root(&format!(
        "<Документ><Ид>{id}</Ид><Номер>{id}</Номер><ЗначенияРеквизитов>{requisites}</ЗначенияРеквизитов></Документ>"
    ))
}

#[test]
fn an_empty_date_of_1c_pays_and_ships_nothing_and_one_that_cannot_be_read_is_told() {
    let w = world();
    let (paid, shipped) = ("Дата оплаты по 1С", "Дата отгрузки по 1С");
    let empty = [
        (paid, "0001-01-01"),
        (shipped, "0001-01-01T00:00:00"),
        ("Дата по 1С", "0001-01-01T00:00:00"),
        ("Проведен", "true"),
    ];
    assert_eq!(w.file("a.xml", with("1", &empty).as_bytes()), "success");
    let stored = w.stored("1");
    assert!(stored.from_1c.posted && stored.from_1c.date.is_none());
    assert_eq!(
        (stored.order.paid_at, stored.order.shipped_at),
        (None, None)
    );
    let text = "Заказы из учётной системы: изменено 1, без изменений 0";
    assert_eq!(w.journal(1)[0].1, text);

    let bad = [(paid, "2026-11-22"), (shipped, "31.31.2026")];
    w.file("b.xml", with("2", &bad).as_bytes());
    let order = w.stored("2").order;
    assert!(order.paid_at.is_some() && order.shipped_at.is_none());
    let text = format!("{text}, непонятных дат 1: 2 «31.31.2026»");
    assert_eq!(w.journal(1)[0].1, text);
}

#[test]
fn a_status_has_the_id_that_stands_beside_its_name() {
    let w = world();
    let said = [
        ("Статус заказа", "Согласован"),
        ("Статуса заказа ИД", "approved"),
    ];
    w.file("a.xml", with("1", &said).as_bytes());
    let status = w.stored("1").order.status.unwrap();
    assert_eq!(
        (status.id.as_str(), status.name.as_str()),
        ("approved", "Согласован")
    );
}

#[test]
fn the_lists_of_info_have_every_id_once() {
    let w = world();
    block_on(w.order("3", json!({ "id": "F", "name": "Доставлен" })));
    block_on(w.order("4", json!({ "id": "N", "name": "Принят магазином" })));
    // 1C names one that the shop has, and one of its own.
    w.file("a.xml", order("1", "Доставлен").as_bytes());
    w.file("b.xml", order("2", "На складе").as_bytes());
    let info = w.get("info");
    let statuses = info.split("</Статусы>").next().unwrap();
    let mut ids: Vec<&str> = statuses.split("<Ид>").skip(1).collect();
    ids.sort_unstable();
    let first = |text: &str| {
        let (id, rest) = text.split_once("</Ид><Название>").unwrap();
        (id.to_owned(), rest.split_once('<').unwrap().0.to_owned())
    };
    let pairs: Vec<_> = ids.into_iter().map(first).collect();
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    assert_eq!(
        pairs,
        [
            pair("F", "Доставлен"),
            pair("N", "Принят магазином"),
            pair("На складе", "На складе"),
        ]
    );
}

#[test]
fn info_tells_what_connections_are_set_up_with_before_any_order_has_it() {
    let w = world();
    let settings = json!({ "shop": "a.myinsales.ru", "orders": {
        "on": true, "payments": { "cash": 7 }, "deliveries": { "courier": 8 },
        "statuses": { "approved": { "name": "Согласован" }, "new": { "id": "N", "name": "Другой" } },
    }});
    let mut shop = Connection::new(TENANT, "main", "insales", "Магазин").unwrap();
    shop.settings = settings.to_string();
    shop.enabled = true;
    block_on(w.app.sql.atomic(vec![shop.insert(1)])).unwrap();
    let info = w.get("info");
    for (id, name) in [
        ("approved", "Согласован"),
        // An order has it already, under this name.
        ("N", "Принят"),
        ("cash", "cash"),
        ("courier", "courier"),
    ] {
        let entry = format!("<Ид>{id}</Ид><Название>{name}</Название>");
        assert_eq!(info.matches(&entry).count(), 1, "{entry} in {info}");
    }
    assert!(!info.contains("Другой"));
}

#[test]
fn the_version_is_the_newest_that_both_know() {
    let w = world();
    let agreed = |theirs: &str| {
        let told = w.ask("init", &format!("&version={theirs}"), None);
        told.rsplit_once("version=").unwrap().1.to_owned()
    };
    for (theirs, ours) in [
        ("2.04", "2.04"),
        ("2.11", "2.10"),
        ("3.1", "3.1"),
        ("4.0", "3.1"),
        ("99", "3.1"),
        ("", "2.05"),
        ("abc", "2.05"),
    ] {
        assert_eq!(agreed(theirs), ours, "{theirs}");
    }
}

#[test]
fn an_order_made_here_is_told_with_the_ids_of_the_exchange_and_then_its_cancellation() {
    let w = world();
    let tea = GoodInput {
        external: Some("tea#green".to_owned()),
        name: "Чай".to_owned(),
        price_kopecks: Some(12_050),
        ..GoodInput::default()
    };
    block_on(goods::upsert(&w.app.sql, TENANT, &[tea], NOW)).unwrap();
    w.get("query");
    assert_eq!(w.get("success"), "success");
    let new: NewOrder = serde_json::from_value(json!({
        "items": [{ "external": "tea#green", "quantity_thousandths": 2_000 }],
        "number": "15", "customer": { "name": "Мария Иванова" },
        "delivery": { "id": "courier", "price_kopecks": 30_000 },
    }))
    .unwrap();
    let told = |_: &Order| Statement::new("SELECT 1");
    let made = sklad_orders::create(&w.app.sql, TENANT, Who::Api, "k", &new, NOW, told);
    let made = block_on(made).unwrap().stored.order;
    let document = w.get("query");
    for part in [
        "<Номер>15</Номер>",
        "<Ид>tea#green</Ид>",
        "<Сумма>241.00</Сумма>",
        "<Ид>ORDER_DELIVERY</Ид>",
        "<Сумма>541.00</Сумма>",
        "<Значение>[new] Новый</Значение>",
    ] {
        assert!(document.contains(part), "{part}: {document}");
    }
    assert_eq!(document.matches("<Документ>").count(), 1);
    assert_eq!(w.get("success"), "success");
    assert!(!w.get("query").contains("<Документ>"));
    let cancelled = sklad_orders::cancel(&w.app.sql, TENANT, Who::Api, &made.id, "нет", NOW, told);
    block_on(cancelled).unwrap();
    assert!(
        w.get("query")
            .contains("<Значение>[cancelled] Отменён</Значение>")
    );
}
