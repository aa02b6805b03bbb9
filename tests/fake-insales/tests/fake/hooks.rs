use std::time::Duration;

use fake_insales::{Chaos, Goods, Outcome, Quoted};
use serde_json::{Value, json};

use crate::client::{SHOP, World, ids, world};
use crate::receiver::Receiver;

/// A shop that tells a receiver about these topics.
fn subscribed(topics: &[&str]) -> (World, Receiver) {
    let (world, receiver) = (world(Goods::Small), Receiver::start());
    for topic in topics {
        let hook = json!({ "webhook": { "address": receiver.url, "topic": topic, "format_type": "json" } });
        assert_eq!(world.client.post("/webhooks.json", &hook).status, 201);
    }
    (world, receiver)
}

fn settle(world: &World) {
    assert!(world.fake.wait_for_webhooks(SHOP, Duration::from_secs(5)));
}

fn place(world: &World) -> Value {
    let variant = world.variant("Кофе «Север» & Ко, 250 г")["id"]
        .as_u64()
        .unwrap();
    world
        .client
        .post("/orders.json", &world.order(variant, 1))
        .json()
}

#[test]
fn orders_and_customers_come_as_single_objects() {
    let topics = [
        "orders/create",
        "orders/update",
        "orders/destroy",
        "client/create",
        "client/update",
    ];
    let (world, receiver) = subscribed(&topics);
    let order = place(&world);
    settle(&world);
    let mut bodies = receiver.take();
    bodies.sort_by_key(|body| body.get("order_lines").is_some());
    assert_eq!((bodies.len(), &bodies[0]["name"]), (2, &json!("Мария")));
    // In webhooks numbers were seen as texts.
    assert_eq!(bodies[1]["id"], order["id"].to_string());
    let path = format!("/orders/{}.json", order["id"]);
    world
        .client
        .put(&path, &json!({ "order": { "financial_status": "paid" } }));
    world.fake.set_quoted(SHOP, Quoted::Never);
    world
        .fake
        .change(
            SHOP,
            "clients",
            order["client"]["id"].as_u64().unwrap(),
            &json!({ "name": "Анна" }),
        )
        .unwrap();
    settle(&world);
    world.client.delete(&path);
    settle(&world);
    let bodies = receiver.take();
    assert_eq!(bodies.len(), 3);
    let names: Vec<&Value> = bodies.iter().filter_map(|body| body.get("name")).collect();
    assert_eq!(names, ["Анна"]);
    assert_eq!(
        (&bodies[2]["id"], &bodies[2]["archived"]),
        (&order["id"], &json!(true))
    );
}

#[test]
fn products_come_in_groups_and_an_order_changes_them() {
    let (world, receiver) = subscribed(&["products/create", "products/update"]);
    for index in 0..12 {
        world
            .fake
            .insert(
                SHOP,
                "products",
                &json!({ "title": format!("Пирог {index}") }),
            )
            .unwrap();
    }
    settle(&world);
    let groups = receiver.take();
    let mut sizes: Vec<usize> = groups
        .iter()
        .map(|group| group.as_array().unwrap().len())
        .collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [2, 10]);
    place(&world);
    settle(&world);
    let group = receiver.take().remove(0);
    assert_eq!(
        (
            group.as_array().unwrap().len(),
            &group[0]["variants"][0]["quantity"]
        ),
        (1, &json!(12))
    );
    // The trash says nothing.
    let id = ids(&world.fake.things(SHOP, "products"))[0];
    world.fake.delete(SHOP, "products", id).unwrap();
    settle(&world);
    assert!(receiver.take().is_empty());
}

#[test]
fn webhooks_are_lost_doubled_held_and_reversed_on_demand_and_never_repeated() {
    let (world, receiver) = subscribed(&["orders/update"]);
    let order = place(&world)["id"].as_u64().unwrap();
    let change = |comment: &str| {
        world
            .fake
            .change(SHOP, "orders", order, &json!({ "comment": comment }))
            .unwrap()
    };
    let comments = || {
        settle(&world);
        let bodies = receiver.take();
        bodies
            .iter()
            .map(|body| body["comment"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    world.fake.set_chaos(
        SHOP,
        Chaos {
            lose_percent: 100,
            ..Chaos::default()
        },
    );
    change("lost");
    assert!(comments().is_empty());
    world.fake.set_chaos(
        SHOP,
        Chaos {
            duplicate_percent: 100,
            ..Chaos::default()
        },
    );
    change("twice");
    assert_eq!(comments(), ["twice", "twice"]);
    world.fake.set_chaos(SHOP, Chaos::default());
    world.fake.hold_webhooks(SHOP);
    change("one");
    change("two");
    assert!(comments().is_empty());
    world.fake.release_webhooks(SHOP, true);
    let mut both = comments();
    both.sort();
    assert_eq!(both, ["one", "two"]);
    receiver.answer(500);
    change("refused");
    assert_eq!(comments(), ["refused"]);
    let outcomes: Vec<Outcome> = world
        .fake
        .webhooks(SHOP)
        .iter()
        .map(|sent| sent.outcome)
        .collect();
    assert_eq!(
        (outcomes[0], outcomes.last()),
        (Outcome::Lost, Some(&Outcome::Answered(500)))
    );
    receiver.stop();
    change("nobody");
    settle(&world);
    let last = world.fake.webhooks(SHOP).pop().unwrap();
    assert_eq!(
        (last.outcome, last.ids, last.topic.as_str()),
        (Outcome::Unanswered, vec![order], "orders/update")
    );
}

#[test]
fn subscriptions_are_listed_changed_and_deleted_and_may_be_there_twice() {
    let (world, receiver) = subscribed(&["orders/update", "orders/update"]);
    let hooks = world.client.rows("/webhooks.json");
    assert_eq!(
        (hooks.len(), &hooks[0]["address"]),
        (2, &json!(receiver.url))
    );
    let path = format!("/webhooks/{}.json", hooks[1]["id"]);
    let moved = world
        .client
        .put(&path, &json!({ "webhook": { "topic": "products/update" } }));
    assert_eq!(
        (moved.status, &moved.json()["address"]),
        (200, &json!(receiver.url))
    );
    for bad in [
        json!({ "topic": "products/destroy", "address": "https://example.com/" }),
        json!({ "topic": "orders/update", "address": "ftp://example.com/" }),
        json!({ "topic": "orders/update" }),
    ] {
        assert_eq!(
            world
                .client
                .post("/webhooks.json", &json!({ "webhook": bad }))
                .status,
            422
        );
    }
    assert_eq!(world.client.delete(&path).json(), json!({ "status": "ok" }));
    assert_eq!(world.client.delete(&path).status, 404);
    assert_eq!(world.client.rows("/webhooks.json").len(), 1);
}
