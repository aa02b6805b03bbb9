//! Ticks at the same time, and ticks that are killed: the effect of a job is there once.

use std::time::{Duration, Instant};

use serde_json::json;

use super::world::{GOODS, World, catalogue, shape, tick};
use crate::fixture::*;

/// How often the journal tells of a whole import.
fn told(shop: &Shop) -> usize {
    let rows = shop.list("/journal?action=goods");
    let told = |row: &&serde_json::Value| text(&row["text"]).starts_with("Товары загружены");
    rows.iter().filter(told).count()
}

/// The requests for pages of goods.
fn pages(w: &World) -> usize {
    let paths = w.fake.requests_by_path(w.account);
    let goods = ["product", "service", "bundle", "variant"].map(|k| format!("/entity/{k}"));
    let of_goods = paths
        .iter()
        .filter(|(path, _)| goods.iter().any(|g| path.ends_with(g)));
    of_goods.map(|(_, count)| count).sum()
}

#[test]
fn two_ticks_at_once_import_everything_once() {
    let Some(w) = World::new("an application of the fake's", 50) else {
        return;
    };
    let alone = w.shop();
    w.connect(&alone);
    w.fake.reset_counts(w.account);
    w.import(&alone);
    let wanted = pages(&w);
    let imported = catalogue(&alone);
    assert_eq!(alone.api("DELETE", "/moysklad", &json!({})).status, 204);
    // The next token is the same user's, whose interval it is.
    std::thread::sleep(Duration::from_secs(3));

    let shop = w.shop();
    w.connect(&shop);
    w.fake.reset_counts(w.account);
    shop.api("POST", "/moysklad/import", &json!({})).ok();
    let finished = std::thread::scope(|scope| {
        let ticks = [(); 4].map(|()| scope.spawn(|| w.tick(8_000)));
        let counts = ticks.map(|tick| tick.join().unwrap());
        counts
            .iter()
            .map(|c| c["lost"].as_u64().unwrap())
            .sum::<u64>()
    });
    assert_eq!(finished, 0, "a step was worked on twice");
    let done = w.finish(&shop, GOODS);
    assert_eq!(done["last_result"], "ok", "{done}");
    assert_eq!((told(&shop), pages(&w)), (1, wanted));
    assert_eq!(catalogue(&shop), imported);
    let count = w.fake.count(w.account);
    assert_eq!(
        (count.refused_rate, count.refused_parallel),
        (0, 0),
        "{count:?}"
    );
}

#[test]
fn ticks_that_are_killed_with_a_lease_lose_and_double_nothing() {
    let Some(mut w) = World::apart("killing the host", 60, shape()) else {
        return;
    };
    let mut shop = w.shop();
    w.connect(&shop);
    shop.api("POST", "/moysklad/import", &json!({})).ok();
    let mut done = 0;
    for kill in 1..=2 {
        let app = w.app();
        let under_way = std::thread::spawn(move || while tick(&app, 20_000).is_ok() {});
        let begun = Instant::now();
        // First as soon as somebody has the job, then when he has got on.
        let reached = loop {
            let line = w.job(&shop, GOODS);
            let now = line["done"].as_u64().unwrap();
            assert!(
                !line["run_at"].is_null() || kill == 1,
                "it has ended undisturbed: {line}"
            );
            if line["state"] == "running" && (kill == 1 || now > done) {
                break now;
            }
            assert!(
                begun.elapsed() < Duration::from_secs(120),
                "nobody goes on: {line}"
            );
            std::thread::sleep(Duration::from_millis(10));
        };
        w.kill();
        under_way.join().unwrap();
        shop.app = w.app();
        done = reached;
    }
    let line = w.finish(&shop, GOODS);
    assert_eq!(line["last_result"], "ok", "{line}");
    assert_eq!(told(&shop), 1);
    let calm = w.shop();
    w.connect(&calm);
    w.import(&calm);
    assert_eq!(catalogue(&shop), catalogue(&calm));
}
