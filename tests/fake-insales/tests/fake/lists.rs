use std::collections::BTreeSet;
use std::time::Duration;

use fake_insales::{Goods, Shape};
use serde_json::{Value, json};

use crate::client::{Client, SHOP, World, escaped, ids, world};

/// Walks the list of changes as the vendor wants it: the first page always.
fn walk(client: &Client, list: &str, more: &str, rows: usize) -> Vec<Value> {
    let (mut at, mut id, mut all) = ("1970-01-01 00:00:00 +00:00".to_owned(), 0, Vec::new());
    loop {
        let since = escaped(&at);
        let path = format!("/{list}.json?updated_since={since}&from_id={id}&per_page={rows}{more}");
        let page = client.rows(&path);
        let Some(last) = page.last() else { return all };
        assert!(page.len() <= rows);
        (at, id) = (
            last["updated_at"].as_str().unwrap().to_owned(),
            last["id"].as_u64().unwrap(),
        );
        all.extend(page);
    }
}

fn generated(products: u32) -> World {
    world(Goods::Generated(Shape::products(products)))
}

#[test]
fn a_walk_by_changes_sees_everything_once_in_order() {
    let world = generated(1500);
    let all = walk(&world.client, "products", "&with_deleted=1", 250);
    let key = |row: &Value| {
        (
            row["updated_at"].as_str().unwrap().to_owned(),
            row["id"].as_u64().unwrap(),
        )
    };
    assert!(all.is_sorted_by_key(key));
    let seen: BTreeSet<u64> = ids(&all).into_iter().collect();
    assert_eq!((all.len(), seen.len()), (1500, 1500));
    let archived = all.iter().filter(|row| row["archived"] == true).count();
    assert_eq!(archived, 50);
    // Without the trash, and the trash alone.
    assert_eq!(walk(&world.client, "products", "", 100).len(), 1450);
    assert_eq!(walk(&world.client, "products", "&deleted=1", 10).len(), 50);
    assert_eq!(
        walk(&world.client, "products", "&deleted=1&with_deleted=1", 250).len(),
        1500
    );
    assert_eq!(
        world.client.get("/products/count.json").json(),
        json!({ "count": 1450 })
    );
    let count = world.client.get("/products/count.json?with_deleted=1");
    assert_eq!(count.json(), json!({ "count": 1500 }));
}

#[test]
fn what_changes_or_comes_between_two_pages_is_seen_again() {
    let world = generated(300);
    let early = world.fake.id(SHOP, "products", 0);
    world
        .fake
        .after_answer(SHOP, "/products.json", 2, move |fake| {
            fake.change(SHOP, "products", early, &json!({ "title": "Другой" }))
                .unwrap();
            fake.insert(SHOP, "products", &json!({ "title": "Новый" }))
                .unwrap();
            fake.delete(SHOP, "products", early + 1).unwrap();
        });
    let all = walk(&world.client, "products", "&with_deleted=1", 100);
    let titles: Vec<&str> = all
        .iter()
        .map(|row| row["title"].as_str().unwrap())
        .collect();
    assert!(titles.contains(&"Другой") && titles.contains(&"Новый"));
    let deleted = all.iter().rfind(|row| row["id"] == early + 1).unwrap();
    assert_eq!(deleted["archived"], true);
}

#[test]
fn from_id_by_itself_is_ignored() {
    let world = generated(60);
    let first = world.client.rows("/products.json?per_page=10");
    let last = ids(&first)[9];
    assert_eq!(
        world
            .client
            .rows(&format!("/products.json?per_page=10&from_id={last}")),
        first
    );
    // With a moment it skips that moment's rows up to the id, and only these.
    let row = &world
        .client
        .rows("/products.json?updated_since=2026-06-30&per_page=10")[3];
    let since = escaped(row["updated_at"].as_str().unwrap());
    let id = row["id"].as_u64().unwrap();
    let path = format!("/products.json?updated_since={since}&from_id={id}&per_page=250");
    let behind = world.client.rows(&path);
    assert!(!ids(&behind).contains(&id));
    assert!(
        behind
            .iter()
            .all(|one| one["updated_at"] != row["updated_at"] || one["id"].as_u64() > Some(id))
    );
    let later = format!(
        "/products.json?updated_since={}&from_id={}",
        escaped("2026-07-01 00:00:00 +03:00"),
        u64::MAX
    );
    let later = world.client.rows(&later);
    assert!(
        later
            .iter()
            .all(|one| one["updated_at"] != "2026-07-01T00:00:00.000+03:00")
    );
}

