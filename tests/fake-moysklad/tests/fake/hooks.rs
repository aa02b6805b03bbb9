use std::collections::HashSet;
use std::time::Duration;

use fake_moysklad::{Chaos, Outcome, Quantity, Shop};
use serde_json::{Value, json};

use crate::client::{ACCEPT, GZIP, World, world};
use crate::receiver::{Receiver, Says};

const SOON: Duration = Duration::from_secs(10);

fn subscribe(world: &World, url: &str, action: &str, diff: &str) -> Value {
    let body = json!({ "entityType": "product", "action": action, "url": url, "diffType": diff });
    let answer = world.client.post("/entity/webhook", &body);
    assert_eq!(
        answer.status,
        200,
        "{}",
        String::from_utf8_lossy(&answer.bytes)
    );
    answer.json()
}

fn rename(world: &World, name: &str) {
    let id = world.fake.id(world.account, "product", 0);
    world
        .fake
        .update(world.account, "product", id, json!({ "name": name }))
        .unwrap();
}

#[test]
fn a_change_is_told_with_what_the_vendor_tells() {
    let (world, receiver) = (world(Shop::Small), Receiver::start(Says::status(204)));
    subscribe(&world, &receiver.url, "UPDATE", "FIELDS");
    rename(&world, "Другой");
    assert!(world.fake.wait_for_webhooks(world.account, SOON));
    let got = receiver.got();
    assert_eq!(got.len(), 1);
    assert!(got[0].path.starts_with("/?requestId=") && got[0].method == "POST");
    let event = &got[0].body["events"][0];
    assert_eq!(event["action"], "UPDATE");
    assert_eq!(event["accountId"], world.account.to_string());
    assert_eq!(event["updatedFields"], json!(["name"]));
    assert_eq!(event["meta"]["type"], "product");
    assert_eq!(got[0].body["auditContext"]["uid"], "admin@kofe");
    let audit = world.client.get("/audit?filter=entityType=product").json();
    assert_eq!(audit["rows"][0]["source"], "app");
}

#[test]
fn many_changes_of_one_request_come_in_one_webhook() {
    let (world, receiver) = (world(Shop::Empty), Receiver::start(Says::status(200)));
    subscribe(&world, &receiver.url, "CREATE", "NONE");
    let body: Vec<Value> = (0..30).map(|i| json!({ "name": format!("{i}") })).collect();
    world.client.post("/entity/product", &json!(body));
    assert!(world.fake.wait_for_webhooks(world.account, SOON));
    let got = receiver.got();
    assert_eq!(got.len(), 1);
    assert_eq!(got[0].body["events"].as_array().unwrap().len(), 30);
    assert!(got[0].body["events"][0].get("updatedFields").is_none());
}

#[test]
fn a_bad_answer_is_tried_three_times_more_with_the_same_id() {
    let (world, receiver) = (world(Shop::Small), Receiver::start(Says::status(500)));
    subscribe(&world, &receiver.url, "UPDATE", "NONE");
    rename(&world, "Раз");
    assert!(world.fake.wait_for_webhooks(world.account, SOON));
    let paths: HashSet<String> = receiver.got().into_iter().map(|got| got.path).collect();
    assert_eq!((receiver.got().len(), paths.len()), (4, 1));
    receiver.first(&[Says::status(502), Says::status(201)]);
    receiver.clear();
    rename(&world, "Два");
    assert!(world.fake.wait_for_webhooks(world.account, SOON));
    let sent = world.fake.webhooks(world.account);
    let ends: Vec<_> = sent
        .iter()
        .map(|sent| (sent.attempts, sent.outcome))
        .collect();
    assert_eq!(ends, [(4, Outcome::Failed), (4, Outcome::Failed)]);
}

#[test]
fn a_slow_receiver_is_not_told_again() {
    let slow = Says {
        after: Duration::from_millis(1700),
        ..Says::status(204)
    };
    let (world, receiver) = (world(Shop::Small), Receiver::start(slow));
    subscribe(&world, &receiver.url, "UPDATE", "NONE");
    rename(&world, "Раз");
    assert!(world.fake.wait_for_webhooks(world.account, SOON));
    assert_eq!(receiver.got().len(), 1);
    assert_eq!(
        world.fake.webhooks(world.account)[0].outcome,
        Outcome::TimedOut
    );
}

#[test]
fn own_changes_can_be_kept_from_coming_back() {
    let (world, receiver) = (world(Shop::Small), Receiver::start(Says::status(204)));
    subscribe(
        &world,
        &format!("{}/hooks/1", receiver.url),
        "UPDATE",
        "NONE",
    );
    let path = format!(
        "/api/remap/1.2/entity/product/{}",
        world.fake.id(world.account, "product", 0)
    );
    let put = |prefix: &str| {
        let authorization = ("authorization", world.client.authorization.as_str());
        let disable = ("x-lognex-webhook-disablebyprefix", prefix);
        let headers = [ACCEPT, GZIP, authorization, disable];
        let status = world
            .client
            .raw("PUT", &path, &headers, Some(&json!({ "name": "x" })))
            .unwrap()
            .status;
        assert!(world.fake.wait_for_webhooks(world.account, SOON));
        (status, receiver.got().len())
    };
    assert_eq!(put(&format!("{}/hooks", receiver.url)), (200, 0));
    assert_eq!(put("https://elsewhere.example"), (200, 1));
    assert_eq!(put("https://some_url"), (400, 1));
}

