//! `POST /retaildemand`: a fact that is written down once and never refused.

use serde_json::{Value, json};

use crate::fixture::*;

/// A sale of 100 ₽ that spends and earns so many points.
fn sale(agent: &Value, spend: i64, earn: i64) -> Value {
    let mut sale = sale_of(&json!({ "agent": agent, "positions": [line(100.0, 1.0)] }));
    sale["positions"][0]["discountedPrice"] = json!(100);
    sale["bonusProgram"] = json!({ "bonusValueToSpend": spend, "bonusValueToEarn": earn });
    sale
}

fn sales(shop: &Shop) -> usize {
    shop.list("/sales?kind=sale").len()
}

#[test]
fn a_sale_that_comes_again_has_one_effect() {
    let shop = Shop::new(json!({}));
    let buyer = shop.buyer(50);
    let sale = sale(&buyer, 20, 5);
    for _ in 0..3 {
        shop.sell(&sale);
        assert_eq!((shop.balance(&buyer), sales(&shop)), (35, 1));
    }
    // The same document with another content: the first one stays, and the merchant is told.
    let mut other = sale.clone();
    other["bonusProgram"]["bonusValueToSpend"] = json!(1);
    shop.sell(&other);
    assert_eq!((shop.balance(&buyer), sales(&shop)), (35, 1));
    let warnings = shop.list("/journal?action=sale&outcome=warning");
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    shop.check();
}

#[test]
fn a_sale_is_the_same_under_its_native_id_its_syncid_and_its_address() {
    let shop = Shop::new(json!({}));
    let buyer = shop.buyer(0);
    let (native, sync) = (id(), id());
    let href = format!("https://x/entity/retaildemand/syncid/{sync}");
    let mut both = sale(&buyer, 0, 5);
    both["meta"] = json!({ "id": native, "href": href });
    shop.sell(&both);
    for meta in [
        json!({ "id": sync, "href": "" }),
        json!({ "id": "", "href": href }),
        json!({ "id": native.to_uppercase() }),
        json!({ "href": format!("https://x/entity/retaildemand/{native}?expand=agent") }),
    ] {
        let mut again = both.clone();
        again["meta"] = meta.clone();
        shop.sell(&again);
        assert_eq!((shop.balance(&buyer), sales(&shop)), (5, 1), "{meta}");
    }
}

#[test]
fn without_an_id_a_sale_is_known_by_its_shop_number_and_moment() {
    let shop = Shop::new(json!({}));
    let buyer = shop.buyer(0);
    for (n, meta) in [
        json!({ "href": "", "id": "" }),
        json!({ "href": null, "id": null }),
        json!({}),
        json!(null),
        json!({ "href": "https://api.moysklad.ru/api/remap/1.2/entity/retaildemand", "id": "" }),
        json!({ "href": "", "id": "00000000-0000-0000-0000-000000000000" }),
    ]
    .into_iter()
    .enumerate()
    {
        let mut first = sale(&buyer, 0, 5);
        first["meta"] = meta.clone();
        first["name"] = json!(format!("A{n}"));
        let mut second = first.clone();
        second["name"] = json!(format!("B{n}"));
        let mut later = first.clone();
        later["moment"] = json!("2026-04-27 15:43:01");
        for sale in [&first, &second, &later] {
            shop.sell(sale);
            shop.sell(sale);
        }
        assert_eq!(sales(&shop), (n + 1) * 3, "{meta}");
    }
    assert_eq!(shop.balance(&buyer), 6 * 15);
    // Not even those: the same bytes are the same sale.
    let bare =
        json!({ "agent": buyer, "positions": [], "bonusProgram": { "bonusValueToEarn": 1 } });
    shop.sell(&bare);
    shop.sell(&bare);
    assert_eq!(shop.balance(&buyer), 91);
}

