//! One-time codes: at the registration, and for spending much.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::fixture::*;

fn verify(shop: &Shop, number: &str) -> Value {
    // As the vendor sends it: an address with a syncId, no id.
    let href = format!(
        "https://api.moysklad.ru/api/posap/1.0/entity/counterparty/syncid/{}",
        id()
    );
    let body = json!({ "meta": { "href": href }, "name": "Новая", "phone": number });
    shop.post("/counterparty/verify", &body).ok()
}

fn verified(shop: &Shop, number: &str) -> Option<bool> {
    let rows = shop.search(number);
    let path = format!("/customers/{}", text(&rows.first()?["id"]));
    shop.api("GET", &path, &json!({})).ok()["verified"].as_bool()
}

#[test]
fn a_registration_asks_for_a_code_first() {
    let shop = Shop::new(json!({ "codes": { "registration": true, "length": 4 } }));
    let number = phone();
    let new = |status: &str| {
        let person = json!({ "name": "Новая", "phone": number, "statusCheck": status });
        shop.post("/counterparty", &with(agent(&id()), person))
    };
    let refused = new("UNCHECKED");
    assert_eq!(refused.error(), (412, 28001));
    assert_eq!(verified(&shop, &number), None, "nobody was made");

    let told = verify(&shop, &format!("+7{number}"));
    let code = text(&told["verificationCode"]);
    assert!(
        code.len() == 4 && code.bytes().all(|b| b.is_ascii_digit()),
        "{code}"
    );
    assert_eq!(told["timeForRepeat"], json!(60));
    assert!((1..=140).contains(&text(&told["messageForCashier"]).chars().count()));
    // Asked for again at once, it is the same one; it was sent once, and is not told by its phone.
    assert_eq!(text(&verify(&shop, &number)["verificationCode"]), code);
    let journal = shop.list("/journal?action=code");
    assert_eq!(journal.len(), 1);
    let line = text(&journal[0]["text"]);
    assert!(line.contains(&code) && !line.contains(&number), "{line}");

    assert_eq!(new("CHECKED").status, 201);
    assert_eq!(verified(&shop, &number), Some(true));
    // Who is verified is not asked again, and a used code is not told again.
    assert_eq!(new("UNCHECKED").status, 201);
    let other = phone();
    assert_ne!(text(&verify(&shop, &other)["verificationCode"]), "");
}

#[test]
fn a_registration_whose_code_was_skipped_is_made_and_stays_unverified() {
    let shop = Shop::new(json!({ "codes": { "registration": true } }));
    let number = phone();
    let person = |status: Value| {
        with(
            agent(&id()),
            json!({ "name": "Новая", "phone": number, "statusCheck": status }),
        )
    };
    shop.post("/counterparty", &person(json!("IGNORE"))).ok();
    assert_eq!(verified(&shop, &number), Some(false));
    shop.post("/counterparty", &person(json!(null))).ok();
    assert_eq!(verified(&shop, &number), Some(false));
    assert_eq!(
        shop.post("/counterparty", &person(json!("unchecked")))
            .error(),
        (412, 28001)
    );
    shop.post("/counterparty", &person(json!("CHECKED"))).ok();
    assert_eq!(verified(&shop, &number), Some(true));
}

#[test]
fn without_the_setting_no_code_is_asked() {
    let shop = Shop::new(json!({}));
    let number = phone();
    let person = json!({ "phone": number, "statusCheck": "UNCHECKED" });
    assert_eq!(
        shop.post("/counterparty", &with(agent(&id()), person))
            .status,
        201
    );
    assert_eq!(verified(&shop, &number), Some(false));
}

#[test]
fn spending_more_than_the_limit_needs_a_code() {
    let shop = Shop::new(json!({ "codes": { "spending_above": 50 } }));
    let buyer = shop.buyer(1000);
    let basket = [line(1000.0, 1.0)];
    let needs = |asked: &Value| shop.recalc(asked)["needVerification"].clone();
    assert_eq!(needs(&receipt(&buyer, &basket)), json!(false));
    assert_eq!(needs(&spending(&buyer, &basket, Some(50))), json!(false));
    assert_eq!(needs(&spending(&buyer, &basket, Some(51))), json!(true));
    assert_eq!(needs(&spending(&buyer, &basket, None)), json!(true));

    let ask = || {
        let body =
            json!({ "retailStore": entity("retailstore", STORE), "counterpartyId": id_of(&buyer) });
        text(&shop.post("/retaildemand/verify", &body).ok()["verificationCode"])
    };
    let code = ask();
    assert_eq!((code.len(), ask()), (6, code.clone()));
    shop.sell(&sale_of(&shop.recalc(&spending(&buyer, &basket, Some(51)))));
    assert_ne!(ask(), code, "the sale used it up");
    assert_eq!(shop.list("/journal?action=code").len(), 2);
}

#[test]
fn the_spender_is_found_by_any_id_or_by_phone() {
    let shop = Shop::new(json!({ "codes": { "max_attempts": 10 } }));
    let (native, sync, number) = (id(), id(), phone());
    let person = json!({ "phone": number, "syncId": sync, "statusCheck": "IGNORE" });
    shop.post("/counterparty", &with(agent(&native), person))
        .ok();
    let ask =
        |body: Value| text(&shop.post("/retaildemand/verify", &body).ok()["verificationCode"]);
    let code = ask(json!({ "counterpartyId": native }));
    for body in [
        json!({ "counterpartyId": sync }),
        json!({ "counterpartyId": native.to_uppercase(), "phone": null }),
        json!({ "counterpartyId": "", "phone": format!("8 {number}") }),
        json!({ "counterpartyId": id(), "phone": number }),
    ] {
        assert_eq!(ask(body.clone()), code, "{body}");
    }
}

#[test]
fn codes_are_limited() {
    let shop = Shop::new(json!({ "codes": { "max_attempts": 2, "max_per_hour": 1 } }));
    let number = phone();
    for _ in 0..2 {
        verify(&shop, &number);
    }
    let body = json!({ "meta": {}, "phone": number });
    assert_eq!(shop.post("/counterparty/verify", &body).error(), (429, 999));
    // Another customer is not concerned.
    verify(&shop, &phone());
}

#[test]
fn a_gateway_that_cannot_be_reached_does_not_break_the_till() {
    let channel = json!({ "kind": "webhook", "url": "https://gateway.invalid/send" });
    let shop = Shop::new(json!({ "codes": {
        "registration": true, "spending_above": 0, "channel": channel,
    } }));
    let number = phone();
    for _ in 0..2 {
        let started = Instant::now();
        let told = verify(&shop, &number);
        assert_eq!(text(&told["verificationCode"]).len(), 6);
        assert!(
            started.elapsed() < Duration::from_secs(8),
            "{:?}",
            started.elapsed()
        );
    }
    let journal = shop.list("/journal?action=code");
    assert_eq!(journal.len(), 1);
    let code = text(&verify(&shop, &number)["verificationCode"]);
    assert!(
        !Value::from(journal).to_string().contains(&code),
        "a code that is sent is not in the journal"
    );
    let person = json!({ "phone": number, "statusCheck": "CHECKED" });
    assert_eq!(
        shop.post("/counterparty", &with(agent(&id()), person))
            .status,
        201
    );
    assert_eq!(shop.balance(&json!({ "phone": number })), 0);
}
