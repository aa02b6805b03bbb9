//! `POST /retailsalesreturn`: points go back in proportion, whatever the parts.

use serde_json::{Value, json};

use crate::fixture::*;

/// A sale of three pieces at 100 ₽ that spent 100 points and earned 10; the buyer had 100.
fn sold(shop: &Shop) -> (Value, Value) {
    let buyer = shop.buyer(100);
    let quote = shop.recalc(&spending(&buyer, &[good(&id(), 100.0, 3.0)], Some(100)));
    assert_eq!(quote["bonusProgram"]["bonusValueToEarn"], json!(10));
    let sale = sale_of(&quote);
    shop.sell(&sale);
    assert_eq!(shop.balance(&buyer), 10);
    (buyer, sale)
}

fn pieces(sale: &Value, quantity: f64) -> Value {
    let mut position = sale["positions"][0].clone();
    position["quantity"] = json!(quantity);
    position
}

#[test]
fn parts_of_a_return_add_up_to_the_whole() {
    for parts in [
        vec![3.0],
        vec![1.0, 2.0],
        vec![1.0, 1.0, 1.0],
        vec![0.5, 2.25, 0.25],
        vec![2.0, 2.0],
    ] {
        let shop = Shop::new(json!({}));
        let (buyer, sale) = sold(&shop);
        for part in &parts {
            shop.take_back(&return_of(&sale, &[pieces(&sale, *part)]));
        }
        assert_eq!(shop.balance(&buyer), 100, "{parts:?}");
        shop.check();
    }
}

#[test]
fn a_part_gives_back_its_share() {
    let shop = Shop::new(json!({}));
    let (buyer, sale) = sold(&shop);
    let back = return_of(&sale, &[pieces(&sale, 1.0)]);
    shop.take_back(&back);
    // 33 of the 100 points come back, 3 of the 10 earned go.
    assert_eq!(shop.balance(&buyer), 40);
    let document = shop.document(&id_of(&sale));
    let returns = document["returns"].as_array().unwrap();
    assert_eq!(returns.len(), 1);
    assert_eq!(
        (&returns[0]["spend"], &returns[0]["earn"]),
        (&json!(33), &json!(3))
    );
    // Again, and again with another content.
    shop.take_back(&back);
    let mut other = back.clone();
    other["positions"][0]["quantity"] = json!(3);
    shop.take_back(&other);
    assert_eq!(shop.balance(&buyer), 40);
    assert_eq!(shop.list("/sales?kind=return").len(), 1);
    shop.check();
}

#[test]
fn the_agent_of_a_return_may_be_flat_empty_or_missing() {
    let shop = Shop::new(json!({}));
    for agent in [
        json!({}),
        json!(null),
        json!({ "href": "https://x/entity/counterparty/1", "id": "1" }),
        json!({ "id": "", "href": "" }),
        json!("?"),
        json!([]),
    ] {
        let (buyer, sale) = sold(&shop);
        let mut back = return_of(&sale, &[pieces(&sale, 3.0)]);
        back["agent"] = agent.clone();
        shop.take_back(&back);
        assert_eq!(
            shop.balance(&buyer),
            100,
            "the sale knows whose it is: {agent}"
        );
    }
}

#[test]
fn kopecks_or_rubles_in_the_sums_of_a_return_make_no_difference() {
    let shop = Shop::new(json!({}));
    for (cash, card) in [
        (json!(0), json!(6667)),
        (json!(66.67), json!(0)),
        (json!(66.67), json!(283_100.0)),
        (json!("66,67"), json!("")),
        (json!(null), json!({})),
    ] {
        let (buyer, sale) = sold(&shop);
        let mut back = return_of(&sale, &[pieces(&sale, 1.0)]);
        back["cashSum"] = cash;
        back["noCashSum"] = card;
        shop.take_back(&back);
        assert_eq!(shop.balance(&buyer), 40);
    }
}