#[test]
fn a_moment_has_a_zone_or_is_utc_and_must_be_escaped() {
    let world = world(Goods::None);
    let id = world
        .fake
        .insert(SHOP, "products", &json!({ "title": "Пирог" }))
        .unwrap();
    let at = world.fake.thing(SHOP, "products", id).unwrap()["updated_at"].clone();
    let at = at.as_str().unwrap();
    let found = |since: &str| {
        world
            .client
            .rows(&format!("/products.json?updated_since={since}"))
            .len()
    };
    assert_eq!(found(&escaped(at)), 1);
    // The same digits are another moment without the zone.
    let bare = at.replace("T", " ").replace("+03:00", "");
    assert_eq!(found(&escaped(&bare)), 0);
    let refused = world
        .client
        .get(&format!("/products.json?updated_since={at}"));
    assert_eq!(refused.status, 400, "a plus that is not escaped is a blank");
    world.fake.advance(Duration::from_secs(5));
    world
        .fake
        .change(SHOP, "products", id, &json!({ "is_hidden": true }))
        .unwrap();
    let now = world.fake.thing(SHOP, "products", id).unwrap();
    assert!(now["updated_at"].as_str() > Some(at) && now["is_hidden"] == true);
}

#[test]
fn a_page_has_ten_to_two_hundred_and_fifty_rows_and_is_a_bare_array() {
    let world = generated(300);
    for bad in [0, 9, 251, 1000] {
        let answer = world.client.get(&format!("/products.json?per_page={bad}"));
        assert_eq!(
            (answer.status, answer.wrong()),
            (422, vec!["per_page".to_owned()])
        );
    }
    assert_eq!(world.client.get("/products.json?page=0").status, 422);
    assert_eq!(world.client.rows("/products.json").len(), 25);
    let first = world.client.rows("/products.json?per_page=250&page=1");
    let second = world.client.rows("/products.json?per_page=250&page=2");
    assert_eq!((first.len(), second.len()), (250, 40));
    assert!(ids(&first)[249] < ids(&second)[0]);
    assert!(
        world
            .client
            .rows("/products.json?per_page=250&page=3")
            .is_empty()
    );
    // By pages a row is lost when one before it is deleted.
    let gone = ids(&first)[0];
    world.fake.delete(SHOP, "products", gone).unwrap();
    let shifted = world.client.rows("/products.json?per_page=250&page=2");
    assert_eq!(ids(&shifted)[0], ids(&second)[1]);
}

#[test]
fn products_are_found_by_category_and_collection() {
    let world = generated(400);
    let all = world.client.rows("/products.json?per_page=250");
    let product = &all[1];
    let category = &product["category_id"];
    let found = world.client.rows(&format!(
        "/products.json?category_id={category}&per_page=250"
    ));
    assert!(!found.is_empty() && found.iter().all(|one| &one["category_id"] == category));
    let collection = &product["collections_ids"][0];
    let found = world.client.rows(&format!(
        "/products.json?collection_id={collection}&per_page=250"
    ));
    let within = |one: &Value| {
        one["collections_ids"]
            .as_array()
            .unwrap()
            .contains(collection)
    };
    assert!(!found.is_empty() && found.iter().all(within));
    let id = &product["id"];
    let collects = world
        .client
        .rows(&format!("/collects.json?product_id={id}"));
    let pairs: Vec<&Value> = collects.iter().map(|one| &one["collection_id"]).collect();
    assert_eq!(json!(pairs), product["collections_ids"]);
}

#[test]
fn twenty_thousand_products_are_there_at_once() {
    let world = generated(20_000);
    let began = std::time::Instant::now();
    let all = walk(&world.client, "products", "&with_deleted=1", 250);
    assert_eq!(all.len(), 20_000);
    // A page is written in a few hundredths of a second even where nothing is optimised.
    assert!(
        began.elapsed() < Duration::from_secs(60),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(world.fake.count(SHOP).granted, 81);
}
