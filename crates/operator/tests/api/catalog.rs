//! Goods and categories.

use serde_json::{Value, json};

use crate::shops;

#[test]
fn goods_are_upserted_found_and_archived() {
    let w = shops();
    let categories =
        json!([{ "id": "milk", "parent": "food", "name": "Молочное" }, { "id": "food" }]);
    assert_eq!(w.post("/demo/categories", &categories).body["created"], 2);
    assert_eq!(w.all_pages("/demo/categories", 1).len(), 2);
    let loops = w.post(
        "/demo/categories",
        &json!([{ "id": "food", "parent": "milk" }]),
    );
    assert_eq!(loops.refusal(), (422, "refused", "0.parent"));

    assert_eq!(w.all_pages("/demo/categories?parent=food", 10).len(), 1);
    assert_eq!(w.all_pages("/demo/categories?parent=-", 10).len(), 1);

    let goods = json!([{ "external": "k", "name": "Кефир", "category": "milk", "price_kopecks": 9990,
        "barcodes": ["460"] }, { "external": "b", "name": "Хлеб" }]);
    let first = w.post("/demo/goods", &goods).body;
    assert_eq!(
        (&first["created"], &first["unchanged"]),
        (&json!(2), &json!(0))
    );
    let again = w.post("/demo/goods", &goods).body;
    assert_eq!(
        (&again["created"], &again["unchanged"]),
        (&json!(0), &json!(2))
    );
    assert_eq!(first["ids"], again["ids"]);
    for query in [
        "category=food",
        "q=460",
        "q=%D0%BA%D0%B5%D1%84",
        "barcode=460",
        "external=k",
    ] {
        assert_eq!(
            w.all_pages(&format!("/demo/goods?{query}"), 10).len(),
            1,
            "{query}"
        );
    }
    assert!(w.all_pages("/other/goods", 10).is_empty());
    assert_eq!(w.get("/demo/goods?code=1&barcode=2").status, 400);
    for kind in ["price-types", "stores", "goods?parent=nobody"] {
        assert!(
            w.all_pages(&format!("/demo/{kind}"), 10).is_empty(),
            "{kind}"
        );
    }
    assert_eq!(w.get("/demo/goods/k").body["name"], "Кефир");
    assert_eq!(
        w.post("/demo/goods/k/archive", &Value::Null).body["archived"],
        true
    );
    assert_eq!(w.all_pages("/demo/goods?archived=false", 1).len(), 1);
    assert_eq!(
        w.post("/demo/goods/k/unarchive", &Value::Null).body["archived"],
        false
    );
    assert_eq!(w.post("/other/goods/k/archive", &Value::Null).status, 404);
    for order in ["id", "updated_at"] {
        assert_eq!(
            w.all_pages(&format!("/demo/goods?order={order}"), 1).len(),
            2
        );
    }
    let wrong = w.post(
        "/demo/goods",
        &json!([{ "external": "x", "price_kopecks": -1 }]),
    );
    assert_eq!(wrong.refusal(), (422, "refused", "0.price_kopecks"));
}

#[test]
fn the_archive_is_in_the_journal() {
    let w = shops();
    w.post(
        "/demo/goods",
        &json!([{ "external": "k", "name": "Кефир" }]),
    );
    let id = w.get("/demo/goods/k").body["id"].clone();
    for action in ["archive", "archive", "unarchive", "unarchive"] {
        assert_eq!(
            w.post(&format!("/demo/goods/k/{action}"), &Value::Null)
                .status,
            200
        );
    }
    let rows = w.all_pages("/demo/journal?action=goods", 10);
    let told: Vec<_> = rows.iter().map(|row| &row["text"]).collect();
    assert_eq!(
        told,
        [
            "Товар «Кефир» возвращён из архива",
            "Товар «Кефир» убран в архив",
            "Товары: создано 1, изменено 0"
        ]
    );
    assert_eq!(
        (&rows[0]["object"], &rows[0]["direction"]),
        (&id, &json!("operator"))
    );
}
