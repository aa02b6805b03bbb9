//! Gift certificates: kopecks, redeemed once by the sale.

use serde_json::{Value, json};

use crate::fixture::*;

fn ask(shop: &Shop, number: &str) -> Answer {
    shop.call(
        "GET",
        &format!("/giftcard?name={}&retailStoreId={STORE}", encode(number)),
        b"",
    )
}

fn certificate(shop: &Shop, input: Value) -> Value {
    shop.api("POST", "/gift-certificates", &json!([input])).ok()[0].clone()
}

fn paid_with(cards: &Value) -> Value {
    let mut sale = sale_of(&json!({ "agent": {}, "positions": [line(100.0, 1.0)] }));
    sale["giftCards"] = cards.clone();
    sale
}

#[test]
fn a_certificate_is_shown_with_its_status_in_kopecks() {
    let shop = Shop::new(json!({}));
    let day = 86_400_000;
    let now = i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap();
    for (number, input, status, balance) in [
        (
            "1001",
            json!({ "initial_kopecks": 100_000 }),
            "CAN_BE_USED",
            Some(100_000),
        ),
        (
            "1002",
            json!({ "initial_kopecks": 100_000, "balance_kopecks": 50 }),
            "PARTIALLY_REDEEMED",
            Some(50),
        ),
        (
            "1003",
            json!({ "initial_kopecks": 1, "balance_kopecks": 0 }),
            "REDEEMED",
            None,
        ),
        (
            "1004",
            json!({ "initial_kopecks": 1, "expires_at": now - day }),
            "EXPIRED",
            None,
        ),
        (
            "№ 7/а",
            json!({ "initial_kopecks": 1, "expires_at": now + day }),
            "CAN_BE_USED",
            Some(1),
        ),
    ] {
        let made = certificate(&shop, with(input, json!({ "number": number })));
        let answer = ask(&shop, number).ok();
        assert_eq!(answer["name"], json!(number));
        assert_eq!(answer["id"], made["id"]);
        assert_eq!(answer["status"], json!(status), "{number}");
        assert_eq!(
            answer.get("currentBalance").and_then(Value::as_i64),
            balance,
            "{number}"
        );
        assert_eq!(answer["initialBalance"], made["initial_kopecks"]);
        let expires = answer.get("expireDate").map(text);
        assert_eq!(expires.is_some(), made["expires_at"].is_i64());
        assert!(expires.is_none_or(|date| date.len() == 19 && !date.contains('T')));
    }
    shop.api("POST", "/gift-certificates/1001/block", &json!({}))
        .ok();
    assert_eq!(ask(&shop, "1001").ok()["status"], json!("INVALID"));
    assert_eq!(ask(&shop, "9999").error(), (404, 999));
    for nothing in ["", " "] {
        assert_eq!(ask(&shop, nothing).error(), (412, 999));
    }
}

#[test]
fn a_sale_redeems_kopecks_once() {
    let shop = Shop::new(json!({}));
    let made = certificate(
        &shop,
        json!({ "number": "501", "initial_kopecks": 100_000 }),
    );
    let sale = paid_with(&json!([{ "id": made["id"], "name": "501", "paymentSum": 30_000 }]));
    for _ in 0..3 {
        shop.sell(&sale);
        let answer = ask(&shop, "501").ok();
        assert_eq!(
            (&answer["status"], &answer["currentBalance"]),
            (&json!("PARTIALLY_REDEEMED"), &json!(70_000))
        );
    }
    // By id alone, by number alone, in quotes.
    shop.sell(&paid_with(
        &json!([{ "id": made["id"], "name": "", "paymentSum": "20000" }]),
    ));
    shop.sell(&paid_with(
        &json!([{ "name": "501", "paymentSum": 50_000.0 }]),
    ));
    assert_eq!(ask(&shop, "501").ok()["status"], json!("REDEEMED"));
    assert!(
        shop.list("/sales")
            .iter()
            .all(|sale| sale["flags"] == json!([]))
    );
}

#[test]
fn several_certificates_pay_one_sale() {
    let shop = Shop::new(json!({}));
    for number in ["1", "2"] {
        certificate(&shop, json!({ "number": number, "initial_kopecks": 5000 }));
    }
    shop.sell(&paid_with(&json!([
        { "name": "1", "paymentSum": 5000 },
        { "name": "2", "paymentSum": 1000 },
        { "name": "2", "paymentSum": 500 },
    ])));
    assert_eq!(ask(&shop, "1").ok()["status"], json!("REDEEMED"));
    assert_eq!(ask(&shop, "2").ok()["currentBalance"], json!(3500));
}

#[test]
fn what_the_till_took_is_a_fact_and_is_flagged() {
    let shop = Shop::new(json!({}));
    certificate(&shop, json!({ "number": "77", "initial_kopecks": 100 }));
    for (cards, flags) in [
        (
            json!([{ "name": "77", "paymentSum": 150 }]),
            json!(["gift_overdraft"]),
        ),
        (
            json!([{ "id": "f085d67e-6eae-21e6-8a84-bc520403352a", "name": "нет", "paymentSum": 1 }]),
            json!(["gift_unknown"]),
        ),
        (json!([{}]), json!(["gift_unknown"])),
        (json!([]), json!([])),
        (json!(null), json!([])),
        (json!(""), json!([])),
        (json!({}), json!([])),
    ] {
        let sale = paid_with(&cards);
        shop.sell(&sale);
        assert_eq!(shop.document(&id_of(&sale))["flags"], flags, "{cards}");
    }
    assert_eq!(ask(&shop, "77").ok()["status"], json!("REDEEMED"));
}

#[test]
fn two_tills_with_one_certificate_at_once_redeem_both_sums() {
    let shop = Shop::new(json!({}));
    certificate(&shop, json!({ "number": "8", "initial_kopecks": 16_000 }));
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| shop.sell(&paid_with(&json!([{ "name": "8", "paymentSum": 900 }]))));
        }
    });
    assert_eq!(ask(&shop, "8").ok()["currentBalance"], json!(1600));
}
