//! Orders made here appear in the shop once, and their statuses come back.

use std::time::Duration;

use fake_insales::{Fault, Goods, Rule};
use serde_json::{Value, json};

use super::world::{CATALOGUE, DOMAIN, ORDERS, World};
use crate::fixture::*;

/// The shop connected with its goods here and orders on; answers the connection's id.
fn open(w: &World, shop: &Shop) -> String {
    let id = w.connect(shop, w.orders());
    let done = w.finish(shop, CATALOGUE, &id);
    assert_eq!(done["last_result"], "ok", "{done}");
    id
}

/// A good of the shop's that can be sold.
fn sellable(w: &World, shop: &Shop) -> Value {
    let theirs = w.theirs("products");
    let stocked = |external: &str| {
        let number = external.rsplit([':', '#']).next().unwrap_or_default();
        let number: u64 = number.parse().unwrap();
        theirs.iter().any(|product| {
            let variants = product["variants"].as_array().unwrap();
            let single = variants.len() == 1 && variants[0]["title"].is_null();
            let of = |v: &Value| match single {
                true => product["id"] == number,
                false => v["id"] == number,
            };
            let enough = |v: &Value| v["quantity"].is_null() || v["quantity"].as_i64() > Some(50);
            product["archived"] != json!(true) && variants.iter().any(|v| of(v) && enough(v))
        })
    };
    let goods = shop.list("/goods").into_iter();
    let mut live = goods.filter(|good| {
        good["archived"] == json!(false)
            && good["price_kopecks"].as_i64() > Some(0)
            && good["external"].as_str().is_some_and(&stocked)
    });
    live.next().unwrap()
}

/// Makes an order of one good; answers it.
fn make(shop: &Shop, good: &Value, key: &str) -> Value {
    let body = json!({
        "items": [{ "offer": good["id"], "quantity_thousandths": 2000 }],
        "customer": { "name": "Мария Иванова", "phone": "+7 903 000-00-01" },
        "payment": { "id": "cash", "name": "Наличными" },
        "delivery": { "id": "pickup", "name": "Самовывоз" },
    });
    let path = format!("/{}/orders", shop.slug);
    shop.app
        .operator("POST", &path, &[("Idempotency-Key", key)], &body)
        .ok()["order"]
        .clone()
}

/// How the order stands in the shop; nothing before anybody has looked at it.
fn push(shop: &Shop, order: &Value) -> Value {
    let id = text(&order["id"]);
    shop.api("GET", &format!("/orders/{id}/push"), &json!({}))
        .json
}

/// Who changed what.
fn history(shop: &Shop, order: &Value) -> Vec<(String, String)> {
    let rows = shop.list(&format!("/orders/{}/history", text(&order["id"])));
    rows.iter()
        .map(|row| (text(&row["who"]), text(&row["what"])))
        .collect()
}

