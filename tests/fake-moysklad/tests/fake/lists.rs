use fake_moysklad::{Shape, Shop};
use serde_json::{Value, json};

use crate::client::{all, world};

#[test]
fn pages_lead_through_everything_once() {
    let world = world(Shop::Generated(Shape::goods(230)));
    let mut ids = Vec::new();
    let mut path = "/entity/product?limit=50&order=id".to_owned();
    loop {
        let page = world.client.get(&path).json();
        ids.extend(
            all(page["rows"].as_array().unwrap(), "id")
                .into_iter()
                .map(str::to_owned),
        );
        assert_eq!(page["meta"]["limit"], 50);
        match page["meta"]["nextHref"].as_str() {
            Some(next) => path = next.split_once("/api/remap/1.2").unwrap().1.to_owned(),
            None => break,
        }
    }
    // Archived ones are hidden.
    let known = world.fake.objects(world.account, "product");
    let open: Vec<&Value> = known
        .iter()
        .filter(|one| one["archived"] == false)
        .collect();
    assert!(open.len() < known.len());
    assert_eq!(ids.len(), open.len());
    let sorted = ids.windows(2).all(|pair| pair[0] < pair[1]);
    assert!(sorted, "in order, and none twice");
}

#[test]
fn expansion_works_up_to_a_hundred_rows_only() {
    let world = world(Shop::Small);
    let folder = |path: &str| world.client.rows(path)[0]["productFolder"].clone();
    assert!(folder("/entity/product?limit=100&expand=productFolder")["name"].is_string());
    for path in [
        "/entity/product?expand=productFolder",
        "/entity/product?limit=101&expand=productFolder",
    ] {
        assert!(folder(path)["name"].is_null(), "{path}");
        assert!(folder(path)["meta"]["href"].is_string());
    }
    let variant = &world
        .client
        .rows("/entity/variant?limit=10&expand=product.productFolder")[0];
    assert_eq!(variant["product"]["productFolder"]["name"], "Для дома");
    let bundle = &world
        .client
        .rows("/entity/bundle?limit=10&expand=components.assortment")[0];
    assert_eq!(
        bundle["components"]["rows"][0]["assortment"]["name"],
        "Кофе в зёрнах, 1 кг"
    );
}

