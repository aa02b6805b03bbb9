use fake_insales::{Goods, Rights, Tariff};
use serde_json::json;

use crate::client::{Client, SHOP, world};

#[test]
fn without_the_right_key_there_is_401_and_nothing_is_counted() {
    let world = world(Goods::Small);
    for (key, password) in [
        (world.key.id.as_str(), "wrong"),
        ("wrong", world.key.password.as_str()),
    ] {
        let answer = Client::new(&world.fake, SHOP, key, password).get("/account.json");
        assert_eq!(answer.status, 401);
        assert!(
            answer.header("www-authenticate").is_some()
                && answer.header("api-usage-limit").is_none()
        );
    }
    let url = format!("{}/{SHOP}/admin/account.json", world.fake.origin());
    assert_eq!(
        world.client.raw("GET", &url, &[], None).unwrap().status,
        401
    );
    assert_eq!(world.fake.count(SHOP).granted, 0);
    world.fake.set_password(SHOP, &world.key.id, "another");
    assert_eq!(world.client.get("/account.json").status, 401);
    let client = Client::new(&world.fake, SHOP, &world.key.id, "another");
    assert_eq!(client.get("/account.json").status, 200);
    world.fake.remove_key(SHOP, &world.key.id);
    assert_eq!(client.get("/account.json").status, 401);
}

#[test]
fn each_missing_right_is_a_403_of_its_own() {
    let world = world(Goods::Small);
    let statuses = |rights: Rights| {
        world.fake.set_rights(SHOP, &world.key.id, rights);
        ["/orders", "/clients", "/products", "/account"]
            .map(|path| world.client.get(&format!("{path}.json?per_page=10")).status)
    };
    let all = Rights::default();
    assert_eq!(statuses(all), [200, 200, 200, 200]);
    assert_eq!(
        statuses(Rights {
            orders: false,
            ..all
        }),
        [403, 200, 200, 200]
    );
    assert_eq!(
        statuses(Rights {
            clients: false,
            ..all
        }),
        [200, 403, 200, 200]
    );
    assert_eq!(
        statuses(Rights {
            products: false,
            ..all
        }),
        [200, 200, 403, 200]
    );
    assert_eq!(
        statuses(Rights {
            settings: false,
            ..all
        }),
        [200, 200, 200, 403]
    );
    world.fake.set_rights(
        SHOP,
        &world.key.id,
        Rights {
            edit_orders: false,
            ..all
        },
    );
    let order = world.order(world.variant("Футболка")["id"].as_u64().unwrap(), 1);
    assert_eq!(world.client.post("/orders.json", &order).status, 403);
    world.fake.set_rights(
        SHOP,
        &world.key.id,
        Rights {
            cost_prices: false,
            extra_prices: false,
            ..all
        },
    );
    let product = &world.client.rows("/products.json")[0];
    let variant = product["variants"][0].as_object().unwrap();
    for hidden in ["cost_price", "price2", "prices"] {
        assert!(!variant.contains_key(hidden), "{hidden}");
    }
    assert_eq!(variant["price"], "450.0");
}

#[test]
fn the_tariff_shuts_everything() {
    let world = world(Goods::Small);
    for (tariff, status) in [
        (Tariff::NoApi, 403),
        (Tariff::Blocked, 423),
        (Tariff::Full, 200),
    ] {
        world.fake.set_tariff(SHOP, tariff);
        assert_eq!(world.client.get("/account.json").status, status);
    }
}

#[test]
fn a_body_must_say_that_it_is_json() {
    let world = world(Goods::Small);
    let url = format!("{}/{SHOP}/admin/orders.json", world.fake.origin());
    let order = world
        .order(world.variant("Футболка")["id"].as_u64().unwrap(), 1)
        .to_string();
    let pair = format!("{}:{}", world.key.id, world.key.password);
    let pair = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, pair);
    let authorization = format!("Basic {pair}");
    let send = |kind: Option<&str>, body: &str| {
        let mut headers = vec![("authorization", authorization.as_str())];
        headers.extend(kind.map(|kind| ("content-type", kind)));
        world
            .client
            .raw("POST", &url, &headers, Some(body))
            .unwrap()
            .status
    };
    assert_eq!(send(Some("text/plain"), &order), 415);
    assert_eq!(send(Some("application/xml"), &order), 415);
    assert_eq!(send(Some("application/json"), "{"), 400);
    assert_eq!(send(Some("application/json"), "{}"), 400);
    assert_eq!(world.fake.things(SHOP, "orders").len(), 0);
    assert_eq!(send(Some("application/json; charset=utf-8"), &order), 201);
}

#[test]
fn a_shop_has_a_domain_of_its_own_and_strangers_have_none() {
    let world = world(Goods::Small);
    world.fake.set_own_domain(SHOP, Some("kofe.example"));
    assert_eq!(
        world.client.get("/account.json").json()["main_host"],
        "kofe.example"
    );
    let own = Client::new(
        &world.fake,
        "kofe.example",
        &world.key.id,
        &world.key.password,
    );
    assert_eq!(
        own.get("/products.json").json().as_array().unwrap().len(),
        5
    );
    let none = Client::new(
        &world.fake,
        "nobody.myinsales.ru",
        &world.key.id,
        &world.key.password,
    );
    assert_eq!(none.get("/account.json").status, 404);
    // What is asked at one shop is not asked at another.
    let other = world.fake.add_shop("chai.myinsales.ru", Goods::None);
    let theirs = Client::new(&world.fake, "chai.myinsales.ru", &other.id, &other.password);
    assert_eq!(theirs.get("/products.json").json(), json!([]));
    assert_eq!(
        Client::new(&world.fake, SHOP, &other.id, &other.password)
            .get("/account.json")
            .status,
        401
    );
    assert_eq!(world.client.get("/products").status, 404);
}
