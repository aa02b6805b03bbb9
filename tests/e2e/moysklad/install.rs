//! From the marketplace to a quote that follows the catalogue.

use fake_moysklad::Status;
use serde_json::{Value, json};

use super::world::{CHANGES, GOODS, SETTLED, WEBHOOKS, World, folder, is_plain};
use crate::fixture::*;

#[test]
fn what_is_installed_and_activated_imports_sells_and_follows_changes() {
    let Some(w) = World::new("an application of the fake's", 0) else {
        return;
    };
    let (shop, email) = w.cabinet();

    // Installed: nobody has said for whom.
    assert_eq!(w.install(), Some(Status::SettingsRequired));
    assert_eq!(w.fake.repeat_last_call(w.solution.id, w.account), Some(200));
    assert_eq!(w.connection(&shop), Value::Null);
    w.tick(1_000);
    assert_eq!(w.fake.loyalty(w.solution.id, w.account), None);

    // A cashier looks at it, then somebody with a wrong password.
    let cashier = w.fake.add_user(w.account, "kassa", false);
    let session = w.open(w.account, &cashier);
    let state = w.page("GET", "/state", Some(&session), &json!({})).ok();
    assert_eq!(
        (&state["state"], &state["user"]["admin"]),
        (&json!("settings_required"), &json!(false))
    );
    let right = json!({ "cabinet": shop.slug, "email": email, "password": super::world::PASSWORD });
    let answer = w.page("POST", "/activate", Some(&session), &right);
    assert_eq!(
        (answer.status, &answer.json["error"]["code"]),
        (403, &json!("not_admin"))
    );
    let admin = w.open(w.account, "admin@kofe");
    let wrong = with(right.clone(), json!({ "password": "не тот пароль" }));
    let answer = w.page("POST", "/activate", Some(&admin), &wrong);
    assert_eq!(
        (answer.status, &answer.json["error"]["code"]),
        (403, &json!("login"))
    );

    // Activated: МойСклад has address and key, and knows that we are at work.
    let told = w.page("POST", "/activate", Some(&admin), &right).ok();
    assert_eq!(
        (&told["state"], &told["cabinet"]),
        (&json!("activated"), &json!(shop.slug))
    );
    assert_eq!(w.status(), Some(Status::Activated));
    let loyalty = w.fake.loyalty(w.solution.id, w.account).unwrap();
    assert!(loyalty.external_search);
    assert_eq!(told["loyaltyUrl"], json!(loyalty.url));
    // A click that came twice.
    let admin = w.open(w.account, "admin@kofe");
    w.page("POST", "/activate", Some(&admin), &right).ok();
    assert_eq!(w.fake.loyalty(w.solution.id, w.account).unwrap(), loyalty);

    // «Сохранить и проверить», «Импортировать сейчас».
    let checked = shop.api("POST", "/moysklad/check", &json!({})).ok();
    assert_eq!(
        (&checked["ok"], &checked["problems"]),
        (&json!(true), &json!([]))
    );
    w.import(&shop);
    let subscribed = w.finish(&shop, WEBHOOKS);
    assert_eq!(subscribed["last_result"], "ok", "{subscribed}");
    for job in [GOODS, CHANGES, WEBHOOKS] {
        assert!(!w.job(&shop, job)["schedule"].is_null(), "{job}");
    }

    // A category rule on an imported good.
    let goods = w.objects("product");
    let chosen = text(&goods.iter().find(is_plain).unwrap()["id"]);
    let path = format!("/goods/{chosen}");
    let category = text(&shop.api("GET", &path, &json!({})).ok()["category"]);
    let rule = json!({ "earning": { "percent": 1, "categories": { category.as_str(): 10 } } });
    w.put(&shop, "/programme", &rule);
    std::thread::sleep(SETTLED);
    let (till, buyer) = (w.till(), shop.buyer(0));
    assert_eq!(till.earns(&buyer, &chosen), 100);
    till.sell(&till.recalc(&receipt(&buyer, &[good(&chosen, 1_000.0, 1.0)])));
    assert_eq!(shop.list("/sales").len(), 1);

    // The good goes to another category; the webhook tells, the tick reads.
    let other = json!({ "name": "Без правила" });
    let other = w.fake.create(w.account, "productfolder", other).unwrap();
    let moved = json!({ "productFolder": w.fake.reference("productfolder", other) });
    let uuid = chosen.parse().unwrap();
    w.fake.update(w.account, "product", uuid, moved).unwrap();
    w.settle();
    assert_eq!(till.earns(&buyer, &chosen), 10);
    let card = w.fake.object(w.account, "product", uuid).unwrap();
    assert_eq!(folder(&card), Some(other.to_string()));

    let count = w.fake.count(w.account);
    assert_eq!(
        (
            count.refused_rate,
            count.refused_parallel,
            count.refused_off
        ),
        (0, 0, 0),
        "{count:?}"
    );
    assert!(
        w.fake
            .webhooks(w.account)
            .iter()
            .all(|sent| sent.attempts == 1)
    );
}

#[test]
fn who_has_no_cabinet_registers_one_and_it_works() {
    let Some(w) = World::new("an application of the fake's", 0) else {
        return;
    };
    assert_eq!(w.install(), Some(Status::SettingsRequired));
    let session = w.open(w.account, "admin@kofe");
    let asked = json!({
        "business": "Кофейня", "organisation": "ООО «Кофе на Мойке»", "name": "Пётр Управляющий",
        "phone": "+7 (903) 000-00-01", "email": "boss@kofe.example", "password": "пароль кабинета 1",
        "promo": "ОСЕНЬ",
    });
    let short = with(asked.clone(), json!({ "password": "1" }));
    let refused = w.page("POST", "/register", Some(&session), &short);
    assert_eq!(
        (refused.status, &refused.json["error"]["code"]),
        (422, &json!("refused"))
    );
    let told = w.page("POST", "/register", Some(&session), &asked).ok();
    assert_eq!(told["state"], "activated");
    let slug = text(&told["cabinet"]);
    assert_eq!(slug, "kofe-na-moyke");
    assert_eq!(w.status(), Some(Status::Activated));
    // The former session is over, and the new one is the cabinet's.
    assert_eq!(
        w.page("GET", "/state", Some(&session), &json!({})).status,
        401
    );
    let session = text(&told["session"]);
    let state = w.page("GET", "/state", Some(&session), &json!({})).ok();
    assert_eq!(state["cabinet"], json!(slug));

    let app = w.app();
    let shop = Shop {
        app,
        slug,
        key: String::new(),
    };
    w.import(&shop);
    // The programme is usable as it is.
    let (till, buyer) = (w.till(), shop.buyer(0));
    let goods = w.objects("product");
    let chosen = text(&goods.iter().find(is_plain).unwrap()["id"]);
    let quote = till.recalc(&receipt(&buyer, &[good(&chosen, 1_000.0, 1.0)]));
    till.sell(&quote);
    let earned = quote["bonusProgram"]["bonusValueToEarn"].as_i64().unwrap();
    assert_eq!(till.balance(&buyer), earned);
}
