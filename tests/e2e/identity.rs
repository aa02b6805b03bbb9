//! Who is meant: by our id, МойСклад's, the till's syncId, phone or card; one person is one customer.

use std::sync::Barrier;

use serde_json::{Value, json};

use crate::fixture::*;

fn count(shop: &Shop) -> usize {
    shop.list("/customers").len()
}

#[test]
fn a_customer_is_reachable_by_every_id_phone_and_card() {
    let shop = Shop::new(json!({}));
    let (native, sync, number, card) = (id(), id(), phone(), format!("card-{}", id()));
    let person = json!({
        "name": "Общий Знакомый", "phone": number, "discountCardNumber": card,
        "syncId": sync, "statusCheck": "IGNORE",
    });
    shop.post("/counterparty", &with(agent(&native), person))
        .ok();
    let ours = text(&shop.search(&number)[0]["id"]);
    shop.adjust(&ours, 42);

    let by_href =
        json!({ "meta": { "href": format!("https://x/entity/counterparty/syncid/{sync}") } });
    let posap = json!({ "meta": { "href": format!("https://online.moysklad.ru/api/posap/1.0/entity/counterparty/{native}") } });
    for known in [
        agent(&ours),
        agent(&native),
        agent(&native.to_uppercase()),
        agent(&sync),
        by_href,
        posap,
        json!({ "id": native, "href": "" }),
        json!({ "syncId": sync }),
        with(agent(&id()), json!({ "phone": format!("8{number}") })),
        with(
            agent(""),
            json!({ "discountCardNumber": card.to_uppercase() }),
        ),
        json!({ "phone": format!("+7 {number}") }),
    ] {
        assert_eq!(shop.balance(&known), 42, "{known}");
        let quote = shop.recalc(&receipt(&known, &[line(10.0, 1.0)]));
        assert_eq!(
            quote["bonusProgram"]["agentBonusBalance"],
            json!(42),
            "{known}"
        );
    }
    assert_eq!(count(&shop), 1);
}

#[test]
fn an_id_that_came_once_with_a_known_phone_is_known_from_then_on() {
    let shop = Shop::new(json!({}));
    let number = phone();
    let card = shop.customer(json!({ "name": "Кто", "phone": number }));
    shop.adjust(&text(&card["id"]), 7);
    let told = |id: &str| with(agent(id), json!({ "phone": number }));
    let [in_detail, in_recalc, in_sale, in_create] = [id(), id(), id(), id()];
    shop.balance(&told(&in_detail));
    shop.recalc(&receipt(&told(&in_recalc), &[line(1.0, 1.0)]));
    let mut sale = sale_of(&json!({ "agent": told(&in_sale), "positions": [line(1.0, 1.0)] }));
    sale["bonusProgram"] = json!({ "bonusValueToSpend": 0, "bonusValueToEarn": 0 });
    shop.sell(&sale);
    shop.post("/counterparty", &told(&in_create)).ok();
    for id in [in_detail, in_recalc, in_sale, in_create] {
        assert_eq!(shop.balance(&agent(&id)), 7, "{id}");
    }
    assert_eq!(count(&shop), 1);
}

#[test]
fn an_unknown_customer_has_a_zero_balance_and_is_made_by_recalculation_and_sale() {
    let shop = Shop::new(json!({ "earning": { "welcome": { "points": 50 } } }));
    let unknown = with(agent(&id()), json!({ "name": "Новый Из МоегоСклада" }));
    assert_eq!(
        (shop.balance(&unknown), count(&shop)),
        (0, 0),
        "looking makes nobody"
    );
    let quote = shop.recalc(&receipt(&unknown, &[line(100.0, 1.0)]));
    assert_eq!(
        quote["bonusProgram"]["agentBonusBalance"],
        json!(50),
        "with the welcome points"
    );
    shop.recalc(&receipt(&unknown, &[line(100.0, 1.0)]));
    assert_eq!((shop.balance(&unknown), count(&shop)), (50, 1), "once");

    let at_once = agent(&id());
    let mut sale = sale_of(&json!({ "agent": at_once, "positions": [line(100.0, 1.0)] }));
    sale["bonusProgram"] = json!({ "bonusValueToSpend": 0, "bonusValueToEarn": 5 });
    shop.sell(&sale);
    assert_eq!((shop.balance(&at_once), count(&shop)), (55, 2));
    shop.check();
}

