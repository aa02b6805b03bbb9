//! The payloads of the vendor's documentation as they stand, out of the specification that
//! `SKLAD_EDGE_SHARED` names. They are not copied here; `tolerance` has the same quirks by hand.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::fixture::*;
use crate::quote::figures;

/// The JSON blocks of §7 by their number; nothing, with a word why, where there is no specification.
fn payloads() -> Option<BTreeMap<String, String>> {
    let Ok(folder) = std::env::var("SKLAD_EDGE_SHARED") else {
        println!("skipped: SKLAD_EDGE_SHARED names no folder with the specification");
        return None;
    };
    let path = format!("{folder}/specs/moysklad-loyalty.md");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    let mut blocks = BTreeMap::new();
    let (mut number, mut block) = (String::new(), None::<String>);
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("**7.") {
            number = format!("7.{}", title.split(' ').next().unwrap_or_default());
        }
        match (&mut block, line.trim()) {
            (None, "```json") => block = Some(String::new()),
            (Some(json), "```") => {
                blocks.entry(number.clone()).or_insert(std::mem::take(json));
                block = None;
            }
            (Some(json), _) => *json += &format!("{line}\n"),
            _ => {}
        }
    }
    Some(blocks)
}

#[test]
fn the_official_payloads_are_answered_as_the_documentation_says() {
    let Some(payloads) = payloads() else { return };
    let shop = Shop::new(json!({}));
    let body = |number: &str| {
        payloads
            .get(number)
            .unwrap_or_else(|| panic!("no {number}"))
            .as_bytes()
    };
    let post = |path: &str, number: &str| shop.call("POST", path, body(number));
    let parsed = |number: &str| -> Value { serde_json::from_slice(body(number)).unwrap() };

    // A customer is created (7.2), found (7.3), and has a balance (7.4).
    for _ in 0..2 {
        let created = post("/counterparty", "7.2");
        assert_eq!((created.status, created.text.as_str()), (201, ""));
    }
    let found = shop.search("5551234568");
    assert_eq!(found.len(), 1, "{found:?}");
    let sample = parsed("7.2");
    for name in [
        "name",
        "discountCardNumber",
        "email",
        "birthDate",
        "sex",
        "legalLastName",
    ] {
        assert_eq!(found[0][name], sample[name], "{name}");
    }
    assert!(
        found[0].get("msId").is_none(),
        "its id is no UUID, on which МойСклад would fail"
    );
    shop.adjust(&text(&found[0]["id"]), 500);
    assert_eq!(post("/counterparty/detail", "7.4").ok(), parsed("7.5"));

    // A code for a registration (7.7), then one for spending (7.11) for whom it made.
    let told = post("/counterparty/verify", "7.7").ok();
    for name in parsed("7.8").as_object().unwrap().keys() {
        assert!(told.get(name).is_some(), "{name} is missing in {told}");
    }
    assert_eq!(post("/retaildemand/verify", "7.11").error(), (404, 999));
    assert_eq!(post("/counterparty", "7.7").status, 201);
    let told = post("/retaildemand/verify", "7.11").ok();
    assert_eq!(text(&told["verificationCode"]).len(), 6);

    // A receipt (7.9): 123,456 × 123,45 = 15 240,64, of which 5 % are 762 points.
    let quote = post("/retaildemand/recalc", "7.9").ok();
    // One serial number for 123,456 of something: it must come back, it cannot count them.
    assert_eq!(
        quote["positions"][0]["sn"],
        parsed("7.9")["positions"][0]["sn"]
    );
    let bonus = &quote["bonusProgram"];
    assert_eq!(
        (&bonus["agentBonusBalance"], &bonus["bonusValueToEarn"]),
        (&json!(500), &json!(762))
    );
    for name in parsed("7.10").as_object().unwrap().keys() {
        assert!(quote.get(name).is_some(), "{name} is missing in {quote}");
    }

    // A sale (7.13) with empty ids, twice; it pays with a certificate that exists and one that does not.
    let certificate = json!([{ "number": "123456", "initial_kopecks": 1000 }]);
    shop.api("POST", "/gift-certificates", &certificate).ok();
    let card = shop
        .call(
            "GET",
            "/giftcard?name=123456&retailStoreId=2b5eb22f-139e-11e6-9464-e4de00000073",
            b"",
        )
        .ok();
    assert_eq!(
        (&card["status"], &card["currentBalance"]),
        (&json!("CAN_BE_USED"), &json!(1000))
    );
    for _ in 0..2 {
        assert_eq!(post("/retaildemand", "7.13").status, 201);
    }
    assert_eq!(
        post("/counterparty/detail", "7.4").ok()["bonusProgram"]["agentBonusBalance"],
        json!(650)
    );
    let sales = shop.list("/sales?kind=sale");
    assert_eq!(sales.len(), 1);
    assert_eq!(
        (&sales[0]["flags"], &sales[0]["number"]),
        (&json!(["gift_unknown"]), &json!("00001"))
    );
    // 123,456 × 62,95 = 7 771,5552.
    assert_eq!(sales[0]["paid_kopecks"], json!(777_156));

    // A return (7.14) of nobody, of no sale, with a sum in no unit.
    for _ in 0..2 {
        assert_eq!(post("/retailsalesreturn", "7.14").status, 201);
    }
    assert_eq!(shop.list("/sales?kind=return").len(), 1);
    assert_eq!(
        post("/counterparty/detail", "7.4").ok()["bonusProgram"]["agentBonusBalance"],
        json!(650)
    );

    // What the till itself sends one hop earlier (7.16) has the same form.
    let asked = parsed("7.16");
    let quote = post("/retaildemand/recalc", "7.16").ok();
    let got = figures(&asked, &quote, 100);
    assert_eq!((got.gross, got.to_pay), (319_900, 319_900));
    shop.check();
}

#[test]
fn errors_have_the_fields_of_the_documentations_sample() {
    let Some(payloads) = payloads() else { return };
    let sample: Value = serde_json::from_str(&payloads["7.1"]).unwrap();
    let shop = Shop::new(json!({}));
    let answer = shop.call("GET", "/giftcard?name=", b"");
    assert_eq!(answer.status, 412);
    let fields = |value: &Value| -> Vec<String> {
        value["errors"][0]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect()
    };
    assert_eq!(fields(&answer.json), fields(&sample));
}
