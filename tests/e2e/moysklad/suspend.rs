//! A subscription that is not paid: everything rests, nothing is lost, and it goes on as it was.

use fake_moysklad::Status;
use serde_json::{Value, json};

use super::world::{CHANGES, GOODS, WEBHOOKS, World, is_plain};
use crate::fixture::*;

/// How many subscriptions of the account are at work, and how many there are.
fn hooks(w: &World) -> (usize, usize) {
    let all = w.objects("webhook");
    let on = all.iter().filter(|hook| hook["enabled"] == json!(true));
    (on.count(), all.len())
}

#[test]
fn a_suspended_solution_keeps_everything_and_goes_on_where_it_was() {
    let Some(w) = World::new("an application of the fake's", 0) else {
        return;
    };
    let (shop, _) = w.installed();
    let (till, buyer) = (w.till(), shop.buyer(300));
    let goods = w.objects("product");
    let chosen = text(&goods.iter().find(is_plain).unwrap()["id"]);
    let one = [good(&chosen, 1_000.0, 1.0)];
    let settings = shop.api("GET", "/settings", &json!({})).ok();
    let before = w.connection(&shop);
    // What a person has paused is not for the solution to resume.
    let paused = shop.api("POST", &format!("/jobs/{CHANGES}/pause"), &json!({}));
    assert_eq!(paused.ok()["state"], "paused");

    assert_eq!(
        w.fake.suspend(w.solution.id, w.account),
        Some(Status::Suspended)
    );
    assert_eq!(w.fake.repeat_last_call(w.solution.id, w.account), Some(200));
    let now = w.connection(&shop);
    assert_eq!(
        (&now["state"], &now["has_access"]),
        (&json!("suspended"), &json!(false))
    );
    assert_eq!(now["key_id"], before["key_id"]);
    for job in [GOODS, WEBHOOKS] {
        let line = w.job(&shop, job);
        assert_eq!(
            (&line["state"], &line["schedule"], &line["next_at"]),
            (&json!("idle"), &Value::Null, &Value::Null),
            "{job}"
        );
    }
    assert_eq!(w.job(&shop, CHANGES)["state"], "paused");
    assert_eq!(shop.api("POST", "/moysklad/import", &json!({})).status, 409);
    w.fake.reset_counts(w.account);
    let uuid: uuid::Uuid = chosen.parse().unwrap();
    let renamed = json!({ "name": "Переименован без подписки" });
    w.fake.update(w.account, "product", uuid, renamed).unwrap();
    w.settle();
    assert_eq!(w.fake.requests(w.account), []);
    assert_eq!(hooks(&w).0, 0);

    // МойСклад does not call; a till that had its receipt open is answered, and its sale is not lost.
    let quote = till.recalc(&receipt(&buyer, &one));
    till.sell(&quote);
    let balance = till.balance(&buyer);
    assert!(balance >= 300, "{balance}");

    assert_eq!(
        w.fake.resume(w.solution.id, w.account),
        Some(Status::Activated)
    );
    assert_eq!(w.fake.repeat_last_call(w.solution.id, w.account), Some(200));
    let now = w.connection(&shop);
    assert_eq!(
        (&now["state"], &now["has_access"]),
        (&json!("activated"), &json!(true))
    );
    assert_eq!(
        (&now["key_id"], &now["key_pending"]),
        (&before["key_id"], &json!(false))
    );
    assert_eq!(shop.api("GET", "/settings", &json!({})).ok(), settings);
    assert_eq!(w.till().key, till.key);
    assert_eq!(till.balance(&buyer), balance);
    for job in [GOODS, WEBHOOKS] {
        let line = w.job(&shop, job);
        assert!(
            !line["schedule"].is_null() && !line["next_at"].is_null(),
            "{line}"
        );
    }
    assert_eq!(w.job(&shop, CHANGES)["state"], "paused");
    shop.api("POST", &format!("/jobs/{CHANGES}/resume"), &json!({}))
        .ok();
    assert!(!w.job(&shop, CHANGES)["schedule"].is_null());
    let (on, all) = hooks(&w);
    assert_eq!((on, all), (36, 36));

    // What happened meanwhile comes with the changes, what happens now by webhook.
    shop.api("POST", &format!("/jobs/{CHANGES}/run"), &json!({}))
        .ok();
    let done = w.finish(&shop, CHANGES);
    assert_eq!(done["last_result"], "ok", "{done}");
    let name = || {
        shop.api("GET", &format!("/goods/{chosen}"), &json!({}))
            .ok()["name"]
            .clone()
    };
    assert_eq!(name(), "Переименован без подписки");
    let renamed = json!({ "name": "И снова с подпиской" });
    w.fake.update(w.account, "product", uuid, renamed).unwrap();
    w.settle();
    assert_eq!(name(), "И снова с подпиской");
    shop.check();
}

#[test]
fn an_import_that_a_suspension_breaks_off_comes_whole_after_it() {
    let Some(w) = World::new("an application of the fake's", 100) else {
        return;
    };
    let (shop, email) = w.cabinet();
    w.install();
    w.activate(w.account, "kofe", &shop, &email).ok();
    shop.api("POST", "/moysklad/import", &json!({})).ok();
    w.tick(600);
    assert!(
        !w.job(&shop, GOODS)["run_at"].is_null(),
        "it has ended already"
    );
    // The token is dead before we hear of it.
    assert_eq!(
        w.fake.suspend(w.solution.id, w.account),
        Some(Status::Suspended)
    );
    w.tick(1_000);
    let rests = w.job(&shop, GOODS);
    assert_eq!(
        (&rests["state"], &rests["run_at"]),
        (&json!("idle"), &Value::Null)
    );
    assert_eq!(
        w.fake.resume(w.solution.id, w.account),
        Some(Status::Activated)
    );
    w.import(&shop);
    let kinds = ["product", "variant", "service", "bundle"];
    let theirs: usize = kinds.iter().map(|kind| w.objects(kind).len()).sum();
    assert_eq!(shop.list("/goods").len(), theirs);
    // Others had their turn meanwhile as well.
    let subscribed = w.finish(&shop, WEBHOOKS);
    assert_eq!(subscribed["last_result"], "ok", "{subscribed}");
}
