//! Goods and categories come and keep coming; what goes wrong is told.

use serde_json::{Value, json};

use super::world::{CHANGES, GOODS, WEBHOOKS, World, catalogue, folder, is_plain};
use crate::fixture::*;

/// What a receipt with one good earns, in points.
fn earns(shop: &Shop, buyer: &Value, good_id: &str) -> i64 {
    let quote = shop.recalc(&receipt(buyer, &[good(good_id, 1_000.0, 1.0)]));
    quote["bonusProgram"]["bonusValueToEarn"].as_i64().unwrap()
}

#[test]
fn goods_come_when_asked_and_a_change_of_category_changes_the_next_quote() {
    let Some(w) = World::new("an application of the fake's", 0) else {
        return;
    };
    let shop = w.shop();
    let refused = shop.api("POST", "/moysklad/import", &json!({}));
    assert_eq!(
        refused.status, 409,
        "nothing is connected: {}",
        refused.text
    );
    assert_eq!(
        shop.api("GET", &format!("/jobs/{GOODS}"), &json!({}))
            .status,
        404
    );
    w.connect(&shop);
    let planned = w.job(&shop, GOODS);
    assert_eq!(
        planned["schedule"],
        json!({ "every_days": 1, "hour": 3, "zone_minutes": 180 })
    );
    assert_eq!(
        w.job(&shop, CHANGES)["schedule"],
        json!({ "every_minutes": 15 })
    );

    let checked = shop.api("POST", "/moysklad/check", &json!({})).ok();
    assert_eq!(
        (&checked["ok"], &checked["problems"]),
        (&json!(true), &json!([]))
    );
    assert_eq!(checked["account"], json!(w.account.to_string()));
    assert_eq!(checked["organization_name"], "ООО «kofe»");
    let known = shop.api("GET", "/moysklad", &json!({})).ok();
    assert_eq!(known["accounts"][0]["account"], checked["account"]);

    let counted: u32 = 7_000;
    let product = w.fake.id(w.account, "product", 40);
    let store = w.fake.id(w.account, "store", 1);
    let quantity = fake_moysklad::Quantity {
        stock: counted.into(),
        ..fake_moysklad::Quantity::default()
    };
    w.fake.set_stock(w.account, product, store, quantity);
    w.import(&shop);

    let kinds = ["product", "variant", "service", "bundle"];
    let theirs: usize = kinds.iter().map(|kind| w.objects(kind).len()).sum();
    let ours = shop.list("/goods");
    assert_eq!(ours.len(), theirs);
    for good in w.objects("product") {
        let id = text(&good["id"]);
        let card = ours.iter().find(|our| our["ms_id"] == json!(id)).unwrap();
        assert_eq!(card["name"], good["name"]);
        assert_eq!(card["archived"], good["archived"]);
        let price = good["salePrices"][0]["value"].as_f64().unwrap();
        assert_eq!(
            card["price_kopecks"].as_i64().unwrap() as f64,
            price,
            "{good}"
        );
        assert_eq!(card["category"].is_null(), folder(&good).is_none());
    }
    let folders = w.objects("productfolder").len();
    assert_eq!(shop.list("/categories").len(), folders);
    let card = shop
        .api("GET", &format!("/goods/{product}"), &json!({}))
        .ok();
    let in_store = card["stock"].as_array().unwrap().iter();
    let quantities: Vec<_> = in_store
        .map(|row| row["thousandths"].as_i64().unwrap())
        .collect();
    assert!(quantities.contains(&counted.into()), "{card}");
    assert_eq!(card["prices"].as_array().unwrap().len(), 2, "{card}");

    // A category rule on an imported good.
    let goods = w.objects("product");
    let chosen = goods.iter().find(is_plain).unwrap();
    let id = text(&chosen["id"]);
    let card = shop.api("GET", &format!("/goods/{id}"), &json!({})).ok();
    let category = text(&card["category"]);
    let rule = json!({ "earning": { "percent": 1, "categories": { category.as_str(): 10 } } });
    w.put(&shop, "/programme", &rule);
    let buyer = shop.buyer(0);
    // Other instances believe the former settings for three seconds.
    std::thread::sleep(std::time::Duration::from_millis(3_500));
    assert_eq!(earns(&shop, &buyer, &id), 100);
    shop.sell(&sale_of(
        &shop.recalc(&receipt(&buyer, &[good(&id, 1_000.0, 1.0)])),
    ));

    // It moves to where no rule is: not below the category, not above it.
    let other = w
        .fake
        .create(w.account, "productfolder", json!({ "name": "Без правила" }))
        .unwrap();
    let moved = json!({ "productFolder": w.fake.reference("productfolder", other) });
    let uuid = id.parse().unwrap();
    w.fake.update(w.account, "product", uuid, moved).unwrap();
    shop.api("POST", &format!("/jobs/{CHANGES}/run"), &json!({}))
        .ok();
    let done = w.finish(&shop, CHANGES);
    assert_eq!(done["last_result"], "ok", "{done}");
    assert_eq!(earns(&shop, &buyer, &id), 10);
    assert_eq!(shop.list("/goods").len(), theirs);
    let count = w.fake.count(w.account);
    assert_eq!(count.refused_rate, 0, "{count:?}");
}

