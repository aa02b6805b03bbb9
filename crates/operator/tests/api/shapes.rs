//! What is answered has the fields that the document promises, for types without a schema of
//! their own. Sales are written by the ledger itself.

use futures::executor::block_on;
use serde_json::{Value, json};
use sklad_loyalty::ledger::snapshot::Clock;
use sklad_loyalty::ledger::{Return, Sale, Shop, SoldPosition, post_return, post_sale};
use sklad_loyalty::{Kopecks, Quantity};

use crate::{World, shops};

/// The names of an object's fields, or of a schema's properties.
fn names(value: &Value) -> Vec<String> {
    let mut names: Vec<_> = value.as_object().unwrap().keys().cloned().collect();
    names.sort();
    names
}

fn promised(w: &World, schema: &str) -> Vec<String> {
    let document = w.send("GET", "/api/v1/openapi.json", &[], b"").body;
    names(&document["components"]["schemas"][schema]["properties"])
}

fn position(quantity: i64) -> SoldPosition {
    SoldPosition {
        good: "g".to_owned(),
        quantity: Quantity(quantity),
        price: Kopecks(1000),
        discounted_price: Kopecks(900),
        ..SoldPosition::default()
    }
}

/// Two sales and a return of the first, to the customer.
fn sell(w: &World, customer: &str) {
    let tenant = block_on(w.app.tenant(&"demo".parse().unwrap(), w.now.get()))
        .unwrap()
        .unwrap();
    let shop = Shop {
        tenant: "demo",
        programme: &tenant.loyalty().unwrap().programme,
        create_unknown: true,
        clock: Clock {
            now: w.now.get(),
            zone_minutes: 180,
        },
    };
    for (id, number) in [("s1", "1"), ("s2", "2")] {
        let sale = Sale {
            keys: vec![id.to_owned(), format!("{id}-sync")],
            number: number.to_owned(),
            moment: w.now.get(),
            identity: sklad_loyalty::customers::Identity::new([customer], None, None),
            positions: vec![position(2000)],
            earn: Some(90),
            spend: Some(0),
            digest: id.to_owned(),
            ..Sale::default()
        };
        block_on(post_sale(&w.app.sql, &shop, &sale)).unwrap();
    }
    let back = Return {
        keys: vec!["r1".to_owned()],
        moment: w.now.get(),
        demand: vec!["s1".to_owned()],
        positions: vec![position(1000)],
        digest: "r1".to_owned(),
        ..Return::default()
    };
    block_on(post_return(&w.app.sql, &shop, &back)).unwrap();
}

#[test]
fn answers_have_the_promised_fields() {
    let w = shops();
    let id = w.customer(&json!({ "name": "Иванов" }));
    w.adjust(&id, "k", 10);
    sell(&w, &id);
    for (path, schema) in [
        ("/demo/customers", "Customer"),
        (&format!("/demo/customers/{id}/ledger"), "LedgerEntry"),
        ("/demo/journal", "JournalLine"),
        ("/demo/sales", "Document"),
        ("", "TenantLine"),
    ] {
        for item in w.all_pages(path, 2) {
            assert_eq!(names(&item), promised(&w, schema), "{schema}");
        }
    }
    for (path, schema) in [
        (format!("/demo/customers/{id}"), "CustomerCard"),
        ("/demo/check".to_owned(), "Checked"),
        ("/demo/sales/s1".to_owned(), "DocumentCard"),
        ("/demo".to_owned(), "TenantCard"),
    ] {
        assert_eq!(names(&w.get(&path).body), promised(&w, schema), "{schema}");
    }
}

#[test]
fn sales_are_listed_and_shown_with_their_returns() {
    let w = shops();
    let id = w.customer(&json!({ "name": "Иванов" }));
    sell(&w, &id);
    let ids = |query: &str| -> Vec<Value> {
        let all = w.all_pages(&format!("/demo/sales{query}"), 1);
        all.into_iter().map(|d| d["id"].clone()).collect()
    };
    assert_eq!(ids("").len(), 3);
    assert_eq!(ids("?kind=sale"), ["s2", "s1"]);
    assert_eq!(ids("?kind=return"), ["r1"]);
    assert_eq!(ids(&format!("?customer={id}")).len(), 3);
    assert!(ids("?customer=nobody").is_empty());
    assert!(ids("?to=5").is_empty());
    let sale = w.get("/demo/sales/S1-sync").body;
    assert_eq!(
        (&sale["id"], &sale["gross_kopecks"]),
        (&json!("s1"), &json!(2000))
    );
    assert_eq!(sale["positions"][0]["discounted_price_kopecks"], 900);
    assert_eq!(sale["returns"][0]["id"], "r1");
    assert!(w.all_pages("/other/sales", 5).is_empty());
    assert_eq!(w.get("/other/sales/s1").status, 404);
    assert_eq!(w.get("/demo/check").body["differences"], json!([]));
}
