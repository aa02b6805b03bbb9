//! What is wrong is said, in the connection's state and once in the journal; work goes on when it is mended.

use fake_insales::{Goods, Rights, Tariff};
use serde_json::json;

use super::world::{CATALOGUE, DOMAIN, World};
use crate::fixture::*;

/// The journal's rows about the state of connections.
fn told(shop: &Shop) -> Vec<String> {
    let rows = shop.list("/journal").into_iter();
    let about = rows.filter(|row| row["action"] == "connection");
    about.map(|row| text(&row["text"])).collect()
}

#[test]
fn a_password_that_was_changed_is_said_once_and_work_goes_on_with_the_new_one() {
    let Some(w) = World::new("an application of the fake's", Goods::Small) else {
        return;
    };
    let shop = w.shop();
    let id = w.connect(&shop, json!({}));
    let done = w.finish(&shop, CATALOGUE, &id);
    assert_eq!(done["last_result"], "ok", "{done}");
    let before = told(&shop).len();

    w.fake.set_password(DOMAIN, &w.key.id, "another");
    shop.api("POST", &format!("/jobs/{CATALOGUE}:{id}/run"), &json!({}))
        .ok();
    w.until("the refusal is known", || {
        w.connection(&shop, &id)["state"] == "wrong_key"
    });
    let card = w.connection(&shop, &id);
    assert!(
        text(&card["state_text"]).contains("InSales не принимает"),
        "{card}"
    );
    let rows = told(&shop);
    assert_eq!(rows.len(), before + 1, "{rows:?}");

    // Whatever is tried meanwhile is not told again, and the shop is not asked again and again.
    w.fake.reset_counts(DOMAIN);
    for _ in 0..5 {
        w.tick(200);
    }
    assert!(
        w.fake.requests(DOMAIN).len() <= 1,
        "{:?}",
        w.fake.requests_by_path(DOMAIN)
    );
    assert_eq!(told(&shop).len(), before + 1);

    // The merchant types the new one.
    let settings = &card["settings"];
    let secrets = json!({ "key_id": w.key.id, "password": "another" });
    let body = json!({ "settings": settings, "secrets": secrets });
    let path = format!("/{}/connections/{id}", shop.slug);
    let saved = w
        .app()
        .operator("PUT", &path, &[("If-Match", "*")], &body)
        .ok();
    assert_eq!(saved["state"], "ok", "{saved}");
    let done = w.finish(&shop, CATALOGUE, &id);
    assert_eq!(done["last_result"], "ok", "{done}");
}

#[test]
fn a_check_names_the_box_that_is_not_ticked() {
    let Some(w) = World::new("an application of the fake's", Goods::Small) else {
        return;
    };
    let shop = w.shop();
    let id = w.connect(&shop, w.orders());
    let check = || {
        shop.api("POST", &format!("/connections/{id}/check"), &json!({}))
            .ok()
    };
    assert_eq!(check()["ok"], json!(true));
    for (rights, named) in [
        (
            Rights {
                orders: false,
                ..Rights::default()
            },
            "Доступ в раздел Заказы",
        ),
        (
            Rights {
                clients: false,
                ..Rights::default()
            },
            "Доступ в раздел Клиенты",
        ),
        (
            Rights {
                products: false,
                ..Rights::default()
            },
            "Доступ в раздел Товары",
        ),
    ] {
        w.fake.set_rights(DOMAIN, &w.key.id, rights);
        let found = check();
        assert_eq!(found["state"], "no_right", "{found}");
        assert_eq!(found["missing"], json!([named]));
        assert!(text(&found["text"]).contains(named), "{found}");
    }
    w.fake.set_rights(DOMAIN, &w.key.id, Rights::default());
    w.fake.set_tariff(DOMAIN, Tariff::Blocked);
    assert_eq!(check()["state"], "tariff");
    w.fake.set_tariff(DOMAIN, Tariff::Full);
    assert_eq!(check()["ok"], json!(true));
}

#[test]
fn only_shops_of_insales_are_called() {
    let Some(w) = World::new("an application of the fake's", Goods::None) else {
        return;
    };
    let shop = w.shop();
    for domain in [
        "example.ru",
        "127.0.0.1",
        "localhost",
        "myinsales.ru.example.ru",
        "evil.ru/kofe.myinsales.ru",
        "http://user:word@kofe.myinsales.ru",
    ] {
        let settings = json!({ "shop": domain });
        let body = json!({ "kind": "insales", "settings": settings, "secrets": w.secrets() });
        let refused = shop.api("POST", "/connections", &body);
        assert_eq!(refused.status, 422, "{domain}: {}", refused.text);
        let place = &refused.json["error"]["path"];
        assert_eq!(place, "settings.shop", "{}", refused.text);
    }
    assert!(w.fake.requests(DOMAIN).is_empty());
}
