//! Orders, outward (commerceml §1.8, §6.1-10): nothing is confirmed by asking, and nothing is lost.

use serde_json::{Value, json};

use super::client::Client;
use super::merchant::Merchant;
use super::wire::Reply;
use crate::fixture::id;

/// An order with a good, a variant and the delivery.
pub fn order(id: &str, number: &str) -> Value {
    json!({
        "id": id, "number": number, "moment": 1_772_000_000_000_i64, "sum_kopecks": 135_050,
        "customer": { "name": "Иванова Мария «Ю & К»", "phone": "+79030000001", "email": "m@x.example" },
        "comment": "Позвонить <до> обеда",
        "items": [
            { "id": "p-1", "name": "Чайник", "price_kopecks": 100_000, "quantity_thousandths": 1_000, "sum_kopecks": 100_000 },
            { "id": "p-2#m", "name": "Кружка (M)", "price_kopecks": 2_525, "quantity_thousandths": 2_000, "sum_kopecks": 5_050,
              "characteristics": [{ "name": "Размер", "value": "M" }] },
            { "id": "ORDER_DELIVERY", "name": "Доставка", "kind": "service", "price_kopecks": 30_000,
              "quantity_thousandths": 1_000, "sum_kopecks": 30_000 },
        ],
        "status": { "id": "N", "name": "Принят" },
    })
}

impl Merchant {
    /// Makes or changes orders as a shop does.
    #[track_caller]
    pub fn order(&self, orders: &[Value]) {
        for batch in orders.chunks(100) {
            self.shop.api("PUT", "/orders", &json!(batch)).ok();
        }
    }

    /// A client that has begun an exchange of orders.
    pub fn of_orders(&self) -> Client {
        let mut client = self.client();
        client.begin("sale");
        client
    }
}

/// The documents of an answer to `query`, as their numbers.
#[track_caller]
fn numbers(reply: &Reply) -> Vec<String> {
    let text = reply.text();
    assert!(
        reply.status == 200 && text.contains("<КоммерческаяИнформация"),
        "{text}"
    );
    let documents = text.split("<Документ>").skip(1);
    let number = |document: &str| {
        let from = document.split("<Номер>").nth(1).unwrap();
        from.split("</Номер>").next().unwrap().to_owned()
    };
    documents.map(number).collect()
}

fn query(client: &Client) -> Reply {
    client.get("sale", "query", "")
}

#[test]
fn nobody_has_ordered_yet_is_a_root_without_children() {
    let merchant = Merchant::new(json!({}));
    let client = merchant.of_orders();
    let reply = query(&client);
    assert_eq!(numbers(&reply), [""; 0]);
    let text = reply.text();
    assert!(
        text.contains("ВерсияСхемы=\"") && text.contains("ДатаФормирования=\""),
        "{text}"
    );
    assert!(reply.header("content-type").unwrap().contains("xml"));
    assert_eq!(
        reply.header("content-length"),
        Some(reply.body.len().to_string().as_str())
    );
    client.get("sale", "success", "").success();
}

#[test]
fn an_order_comes_until_it_is_confirmed_and_then_no_more() {
    let merchant = Merchant::new(json!({}));
    merchant.order(&[order("o-1", "1"), order("o-2", "2")]);
    let client = merchant.of_orders();
    let first = query(&client);
    assert_eq!(numbers(&first), ["1", "2"]);
    // The answer was lost: the same again, in this session and in the next.
    assert_eq!(numbers(&query(&client)), ["1", "2"]);
    let again = merchant.of_orders();
    assert_eq!(numbers(&query(&again)), ["1", "2"]);
    again.get("sale", "success", "").success();
    assert_eq!(numbers(&query(&again)), [""; 0]);
    assert_eq!(numbers(&query(&merchant.of_orders())), [""; 0]);
    // A `success` that comes twice, or without a query, confirms nothing that was not told.
    merchant.order(&[order("o-3", "3")]);
    again.get("sale", "success", "").success();
    merchant.of_orders().get("sale", "success", "");
    assert_eq!(numbers(&query(&again)), ["3"]);
}

#[test]
fn a_change_between_query_and_success_is_told_the_next_time() {
    let merchant = Merchant::new(json!({}));
    merchant.order(&[order("o-1", "1"), order("o-2", "2")]);
    let client = merchant.of_orders();
    assert_eq!(numbers(&query(&client)).len(), 2);
    let mut paid = order("o-2", "2");
    paid["paid_at"] = json!(1_772_000_100_000_i64);
    merchant.order(&[paid, order("o-3", "3")]);
    client.get("sale", "success", "").success();
    let mut left = numbers(&query(&client));
    left.sort();
    assert_eq!(left, ["2", "3"]);
    client.get("sale", "success", "").success();
    // Said again without a change, nothing is told.
    merchant.order(&[order("o-3", "3")]);
    assert_eq!(numbers(&query(&client)), [""; 0]);
}

