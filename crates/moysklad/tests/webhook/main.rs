//! Webhooks against a МойСклад in memory, over a real database.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "a test stops at the first surprise"
)]

#[allow(dead_code, reason = "the tests of the import need more of it")]
#[path = "../sync/fake.rs"]
mod fake;
mod world;

use serde_json::{Value, json};
use sklad_moysklad::sync::Ended;
use sklad_moysklad::webhook::{BODY_LIMIT, hooks};
use world::{MASTER, TENANT, body, event, world};

use fake::{answer, error, meta, uuid};

#[test]
fn what_a_call_says_is_on_the_disk_when_it_is_answered() {
    let w = world(3);
    let path = w.address();
    let call = body(&[
        event("product", &uuid(1, 0), "UPDATE"),
        event("product", &uuid(1, 1), "DELETE"),
        event("demand", &uuid(13, 1), "CREATE"),
    ]);
    assert_eq!(w.post(&format!("{path}?requestId=R-1"), &call), 204);
    assert_eq!(w.count("SELECT count(*) FROM inbox WHERE state = 'due'"), 3);
    // A repetition has the same name, whatever it is written like.
    assert_eq!(w.post(&format!("{path}?a=b&requestId=r-1"), &call), 204);
    assert_eq!(w.count("SELECT count(*) FROM inbox"), 3);
    // A second change is none.
    assert_eq!(w.post(&format!("{path}?requestId=r-2"), &call), 204);
    assert_eq!(w.post(&path, &call), 204);
    assert_eq!(w.post(&path, &call), 204);
    assert_eq!(w.count("SELECT count(*) FROM inbox"), 12);
}

#[test]
fn who_does_not_know_the_word_is_told_nothing() {
    let w = world(1);
    let path = w.address();
    let call = body(&[event("product", &uuid(1, 0), "UPDATE")]);
    let (front, word) = path.rsplit_once('/').unwrap();
    let wrong = [
        format!("{front}/{}", "0".repeat(word.len())),
        format!("{front}/"),
        format!("{path}0"),
        format!("{path}/stock"),
        format!("/hooks/moysklad/other/{word}"),
        format!("/hooks/moysklad/КОФЕ/{word}").replace("КОФЕ", "%D0%9A"),
        "/hooks/moysklad/".to_owned(),
        "/hooks/moysklad".to_owned(),
    ];
    for path in wrong {
        assert_eq!(w.post(&path, &call), 404, "{path}");
    }
    assert_eq!(w.count("SELECT count(*) FROM inbox"), 0);
    // The word is nowhere in the database.
    let kept = w.rows("SELECT nonce || sha256 FROM moysklad_hooks");
    assert!(kept.len() == 1 && !kept[0].contains(word));
}

#[test]
fn what_cannot_be_read_is_refused_and_harms_nothing() {
    let w = world(1);
    let path = w.address();
    assert_eq!(w.post(&path, b"<html>"), 400);
    assert_eq!(w.post(&path, b""), 400);
    assert_eq!(w.post(&path, &vec![b' '; BODY_LIMIT + 1]), 413);
    assert_eq!(w.get(&path), 405);
    assert_eq!(w.post(&path, b"{}"), 204);
    assert_eq!(w.count("SELECT count(*) FROM inbox"), 0);
}

#[test]
fn an_address_stays_until_the_master_key_is_another_one() {
    let w = world(1);
    let path = w.address();
    assert_eq!(w.address(), path);
    let other = w.address_with(b"another master key of the tests");
    assert_ne!(other, path);
    let call = body(&[]);
    assert_eq!((w.post(&path, &call), w.post(&other, &call)), (404, 204));
    let nobody = w.try_address(b"");
    assert!(matches!(nobody, Err(hooks::Error::NoSecret)));
    assert!(w.try_address(MASTER).is_ok());
}

#[test]
fn before_the_first_import_nothing_is_read() {
    let w = world(3);
    w.tell("product", &uuid(1, 0), "UPDATE");
    w.settle();
    assert!(w.fake.asked.borrow().is_empty());
    assert_eq!(w.count("SELECT count(*) FROM goods"), 0);
}

