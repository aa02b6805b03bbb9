//! `POST /retaildemand/recalc` as the till uses it: often, for receipts of any size.

use std::time::Instant;

use serde_json::{Value, json};

use crate::fixture::*;
use crate::quote::figures;

#[test]
fn a_recalculation_leaves_no_trace() {
    let shop = Shop::new(json!({}));
    let buyer = shop.buyer(500);
    let customer = id_of(&buyer);
    let ledger = || shop.list(&format!("/customers/{customer}/ledger"));
    let before = (ledger(), shop.list("/journal"));
    for points in [None, Some(1), Some(100_000)] {
        let asked = spending(&buyer, &[line(333.3, 1.0), line(0.99, 7.0)], points);
        assert_eq!(
            shop.recalc(&asked),
            shop.recalc(&asked),
            "the same receipt costs the same"
        );
    }
    assert_eq!((ledger(), shop.list("/journal")), before);
    assert_eq!((shop.list("/sales"), shop.balance(&buyer)), (vec![], 500));
}

#[test]
fn what_the_cashier_typed_is_clamped_and_never_refused() {
    let shop = Shop::new(json!({}));
    let buyer = shop.buyer(100);
    let basket = [line(1000.0, 1.0)];
    for (typed, points) in [
        (json!(1), 1),
        (json!(99), 99),
        (json!(100), 100),
        (json!(101), 100),
        (json!(1_000_000_000_i64), 100),
        (json!(1e25), 100),
        (json!("40"), 40),
        (json!("40,7"), 40),
        (json!(40.7), 40),
        (json!(null), 100),
        (json!(""), 100),
        (json!("много"), 100),
        (json!({}), 100),
        (json!(0), 0),
        (json!(-5), 0),
    ] {
        let mut asked = spending(&buyer, &basket, None);
        asked["preferredBonusToSpend"] = typed.clone();
        let got = figures(&asked, &shop.recalc(&asked), 100);
        assert_eq!(
            (got.spend, got.to_pay),
            (points, 100_000 - points * 100),
            "{typed}"
        );
    }
    let asked = spending(&buyer, &basket, None);
    assert_eq!(
        figures(&asked, &shop.recalc(&asked), 100).spend,
        100,
        "the maximum where none is typed"
    );
    // Inside of bonusProgram it is no field of the vendor's.
    let mut asked = spending(&buyer, &basket, None);
    asked["bonusProgram"]["preferredBonusToSpend"] = json!(1);
    assert_eq!(figures(&asked, &shop.recalc(&asked), 100).spend, 100);
    // The intent decides, not the amount.
    let mut asked = receipt(&buyer, &basket);
    asked["preferredBonusToSpend"] = json!(50);
    assert_eq!(figures(&asked, &shop.recalc(&asked), 100).spend, 0);
}

#[test]
fn a_debt_is_shown_and_cannot_be_spent() {
    let shop = Shop::new(json!({}));
    let buyer = shop.buyer(10);
    let mut sale = sale_of(&json!({ "agent": buyer, "positions": [line(100.0, 1.0)] }));
    sale["bonusProgram"] = json!({ "bonusValueToSpend": 30, "bonusValueToEarn": 0 });
    shop.sell(&sale);
    assert_eq!(shop.balance(&buyer), -20);
    let asked = spending(&buyer, &[line(100.0, 1.0)], None);
    let got = figures(&asked, &shop.recalc(&asked), 100);
    assert_eq!((got.balance, got.spend, got.earn), (-20, 0, 5));
}