#[test]
fn a_client_without_cookies_confirms_what_it_has_heard() {
    let merchant = Merchant::new(json!({}));
    merchant.order(&[order("o-1", "1")]);
    let mut client = merchant.client();
    client.keeps_cookies = false;
    client.begin("sale");
    assert_eq!(numbers(&query(&client)), ["1"]);
    client.get("sale", "success", "").success();
    assert_eq!(numbers(&query(&client)), [""; 0]);
}

#[test]
fn more_than_a_hundred_come_in_several_exchanges() {
    let merchant = Merchant::new(json!({}));
    let all: Vec<Value> = (0..230)
        .map(|n| order(&format!("o-{n}"), &format!("{n}")))
        .collect();
    merchant.order(&all);
    let client = merchant.of_orders();
    let mut seen = Vec::new();
    for expected in [100, 100, 30, 0] {
        let some = numbers(&query(&client));
        assert_eq!(some.len(), expected);
        seen.extend(some);
        client.get("sale", "success", "").success();
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 230);
}

#[test]
fn an_order_says_everything_and_its_texts_are_escaped() {
    let merchant = Merchant::new(json!({}));
    merchant.order(&[order("o-1", "1")]);
    let text = query(&merchant.of_orders()).text();
    for part in [
        "<Ид>o-1</Ид>",
        "<Номер>1</Номер>",
        "<ХозОперация>Заказ товара</ХозОперация>",
        "<Роль>Продавец</Роль>",
        "<Сумма>1350.50</Сумма>",
        "Иванова Мария «Ю &amp; К»",
        "Позвонить &lt;до",
        "<Ид>p-2#m</Ид>",
        "<Ид>ORDER_DELIVERY</Ид>",
        "<Количество>2",
        "Услуга",
        "Статус заказа",
    ] {
        assert!(text.contains(part), "no {part} in {text}");
    }
    let places: Vec<usize> = [
        "<Ид>o-1",
        "<Номер>",
        "<Дата>",
        "<ХозОперация>",
        "<Роль>",
        "<Валюта>",
        "<Сумма>",
        "<Контрагенты>",
        "<Время>",
        "<Товары>",
    ]
    .iter()
    .map(|element| text.find(element).unwrap_or_else(|| panic!("no {element}")))
    .collect();
    assert!(places.is_sorted(), "the order of the schema: {places:?}");
}

#[test]
fn orders_come_in_the_encoding_that_is_set() {
    for (encoding, begins, declared) in [
        ("utf-8", b"<?xml".as_slice(), "utf-8"),
        ("utf-8-bom", b"\xef\xbb\xbf<?xml", "utf-8"),
        ("windows-1251", b"<?xml", "windows-1251"),
    ] {
        let merchant = Merchant::new(json!({ "order_encoding": encoding }));
        let mut exotic = order("o-1", "1");
        exotic["comment"] = json!("Ёлка € ☺");
        merchant.order(&[exotic]);
        let reply = query(&merchant.of_orders());
        assert!(reply.body.starts_with(begins), "{encoding}");
        let text = match encoding {
            "windows-1251" => encoding_rs::WINDOWS_1251.decode(&reply.body).0.into_owned(),
            _ => reply.text(),
        };
        let prolog = text.lines().next().unwrap().to_lowercase();
        assert!(prolog.contains(declared), "{prolog}");
        assert!(text.contains("Ёлка €"), "{text}");
        assert!(
            text.contains('☺') || text.contains("&#9786;") || text.contains("&#x263A;"),
            "{text}"
        );
    }
}

#[test]
fn each_order_may_stand_in_a_container() {
    let merchant = Merchant::new(json!({ "order_container": true }));
    merchant.order(&[order("o-1", "1"), order("o-2", "2")]);
    let reply = query(&merchant.of_orders());
    let text = reply.text();
    assert_eq!(
        (text.matches("<Контейнер>").count(), numbers(&reply).len()),
        (2, 2),
        "{text}"
    );
    assert_eq!(text.matches("</Контейнер>").count(), 2);
}

#[test]
fn a_client_that_names_its_version_gets_documents_of_it() {
    let merchant = Merchant::new(json!({}));
    merchant.order(&[order("o-1", "1")]);
    for version in ["2.08", "2.10", "3.1"] {
        let client = merchant.of_orders();
        client.get("sale", "init", &format!("&version={version}"));
        let text = query(&client).text();
        assert!(
            text.contains(&format!("ВерсияСхемы=\"{version}\"")),
            "{version}: {text}"
        );
    }
}

#[test]
fn the_directories_are_told_as_xml() {
    let merchant = Merchant::new(json!({}));
    merchant.order(&[order("o-1", "1")]);
    let reply = merchant.of_orders().get("sale", "info", "");
    let text = reply.text();
    assert!(
        text.contains("<Справочник>") && text.contains("<Статусы>"),
        "{text}"
    );
}

#[test]
fn orders_of_one_tenant_are_not_the_others() {
    let (one, two) = (Merchant::new(json!({})), Merchant::new(json!({})));
    let number = id();
    one.order(&[order("o-1", &number)]);
    let (first, second) = (one.of_orders(), two.of_orders());
    assert_eq!(numbers(&query(&second)), [""; 0]);
    second.get("sale", "success", "").success();
    assert_eq!(numbers(&query(&first)), [number]);
}