#[test]
fn a_sale_is_never_refused_for_the_balance() {
    let shop = Shop::new(json!({}));
    let buyer = shop.buyer(10);
    let over = sale(&buyer, 25, 1);
    shop.sell(&over);
    assert_eq!(shop.balance(&buyer), -14);
    assert_eq!(shop.document(&id_of(&over))["flags"], json!(["overdraft"]));
    let warnings = shop.list("/journal?action=sale&outcome=warning");
    assert!(
        text(&warnings[0]["text"]).contains("списано больше"),
        "{warnings:?}"
    );
    // What is earned next pays the debt, and the books agree all the while.
    shop.sell(&sale(&buyer, 0, 20));
    assert_eq!(shop.balance(&buyer), 6);
    shop.check();
}

#[test]
fn points_that_are_missing_are_computed_from_the_rules_of_the_day_of_the_sale() {
    let shop = Shop::new(json!({ "earning": {
        "percent": 5, "schedule": [{ "since": "2024-06-01", "until": "2024-06-30", "percent": 20 }],
    } }));
    for (moment, bonus, points) in [
        ("2024-06-15 12:00:00", Value::Null, 20),
        ("2024-06-15 12:00:00", json!({}), 20),
        (
            "2024-06-15 12:00:00",
            json!({ "bonusValueToSpend": null, "bonusValueToEarn": null }),
            20,
        ),
        ("2024-06-15 12:00:00", json!({ "bonusValueToEarn": "" }), 20),
        ("2024-06-15 12:00:00.123", Value::Null, 20),
        ("2024-07-15 12:00:00", Value::Null, 5),
        ("2024-06-15 12:00:00", json!({ "bonusValueToEarn": 0 }), 0),
        ("2024-06-15 12:00:00", json!({ "bonusValueToEarn": "7" }), 7),
        ("", Value::Null, 5),
        ("вчера", Value::Null, 5),
    ] {
        let buyer = shop.buyer(0);
        let mut offline = sale(&buyer, 0, 0);
        offline["moment"] = json!(moment);
        offline["bonusProgram"] = bonus.clone();
        shop.sell(&offline);
        assert_eq!(shop.balance(&buyer), points, "{moment} {bonus}");
    }
}

#[test]
fn an_offline_sale_earns_on_what_was_paid() {
    let shop = Shop::new(json!({}));
    let buyer = shop.buyer(0);
    let mut offline = sale(&buyer, 0, 0);
    offline.as_object_mut().unwrap().remove("bonusProgram");
    offline["moment"] = json!("2025-03-01 23:59:59");
    offline["positions"] = json!([
        { "assortment": entity("product", &id()), "quantity": 2, "price": 500, "discountedPrice": 450 },
        // Where only the percent is told: 10 % off.
        { "assortment": entity("product", &id()), "quantity": 1, "price": 1000, "discountPercent": 10 },
    ]);
    shop.sell(&offline);
    assert_eq!(shop.balance(&buyer), 90);
    let document = shop.document(&id_of(&offline));
    assert_eq!(
        (&document["gross_kopecks"], &document["paid_kopecks"]),
        (&json!(200_000), &json!(180_000))
    );
    // Moscow's wall clock.
    assert_eq!(document["moment"], json!(1_740_862_799_000_i64));
}

#[test]
fn the_sums_of_payment_are_not_believed() {
    let shop = Shop::new(json!({}));
    let buyer = shop.buyer(0);
    for (cash, card) in [
        (json!(62.95), json!(283_100.0)),
        (json!(null), json!("")),
        (json!(-1), json!({})),
    ] {
        let mut odd = sale(&buyer, 0, 5);
        odd["cashSum"] = cash;
        odd["noCashSum"] = card;
        shop.sell(&odd);
        assert_eq!(shop.document(&id_of(&odd))["paid_kopecks"], json!(10_000));
    }
    assert_eq!(shop.balance(&buyer), 15);
}

#[test]
fn the_list_of_sales_pages_through_everything_once() {
    let shop = Shop::new(json!({}));
    let buyer = shop.buyer(0);
    for _ in 0..7 {
        shop.sell(&sale(&buyer, 0, 1));
    }
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = shop
            .api("GET", &format!("/sales?limit=2{cursor}"), &json!({}))
            .ok();
        seen.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|s| text(&s["id"])),
        );
        let Some(next) = page["next"].as_str() else {
            break;
        };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen.len(), 7);
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 7);
}
