use std::time::{Duration, Instant};

use fake_moysklad::{Fault, Rule, Shop};
use serde_json::json;

use crate::client::{Client, GZIP, world};

#[test]
fn each_fault_does_what_it_says_and_then_all_is_well() {
    let world = world(Shop::Small);
    let ask = || world.client.try_ask("GET", "/context/employee", None);
    world.fake.fault(Rule::next(Fault::RateLimit {
        retry_after_ms: 700,
    }));
    let answer = ask().unwrap();
    assert_eq!((answer.status, answer.code()), (429, Some(1049)));
    assert_eq!(answer.header("x-lognex-retry-after"), Some("700"));
    world.fake.fault(Rule::next(Fault::TooParallel));
    assert_eq!(ask().unwrap().code(), Some(1073));
    world.fake.fault(
        Rule::next(Fault::Status {
            status: 503,
            code: 1074,
        })
        .times(2),
    );
    assert_eq!([ask().unwrap().status, ask().unwrap().status], [503, 503]);
    for status in [502, 200] {
        world.fake.fault(Rule::next(Fault::Html { status }));
        let answer = ask().unwrap();
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (status, Some("text/html"))
        );
        assert!(answer.bytes.starts_with(b"<html>"));
    }
    world.fake.fault(Rule::next(Fault::CutBody));
    assert!(ask().is_err(), "half an answer is none");
    world.fake.fault(Rule::next(Fault::Close));
    assert!(ask().is_err());
    world.fake.fault(Rule::next(Fault::Slow { ms: 200 }));
    let began = Instant::now();
    assert_eq!(ask().unwrap().status, 200);
    assert!(began.elapsed() >= Duration::from_millis(200));
    assert_eq!(ask().unwrap().status, 200);
}

#[test]
fn what_hangs_is_not_done_and_gives_its_place_back() {
    let world = world(Shop::Empty);
    world.fake.fault(Rule::next(Fault::Hang).method("POST"));
    let body = json!({ "name": "Пирог" });
    assert!(
        world
            .client
            .try_ask("POST", "/entity/product", Some(&body))
            .is_err()
    );
    assert_eq!(world.fake.len_of(world.account, "product"), 0);
    // The server sees in a moment that the client has gone; then the next request is the only one.
    let alone = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(20));
        assert_eq!(world.client.post("/entity/product", &body).status, 200);
        world.fake.requests(world.account).last().unwrap().parallel == 1
    });
    assert!(alone);
}

#[test]
fn what_breaks_off_after_the_work_is_done_anyway() {
    let world = world(Shop::Empty);
    for (fault, made) in [(Fault::CommitThenClose, 1), (Fault::CutBody, 2)] {
        world
            .fake
            .fault(Rule::next(fault).method("POST").path("/entity/product"));
        let body = json!({ "name": "Пирог" });
        assert!(
            world
                .client
                .try_ask("POST", "/entity/product", Some(&body))
                .is_err()
        );
        assert_eq!(world.fake.len_of(world.account, "product"), made);
    }
}

#[test]
fn faults_and_changes_are_ordered_by_http_too() {
    let world = world(Shop::Small);
    let control = |path: &str, body: serde_json::Value| {
        let answer = world
            .client
            .raw("POST", &format!("/_fake/{path}"), &[GZIP], Some(&body))
            .unwrap();
        assert_eq!(
            answer.status,
            200,
            "{}",
            String::from_utf8_lossy(&answer.bytes)
        );
        answer.json()
    };
    control(
        "faults",
        json!({ "fault": { "kind": "html", "status": 502 }, "times": 1 }),
    );
    assert_eq!(world.client.get("/entity/product").status, 502);
    let product = world.fake.id(world.account, "product", 0);
    let change = json!({
        "account": world.account, "kind": "product", "id": product, "fields": { "name": "Другой" },
        "path": "/entity/store", "nth": 1,
    });
    control("change-after", change);
    let name = || {
        world
            .fake
            .object(world.account, "product", product)
            .unwrap()["name"]
            .clone()
    };
    assert_ne!(name(), "Другой");
    world.client.get("/entity/store");
    assert_eq!(name(), "Другой");
    let count = world
        .client
        .raw(
            "GET",
            &format!("/_fake/accounts/{}/count", world.account),
            &[GZIP],
            None,
        )
        .unwrap()
        .json();
    assert_eq!(count["granted"], 2);
}

#[test]
fn what_befalls_one_account_does_not_touch_another() {
    let world = world(Shop::Small);
    let other = world.fake.add_account("chai", Shop::Small);
    let theirs = Client::new(world.fake.api(), &world.fake.user_token(other));
    world
        .fake
        .fault(Rule::next(Fault::Html { status: 502 }).account(other));
    world
        .fake
        .after_answer(other, "/entity/store", 1, move |fake| {
            let id = fake.id(other, "product", 0);
            fake.delete(other, "variant", fake.id(other, "variant", 0))
                .unwrap();
            fake.update(other, "product", id, json!({ "name": "Другой" }))
                .unwrap();
        });
    assert_eq!(world.client.get("/entity/store").status, 200);
    assert_eq!(world.fake.len_of(other, "variant"), 2);
    assert_eq!(theirs.get("/entity/store").status, 502);
    assert_eq!(world.fake.len_of(other, "variant"), 1);
    let count = |account| world.fake.count(account).granted;
    assert_eq!((count(world.account), count(other)), (1, 1));
    world.fake.reset_counts(other);
    assert_eq!((count(world.account), count(other)), (1, 0));
    assert_eq!(world.fake.requests(world.account).len(), 1);
    assert!(theirs.get("/entity/product").json()["rows"][0]["accountId"] == other.to_string());
}