#[test]
fn subscriptions_have_their_rules() {
    let world = world(Shop::Small);
    let post = |body: Value| world.client.post("/entity/webhook", &body).code();
    let body = |kind: &str, action: &str, n: u32| json!({ "entityType": kind, "action": action, "url": format!("http://host.example/{n}") });
    assert_eq!(
        post(body("customerorderposition", "CREATE", 0)),
        Some(30000)
    );
    assert_eq!(post(body("product", "PROCESSED", 0)), Some(30008));
    let mut fields = body("product", "CREATE", 0);
    fields["diffType"] = json!("FIELDS");
    assert_eq!(post(fields), Some(30009));
    assert_eq!(
        post(json!({ "entityType": "product", "action": "CREATE", "url": "nowhere" })),
        Some(30005)
    );
    let long = format!("http://host.example/{}", "x".repeat(250));
    assert_eq!(
        post(json!({ "entityType": "product", "action": "CREATE", "url": long })),
        Some(30010)
    );
    assert_eq!(
        world
            .client
            .post("/entity/webhook", &body("product", "CREATE", 0))
            .status,
        200
    );
    assert_eq!(post(body("product", "CREATE", 0)), Some(30003));
    for n in 1..5 {
        assert_eq!(
            world
                .client
                .post("/entity/webhook", &body("product", "CREATE", n))
                .status,
            200
        );
    }
    assert_eq!(post(body("product", "CREATE", 5)), Some(30007));
    let rows = world.client.rows("/entity/webhook");
    assert_eq!((rows.len(), &rows[0]["enabled"]), (5, &json!(true)));
    world.fake.set_free(world.account, true);
    assert_eq!(post(body("product", "UPDATE", 0)), Some(30006));
}

#[test]
fn a_subscription_that_failed_for_eight_days_is_switched_off() {
    let (world, receiver) = (world(Shop::Small), Receiver::start(Says::status(500)));
    let hook = subscribe(&world, &receiver.url, "UPDATE", "NONE");
    let path = format!("/entity/webhook/{}", hook["id"].as_str().unwrap());
    let mut enabled = Vec::new();
    for day in 0..9 {
        rename(&world, &format!("{day}"));
        assert!(world.fake.wait_for_webhooks(world.account, SOON));
        enabled.push(world.client.get(&path).json()["enabled"] == true);
        world.fake.advance(Duration::from_secs(24 * 3600));
    }
    assert_eq!(
        enabled,
        [true, true, true, true, true, true, true, false, false]
    );
    assert_eq!(
        world.client.put(&path, &json!({ "enabled": true })).json()["enabled"],
        true
    );
}

#[test]
fn the_network_doubles_reorders_and_loses_when_told_to() {
    let (world, receiver) = (world(Shop::Small), Receiver::start(Says::status(204)));
    subscribe(&world, &receiver.url, "UPDATE", "NONE");
    world.fake.set_chaos(
        world.account,
        Chaos {
            duplicate_percent: 20,
            reorder_percent: 20,
            lose_percent: 10,
        },
    );
    for n in 0..300 {
        rename(&world, &format!("{n}"));
    }
    assert!(world.fake.wait_for_webhooks(world.account, SOON));
    let sent = world.fake.webhooks(world.account);
    let lost = sent
        .iter()
        .filter(|sent| sent.outcome == Outcome::Lost)
        .count();
    assert!((10..60).contains(&lost), "{lost}");
    let got = receiver.got();
    let ids: HashSet<&str> = got.iter().map(|got| got.path.as_str()).collect();
    assert!(
        got.len() > 300 - lost && ids.len() < got.len(),
        "some came twice with one id"
    );
    world.fake.set_chaos(world.account, Chaos::default());
    receiver.clear();
    world.fake.hold_webhooks(world.account);
    rename(&world, "раньше");
    world
        .fake
        .delete(
            world.account,
            "product",
            world.fake.id(world.account, "product", 1),
        )
        .unwrap();
    rename(&world, "позже");
    assert!(receiver.got().is_empty());
    world.fake.release_webhooks(world.account, true);
    assert!(world.fake.wait_for_webhooks(world.account, SOON));
    assert_eq!(receiver.got().len(), 2);
}

#[test]
fn stock_is_told_of_with_the_report_to_ask() {
    let (world, receiver) = (world(Shop::Small), Receiver::start(Says::status(204)));
    let body = json!({ "url": receiver.url, "stockType": "stock", "reportType": "bystore" });
    assert_eq!(world.client.post("/entity/webhookstock", &body).status, 200);
    world.fake.send_stock_webhooks();
    assert!(world.fake.wait_for_webhooks(world.account, SOON));
    assert!(receiver.got().is_empty(), "nothing changed");
    let id = |kind, index| world.fake.id(world.account, kind, index);
    world.fake.advance(Duration::from_secs(120));
    let quantity = Quantity {
        stock: 5000,
        ..Quantity::default()
    };
    world
        .fake
        .set_stock(world.account, id("product", 2), id("store", 0), quantity);
    world.fake.send_stock_webhooks();
    assert!(world.fake.wait_for_webhooks(world.account, SOON));
    let got = receiver.got();
    assert_eq!(
        (got.len(), &got[0].body["reportType"]),
        (1, &json!("bystore"))
    );
    let address = got[0].body["reportUrl"].as_str().unwrap();
    let path = address.split_once("/api/remap/1.2").unwrap().1;
    let rows = world.client.get(path).json();
    assert!(rows.as_array().unwrap().iter().any(|row| row["stock"] == 5));
}