#[test]
fn where_unknown_customers_are_not_made_their_receipts_are_anonymous() {
    let settings = json!({ "customers": { "create_unknown": false } });
    let shop = Shop::with(app(), settings);
    let unknown = with(agent(&id()), json!({ "name": "Чужой", "phone": phone() }));
    let quote = shop.recalc(&receipt(&unknown, &[line(100.0, 1.0)]));
    assert_eq!(quote["bonusProgram"]["bonusValueToEarn"], json!(0));
    assert_eq!(quote["agent"], unknown);
    shop.sell(&sale_of(&quote));
    assert_eq!((shop.balance(&unknown), count(&shop)), (0, 0));
    // Who is registered at the till on purpose is a customer all the same.
    shop.post("/counterparty", &unknown).ok();
    assert_eq!(count(&shop), 1);
}

#[test]
fn one_person_is_not_made_twice_however_he_comes() {
    let shop = Shop::new(json!({}));
    let (number, card) = (phone(), id());
    let first = with(
        agent(&id()),
        json!({ "name": "Один", "phone": format!("8{number}") }),
    );
    let second =
        json!({ "name": "Один", "phone": format!("+7{number}"), "discountCardNumber": card });
    let third = json!({ "name": "Один", "discountCardNumber": card, "syncId": id() });
    shop.post("/counterparty", &first).ok();
    shop.post("/counterparty", &with(agent(&id()), second)).ok();
    shop.post("/counterparty", &with(agent(&id()), third.clone()))
        .ok();
    shop.recalc(&receipt(&third, &[line(1.0, 1.0)]));
    assert_eq!(count(&shop), 1);
    assert_eq!(
        shop.search(&number)[0]["discountCardNumber"],
        json!(card),
        "the card was learnt"
    );
}

#[test]
fn sixteen_tills_that_create_the_same_person_at_once_make_one() {
    let shop = Shop::new(json!({ "earning": { "welcome": { "points": 100 } } }));
    let number = phone();
    let barrier = Barrier::new(16);
    std::thread::scope(|scope| {
        for n in 0..16 {
            let (shop, barrier, number) = (&shop, &barrier, &number);
            scope.spawn(move || {
                let who = with(
                    agent(&id()),
                    json!({ "name": "Все Сразу", "phone": number }),
                );
                barrier.wait();
                match n % 3 {
                    0 => shop.post("/counterparty", &who).ok(),
                    1 => shop.recalc(&receipt(&who, &[line(1.0, 1.0)])),
                    _ => {
                        shop.sell(&sale_of(
                            &json!({ "agent": who, "positions": [line(1.0, 1.0)] }),
                        ));
                        Value::Null
                    }
                };
            });
        }
    });
    assert_eq!(count(&shop), 1);
    assert_eq!(
        shop.balance(&json!({ "phone": number })),
        100,
        "welcome once"
    );
    shop.check();
}

#[test]
fn keys_of_two_people_on_one_receipt_go_to_the_surest_and_are_flagged() {
    let shop = Shop::new(json!({}));
    let number = phone();
    let first = shop.customer(json!({ "name": "Первый", "phone": number }));
    let second = text(&shop.customer(json!({ "name": "Второй", "phone": phone() }))["id"]);
    let mixed = with(agent(&second), json!({ "phone": number }));
    let sale = sale_of(&shop.recalc(&receipt(&mixed, &[line(100.0, 1.0)])));
    shop.sell(&sale);
    assert_eq!(
        (
            shop.balance(&agent(&second)),
            shop.balance(&agent(&text(&first["id"])))
        ),
        (5, 0)
    );
    assert_eq!(shop.document(&id_of(&sale))["flags"], json!(["ambiguous"]));
    assert_eq!(
        shop.search(&number)[0]["name"],
        json!("Первый"),
        "the phone did not move"
    );
}

#[test]
fn an_address_without_an_id_in_it_means_nobody() {
    let shop = Shop::new(json!({}));
    for href in [
        "https://api.moysklad.ru/api/remap/1.2/entity/counterparty",
        "https://api.moysklad.ru/api/remap/1.2/entity/counterparty/",
        "https://api.moysklad.ru/api/remap/1.2/entity/counterparty/syncid/",
        "https://api.moysklad.ru/api/remap/1.2",
    ] {
        let who = |phone: &str| json!({ "meta": { "href": href, "id": "" }, "phone": phone });
        for number in [phone(), phone()] {
            shop.sell(&sale_of(
                &shop.recalc(&receipt(&who(&number), &[line(100.0, 1.0)])),
            ));
            assert_eq!(shop.balance(&json!({ "phone": number })), 5, "{href}");
        }
    }
    assert_eq!(count(&shop), 8);
}
