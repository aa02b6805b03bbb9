use std::time::{Duration, Instant};

use fake_insales::{Fault, Goods, Rule};
use serde_json::json;

use crate::client::{Client, SHOP, World, world};

fn coffee(world: &World) -> u64 {
    world.variant("Кофе «Север» & Ко, 250 г")["id"]
        .as_u64()
        .unwrap()
}

#[test]
fn each_fault_does_what_it_says_and_then_all_is_well() {
    let world = world(Goods::Small);
    let ask = || world.client.try_ask("GET", "/account.json", None);
    for (status, retry_after_s, shown) in [(429, Some(7), Some("7")), (503, None, None)] {
        world.fake.fault(Rule::next(Fault::Limited {
            status,
            retry_after_s,
        }));
        let answer = ask().unwrap();
        assert_eq!(
            (answer.status, answer.header("retry-after")),
            (status, shown)
        );
        assert!(answer.header("api-usage-limit").is_some());
    }
    world
        .fake
        .fault(Rule::next(Fault::Status { status: 500 }).times(2));
    assert_eq!([ask().unwrap().status, ask().unwrap().status], [500, 500]);
    for status in [502, 200] {
        world.fake.fault(Rule::next(Fault::Html { status }));
        let answer = ask().unwrap();
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (status, Some("text/html"))
        );
        assert!(answer.text.starts_with("<html>"));
    }
    world.fake.fault(Rule::next(Fault::Redirect {
        to: "http://127.0.0.1:1/".into(),
    }));
    assert_eq!(ask().unwrap().status, 302);
    for fault in [Fault::CutBody, Fault::Close, Fault::Hang { ms: Some(50) }] {
        world.fake.fault(Rule::next(fault));
        assert!(ask().is_err());
    }
    world.fake.fault(Rule::next(Fault::EmptyText));
    assert_eq!(ask().unwrap().text, "\"\"");
    for (fault, status) in [
        (Fault::TooSlow { after_ms: 200 }, 504),
        (Fault::Slow { ms: 200 }, 200),
    ] {
        world.fake.fault(Rule::next(fault));
        let began = Instant::now();
        assert_eq!(ask().unwrap().status, status);
        assert!(began.elapsed() >= Duration::from_millis(200));
    }
    assert_eq!(ask().unwrap().json()["main_host"], SHOP);
}

#[test]
fn what_breaks_off_after_the_work_is_done_anyway() {
    let world = world(Goods::Small);
    let order = world.order(coffee(&world), 1);
    let faults = [
        Fault::CommitThenHang { ms: Some(20) },
        Fault::CommitThenClose,
        Fault::CommitThenTooSlow { after_ms: 20 },
        Fault::CutBody,
        Fault::EmptyText,
    ];
    for (before, fault) in faults.into_iter().enumerate() {
        world
            .fake
            .fault(Rule::next(fault.clone()).method("POST").path("/orders"));
        let answer = world.client.try_ask("POST", "/orders.json", Some(&order));
        let told = answer.is_ok_and(|answer| answer.text.contains("\"number\""));
        assert!(!told, "{fault:?}");
        assert_eq!(
            world.fake.things(SHOP, "orders").len(),
            before + 1,
            "{fault:?}"
        );
    }
}

#[test]
fn what_is_done_later_is_not_there_at_first() {
    let world = world(Goods::Small);
    world
        .fake
        .fault(Rule::next(Fault::CommitLater { ms: 1500 }));
    let order = world.order(coffee(&world), 1);
    assert!(
        world
            .client
            .try_ask("POST", "/orders.json", Some(&order))
            .is_err()
    );
    assert!(world.client.rows("/orders.json").is_empty());
    let came = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        world.client.rows("/orders.json").len() == 1
    });
    assert!(came);
}

#[test]
fn what_was_refused_is_not_done() {
    let world = world(Goods::Small);
    let order = world.order(coffee(&world), 1);
    let faults = [
        Fault::Limited {
            status: 503,
            retry_after_s: Some(1),
        },
        Fault::Status { status: 500 },
        Fault::Html { status: 502 },
        Fault::TooSlow { after_ms: 10 },
        Fault::Hang { ms: Some(10) },
        Fault::Close,
    ];
    for fault in faults {
        world.fake.fault(Rule::next(fault));
        // Whatever is answered: nothing is there.
        let _ = world.client.try_ask("POST", "/orders.json", Some(&order));
    }
    assert!(world.fake.things(SHOP, "orders").is_empty());
    assert_eq!(world.client.post("/orders.json", &order).status, 201);
}

#[test]
fn what_befalls_one_shop_does_not_touch_another() {
    let world = world(Goods::Small);
    let other = world.fake.add_shop("chai.myinsales.ru", Goods::Small);
    let theirs = Client::new(&world.fake, "chai.myinsales.ru", &other.id, &other.password);
    world
        .fake
        .fault(Rule::next(Fault::Html { status: 502 }).shop("chai.myinsales.ru"));
    assert_eq!(world.client.get("/account.json").status, 200);
    assert_eq!(theirs.get("/account.json").status, 502);
    assert_eq!(
        (
            world.fake.count(SHOP).granted,
            world.fake.count("chai.myinsales.ru").granted
        ),
        (1, 1)
    );
    world
        .fake
        .fault(Rule::any_of(Fault::every(5)).percent(100, 1));
    let answer = world.client.try_ask("GET", "/account.json", None);
    assert!(!answer.is_ok_and(|answer| answer.text.contains("main_host")));
    world.fake.clear_faults();
    assert_eq!(world.client.get("/account.json").status, 200);
}

#[test]
fn everything_is_ordered_by_http_too() {
    let world = world(Goods::Small);
    world.client.control(
        "faults",
        &json!({ "faults": [{ "kind": "html", "status": 502 }] }),
    );
    assert_eq!(world.client.get("/account.json").status, 502);
    let id = world.product("Футболка")["id"].clone();
    let shop = |what: &str| format!("shops/{SHOP}/{what}");
    let change = json!({ "kind": "products", "id": id, "fields": { "title": "Другая" }, "path": "/account" });
    world.client.control(&shop("change-after"), &change);
    world.client.get("/account.json");
    assert_eq!(world.product("Другая")["id"], id);
    world
        .client
        .control(&shop("change"), &json!({ "kind": "products", "id": id }));
    assert_eq!(world.product("Другая")["archived"], true);
    world
        .client
        .control(&shop("restore"), &json!({ "kind": "products", "id": id }));
    assert_eq!(world.product("Другая")["archived"], false);
    let made = world.client.control(
        &shop("change"),
        &json!({ "kind": "products", "fields": { "title": "Пирог" } }),
    );
    assert_eq!(world.product("Пирог")["id"], made["id"]);
    world.client.control(
        &shop("key"),
        &json!({ "id": world.key.id, "rights": { "orders": false } }),
    );
    assert_eq!(world.client.get("/orders.json").status, 403);
    world.client.control(&shop("tariff"), &json!("blocked"));
    assert_eq!(world.client.get("/account.json").status, 423);
    let key = world.client.control(
        "shops",
        &json!({ "domain": "new.myinsales.ru", "products": 30 }),
    );
    let (id, password) = (
        key["id"].as_str().unwrap(),
        key["password"].as_str().unwrap(),
    );
    let client = Client::new(&world.fake, "new.myinsales.ru", id, password);
    assert_eq!(
        client.get("/products/count.json").json(),
        json!({ "count": 29 })
    );
    world
        .client
        .control("shops/new.myinsales.ru/limit", &json!({ "requests": 1 }));
    assert_eq!(client.get("/account.json").status, 503);
}
