//! The import against a shop in memory, over a real database.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops at the first surprise"
)]

mod fake;
mod links;
mod world;

use fake::{answer, product};
use serde_json::{Value, json};
use sklad_insales::api::Error;
use sklad_insales::sync::{Ended, Kind};
use sklad_store::SqlError;
use world::{START, world};

#[test]
fn a_run_for_everything_brings_everything_and_the_next_one_changes_nothing() {
    let w = world(600);
    let text = w.run(Kind::Full);
    // Every tenth is a product and two variants.
    assert_eq!(w.live(), 600 + 120, "{text}");
    assert!(text.contains("новых 720"), "{text}");
    let one = "SELECT json_array(name, category, price, unit, kind, article, quantity, source, extra ->> 'insales:shop') \
         FROM goods WHERE external = 'insales:shop:301'";
    let expected = r#"["Товар 301","insales:shop:c2",30100,"шт","product","A3010",3000,"insales:shop","301#3010"]"#;
    assert_eq!(w.rows(one), [expected]);
    let variant = "SELECT json_array(category, name, price, parent = (SELECT id FROM goods WHERE external = 'insales:shop:300')) \
         FROM goods WHERE external = 'insales:shop:300#3001'";
    assert_eq!(
        w.rows(variant),
        [r#"["insales:shop:c1","Товар 300 (M)",30000,1]"#]
    );
    let prices = "SELECT json(prices) FROM goods WHERE external = 'insales:shop:1'";
    let both = r#"[["insales:shop:price",100,"RUB"],["insales:shop:price2",150,"RUB"]]"#;
    assert_eq!(w.rows(prices), [both]);
    let path = "SELECT path FROM categories WHERE id = 'insales:shop:c3'";
    assert_eq!(
        w.rows(path),
        [r#"["insales:shop:c3","insales:shop:c2","insales:shop:c1"]"#]
    );
    let names = w.rows("SELECT name FROM catalog_refs ORDER BY name");
    for name in [
        "Опт (InSales)",
        "Центр (InSales)",
        "Цена продажи (InSales)",
        "Состав",
    ] {
        assert!(
            names.iter().any(|known| known == name),
            "{name} of {names:?}"
        );
    }
    let before = w.state();
    let text = w.run(Kind::Full);
    assert!(
        !text.contains("новых") && !text.contains("изменено"),
        "{text}"
    );
    assert_eq!(w.state(), before);
    assert_eq!(w.count("SELECT count(*) FROM import_seen"), 0);
}

#[test]
fn of_a_shop_in_which_nothing_has_changed_three_things_are_asked() {
    let w = world(600);
    // The first run for changes brings everything.
    w.run(Kind::Changes);
    // 600 products are three pages and one that is empty.
    let products = w.fake.forget();
    let pages = products
        .iter()
        .filter(|path| path.starts_with("/admin/products.json"));
    assert_eq!(pages.count(), 4);
    for _ in 0..2 {
        w.run(Kind::Changes);
        let asked = w.fake.forget();
        assert_eq!(asked.len(), 3, "{asked:?}");
    }
    assert_eq!(
        w.count("SELECT count(*) FROM journal"),
        1,
        "no news is not told"
    );
    w.fake.change(17, |row| row["title"] = "Другой чай".into());
    let text = w.run(Kind::Changes);
    assert!(text.contains("изменено 1"), "{text}");
    assert_eq!(w.fake.forget().len(), 3);
}

#[test]
fn a_run_that_is_killed_anywhere_goes_on_and_ends_equal() {
    let whole = world(300);
    whole.run(Kind::Full);
    let expected = whole.state();
    for writes in (1..30).chain((30..90).step_by(7)) {
        let w = world(300);
        let cursor = w.killed_after(writes);
        let ended = w.run_from(Kind::Full, cursor);
        assert!(matches!(ended, Ended::Done { .. }), "{ended:?}");
        assert_eq!(w.state(), expected, "after {writes} writes");
        assert_eq!(w.count("SELECT count(*) FROM import_seen"), 0);
        w.fake.forget();
        w.run(Kind::Changes);
        assert_eq!(w.fake.forget().len(), 3);
    }
}

#[test]
fn nothing_is_lost_whatever_changes_between_two_pages() {
    let w = world(600);
    w.fake.when(|fake, path| {
        let pages = fake.asked.borrow().len();
        if path.starts_with("/admin/products.json") && pages < 12 {
            let pages = u64::try_from(pages).unwrap();
            fake.change(pages * 3, |row| {
                row["title"] = format!("Новое {pages}").into()
            });
            fake.lists.borrow_mut().get_mut("products").unwrap().push({
                let mut new = product(1_000 + pages);
                new["updated_at"] = fake.later().into();
                new
            });
            fake.destroy("products", |id| id == pages * 40);
        }
        None
    });
    w.run(Kind::Full);
    w.fake.forget();
    let lists = w.fake.lists.borrow();
    let titles: Vec<String> = (lists["products"].iter())
        .map(|row| row["title"].as_str().unwrap().to_owned())
        .collect();
    let mut titles = titles;
    titles.sort();
    let mut kept = w.rows("SELECT name FROM goods WHERE parent IS NULL AND archived = 0");
    kept.sort();
    kept.retain(|name| titles.contains(name));
    assert_eq!(kept, titles);
}

#[test]
fn a_shop_that_gives_fewer_rows_than_are_asked_for_is_read_to_its_end() {
    let w = world(600);
    w.fake.most.set(100);
    w.run(Kind::Full);
    assert_eq!(w.live(), 720);
    for id in 1..=150 {
        w.fake
            .change(id, |row| row["title"] = format!("Новое {id}").into());
    }
    w.run(Kind::Changes);
    let new = "SELECT count(*) FROM goods WHERE parent IS NULL AND name LIKE 'Новое%'";
    assert_eq!(w.count(new), 150);
}

#[test]
fn pages_that_are_too_large_or_take_too_long_become_smaller() {
    let w = world(60);
    w.fake
        .lists
        .borrow_mut()
        .get_mut("products")
        .unwrap()
        .iter_mut()
        .for_each(|row| {
            row["description"] = "я".repeat(20_000).into();
        });
    w.fake.when(|_, path| {
        let slow = path.starts_with("/admin/products.json") && path.ends_with("per_page=31");
        slow.then(|| answer(504, &json!({})))
    });
    w.run(Kind::Full);
    assert_eq!(w.live(), 72);
    assert!(
        w.fake
            .forget()
            .iter()
            .any(|path| path.ends_with("per_page=15"))
    );
}

#[test]
fn what_is_put_into_the_trash_is_archived_and_comes_back() {
    let w = world(40);
    w.run(Kind::Full);
    let live = w.live();
    w.fake.change(10, |row| row["archived"] = true.into());
    w.fake.change(11, |row| row["is_hidden"] = true.into());
    let text = w.run(Kind::Changes);
    assert!(text.contains("в архив 2"), "{text}");
    assert_eq!(w.live(), live - 4, "with its two variants");
    w.fake.change(10, |row| row["archived"] = false.into());
    w.fake.change(11, |row| row["is_hidden"] = false.into());
    w.run(Kind::Changes);
    assert_eq!(w.live(), live);
}

#[test]
fn what_is_destroyed_is_archived_by_the_run_for_everything_unless_it_is_too_much() {
    let w = world(100);
    w.run(Kind::Full);
    let live = w.live();
    w.fake.destroy("products", |id| id <= 10);
    w.fake.destroy("collections", |id| id == 3);
    w.run(Kind::Changes);
    assert_eq!(w.live(), live, "nobody has told");
    let text = w.run(Kind::Full);
    assert_eq!(w.live(), live - 12, "{text}");
    let gone = "SELECT archived FROM categories WHERE id = 'insales:shop:c3'";
    assert_eq!(w.count(gone), 2);
    w.fake.destroy("products", |id| id <= 60);
    let text = w.run(Kind::Full);
    assert_eq!(w.live(), live - 12, "{text}");
    assert!(w.told("больше 20 %"));
    // Also where the list is shorter than the shop says.
    let w = world(100);
    w.run(Kind::Full);
    w.fake.destroy("products", |id| id <= 10);
    w.fake.when(|_, path| {
        let count = path.starts_with("/admin/products/count");
        count.then(|| answer(200, &json!({"count": 100})))
    });
    w.run(Kind::Full);
    assert_eq!(w.live(), live);
    assert!(w.told("90 товаров из 100"));
}

#[test]
fn what_lies_in_the_trash_does_not_make_up_for_what_the_list_lacks() {
    let w = world(300);
    for id in 1..=10 {
        w.fake.change(id, |row| row["archived"] = true.into());
    }
    w.run(Kind::Full);
    let live = w.live();
    w.fake.destroy("products", |id| (20..29).contains(&id));
    w.fake.when(|_, path| {
        let count = path.starts_with("/admin/products/count");
        count.then(|| answer(200, &json!({"count": 290})))
    });
    w.run(Kind::Full);
    assert_eq!(w.live(), live);
    assert!(w.told("InSales отдал 281 товаров из 290"));
    // A product that went into the trash behind the count is none that is lacking.
    w.fake.forget();
    w.fake.when(|fake, path| {
        if path.starts_with("/admin/collections.json") && fake.asked.borrow().len() < 9 {
            fake.change(50, |row| row["archived"] = true.into());
        }
        None
    });
    let text = w.run(Kind::Full);
    assert!(text.contains("в архив"), "{text}");
    assert!(w.live() < live - 9);
}

#[test]
fn variants_come_and_go_and_a_product_may_become_one_good_and_several() {
    let w = world(20);
    w.run(Kind::Full);
    let of = "SELECT external || ' ' || archived FROM goods WHERE external LIKE 'insales:shop:10%' ORDER BY external";
    assert_eq!(
        w.rows(of),
        [
            "insales:shop:10 0",
            "insales:shop:10#100 0",
            "insales:shop:10#101 0"
        ]
    );
    w.fake.change(10, |row| {
        drop(row["variants"].as_array_mut().unwrap().pop())
    });
    w.run(Kind::Changes);
    assert_eq!(
        w.rows(of),
        [
            "insales:shop:10 0",
            "insales:shop:10#100 0",
            "insales:shop:10#101 2"
        ]
    );
    w.fake
        .change(10, |row| row["variants"][0]["title"] = Value::Null);
    w.run(Kind::Changes);
    assert_eq!(
        w.rows(of),
        [
            "insales:shop:10 0",
            "insales:shop:10#100 2",
            "insales:shop:10#101 2"
        ]
    );
    let kept = "SELECT json_array(price, quantity, article, extra ->> 'insales:shop') FROM goods \
         WHERE external = 'insales:shop:10'";
    assert_eq!(w.rows(kept), [r#"[1000,3000,"A100","10#100"]"#]);
    w.fake
        .change(10, |row| row["variants"] = product(10)["variants"].clone());
    w.run(Kind::Changes);
    assert_eq!(
        w.rows(of),
        [
            "insales:shop:10 0",
            "insales:shop:10#100 0",
            "insales:shop:10#101 0"
        ]
    );
    assert_eq!(w.rows(kept), ["[null,null,null,null]"]);
}

#[test]
fn a_product_with_very_many_variants_comes_in_several_batches() {
    let w = world(3);
    w.fake.change(2, |row| {
        let one = row["variants"][0].clone();
        let all = (0..400).map(|n| {
            let mut variant = one.clone();
            variant["id"] = (10_000 + n).into();
            variant["title"] = n.to_string().into();
            variant
        });
        row["variants"] = all.collect::<Vec<_>>().into();
    });
    for writes in 0..12 {
        let cursor = w.killed_after(writes);
        w.run_from(Kind::Full, cursor);
        assert_eq!(w.live(), 403, "after {writes} writes");
    }
}

#[test]
fn pictures_come_once_and_only_from_the_shops_servers() {
    let mut w = world(12);
    w.settings.images = true;
    w.fake.change(3, |row| {
        row["images"][0]["original_url"] = "https://evil.ru/3.png".into()
    });
    w.fake
        .when(|_, path| (path == "/4.png").then(|| answer(404, &json!({}))));
    w.run(Kind::Full);
    assert_eq!(w.count("SELECT count(*) FROM pictures"), 10);
    assert!(w.told("Изображение товара «Товар 3» не загружено: адрес не на сервере InSales"));
    let told = "SELECT object FROM journal WHERE text = 'Изображение товара «Товар 4» не загружено: код 404'";
    assert_eq!(w.rows(told), ["insales:shop:4"]);
    assert!(w.fake.forget().iter().all(|path| !path.contains("/3.png")));
    w.run(Kind::Changes);
    assert_eq!(w.fake.forget().len(), 3);
    w.run(Kind::Full);
    let files = w.fake.forget();
    let files = files.iter().filter(|path| path.ends_with(".png"));
    assert_eq!(files.count(), 1, "what is missing is asked for again");
}

#[test]
fn who_is_not_let_in_or_told_to_wait_keeps_what_was_saved() {
    let w = world(300);
    w.fake.when(|_, path| {
        let second = path.starts_with("/admin/products.json") && !path.contains("1970");
        second.then(|| answer(401, &json!({})))
    });
    let step = w.step(&w.sql, Kind::Full, None).unwrap();
    assert_eq!(step.ended, Ended::Failed(Error::NotAuthorised));
    assert_eq!(step.progress.done, 250);
    assert_eq!(step.progress.total, Some(300));
    w.fake.when(|_, _| {
        let mut answer = answer(503, &json!({}));
        answer
            .headers_mut()
            .insert("retry-after", "77".parse().unwrap());
        Some(answer)
    });
    let step = w.step(&w.sql, Kind::Full, Some(&step.cursor)).unwrap();
    let Ended::Later(at) = step.ended else {
        panic!("{:?}", step.ended);
    };
    assert!((START + 77_000..START + 90_000).contains(&at), "{at}");
    w.fake.forget();
    w.clock.0.set(at);
    let ended = w.run_from(Kind::Full, Some(step.cursor));
    assert!(matches!(ended, Ended::Done { .. }));
    assert_eq!(w.live(), 360);
}

#[test]
fn without_the_right_to_read_price_kinds_goods_come_none_the_less() {
    let w = world(5);
    w.fake.when(|_, path| {
        path.contains("price_kinds")
            .then(|| answer(403, &json!({})))
    });
    w.run(Kind::Full);
    assert_eq!(w.live(), 5);
    assert!(w.told("Виды цен InSales не загружены"));
}

#[test]
fn two_shops_of_a_tenant_do_not_collide() {
    let mut w = world(30);
    w.run(Kind::Full);
    let first = w.live();
    w.connection = "other".into();
    w.run(Kind::Full);
    assert_eq!(w.live(), first * 2);
    // What one does not have any more is nothing to the other.
    w.fake.destroy("products", |id| id == 1);
    w.run(Kind::Full);
    assert_eq!(w.live(), first * 2 - 1);
}

#[test]
fn whoever_has_the_job_now_alone_writes() {
    let w = world(5);
    let conflict = w.step_of_a_stale_taker();
    assert_eq!(conflict.unwrap_err(), SqlError::Conflict);
    assert_eq!(w.live(), 0);
}

#[test]
fn a_price_in_another_currency_is_told_once_or_taken_in_roubles() {
    let w = world(3);
    let now = |field: &str, value: &str| {
        w.fake.change(2, |row| {
            row["currency_code"] = "USD".into();
            row["variants"][0]["price2"] = serde_json::Value::Null;
            row["variants"][0][field] = value.into();
        });
        w.run(Kind::Full);
        w.run(Kind::Full);
        w.rows("SELECT coalesce(CAST(price AS TEXT), '-') FROM goods WHERE external = 'insales:shop:2'")
    };
    assert_eq!(now("price", "5.50"), ["-"]);
    let told = "SELECT object FROM journal WHERE text LIKE '%«Товар 2»: цена в валюте USD%'";
    assert_eq!(w.rows(told), ["insales:shop:2"]);
    assert_eq!(now("price_in_site_currency", "550"), ["55000"]);
}

#[test]
fn price_kinds_and_warehouses_that_are_gone_are_archived_where_the_list_can_be_read() {
    let w = world(3);
    w.fake
        .change(1, |row| row["variants"][0]["price7"] = "7.0".into());
    w.run(Kind::Full);
    let names = "SELECT name || ' ' || archived FROM catalog_refs WHERE kind IN ('price_type', 'store') \
         AND name NOT LIKE '%Цена продажи%' AND name NOT LIKE 'Старая%' AND name NOT LIKE 'Закуп%' ORDER BY name";
    let before = [
        "Дополнительная цена 7 (InSales) 0",
        "Опт (InSales) 0",
        "Центр (InSales) 0",
    ];
    assert_eq!(w.rows(names), before, "every price has a name");
    // Who may not read the lists knows nothing of what is gone.
    w.fake.destroy("price_kinds", |_| true);
    w.fake.destroy("warehouses", |_| true);
    w.fake.when(|_, path| {
        let list = path.contains("price_kinds") || path.contains("warehouses");
        list.then(|| answer(403, &json!({})))
    });
    w.run(Kind::Full);
    assert_eq!(w.rows(names), before);
    w.fake.forget();
    w.run(Kind::Changes);
    assert_eq!(w.rows(names), before);
    for _ in 0..2 {
        w.run(Kind::Full);
        let gone = before.map(|name| name.replace(" 0", " 1"));
        assert_eq!(w.rows(names), gone);
    }
    let always = "SELECT count(*) FROM catalog_refs WHERE kind = 'price_type' AND archived = 0";
    assert_eq!(w.count(always), 3);
    w.fake
        .lists
        .borrow_mut()
        .get_mut("warehouses")
        .unwrap()
        .push(json!({"id": 1, "title": "Центр"}));
    w.run(Kind::Full);
    assert_eq!(w.rows(names)[2], "Центр (InSales) 0");
}

#[test]
fn an_empty_list_of_categories_archives_none_unless_the_merchant_says_so() {
    let live = "SELECT id FROM categories WHERE archived = 0 ORDER BY id";
    for lists in [
        &["collections"][..],
        &["categories"],
        &["collections", "categories"],
    ] {
        let mut w = world(5);
        w.run(Kind::Full);
        assert_eq!(w.rows(live).len(), 4);
        w.fake.when(move |_, path| {
            let is = |list: &&str| path.starts_with(&format!("/admin/{list}.json"));
            lists.iter().any(is).then(|| answer(200, &json!("")))
        });
        for _ in 0..2 {
            w.run(Kind::Full);
            assert_eq!(w.rows(live).len(), 4, "{lists:?}");
        }
        let told =
            "SELECT text FROM journal WHERE text LIKE 'InSales не отдал ни одной категории%'";
        assert_eq!(w.rows(told).len(), lists.len());
        w.fake.forget();
        w.fake.destroy("collections", |id| id == 3);
        w.run(Kind::Full);
        assert_eq!(w.rows(live).len(), 3);
        w.settings.missing_guard_percent = 100;
        for list in lists {
            w.fake.destroy(list, |_| true);
        }
        w.run(Kind::Full);
        assert!(w.rows(live).len() < 3, "{lists:?}");
    }
}

#[test]
fn a_category_that_lies_in_itself_is_told_once_and_lies_at_the_top() {
    let w = world(5);
    w.run(Kind::Full);
    let later = w.fake.later();
    for row in w.fake.lists.borrow_mut().get_mut("collections").unwrap() {
        if row["id"] == 1 {
            row["parent_id"] = 3.into();
            row["updated_at"] = later.clone().into();
        }
    }
    w.run(Kind::Changes);
    w.run(Kind::Full);
    let told = "SELECT object FROM journal WHERE text LIKE '%вложена сама в себя%' ORDER BY object";
    let expected = ["insales:shop:c1", "insales:shop:c2", "insales:shop:c3"];
    assert_eq!(w.rows(told), expected);
    assert!(w.told("Категория InSales «Раздел 1» вложена сама в себя"));
}
