//! Webhooks, sent by the fake: subscribed to, received, handled.

use fake_moysklad::{Chaos, Outcome, Shape};
use serde_json::{Value, json};

use super::world::{WEBHOOKS as JOB, World};
use crate::fixture::*;

/// A shop that is connected, has imported, and is subscribed.
fn world(products: u32) -> Option<(World, Shop)> {
    let shape = Shape {
        products,
        variants: 4,
        services: 1,
        bundles: 1,
        folders: 3,
        stores: 1,
        price_types: 1,
        counterparties: 1,
        seed: 1,
        images: false,
    };
    let w = World::of("an application of the fake's", 0, shape)?;
    let shop = w.shop();
    w.connect(&shop);
    w.import(&shop);
    let subscribed = w.finish(&shop, JOB);
    assert_eq!(subscribed["last_result"], "ok", "{subscribed}");
    Some((w, shop))
}

/// What we have of a good.
fn of_ours(shop: &Shop, id: uuid::Uuid) -> Value {
    shop.api("GET", &format!("/goods/{id}"), &json!({})).ok()
}

#[test]
fn a_change_arrives_by_a_webhook_and_a_subscription_that_is_lost_is_made_again() {
    let Some((w, shop)) = world(20) else {
        return;
    };
    let hooks = w.fake.objects(w.account, "webhook");
    assert_eq!(hooks.len(), 36);
    assert_eq!(w.fake.objects(w.account, "webhookstock").len(), 1);
    let product = w.fake.id(w.account, "product", 3);
    let change = |fields: Value| {
        w.fake
            .update(w.account, "product", product, fields)
            .unwrap()
    };
    change(json!({ "name": "Чай «Новый»" }));
    w.settle();
    assert_eq!(of_ours(&shop, product)["name"], "Чай «Новый»");

    // Another category, made a moment ago.
    let folder = json!({ "name": "Новая группа" });
    let folder = w.fake.create(w.account, "productfolder", folder).unwrap();
    change(json!({ "productFolder": w.fake.reference("productfolder", folder) }));
    w.settle();
    let category = text(&of_ours(&shop, product)["category"]);
    let known = shop.list("/categories");
    let it = known.iter().find(|row| text(&row["id"]) == category);
    assert_eq!(it.unwrap()["name"], "Новая группа");

    let deleted = w.fake.id(w.account, "product", 4);
    w.fake.delete(w.account, "product", deleted).unwrap();
    w.settle();
    assert_eq!(of_ours(&shop, deleted)["archived"], true);

    let lost: uuid::Uuid = text(&hooks[0]["id"]).parse().unwrap();
    w.fake.delete(w.account, "webhook", lost).unwrap();
    shop.api("POST", &format!("/jobs/{JOB}/run"), &json!({}))
        .ok();
    let done = w.finish(&shop, JOB);
    assert!(text(&done["last_text"]).contains("создано 1"), "{done}");
    assert_eq!(w.fake.objects(w.account, "webhook").len(), 36);
}

#[test]
fn thousands_of_webhooks_doubled_and_reordered_lose_nothing() {
    const PRODUCTS: u32 = 400;
    const CHANGES: u32 = 2_000;
    let Some((w, shop)) = world(PRODUCTS) else {
        return;
    };
    w.fake.set_chaos(
        w.account,
        Chaos {
            duplicate_percent: 20,
            reorder_percent: 20,
            lose_percent: 0,
        },
    );
    for n in 0..CHANGES {
        let product = w.fake.id(w.account, "product", (n * 7) % PRODUCTS);
        let fields = json!({ "name": format!("Товар версии {n}") });
        w.fake
            .update(w.account, "product", product, fields)
            .unwrap();
    }
    w.settle();
    let sent = w.fake.webhooks(w.account);
    assert!(sent.len() >= CHANGES as usize, "{}", sent.len());
    let bad = |sent: &&fake_moysklad::Sent| sent.outcome != Outcome::Delivered;
    assert_eq!(sent.iter().filter(bad).count(), 0);
    let mut took: Vec<u64> = sent.iter().map(|sent| sent.took_ms).collect();
    took.sort_unstable();
    println!(
        "{} webhooks: median {} ms, p99 {} ms",
        took.len(),
        took[took.len() / 2],
        took[took.len() * 99 / 100]
    );
    let ours = shop.list("/goods");
    for product in w.fake.objects(w.account, "product") {
        let ours = ours.iter().find(|row| row["ms_id"] == product["id"]);
        assert_eq!(ours.unwrap()["name"], product["name"]);
    }
}