#[test]
fn kopecks_come_out_on_awkward_receipts() {
    let shop = Shop::new(json!({ "spending": { "max_share": 100 } }));
    let buyer = shop.buyer(100_000);
    let baskets: [&[(f64, f64)]; 8] = [
        &[(0.01, 1.0)],
        &[(99.99, 3.0)],
        &[(33.33, 3.0), (0.01, 1.0), (66.67, 7.0)],
        &[(899.0, 0.355), (1.0, 1.0)],
        &[(123.45, 123.456)],
        &[(0.0, 1.0), (10.0, 1.0)],
        &[(49.9, 0.001), (49.9, 12.0)],
        &[(7.77, 13.0), (7.77, 13.0), (1499.99, 2.0), (5.5, 0.25)],
    ];
    for basket in baskets {
        let lines: Vec<Value> = basket
            .iter()
            .map(|(price, amount)| line(*price, *amount))
            .collect();
        for points in [None, Some(1), Some(17)] {
            let asked = spending(&buyer, &lines, points);
            let got = figures(&asked, &shop.recalc(&asked), 100);
            assert!(
                points.is_none_or(|points| got.spend <= points),
                "{basket:?}"
            );
            assert_eq!(
                got.gross - got.to_pay,
                got.by_points,
                "{basket:?}: no discount but points"
            );
        }
    }
}

#[test]
fn serial_numbers_and_packs_stay_with_their_positions() {
    let shop = Shop::new(json!({}));
    let buyer = shop.buyer(10);
    let serial = |n: i32| json!({ "meta": entity("sn", &id())["meta"], "name": format!("SN-{n}") });
    let mut phones = line(333.33, 3.0);
    phones["sn"] = json!([serial(1), serial(2), serial(3)]);
    let mut box_of = line(50.0, 2.0);
    box_of["pack"] =
        json!({ "id": id(), "name": "ящ", "quantity": 10, "barcode": "2000000000016" });
    let asked = spending(&buyer, &[phones, box_of], Some(10));
    let got = figures(&asked, &shop.recalc(&asked), 100);
    assert_eq!((got.spend, got.to_pay), (10, 108_999));
}

#[test]
fn what_is_not_understood_is_echoed_to_the_letter() {
    let shop = Shop::new(json!({}));
    let body = format!(
        r#"{{"agent": {{"meta":{{"href":"","id":"{}"}},"name":"Ж\"\\\u0041", "x" : 1.50}},
            "positions":[{{"assortment":{{"meta":{{"href":"h","id":"g","idType":"sync","type":"variant"}},"new":[1.10, null]}},
            "quantity":"2","price":"10.50","unknown":true}}],"also":{{}}}}"#,
        id()
    );
    let answer = shop.call("POST", "/retaildemand/recalc", body.as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.text);
    for echoed in [
        r#""name":"Ж\"\\\u0041", "x" : 1.50}"#,
        r#"{"meta":{"href":"h","id":"g","idType":"sync","type":"variant"},"new":[1.10, null]}"#,
    ] {
        assert!(
            answer.text.contains(echoed),
            "{echoed} is not in {}",
            answer.text
        );
    }
    let position = &answer.json["positions"][0];
    assert_eq!(
        (&position["quantity"], &position["price"]),
        (&json!(2), &json!(10.5))
    );
}

#[test]
fn one_position_and_a_thousand_come_in_their_order() {
    let shop = Shop::new(json!({}));
    let buyer = shop.buyer(5_000);
    for size in [1_u32, 1000] {
        let lines: Vec<Value> = (0..size)
            .map(|n| line(f64::from(n % 97) + 0.33, f64::from(n % 5 + 1)))
            .collect();
        for asked in [receipt(&buyer, &lines), spending(&buyer, &lines, None)] {
            let started = Instant::now();
            let answer = shop.recalc(&asked);
            let took = started.elapsed().as_secs();
            assert!(took < 10, "{size} positions took {took} s");
            let got = figures(&asked, &answer, 100);
            assert_eq!(got.gross - got.to_pay, got.by_points);
        }
    }
}

#[test]
fn a_receipt_without_positions_costs_nothing() {
    let shop = Shop::new(json!({}));
    let buyer = shop.buyer(10);
    for positions in [json!([]), json!(null)] {
        let mut asked = spending(&buyer, &[], None);
        asked["positions"] = positions;
        let answer = shop.recalc(&asked);
        assert_eq!(answer["positions"], json!([]));
        assert_eq!(answer["bonusProgram"]["bonusValueToSpend"], json!(0));
    }
}
