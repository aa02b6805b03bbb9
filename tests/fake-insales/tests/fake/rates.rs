use std::time::{Duration, Instant};

use fake_insales::{Goods, Limit, Rights};

use crate::client::{Client, SHOP, world};

fn limit(requests: u32, window_ms: i64, status: u16) -> Limit {
    Limit {
        requests,
        window_ms,
        status,
    }
}

#[test]
fn every_answer_says_how_much_is_used_and_the_limit_holds_until_the_window_ends() {
    let world = world(Goods::Small);
    assert_eq!(
        world.client.get("/account.json").header("api-usage-limit"),
        Some("1/500")
    );
    for status in [503, 429] {
        // The next request begins a window, whatever was before.
        world.fake.set_limit(SHOP, limit(3, 0, status));
        world.client.get("/account.json");
        world.fake.set_limit(SHOP, limit(3, 2500, status));
        std::thread::sleep(Duration::from_millis(2600));
        let began = Instant::now();
        let asked = |path| {
            let answer = world.client.get(path);
            (
                answer.status,
                answer.header("api-usage-limit").unwrap().to_owned(),
            )
        };
        assert_eq!(asked("/account.json"), (200, "1/3".into()));
        assert_eq!(asked("/nothing.json"), (404, "2/3".into()));
        assert_eq!(asked("/orders.json?per_page=1"), (422, "3/3".into()));
        let refused = world.client.get("/account.json");
        assert_eq!(
            (refused.status, refused.header("api-usage-limit")),
            (status, Some("4/3"))
        );
        let seconds: u64 = refused.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=3).contains(&seconds), "{seconds}");
        std::thread::sleep(Duration::from_millis(2600).saturating_sub(began.elapsed()));
        assert_eq!(asked("/account.json"), (200, "1/3".into()));
    }
    let count = world.fake.count(SHOP);
    assert_eq!((count.refused, count.exceeded, count.most), (2, 2, 4));
}

#[test]
fn keys_have_windows_of_their_own_and_somebody_else_may_use_one_up() {
    let world = world(Goods::Small);
    let other = world.fake.add_key(SHOP, Rights::default()).unwrap();
    let client = Client::new(&world.fake, SHOP, &other.id, &other.password);
    world.fake.spend(SHOP, &world.key.id, 500);
    assert_eq!(world.client.get("/account.json").status, 503);
    assert_eq!(
        client.get("/account.json").header("api-usage-limit"),
        Some("1/500")
    );
    let count = world.fake.count(SHOP);
    assert_eq!((count.granted, count.refused, count.exceeded), (1, 1, 1));
}

#[test]
fn requests_are_counted_by_method_and_path() {
    let world = world(Goods::Small);
    let id = world.product("Футболка")["id"].clone();
    world.client.get("/products.json?per_page=10");
    world.client.get(&format!("/products/{id}.json"));
    world.client.get(&format!("/products/{id}/variants.json"));
    world.client.get("/products.json?page=2");
    let paths = world.fake.requests_by_path(SHOP);
    assert_eq!(paths["GET /admin/products.json"], 2);
    assert_eq!(paths["GET /admin/products/{id}.json"], 1);
    assert_eq!(paths["GET /admin/products/{id}/variants.json"], 1);
    world.fake.reset_counts(SHOP);
    assert!(world.fake.requests_by_path(SHOP).is_empty());
    assert_eq!(world.fake.count(SHOP).granted, 0);
}