#[test]
fn a_return_without_a_sale_is_journaled_and_moves_nothing() {
    let shop = Shop::new(json!({}));
    let buyer = shop.buyer(10);
    for demand in [
        json!(null),
        json!({}),
        json!({ "meta": { "href": "", "id": "" } }),
        json!({ "meta": null }),
    ] {
        let mut back = return_of(&json!({}), &[line(100.0, 1.0)]);
        back["demand"] = demand;
        back["agent"] = json!({ "id": id_of(&buyer), "href": "" });
        shop.take_back(&back);
        let document = shop.document(&id_of(&back));
        assert_eq!(document["flags"], json!(["orphan"]));
        assert_eq!(document["customer"], json!(id_of(&buyer)));
    }
    assert_eq!(shop.balance(&buyer), 10);
    let journal = shop.list("/journal?action=return&outcome=warning");
    assert_eq!(journal.len(), 4);
    assert!(
        text(&journal[0]["text"]).contains("без продажи"),
        "{}",
        journal[0]
    );
}

#[test]
fn a_return_that_overtakes_its_sale_takes_effect_with_it() {
    let shop = Shop::new(json!({}));
    let buyer = shop.buyer(100);
    let sale = sale_of(&shop.recalc(&spending(&buyer, &[line(100.0, 2.0)], Some(50))));
    shop.take_back(&return_of(&sale, &[pieces(&sale, 1.0)]));
    assert_eq!(shop.balance(&buyer), 100);
    shop.sell(&sale);
    // 50 spent and 7 earned; half of it back: 25 restored, 4 taken (3,5 half up).
    assert_eq!(shop.balance(&buyer), 100 - 50 + 7 + 25 - 4);
    shop.sell(&sale);
    assert_eq!(shop.balance(&buyer), 78);
    shop.check();
}

#[test]
fn a_return_may_name_its_sale_by_any_of_its_ids() {
    let shop = Shop::new(json!({}));
    let (native, sync) = (id(), id());
    let href = format!("https://x/entity/retaildemand/syncid/{sync}");
    for demand in [
        json!({ "meta": { "id": native } }),
        json!({ "meta": { "id": sync } }),
        json!({ "meta": { "href": href } }),
        json!({ "id": native.to_uppercase(), "href": "" }),
        json!({ "meta": { "href": format!("https://y/entity/retaildemand/{native}") } }),
    ] {
        let shop = Shop::with(shop.app.clone(), json!({}));
        let buyer = shop.buyer(0);
        let mut sale = sale_of(&shop.recalc(&receipt(&buyer, &[line(100.0, 1.0)])));
        sale["meta"] = json!({ "id": native, "href": href });
        shop.sell(&sale);
        let mut back = return_of(&sale, &[pieces(&sale, 1.0)]);
        back["demand"] = demand.clone();
        shop.take_back(&back);
        assert_eq!(shop.balance(&buyer), 0, "{demand}");
    }
}

#[test]
fn points_that_were_spent_already_are_taken_back_all_the_same() {
    let shop = Shop::new(json!({ "spending": { "max_share": 100 } }));
    let buyer = shop.buyer(0);
    let first = sale_of(&shop.recalc(&receipt(&buyer, &[line(1000.0, 1.0)])));
    shop.sell(&first);
    shop.sell(&sale_of(&shop.recalc(&spending(
        &buyer,
        &[line(51.0, 1.0)],
        None,
    ))));
    assert_eq!(shop.balance(&buyer), 0);
    shop.take_back(&return_of(&first, &[pieces(&first, 1.0)]));
    assert_eq!(shop.balance(&buyer), -50);
    shop.check();
}

#[test]
fn an_anonymous_sale_can_be_returned() {
    let shop = Shop::new(json!({}));
    let sale = sale_of(&shop.recalc(&receipt(&json!({}), &[line(100.0, 1.0)])));
    shop.sell(&sale);
    shop.take_back(&return_of(&sale, &[pieces(&sale, 1.0)]));
    assert_eq!(
        shop.document(&id_of(&sale))["returns"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
}