#[test]
fn many_objects_are_read_with_one_request_and_end_as_they_are() {
    let w = world(120);
    w.import();
    w.fake.change("product", |rows| {
        for row in rows.iter_mut().take(90) {
            row["name"] = format!("{} новый", row["name"].as_str().unwrap()).into();
        }
    });
    for n in 0..90 {
        for action in ["UPDATE", "UPDATE"] {
            w.tell("product", &uuid(1, n), action);
        }
    }
    w.fake.asked.borrow_mut().clear();
    w.settle();
    let asked = w.fake.asked.borrow().len();
    // A hundred messages at once.
    assert_eq!(asked, 2, "{:?}", w.fake.asked.borrow());
    let new = "SELECT count(*) FROM goods WHERE name LIKE '% новый'";
    assert_eq!(w.count(new), 90);
    w.ends_like_an_import();
}

#[test]
fn a_variant_before_its_product_and_a_good_before_its_folder_come_right() {
    let w = world(3);
    w.import();
    let folder = json!({"id": uuid(9, 7), "name": "Новая", "externalCode": "G7"});
    let product = json!({"id": uuid(1, 900), "name": "Кофе", "externalCode": "P900", "salePrices": [],
        "updated": "2020-01-01 00:00:00.000", "productFolder": meta("productfolder", &uuid(9, 7))});
    let variant = json!({"id": uuid(2, 900), "name": "Кофе (зёрна)", "externalCode": "V900",
        "updated": "2020-01-01 00:00:00.000", "product": meta("product", &uuid(1, 900)),
        "characteristics": [{"name": "Вид", "value": "зёрна"}], "salePrices": []});
    w.fake.change("productfolder", |rows| rows.push(folder));
    w.fake.change("product", |rows| rows.push(product));
    w.fake.change("variant", |rows| rows.push(variant));
    w.fake
        .stock
        .borrow_mut()
        .push((uuid(2, 900), uuid(6, 1), 4.0));
    w.tell("variant", &uuid(2, 900), "CREATE");
    w.settle();
    assert_eq!(w.count("SELECT count(*) FROM goods WHERE name = 'Кофе'"), 1);
    let stock = "SELECT quantity FROM goods WHERE external = 'P900#V900'";
    assert_eq!(
        w.count(stock),
        4_000,
        "nobody tells the stock of a new good"
    );
    let category = "SELECT category FROM goods WHERE external = 'P900'";
    assert_eq!(w.rows(category), ["G7"]);
    w.tell("product", &uuid(1, 900), "CREATE");
    w.tell("productfolder", &uuid(9, 7), "CREATE");
    w.settle();
    w.ends_like_an_import();
}

#[test]
fn what_is_deleted_is_archived_and_comes_back_when_it_does() {
    let w = world(4);
    w.import();
    let gone = w.fake.lists.borrow()["product"][1].clone();
    w.fake.change("product", |rows| drop(rows.remove(1)));
    w.fake.change("variant", |rows| {
        rows.retain(|row| row["product"] != gone["product"] && row["externalCode"] != "V2");
    });
    w.fake.change("variant", |rows| {
        rows.retain(|row| row["externalCode"] != "V3")
    });
    // Its update comes after its deletion.
    w.tell("product", &uuid(1, 1), "DELETE");
    w.tell("product", &uuid(1, 1), "UPDATE");
    w.settle();
    let archived = "SELECT count(*) FROM goods WHERE archived <> 0";
    assert_eq!(w.count(archived), 3, "with its variants");
    w.fake.change("product", |rows| rows.insert(1, gone));
    w.tell("product", &uuid(1, 1), "UPDATE");
    w.settle();
    assert_eq!(
        w.count(archived),
        0,
        "with its variants, until the next full import looks at them"
    );
    // An event that says deleted, of what is there, is believed as little.
    w.tell("product", &uuid(1, 2), "DELETE");
    w.settle();
    assert_eq!(w.count(archived), 0);
}

#[test]
fn one_that_a_list_leaves_out_is_asked_for_before_it_is_archived() {
    let w = world(3);
    w.import();
    w.fake.when(|_, path| {
        let empty = json!({"meta": {"size": 0}, "rows": []});
        path.contains("/entity/product?")
            .then(|| answer(200, &empty))
    });
    w.tell("product", &uuid(1, 0), "UPDATE");
    w.settle();
    let archived = "SELECT count(*) FROM goods WHERE archived <> 0";
    assert_eq!(w.count(archived), 0);
}

