use std::time::{Duration, Instant};

use base64::Engine as _;
use fake_moysklad::{Options, Shop};
use serde_json::json;

use crate::client::{ACCEPT, Client, GZIP, with, world};

const PRODUCTS: &str = "/api/remap/1.2/entity/product";

fn basic(login: &str, password: &str) -> String {
    let packed = base64::engine::general_purpose::STANDARD.encode(format!("{login}:{password}"));
    format!("Basic {packed}")
}

#[test]
fn without_gzip_there_is_415_and_no_body() {
    let world = world(Shop::Small);
    let authorization = ("authorization", world.client.authorization.as_str());
    let answer = world
        .client
        .raw("GET", PRODUCTS, &[ACCEPT, authorization], None)
        .unwrap();
    assert_eq!((answer.status, answer.bytes.len()), (415, 0));
    let answer = world
        .client
        .raw("GET", PRODUCTS, &[ACCEPT, authorization, GZIP], None)
        .unwrap();
    assert_eq!(
        (answer.status, answer.header("content-encoding")),
        (200, Some("gzip"))
    );
}

#[test]
fn any_other_accept_is_refused_with_1062() {
    let world = world(Shop::Small);
    let authorization = ("authorization", world.client.authorization.as_str());
    for accept in ["application/json", "*/*", ""] {
        let headers = [("accept", accept), authorization, GZIP];
        let answer = world.client.raw("GET", PRODUCTS, &headers, None).unwrap();
        assert_eq!(
            (answer.status, answer.code()),
            (400, Some(1062)),
            "{accept}"
        );
    }
}

#[test]
fn who_is_not_known_gets_401_in_the_vendors_shape() {
    let world = world(Shop::Small);
    for authorization in [
        "Bearer nobody",
        &basic("admin@kofe", "wrong"),
        &basic("admin", "password"),
        "nonsense",
    ] {
        let headers = [ACCEPT, GZIP, ("authorization", authorization)];
        let answer = world.client.raw("GET", PRODUCTS, &headers, None).unwrap();
        assert_eq!(
            (answer.status, answer.code()),
            (401, Some(1056)),
            "{authorization}"
        );
        assert!(answer.header("x-lognex-auth").is_some());
    }
    let headers = [
        ACCEPT,
        GZIP,
        ("authorization", &basic("admin@kofe", "password")),
    ];
    assert_eq!(
        world
            .client
            .raw("GET", PRODUCTS, &headers, None)
            .unwrap()
            .status,
        200
    );
}

#[test]
fn a_new_token_ends_the_earlier_ones() {
    let world = world(Shop::Small);
    let login = basic("admin@kofe", "password");
    let headers = [ACCEPT, GZIP, ("authorization", login.as_str())];
    let answer = world
        .client
        .raw("POST", "/api/remap/1.2/security/token", &headers, None)
        .unwrap();
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(world.client.get("/context/employee").status, 401);
    let client = Client::new(world.fake.api(), &token);
    assert_eq!(client.get("/context/employee").json()["uid"], "admin@kofe");
    assert_eq!(client.get("/context/application").code(), Some(55005));
}

#[test]
fn units_run_out_and_come_back_and_are_counted() {
    let mut options = Options::default();
    options.limits.user_weight = Some(4);
    let world = with(options, Shop::Small);
    // A user's request weighs 4: eleven of them fill 45.
    for left in (1..=11).rev() {
        let answer = world.client.get("/context/employee");
        assert_eq!(answer.status, 200);
        let remaining = (left * 4 - 3).to_string();
        assert_eq!(
            answer.header("x-ratelimit-remaining"),
            Some(remaining.as_str())
        );
        assert_eq!(answer.header("x-ratelimit-limit"), Some("45"));
    }
    let refused = world.client.get("/context/employee");
    assert_eq!((refused.status, refused.code()), (429, Some(1049)));
    assert_eq!(refused.header("x-lognex-auth"), Some("429002"));
    let wait: u64 = refused
        .header("x-lognex-retry-after")
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=3000).contains(&wait));
    std::thread::sleep(Duration::from_millis(wait + 5));
    assert_eq!(world.client.get("/context/employee").status, 200);
    let count = world.fake.count(world.account);
    assert_eq!((count.granted, count.refused_rate), (12, 1));
    assert!(count.max_units_in_window <= 45);
    world.fake.reset_counts(world.account);
    assert_eq!(
        (
            world.fake.count(world.account).granted,
            world.fake.requests(world.account).len()
        ),
        (0, 0)
    );
}

#[test]
fn stock_reports_weigh_five() {
    let world = world(Shop::Small);
    world.client.get("/report/stock/all");
    world.client.get("/report/stock/all/current");
    let units: Vec<u32> = world
        .fake
        .requests(world.account)
        .iter()
        .map(|seen| seen.units)
        .collect();
    assert_eq!(units[0], 5);
    assert!(units[1] < 5);
}

#[test]
fn a_sixth_request_at_once_is_refused_without_a_time() {
    let mut options = Options {
        latency_ms: 300,
        ..Options::default()
    };
    options.limits.units = 1000;
    let world = with(options, Shop::Small);
    let began = Instant::now();
    let answers: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..6)
            .map(|_| scope.spawn(|| world.client.get("/context/employee")))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert!(began.elapsed() >= Duration::from_millis(300));
    let refused: Vec<_> = answers
        .iter()
        .filter(|answer| answer.status == 429)
        .collect();
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].code(), Some(1073));
    assert_eq!(refused[0].header("x-lognex-auth"), Some("429005"));
    assert_eq!(refused[0].header("x-lognex-retry-after"), None);
    let count = world.fake.count(world.account);
    assert_eq!((count.max_parallel, count.refused_parallel), (5, 1));
}

#[test]
fn bodies_are_bounded_and_must_be_json() {
    let world = world(Shop::Empty);
    let many: Vec<_> = (0..1001)
        .map(|i| json!({ "name": format!("{i}") }))
        .collect();
    let answer = world.client.post("/entity/product", &json!(many));
    assert_eq!((answer.status, answer.code()), (413, Some(2007)));
    let mut deep = json!(1);
    for _ in 0..11 {
        deep = json!({ "a": deep });
    }
    assert_eq!(
        world.client.post("/entity/product", &deep).code(),
        Some(2006)
    );
    assert_eq!(
        world
            .client
            .get(&format!("/entity/product?search={}", "x".repeat(9000)))
            .status,
        414
    );
    assert_eq!(world.client.get("/entity/product2").code(), Some(1005));
}

#[test]
fn rate_headers_can_speak_of_requests() {
    let mut options = Options::default();
    (
        options.limits.user_weight,
        options.limits.headers_in_requests,
    ) = (Some(3), true);
    let world = with(options, Shop::Empty);
    let answer = world.client.get("/entity/store");
    assert_eq!(answer.header("x-ratelimit-limit"), Some("15"));
    assert_eq!(answer.header("x-ratelimit-remaining"), Some("14"));
}