#[test]
fn an_order_is_in_the_shop_once_and_what_becomes_of_it_there_is_known_here() {
    let Some(w) = World::new("an application of the fake's", Goods::Small) else {
        return;
    };
    let shop = w.shop();
    let connection = open(&w, &shop);
    let good = sellable(&w, &shop);
    let order = make(&shop, &good, "cart-1");
    assert_eq!(
        make(&shop, &good, "cart-1")["id"],
        order["id"],
        "the same request again"
    );
    w.until("it is sent", || push(&shop, &order)["state"] == "sent");

    let theirs = w.theirs("orders");
    assert_eq!(theirs.len(), 1);
    let there = &theirs[0];
    let settings = w.orders();
    assert_eq!(
        there["payment_gateway_id"],
        settings["orders"]["payments"]["cash"]
    );
    assert_eq!(
        there["delivery_variant_id"],
        settings["orders"]["deliveries"]["pickup"]
    );
    assert_eq!(there["order_lines"][0]["quantity"], json!(2));
    let fields = there["fields_values"].to_string();
    assert!(fields.contains(&text(&order["number"])), "{fields}");
    let id = there["id"].as_u64().unwrap();
    let known = push(&shop, &order);
    assert_eq!(known["their_id"].as_u64(), Some(id), "{known}");

    // It is paid and moved on there: heard by a webhook's hint or by the list of changes.
    let changed = json!({ "financial_status": "paid", "custom_status_permalink": "approved" });
    w.fake.change(DOMAIN, "orders", id, &changed).unwrap();
    w.run(&shop, ORDERS, &connection);
    let number = text(&order["id"]);
    let now = || {
        shop.api("GET", &format!("/orders/{number}"), &json!({}))
            .ok()["order"]
            .clone()
    };
    w.until("the payment is known", || !now()["paid_at"].is_null());
    assert_eq!(now()["status"]["name"], "Согласован", "{}", now());
    let who = history(&shop, &order);
    assert!(who.contains(&("insales".into(), "paid".into())), "{who:?}");
    assert!(
        who.contains(&("insales".into(), "status".into())),
        "{who:?}"
    );

    // A status that nobody has mapped is kept as it is.
    let delivered = json!({ "custom_status_permalink": "delivered" });
    w.fake.change(DOMAIN, "orders", id, &delivered).unwrap();
    w.run(&shop, ORDERS, &connection);
    let title = w.fake.thing(DOMAIN, "orders", id).unwrap()["custom_status"]["title"].clone();
    w.until("the status is known", || now()["status"]["name"] == title);

    // Cancelled here, it is so there.
    let other = make(&shop, &good, "cart-2");
    w.until("the other is sent", || {
        push(&shop, &other)["state"] == "sent"
    });
    let path = format!("/orders/{}/cancel", text(&other["id"]));
    shop.api("POST", &path, &json!({ "reason": "Покупатель передумал" }))
        .ok();
    w.run(&shop, ORDERS, &connection);
    let declined = |order: &&Value| order["custom_status"]["permalink"] == json!("declined");
    w.until("the cancellation is there", || {
        w.theirs("orders").iter().any(|o| declined(&o))
    });
    assert_eq!(w.theirs("orders").len(), 2);
}

#[test]
fn an_order_whose_answer_was_lost_is_not_made_again() {
    let Some(w) = World::new("an application of the fake's", Goods::Small) else {
        return;
    };
    let shop = w.shop();
    open(&w, &shop);
    let good = sellable(&w, &shop);
    let lost = [Fault::CommitThenClose, Fault::CutBody, Fault::EmptyText];
    for (index, fault) in lost.into_iter().enumerate() {
        w.fake
            .fault(Rule::next(fault).method("POST").path("/orders.json"));
        let order = make(&shop, &good, &format!("cart-{index}"));
        let begun = std::time::Instant::now();
        w.until("it is found", || push(&shop, &order)["state"] == "sent");
        assert!(begun.elapsed() < Duration::from_secs(60));
        assert_eq!(w.theirs("orders").len(), index + 1);
    }
}

#[test]
fn a_shop_that_is_removed_and_connected_again_knows_its_goods_and_orders() {
    let Some(w) = World::new("an application of the fake's", Goods::Small) else {
        return;
    };
    let shop = w.shop();
    let connection = open(&w, &shop);
    let good = sellable(&w, &shop);
    let order = make(&shop, &good, "cart-1");
    w.until("it is sent", || push(&shop, &order)["state"] == "sent");
    w.until("changes are subscribed to", || {
        !w.theirs("webhooks").is_empty()
    });
    let live = || {
        let goods = shop.list("/goods").into_iter();
        let live = goods.filter(|good| good["archived"] == json!(false));
        live.map(|good| text(&good["id"])).collect::<Vec<_>>()
    };
    let before = live();

    let path = format!("/connections/{connection}");
    shop.api("DELETE", &path, &json!({})).ok();
    assert!(w.theirs("webhooks").is_empty());

    assert_eq!(open(&w, &shop), connection);
    assert_eq!(live(), before);
    let id = push(&shop, &order)["their_id"].as_u64().unwrap();
    let paid = json!({ "financial_status": "paid" });
    w.fake.change(DOMAIN, "orders", id, &paid).unwrap();
    let path = format!("/orders/{}", text(&order["id"]));
    w.until("the payment is known", || {
        let now = shop.api("GET", &path, &json!({})).ok();
        !now["order"]["paid_at"].is_null()
    });
    assert_eq!(w.theirs("orders").len(), 1);
}