#[test]
fn filters_do_what_their_operators_say() {
    let world = world(Shop::Small);
    let names = |filter: &str| {
        let rows = world
            .client
            .rows(&format!("/entity/product?order=name&filter={filter}"));
        rows.iter()
            .map(|row| row["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names("externalCode=coffee"), ["Кофе в зёрнах, 1 кг"]);
    assert_eq!(
        names("code=00001;code=00003"),
        ["Сыр «Российский»", "Хлеб бородинский"]
    );
    assert_eq!(
        names("code!=00000;code!=00001;name~СЫР"),
        Vec::<String>::new()
    );
    assert_eq!(names("name~ш"), ["Шоколад горький, 90 г"]);
    assert_eq!(names("name~=сыр"), ["Сыр «Российский»"]);
    assert_eq!(names("name=~90 г"), ["Шоколад горький, 90 г"]);
    assert_eq!(names("archived=true"), ["Кружка"]);
    assert_eq!(names("archived=true;archived=false").len(), 7);
    assert_eq!(names("").len(), 6);
    assert_eq!(names("barcode=2000000010052"), ["Футболка"]);
    assert_eq!(names("description=").len(), 6);
    assert_eq!(names("article!=").len(), 6);
    let mug = world.fake.id(world.account, "product", 6);
    assert_eq!(
        names(&format!("id={mug}")),
        ["Кружка"],
        "archived, but named by its id"
    );
}

#[test]
fn what_cannot_be_filtered_is_refused() {
    let world = world(Shop::Small);
    for filter in [
        "productFolder=x",
        "name>x",
        "foo=1",
        "updated=yesterday",
        "archived=1",
        "updated>=2026-01-01 00:00:00;updated=2026-01-01 00:00:00",
        "supplier=https://elsewhere.example/api/remap/1.2/entity/counterparty/1",
    ] {
        let answer = world
            .client
            .get(&format!("/entity/product?filter={filter}"));
        assert!(
            matches!(answer.status, 400 | 412),
            "{filter}: {}",
            answer.status
        );
        assert!(answer.code().is_some());
    }
    assert_eq!(world.client.get("/entity/product?order=foo").status, 412);
}

#[test]
fn changes_are_found_by_their_moment() {
    let world = world(Shop::Generated(Shape::goods(100)));
    let id = world.fake.id(world.account, "product", 3);
    world
        .fake
        .update(world.account, "product", id, json!({ "name": "Новое имя" }))
        .unwrap();
    let changed = world.fake.object(world.account, "product", id).unwrap();
    let updated = changed["updated"].as_str().unwrap();
    let path = format!("/entity/product?filter=updated>={updated}&order=updated");
    assert_eq!(all(&world.client.rows(&path), "name"), ["Новое имя"]);
    let path = format!("/entity/product?filter=updated>{updated}");
    assert!(world.client.rows(&path).is_empty());
}

#[test]
fn counterparties_are_found_by_what_was_typed_not_by_digits() {
    let world = world(Shop::Small);
    let names = |query: &str| {
        let rows = world.client.rows(&format!("/entity/counterparty?{query}"));
        rows.iter()
            .map(|row| row["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names("filter=phone~000-00-01"), ["Мария Иванова"]);
    assert_eq!(names("search=100002"), ["Пётр Петров"]);
    assert_eq!(names("search=9030000001"), Vec::<String>::new());
    assert_eq!(names("search=9030000003"), ["Анна Ли"]);
    assert_eq!(names("filter=tags=покупатели").len(), 3);
}

#[test]
fn a_change_between_two_pages_moves_the_rows_of_an_unordered_list() {
    let world = world(Shop::Generated(Shape::goods(120)));
    let (account, first) = (world.account, world.fake.id(world.account, "product", 0));
    world
        .fake
        .after_answer(account, "/entity/product", 1, move |fake| {
            fake.update(account, "product", first, json!({ "name": "Изменён" }))
                .unwrap();
        });
    let one = world.client.rows("/entity/product?limit=50");
    let two = world.client.rows("/entity/product?limit=50&offset=50");
    let mut ids = all(&one, "id");
    ids.extend(all(&two, "id"));
    // The first row went to the end: the one that was on the border is on neither page.
    assert!(all(&one, "name").iter().all(|name| *name != "Изменён"));
    assert!(all(&two, "name").contains(&"Изменён"));
    ids.sort_unstable();
    let before = ids.len();
    ids.dedup();
    let open = world.client.get("/entity/product?limit=1").json()["meta"]["size"]
        .as_u64()
        .unwrap();
    assert_eq!(before as u64, open);
    assert_eq!(ids.len() as u64, open - 1);
}

#[test]
fn the_assortment_joins_four_kinds_with_stock_or_without() {
    let world = world(Shop::Small);
    let rows = world.client.rows("/entity/assortment");
    let kinds: Vec<&str> = rows
        .iter()
        .map(|row| row["meta"]["type"].as_str().unwrap())
        .collect();
    for kind in ["product", "service", "bundle", "variant"] {
        assert!(kinds.contains(&kind));
    }
    assert!(rows.iter().any(|row| row["stock"] == 7.355));
    let rows = world
        .client
        .rows("/entity/assortment?filter=type=service;type=bundle");
    assert_eq!(rows.len(), 2);
    let food = world.fake.reference(
        "productfolder",
        world.fake.id(world.account, "productfolder", 0),
    );
    let href = food["meta"]["href"].as_str().unwrap();
    // With the coffee, which lies one folder deeper.
    let rows = world
        .client
        .rows(&format!("/entity/assortment?filter=productFolder={href}"));
    assert!(all(&rows, "name").contains(&"Кофе в зёрнах, 1 кг"));
    let path = format!("/entity/assortment?filter=productFolder={href};withSubFolders=false");
    assert!(!all(&world.client.rows(&path), "name").contains(&"Кофе в зёрнах, 1 кг"));
}

#[test]
fn a_page_that_was_made_ready_is_the_page_and_shows_changes() {
    let world = world(Shop::Generated(Shape::goods(150)));
    let path = "/entity/product?limit=40&order=id&offset=40";
    let cold = world.client.get(path).json();
    let again = world
        .client
        .get("/entity/product?offset=40&order=id&limit=40")
        .json();
    assert_eq!(cold["rows"], again["rows"]);
    let id = cold["rows"][0]["id"].as_str().unwrap().parse().unwrap();
    world
        .fake
        .update(world.account, "product", id, json!({ "name": "Другой" }))
        .unwrap();
    world
        .fake
        .warm(world.account, "entity/product", "limit=40&order=id", 40);
    assert_eq!(world.client.get(path).json()["rows"][0]["name"], "Другой");
    let paths = world.fake.requests_by_path(world.account);
    assert_eq!(paths.get("GET /api/remap/1.2/entity/product"), Some(&3));
}
