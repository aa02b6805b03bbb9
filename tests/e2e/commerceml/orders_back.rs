//! Orders, back from 1С (commerceml §1.8): their state comes to the shop.

use samples::{Encoding, Status, write_statuses};
use serde_json::{Value, json};

use super::merchant::Merchant;
use super::orders::order;
use super::wire::How;
use super::zips::packed;

fn shipped(id: Option<&str>, number: &str) -> Status {
    Status {
        id: id.map(str::to_owned),
        number: number.to_owned(),
        sum_kopecks: 135_050,
        number_in_1c: format!("ЗК-{number}"),
        status: "Отгружен".to_owned(),
        paid_on: Some("2026-03-05".to_owned()),
        shipped_on: Some("2026-03-06".to_owned()),
        cancelled: false,
    }
}

fn file(orders: &[Status], encoding: Encoding) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_statuses(&mut bytes, orders, encoding).unwrap();
    bytes
}

fn stored(merchant: &Merchant, id: &str) -> Value {
    merchant
        .shop
        .api("GET", &format!("/orders/{id}"), &json!({}))
        .ok()
}

/// That 1С's word is there.
#[track_caller]
fn is_shipped(merchant: &Merchant, id: &str) {
    let stored = stored(merchant, id);
    let (order, text) = (&stored["order"], stored.to_string());
    assert!(text.contains("Отгружен"), "{text}");
    assert!(text.contains("ЗК-"), "{text}");
    assert!(
        order["shipped_at"].is_i64() && order["paid_at"].is_i64(),
        "{text}"
    );
}

#[test]
fn what_1c_says_of_an_order_is_known_as_soon_as_the_file_is_taken() {
    for encoding in [Encoding::Utf8, Encoding::Utf8Bom, Encoding::Windows1251] {
        let merchant = Merchant::new(json!({}));
        merchant.order(&[order("o-1", "1"), order("o-2", "2")]);
        let client = merchant.of_orders();
        client.get("sale", "query", "");
        client.get("sale", "success", "").success();
        let body = file(&[shipped(Some("o-1"), "1"), shipped(None, "2")], encoding);
        let name = r"C:\Users\1\orders-0f2c6f86-0000-4000-8000-000000000001_1.xml";
        client
            .chunk("sale", name, &body, How::Whole)
            .unwrap()
            .success();
        is_shipped(&merchant, "o-1");
        is_shipped(&merchant, "o-2");
        // Newer clients ask for the import as well, and it is no second one.
        client.about("sale", "import", name).success();
        client.about("sale", "import", name).success();
        // 1С does not hear its own word.
        let text = client.get("sale", "query", "").text();
        assert!(!text.contains("<Документ>"), "{text}");
    }
}

#[test]
fn a_file_of_several_chunks_is_read_when_it_is_whole() {
    let merchant = Merchant::new(json!({ "chunk_limit_bytes": 10_000 }));
    let orders: Vec<Value> = (0..40)
        .map(|n| order(&format!("o-{n}"), &n.to_string()))
        .collect();
    merchant.order(&orders);
    let said: Vec<Status> = (0..40).map(|n| shipped(None, &n.to_string())).collect();
    let body = file(&said, Encoding::Utf8Bom);
    let client = merchant.of_orders();
    assert!(body.len() > 30_000);
    for chunk in body.chunks(10_000) {
        client
            .chunk("sale", "orders-1.xml", chunk, How::Whole)
            .unwrap()
            .success();
    }
    client
        .until_ended(|| client.about("sale", "import", "orders-1.xml"))
        .last()
        .unwrap()
        .success();
    is_shipped(&merchant, "o-0");
    is_shipped(&merchant, "o-39");
}

#[test]
fn an_archive_is_read_when_it_is_whole_and_a_bad_file_before_it_is_its_own() {
    let merchant = Merchant::new(json!({ "zip": true }));
    merchant.order(&[order("o-1", "1")]);
    let client = merchant.of_orders();
    let send = |name: &str, bytes: &[u8]| client.chunk("sale", name, bytes, How::Whole).unwrap();
    let good = file(&[shipped(Some("o-1"), "1")], Encoding::Utf8);
    let broken = String::from_utf8(good.clone()).unwrap();
    let broken = broken.replacen("</Номер>", "</Нмер>", 1);
    send("bad.xml", broken.as_bytes()).failure();
    let archive = packed(&[("orders.xml", &good)]);
    send("v8_3B8F_3e.zip", &archive).success();
    is_shipped(&merchant, "o-1");
    client.about("sale", "import", "v8_3B8F_3e.zip").success();
    let told = client.about("sale", "import", "bad.xml").failure();
    assert!(told.contains("bad.xml: строка"), "{told}");
}

#[test]
fn orders_that_nobody_knows_are_passed_over_and_the_others_are_taken() {
    let merchant = Merchant::new(json!({}));
    merchant.order(&[order("o-1", "1")]);
    let body = file(
        &[shipped(Some("o-9"), "9"), shipped(Some("o-1"), "1")],
        Encoding::Utf8,
    );
    let client = merchant.of_orders();
    client
        .chunk("sale", "orders.xml", &body, How::Whole)
        .unwrap()
        .success();
    is_shipped(&merchant, "o-1");
    assert_eq!(merchant.shop.list("/orders").len(), 1);
}

#[test]
fn a_file_that_is_no_xml_is_a_failure_and_the_next_one_is_not() {
    let merchant = Merchant::new(json!({}));
    merchant.order(&[order("o-1", "1")]);
    let before = stored(&merchant, "o-1");
    let client = merchant.of_orders();
    let good = file(&[shipped(Some("o-1"), "1")], Encoding::Utf8);
    let text = String::from_utf8(good.clone()).unwrap();
    let broken = text.replacen("</Номер>", "</Нмер>", 1);
    let told = client
        .chunk("sale", "orders.xml", broken.as_bytes(), How::Whole)
        .unwrap();
    if told.word() == "success" {
        // It may be told at the import as well, never nowhere.
        client.about("sale", "import", "orders.xml").failure();
    } else {
        told.failure();
    }
    assert_eq!(stored(&merchant, "o-1"), before);
    client
        .chunk("sale", "orders.xml", &good, How::Whole)
        .unwrap()
        .success();
    is_shipped(&merchant, "o-1");
}

#[test]
fn an_order_that_1c_has_cancelled_is_cancelled() {
    let merchant = Merchant::new(json!({}));
    merchant.order(&[order("o-1", "1")]);
    let cancelled = Status {
        cancelled: true,
        shipped_on: None,
        paid_on: None,
        status: "Отменён".to_owned(),
        ..shipped(Some("o-1"), "1")
    };
    let client = merchant.of_orders();
    let body = file(&[cancelled], Encoding::Utf8);
    client
        .chunk("sale", "orders.xml", &body, How::Whole)
        .unwrap()
        .success();
    let now = stored(&merchant, "o-1")["order"].clone();
    assert!(now["cancelled_at"].is_i64(), "{now}");
    assert!(now["shipped_at"].is_null(), "{now}");
}