#[test]
fn a_folder_that_is_gone_is_archived_and_one_that_moves_takes_its_goods_along() {
    let w = world(6);
    w.import();
    w.fake.change("productfolder", |rows| {
        rows.retain(|row| row["id"] != uuid(9, 2));
        rows[1]["name"] = "Переименованная".into();
        rows[1].as_object_mut().unwrap().remove("productFolder");
    });
    w.tell("productfolder", &uuid(9, 2), "DELETE");
    w.tell("productfolder", &uuid(9, 1), "UPDATE");
    w.settle();
    let categories =
        w.rows("SELECT id || ' ' || path || ' ' || (archived <> 0) FROM categories ORDER BY id");
    assert_eq!(
        categories,
        [r#"G0 ["G0"] 0"#, r#"G1 ["G1"] 0"#, r#"G2 ["G2","G1"] 1"#]
    );
    assert_eq!(w.count("SELECT count(*) FROM import_seen"), 0);
}

#[test]
fn the_hint_about_stock_brings_the_stock_of_what_changed() {
    let w = world(3);
    w.import();
    w.fake
        .stock
        .borrow_mut()
        .push((uuid(1, 2), uuid(6, 1), 7.5));
    let url = "https://evil.example/report/stock/bystore/current?changedSince=2026-01-01 00:00:00";
    let hint = json!({"accountId": uuid(11, 1), "stockType": "stock", "reportType": "bystore",
        "reportUrl": url});
    for n in 0..3 {
        let path = format!("{}?requestId=s-{n}", w.address());
        assert_eq!(w.post(&path, hint.to_string().as_bytes()), 204);
    }
    w.fake.asked.borrow_mut().clear();
    w.settle();
    assert_eq!(w.count("SELECT sum(quantity) FROM goods"), 7_500);
    assert_eq!(w.fake.asked.borrow().len(), 2, "once for all hints");
}

#[test]
fn a_counterparty_becomes_a_customer_where_the_settings_say_so() {
    let mut w = world(1);
    w.import();
    let person =
        json!({"id": uuid(14, 1), "name": "Мария", "phone": "+79030000001", "tags": ["клуб"]});
    w.fake.change("counterparty", |rows| rows.push(person));
    w.tell("counterparty", &uuid(14, 1), "CREATE");
    w.settle();
    assert_eq!(w.count("SELECT count(*) FROM customers"), 0);
    w.settings.customers.on = true;
    w.settings.customers.groups = vec!["клуб".into()];
    w.tell("counterparty", &uuid(14, 1), "UPDATE");
    w.settle();
    assert_eq!(w.count("SELECT count(*) FROM customers"), 1);
    w.tell("counterparty", &uuid(14, 1), "DELETE");
    w.fake.change("counterparty", Vec::clear);
    w.settle();
    assert_eq!(
        w.count("SELECT count(*) FROM customers"),
        1,
        "his points stay"
    );
}

#[test]
fn a_trouble_of_the_vendor_is_waited_for_and_loses_nothing() {
    let w = world(3);
    w.import();
    w.fake
        .change("product", |rows| rows[0]["name"] = "Новый".into());
    w.tell("product", &uuid(1, 0), "UPDATE");
    w.tell("customerorder", &uuid(15, 0), "UPDATE");
    w.fake.when(|_, _| Some(error(503, 1088)));
    w.once();
    let due = "SELECT count(*) FROM inbox WHERE state = 'due'";
    assert_eq!(w.count(due), 1, "documents are only noted");
    w.fake.when(|_, _| None);
    w.settle();
    assert_eq!(
        w.count("SELECT count(*) FROM goods WHERE name = 'Новый'"),
        1
    );
}

#[test]
fn thousands_doubled_and_out_of_order_end_as_they_are() {
    let w = world(400);
    w.import();
    let mut calls: Vec<(String, Vec<u8>)> = Vec::new();
    for n in 0..2_000_usize {
        let id = (n * 7919) % 400;
        let action = match n % 5 {
            0 => {
                w.fake.change("product", |rows| {
                    rows.retain(|row| row["id"] != uuid(1, id) || id < 300);
                });
                "DELETE"
            }
            _ => {
                w.fake.change("product", |rows| {
                    if let Some(row) = rows.iter_mut().find(|row| row["id"] == uuid(1, id)) {
                        row["name"] = format!("Товар {id} версии {n}").into();
                        row["minPrice"] = json!({"value": n});
                    }
                });
                "UPDATE"
            }
        };
        calls.push((
            format!("r-{n}"),
            body(&[event("product", &uuid(1, id), action)]),
        ));
    }
    // A fifth comes twice; the order is another one.
    let doubled: Vec<_> = calls.iter().step_by(5).cloned().collect();
    calls.extend(doubled);
    let mut seed = 7_usize;
    for n in (1..calls.len()).rev() {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        calls.swap(n, (seed >> 33) % (n + 1));
    }
    let address = w.address();
    for (n, (request, body)) in calls.iter().enumerate() {
        assert_eq!(w.post(&format!("{address}?requestId={request}"), body), 204);
        if n % 500 == 0 {
            w.once();
        }
    }
    w.settle();
    assert_eq!(w.count("SELECT count(*) FROM inbox"), 2_000);
    assert_eq!(
        w.count("SELECT count(*) FROM inbox WHERE state <> 'done'"),
        0
    );
    w.ends_like_an_import();
}

#[test]
fn subscriptions_are_made_and_repaired() {
    let w = world(1);
    let told = |ended| match ended {
        Ended::Done { warning, text } => (warning, text),
        other => panic!("{other:?}"),
    };
    let (warning, text) = told(w.register());
    assert_eq!(
        (warning, text.as_str()),
        (false, "Уведомления МоегоСклада: создано 37")
    );
    let lists = w.fake.lists.borrow().clone();
    assert_eq!(
        (lists["webhook"].len(), lists["webhookstock"].len()),
        (36, 1)
    );
    let url = |row: &Value| row["url"].as_str().unwrap().to_owned();
    assert!(url(&lists["webhook"][0]).ends_with(&w.address()));
    assert_eq!(told(w.register()).1, "Уведомления МоегоСклада включены");
    w.fake.change("webhook", |rows| {
        rows[0]["enabled"] = false.into();
        rows[1]["url"] = format!("https://sklad.example/hooks/moysklad/{TENANT}/old").into();
        let mut double = rows[2].clone();
        double["id"] = uuid(12, 1).into();
        double["enabled"] = false.into();
        rows.push(double);
        rows.remove(3);
        rows.push(
            json!({"id": uuid(12, 2), "url": "https://crm.example/x", "enabled": false,
            "entityType": "product", "action": "UPDATE"}),
        );
    });
    let (_, text) = told(w.register());
    assert_eq!(
        text,
        "Уведомления МоегоСклада: создано 1, исправлено 2, удалено лишних 1"
    );
    assert_eq!(told(w.register()).1, "Уведомления МоегоСклада включены");
    let other = w.fake.lists.borrow()["webhook"].clone();
    assert!(other.iter().any(|row| row["enabled"] == false), "not ours");
    w.fake
        .when(|_, path| path.contains("webhook").then(|| error(403, 1016)));
    let (warning, text) = told(w.register());
    assert!(warning && text.contains("Не хватает прав"), "{text}");
}

#[test]
fn subscriptions_of_one_address_are_removed_and_no_others() {
    let w = world(1);
    w.register();
    // One that was made when the deployment was reached elsewhere, and one of somebody else's.
    let path = w.address();
    w.fake.change("webhook", |rows| {
        rows[0]["url"] = format!("https://old.example{path}").into();
        rows.push(
            json!({"id": uuid(12, 2), "url": "https://crm.example/x", "enabled": true,
            "entityType": "product", "action": "UPDATE"}),
        );
    });
    assert_eq!(w.unregister(), Ok((37, 0)));
    let lists = w.fake.lists.borrow().clone();
    assert_eq!(lists["webhook"].len(), 1);
    assert_eq!(lists["webhook"][0]["url"], "https://crm.example/x");
    assert_eq!(lists["webhookstock"].len(), 0);
    assert_eq!(w.unregister(), Ok((0, 0)));

    // What МойСклад keeps is counted, and what it refuses altogether is told.
    w.register();
    w.fake
        .when(|_, path| path.ends_with("webhook/delete").then(|| error(412, 3000)));
    assert_eq!(w.unregister(), Ok((1, 36)));
    w.fake.when(|_, _| Some(error(401, 1056)));
    assert!(w.unregister().is_err());
}
