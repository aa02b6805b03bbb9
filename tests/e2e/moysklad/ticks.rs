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
    assert_eq!(catalogue(&shop), catalogue(&alone));
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
    let mut killed = 0;
    for wait_ms in [300, 700, 500] {
        let app = w.app();
        let under_way = std::thread::spawn(move || tick(&app, 20_000).is_ok());
        let begun = Instant::now();
        while w.job(&shop, GOODS)["state"] != "running" {
            // A lease of one who was killed lasts for a while.
            assert!(
                begun.elapsed() < Duration::from_secs(40),
                "nobody takes the job"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        std::thread::sleep(Duration::from_millis(wait_ms));
        let ended = w.job(&shop, GOODS)["run_at"].is_null();
        w.kill();
        let _ = under_way.join().unwrap();
        shop.app = w.app();
        if ended {
            break;
        }
        killed += 1;
    }
    assert!(killed >= 2, "the import ended before it was disturbed");
    let begun = Instant::now();
    let done = loop {
        let line = w.finish(&shop, GOODS);
        if line["run_at"].is_null() || begun.elapsed() > Duration::from_secs(60) {
            break line;
        }
    };
    assert_eq!(done["last_result"], "ok", "{done}");
    assert_eq!(told(&shop), 1);
    let calm = w.shop();
    w.connect(&calm);
    w.import(&calm);
    assert_eq!(catalogue(&shop), catalogue(&calm));
    let count = w.fake.count(w.account);
    assert_eq!(count.refused_off, 0, "{count:?}");
}
