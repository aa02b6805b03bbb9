//! The catalogue comes within minutes of connecting and stays as it is there.

use std::collections::BTreeMap;
use std::time::Duration;

use fake_insales::{Goods, Shape};
use serde_json::{Value, json};

use super::world::{CATALOGUE, DOMAIN, RECONCILE, World};
use crate::fixture::*;
use crate::moysklad::world::tick;

/// The cards of the cabinet's goods by their external id, behind the connection's prefix.
fn cards(shop: &Shop, id: &str) -> BTreeMap<String, Value> {
    let prefix = format!("insales:{id}:");
    let goods = shop.list("/goods").into_iter();
    let named = goods.filter_map(|good| {
        let name = good["external"].as_str()?.strip_prefix(&prefix)?.to_owned();
        Some((name, good))
    });
    named.collect()
}

/// Kopecks of a price that is written as a text of roubles.
fn kopecks(price: &Value) -> i64 {
    let text = price.as_str().unwrap();
    let (roubles, rest) = text.split_once('.').unwrap_or((text, "0"));
    let rest = format!("{rest:0<2}");
    roubles.parse::<i64>().unwrap() * 100 + rest[..2].parse::<i64>().unwrap()
}

/// Whether every live product of the shop is here with its price, and nothing else is.
fn assert_equal(world: &World, shop: &Shop, id: &str) {
    let cards = cards(shop, id);
    let products = world.theirs("products");
    let mut variants = 0;
    for product in &products {
        let of_product = product["variants"].as_array().unwrap();
        let single = of_product.len() == 1 && of_product[0]["title"].is_null();
        let number = product["id"].to_string();
        let card = cards.get(&number).unwrap_or_else(|| panic!("no {number}"));
        assert_eq!(card["name"], product["title"]);
        let gone = |key: &str, value: bool| product[key] == json!(value);
        let hidden = gone("is_hidden", true) || gone("archived", true) || gone("available", false);
        assert_eq!(card["archived"], json!(hidden), "{product}");
        for variant in of_product {
            let name = match single {
                true => number.clone(),
                false => format!("{number}#{}", variant["id"]),
            };
            variants += usize::from(!single);
            let card = cards.get(&name).unwrap_or_else(|| panic!("no {name}"));
            assert_eq!(
                card["price_kopecks"],
                json!(kopecks(&variant["price"])),
                "{variant}"
            );
        }
    }
    assert_eq!(cards.len(), products.len() + variants);
}

#[test]
fn a_connected_shop_s_goods_are_here_stay_fresh_and_are_quoted() {
    let goods = Goods::Generated(Shape::products(600));
    let Some(w) = World::new("an application of the fake's", goods) else {
        return;
    };
    let shop = w.shop();
    let id = w.connect(&shop, json!({}));
    let done = w.finish(&shop, CATALOGUE, &id);
    assert_eq!(done["last_result"], "ok", "{done}");
    assert_equal(&w, &shop, &id);
    assert!(!shop.list("/categories").is_empty());

    // A till sells one of them.
    let live = |good: &&Value| good["archived"] == json!(false) && good["price_kopecks"].is_i64();
    let all = shop.list("/goods");
    let sold = all.iter().find(live).unwrap();
    let roubles = sold["price_kopecks"].as_i64().unwrap() as f64 / 100.0;
    let buyer = shop.buyer(100);
    let ours = text(&sold["id"]);
    let quote = shop.recalc(&receipt(&buyer, &[good(&ours, roubles, 1.0)]));
    assert!(
        quote["bonusProgram"]["bonusValueToEarn"].as_i64().is_some(),
        "{quote}"
    );

    // An unchanged shop costs three requests at most.
    w.fake.reset_counts(DOMAIN);
    let done = w.run(&shop, CATALOGUE, &id);
    assert_eq!(done["last_result"], "ok", "{done}");
    assert!(
        w.fake.requests(DOMAIN).len() <= 3,
        "{:?}",
        w.fake.requests_by_path(DOMAIN)
    );

    // Changed, hidden, deleted, new.
    let products = w.theirs("products");
    let number = |index: usize| products[index]["id"].as_u64().unwrap();
    let change = |id, fields: Value| w.fake.change(DOMAIN, "products", id, &fields).unwrap();
    change(number(0), json!({ "title": "Другое название" }));
    change(number(1), json!({ "is_hidden": true }));
    w.fake.delete(DOMAIN, "products", number(2)).unwrap();
    let new = json!({ "title": "Новинка", "variants": [{ "price": "12.5", "sku": "N-1" }] });
    w.fake.insert(DOMAIN, "products", &new).unwrap();
    let done = w.run(&shop, CATALOGUE, &id);
    assert_eq!(done["last_result"], "ok", "{done}");
    assert_equal(&w, &shop, &id);

    // Gone without a trace: only the comparison of everything sees it.
    w.fake.purge(DOMAIN, "products", number(3)).unwrap();
    let done = w.run(&shop, RECONCILE, &id);
    assert!(
        ["ok", "warning"].contains(&done["last_result"].as_str().unwrap()),
        "{done}"
    );
    let gone = &cards(&shop, &id)[&number(3).to_string()];
    assert_eq!(gone["archived"], json!(true));
}

#[test]
fn an_import_that_is_killed_on_the_way_ends_as_one_that_is_not() {
    let shape = Shape::products(3_000);
    let Some(mut w) = World::apart("a process of its own", Goods::Generated(shape)) else {
        return;
    };
    let mut shop = w.shop();
    let id = w.connect(&shop, json!({}));
    for percent in [20, 60] {
        let app = w.app();
        let ticking = std::thread::spawn(move || while tick(&app, 20_000).is_ok() {});
        let reached = || {
            let line = w.job(&shop, CATALOGUE, &id);
            assert_eq!(
                line["last_result"],
                Value::Null,
                "it has ended before: {line}"
            );
            let (done, total) = (line["done"].as_u64(), line["total"].as_u64());
            matches!((done, total), (Some(done), Some(1..)) if done * 100 >= total.unwrap() * percent)
        };
        while !reached() {
            std::thread::sleep(Duration::from_millis(20));
        }
        w.kill();
        ticking.join().unwrap();
        shop.app = w.app();
    }
    let done = w.finish(&shop, CATALOGUE, &id);
    assert_eq!(done["last_result"], "ok", "{done}");
    assert_equal(&w, &shop, &id);
}
