//! The whole sale in the order of its calls: search, a new customer, balance, «Итого», «Баллы»,
//! payment, return.

use serde_json::{Value, json};

use crate::fixture::*;
use crate::quote::figures;

#[test]
fn a_whole_sale_comes_out_to_the_kopeck() {
    let shop = Shop::new(json!({ "earning": { "welcome": { "points": 100 } } }));
    let (ms_id, phone) = (id(), phone());
    assert_eq!(shop.search(&phone), Vec::<Value>::new());

    // The cashier fills in the card of a new customer.
    let person = json!({
        "retailStore": entity("retailstore", STORE),
        "name": "Смирнова Алёна Игоревна",
        "phone": format!("+7{phone}"),
        "syncId": id(),
        "birthDate": "1991-02-03 00:00:00",
        "sex": "FEMALE",
        "statusCheck": "IGNORE",
    });
    let created = shop.post("/counterparty", &with(agent(&ms_id), person));
    assert_eq!((created.status, created.text.as_str()), (201, ""));

    let rows = shop.search(&format!("8{phone}"));
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0]["msId"], json!(ms_id));
    assert_eq!(rows[0]["birthDate"], json!("1991-02-03 00:00:00"));
    assert_eq!(rows[0]["sex"], json!("FEMALE"));
    let buyer = agent(&text(&rows[0]["id"]));
    assert_eq!(shop.balance(&buyer), 100);

    // 2 × 149,90 + 0,355 × 899 = 299,80 + 319,15 (319,145 half up).
    let basket = [line(149.9, 2.0), line(899.0, 0.355)];
    let asked = receipt(&buyer, &basket);
    let quote = shop.recalc(&asked);
    let earning = figures(&asked, &quote, 100);
    assert_eq!(
        (earning.gross, earning.to_pay, earning.spend),
        (61_895, 61_895, 0)
    );
    // 5 % of 618,95 is 30,9475, rounded down.
    assert_eq!((earning.earn, earning.balance), (30, 100));

    let asked = spending(&buyer, &basket, None);
    let most = figures(&asked, &shop.recalc(&asked), 100);
    assert_eq!((most.spend, most.to_pay), (100, 51_895));
    let asked = spending(&buyer, &basket, Some(60));
    let quote = shop.recalc(&asked);
    let chosen = figures(&asked, &quote, 100);
    // 5 % of 558,95 is 27,9475.
    assert_eq!((chosen.spend, chosen.to_pay, chosen.earn), (60, 55_895, 27));
    assert_eq!(shop.balance(&buyer), 100, "a recalculation moves nothing");
    let extra = text(&quote["bonusProgram"]["receiptExtraInfo"]);
    assert!(
        extra.contains("Начислено: 27 баллов") && extra.contains("Списано: 60 баллов"),
        "{extra}"
    );

    let sale = sale_of(&quote);
    shop.sell(&sale);
    assert_eq!(shop.balance(&buyer), 67);
    let document = shop.document(&id_of(&sale));
    assert_eq!(document["gross_kopecks"], json!(61_895));
    assert_eq!(document["paid_kopecks"], json!(55_895));
    assert_eq!(
        (&document["spend"], &document["earn"]),
        (&json!(60), &json!(27))
    );
    assert_eq!(document["flags"], json!([]));

    let back = return_of(&sale, sale["positions"].as_array().unwrap());
    shop.take_back(&back);
    assert_eq!(
        shop.balance(&buyer),
        100,
        "a return of everything undoes the points"
    );
    shop.check();
}

#[test]
fn a_customer_of_ours_without_a_counterparty_is_sold_to_by_our_id() {
    let shop = Shop::new(json!({}));
    let (native, sync) = (id(), id());
    let number = phone();
    let card = shop.customer(json!({ "name": "Без контрагента", "phone": number }));
    shop.adjust(&text(&card["id"]), 10);
    assert_eq!(shop.search(&number)[0].get("msId"), None);
    // After the search МойСклад makes a counterparty of its own: which id then comes is not
    // documented, so all of them must lead to the same customer.
    let ours = with(agent(&native), json!({ "phone": number, "syncId": sync }));
    let quote = shop.recalc(&receipt(&ours, &[line(100.0, 1.0)]));
    assert_eq!(quote["bonusProgram"]["agentBonusBalance"], json!(10));
    shop.sell(&sale_of(&quote));
    for id in [text(&card["id"]), native, sync] {
        assert_eq!(shop.balance(&agent(&id)), 15, "{id}");
    }
}

#[test]
fn what_was_quoted_is_what_the_sale_does_even_if_the_programme_changes_in_between() {
    let shop = Shop::new(json!({ "earning": { "percent": 10 } }));
    let buyer = shop.buyer(0);
    let sale = sale_of(&shop.recalc(&receipt(&buyer, &[line(1000.0, 1.0)])));
    let path = format!("/{}/programme", shop.slug);
    let changed = json!({ "earning": { "percent": 1 } });
    shop.app
        .operator("PUT", &path, &[("If-Match", "*")], &changed)
        .ok();
    shop.sell(&sale);
    assert_eq!(shop.balance(&buyer), 100);
}

#[test]
fn a_sale_without_a_customer_moves_no_points_and_is_kept() {
    let shop = Shop::new(json!({ "receipt": { "anonymous_template": "Вступайте в клуб!" } }));
    for agent in [
        Value::Null,
        json!({}),
        json!({ "meta": { "href": "", "id": "" } }),
    ] {
        let asked = receipt(&agent, &[line(123.45, 3.0)]);
        let quote = shop.recalc(&asked);
        let figures = figures(&asked, &quote, 100);
        assert_eq!((figures.balance, figures.spend, figures.earn), (0, 0, 0));
        assert_eq!(figures.to_pay, 37_035);
        assert_eq!(
            quote["bonusProgram"]["receiptExtraInfo"],
            json!("Вступайте в клуб!")
        );
        let sale = sale_of(&quote);
        shop.sell(&sale);
        let document = shop.document(&id_of(&sale));
        assert_eq!(document["customer"], Value::Null);
        assert_eq!(document["paid_kopecks"], json!(37_035));
    }
    let everybody = with(agent(&id()), json!({ "name": "Розничный покупатель" }));
    shop.sell(&sale_of(
        &shop.recalc(&receipt(&everybody, &[line(100.0, 1.0)])),
    ));
    assert_eq!(
        shop.list("/customers").len(),
        0,
        "nobody collects points for everybody"
    );
}
