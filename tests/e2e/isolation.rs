//! Two tenants that share everything a till can name see nothing of each other.

use serde_json::{Value, json};

use crate::fixture::*;

/// The same ids, phone, card, document ids, certificate and good in two shops, with other values.
struct Twins {
    one: Shop,
    two: Shop,
    native: String,
    phone: String,
    card: String,
    good: String,
    sale: Value,
}

fn twins() -> Twins {
    let (one, two) = (Shop::new(json!({})), Shop::new(json!({})));
    let (native, phone, card, good_id) = (id(), phone(), id(), id());
    let mut sale =
        sale_of(&json!({ "agent": agent(&native), "positions": [good(&good_id, 1000.0, 1.0)] }));
    sale["giftCards"] = json!([{ "name": "700", "paymentSum": 1000 }]);
    for (shop, points, name) in [(&one, 100, "Первая Мария"), (&two, 900, "Вторая Мария")]
    {
        let person = json!({ "name": name, "phone": phone, "card": card, "ms_id": native });
        let made = shop.customer(person);
        shop.adjust(&text(&made["id"]), points);
        let goods =
            json!([{ "ms_id": good_id, "name": "Товар", "discount_prohibited": points == 100 }]);
        shop.api("POST", "/goods", &goods).ok();
        let certificate = json!([{ "number": "700", "initial_kopecks": points * 100 }]);
        shop.api("POST", "/gift-certificates", &certificate).ok();
    }
    Twins {
        one,
        two,
        native,
        phone,
        card,
        good: good_id,
        sale,
    }
}

#[test]
fn a_customer_is_his_own_in_each_tenant_by_id_phone_and_card() {
    let t = twins();
    for (shop, points, name) in [(&t.one, 100, "Первая Мария"), (&t.two, 900, "Вторая Мария")]
    {
        for known in [
            agent(&t.native),
            json!({ "phone": t.phone }),
            json!({ "discountCardNumber": t.card }),
        ] {
            assert_eq!(shop.balance(&known), points, "{known}");
        }
        for typed in [&t.phone, &t.card, &t.native, &"мария".to_owned()] {
            let rows = shop.search(typed);
            assert_eq!(rows.len(), 1, "{typed}");
            assert_eq!(rows[0]["name"], json!(name), "{typed}");
        }
    }
}

#[test]
fn our_id_of_a_customer_means_nobody_in_another_tenant() {
    let t = twins();
    let theirs = text(&t.two.search(&t.phone)[0]["id"]);
    assert_eq!(t.one.balance(&agent(&theirs)), 0);
    assert_eq!(t.one.search(&theirs), Vec::<Value>::new());
    let quote = t
        .one
        .recalc(&spending(&agent(&theirs), &[line(100.0, 1.0)], None));
    assert_eq!(quote["bonusProgram"]["agentBonusBalance"], json!(0));
    assert_eq!(t.two.balance(&agent(&theirs)), 900);
    for path in ["", "/ledger"] {
        let path = format!(
            "/customers/{}{path}",
            text(&t.one.search(&t.phone)[0]["id"])
        );
        assert_eq!(t.two.api("GET", &path, &json!({})).status, 404, "{path}");
    }
}

#[test]
fn a_document_of_the_same_id_is_another_document() {
    let t = twins();
    t.one.sell(&t.sale);
    assert_eq!(
        t.two
            .api("GET", &format!("/sales/{}", id_of(&t.sale)), &json!({}))
            .status,
        404
    );
    assert_eq!(
        (
            t.one.balance(&agent(&t.native)),
            t.two.balance(&agent(&t.native))
        ),
        (150, 900)
    );
    // A return finds the sale of its own tenant only.
    let back = return_of(&t.sale, t.sale["positions"].as_array().unwrap());
    t.two.take_back(&back);
    assert_eq!(
        (
            t.one.balance(&agent(&t.native)),
            t.two.balance(&agent(&t.native))
        ),
        (150, 900)
    );
    t.two.sell(&t.sale);
    assert_eq!(t.two.balance(&agent(&t.native)), 900, "sold and returned");
    t.one.take_back(&back);
    assert_eq!(t.one.balance(&agent(&t.native)), 100);
    for shop in [&t.one, &t.two] {
        assert_eq!(shop.list("/sales").len(), 2);
        shop.check();
    }
}

#[test]
fn goods_certificates_and_codes_are_each_tenants_own() {
    let t = twins();
    let certificate = |shop: &Shop| shop.call("GET", "/giftcard?name=700", b"").ok();
    t.one.sell(&t.sale);
    assert_eq!(certificate(&t.one)["currentBalance"], json!(9000));
    assert_eq!(certificate(&t.two)["currentBalance"], json!(90_000));
    assert_ne!(certificate(&t.one)["id"], certificate(&t.two)["id"]);
    // The other tenant's id of it is unknown here.
    let mut sale = sale_of(&json!({ "agent": {}, "positions": [] }));
    sale["giftCards"] = json!([{ "id": certificate(&t.two)["id"], "paymentSum": 1 }]);
    t.one.sell(&sale);
    assert_eq!(
        t.one.document(&id_of(&sale))["flags"],
        json!(["gift_unknown"])
    );
    assert_eq!(certificate(&t.two)["currentBalance"], json!(90_000));

    let spend = |shop: &Shop| {
        let asked = spending(&agent(&t.native), &[good(&t.good, 100.0, 1.0)], None);
        shop.recalc(&asked)["bonusProgram"]["bonusValueToSpend"].clone()
    };
    assert_eq!((spend(&t.one), spend(&t.two)), (json!(0), json!(50)));

    let code = |shop: &Shop| {
        let body = json!({ "counterpartyId": t.native, "phone": t.phone });
        shop.post("/retaildemand/verify", &body).ok()["verificationCode"].clone()
    };
    let (first, second) = (code(&t.one), code(&t.two));
    assert_eq!((code(&t.one), code(&t.two)), (first, second));
    assert_eq!(t.one.list("/journal?action=code").len(), 1);
}

#[test]
fn what_the_operator_lists_of_one_tenant_has_nothing_of_another() {
    let t = twins();
    t.two.sell(&t.sale);
    let theirs = text(&t.two.search(&t.phone)[0]["id"]);
    for path in [
        "/customers",
        "/sales",
        "/journal",
        "/goods",
        "/gift-certificates",
    ] {
        let all = Value::from(t.one.list(path)).to_string();
        assert!(
            !all.contains("Вторая") && !all.contains(&theirs),
            "{path}: {all}"
        );
    }
    let adjusted = format!("/customers/{theirs}/adjust");
    let path = format!("/{}{adjusted}", t.one.slug);
    let body = json!({ "points": 5, "reason": "чужой" });
    let answer = t
        .one
        .app
        .operator("POST", &path, &[("Idempotency-Key", "1")], &body);
    assert_eq!(answer.status, 404);
}