#[test]
fn a_token_that_died_stops_the_import_with_a_word_and_a_new_one_lets_it_go_on() {
    let Some(w) = World::new("an application of the fake's", 0) else {
        return;
    };
    let shop = w.shop();
    w.connect(&shop);
    w.fake.revoke_user_tokens(w.account);
    shop.api("POST", "/moysklad/import", &json!({})).ok();
    let dead = w.finish(&shop, GOODS);
    assert_eq!(
        (&dead["state"], &dead["last_result"]),
        (&json!("dead"), &json!("error"))
    );
    assert!(
        text(&dead["last_text"]).contains("не принимает токен"),
        "{dead}"
    );
    // Others have heard it too.
    assert_eq!(w.finish(&shop, WEBHOOKS)["state"], "dead");
    let account = || shop.api("GET", "/moysklad", &json!({})).ok()["accounts"][0].clone();
    let told = text(&account()["last_error"]);
    assert!(told.contains("не принимает токен"), "{told}");
    let asked = w.fake.requests(w.account).len() + w.fake.all_requests().len();
    w.tick(3_000);
    let again = w.fake.requests(w.account).len() + w.fake.all_requests().len();
    assert_eq!(asked, again, "it is not tried again by itself");
    let told = shop.list("/journal?action=job");
    let stopped =
        |row: &&Value| row["object"] == GOODS && text(&row["text"]).contains("не принимает токен");
    assert_eq!(told.iter().filter(stopped).count(), 1, "{told:?}");
    let checked = shop.api("POST", "/moysklad/check", &json!({})).ok();
    assert_eq!(checked["ok"], false);
    assert!(
        text(&checked["problems"][0]).contains("не принимает токен"),
        "{checked}"
    );

    w.connect(&shop);
    assert_eq!(account()["last_error"], Value::Null);
    let done = w.finish(&shop, GOODS);
    assert_eq!(done["last_result"], "ok", "{done}");
    assert!(!shop.list("/goods").is_empty());

    // Who disconnects is told of nothing any more.
    let subscribed = w.finish(&shop, WEBHOOKS);
    assert_eq!(subscribed["last_result"], "ok", "{subscribed}");
    assert_eq!(w.objects("webhook").len(), 36);
    assert_eq!(shop.api("DELETE", "/moysklad", &json!({})).status, 204);
    assert_eq!(
        (w.objects("webhook").len(), w.objects("webhookstock").len()),
        (0, 0)
    );
    let told = shop.list("/journal?action=connection");
    assert_eq!(told[0]["text"], "МойСклад, подключённый вручную, отключён");
    assert_eq!(
        shop.api("GET", &format!("/jobs/{GOODS}"), &json!({}))
            .status,
        404
    );
}

#[test]
fn an_import_whose_host_stops_again_and_again_ends_as_an_undisturbed_one() {
    let Some(mut w) = World::new("an application that is stopped", 100) else {
        return;
    };
    let mut shop = w.shop();
    w.connect(&shop);
    shop.api("POST", "/moysklad/import", &json!({})).ok();
    let mut stops = 0;
    for _ in 0..3 {
        w.tick(600);
        let line = w.job(&shop, GOODS);
        if line["run_at"].is_null() {
            break;
        }
        stops += 1;
        shop = stopped(&mut w, shop);
    }
    assert!(stops >= 2, "the import ended before it was disturbed");
    let done = w.finish(&shop, GOODS);
    assert_eq!(done["last_result"], "ok", "{done}");
    let undisturbed = w.shop();
    w.connect(&undisturbed);
    w.import(&undisturbed);
    let (one, other) = (catalogue(&shop), catalogue(&undisturbed));
    assert!(one.len() > 150, "{}", one.len());
    assert_eq!(one, other);
}

/// The shop after its application was stopped and started again.
fn stopped(w: &mut World, shop: Shop) -> Shop {
    let Shop { app, slug, key } = shop;
    drop(app);
    w.restart();
    Shop {
        app: w.app(),
        slug,
        key,
    }
}

#[test]
fn what_moysklad_does_not_take_back_is_told_and_answered_no_more() {
    let Some(w) = World::new("an application of the fake's", 0) else {
        return;
    };
    let shop = w.shop();
    w.connect(&shop);
    w.import(&shop);
    let subscribed = w.finish(&shop, WEBHOOKS);
    assert_eq!(subscribed["last_result"], "ok", "{subscribed}");
    w.fake.revoke_user_tokens(w.account);
    assert_eq!(shop.api("DELETE", "/moysklad", &json!({})).status, 204);
    let told = shop.list("/journal?action=connection");
    let told = text(&told[0]["text"]);
    assert!(
        told.contains("Подписки на уведомления не удалены: МойСклад не принимает"),
        "{told}"
    );
    let product = w.fake.id(w.account, "product", 3);
    let renamed = json!({ "name": "Никому" });
    w.fake
        .update(w.account, "product", product, renamed)
        .unwrap();
    assert!(
        w.fake
            .wait_for_webhooks(w.account, std::time::Duration::from_secs(20))
    );
    let sent = w.fake.webhooks(w.account);
    let outcomes = sent.iter().map(|sent| sent.outcome);
    assert!(outcomes.eq([fake_moysklad::Outcome::Failed]), "{sent:?}");
}
