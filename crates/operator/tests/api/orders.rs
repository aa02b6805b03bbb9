//! Orders.

use serde_json::{Value, json};

use crate::shops;

fn order(id: &str) -> Value {
    json!({ "id": id, "number": format!("N-{id}"), "moment": 1, "sum_kopecks": 9990,
        "items": [{ "id": "k", "name": "Кефир", "price_kopecks": 9990,
            "quantity_thousandths": 1000, "sum_kopecks": 9990 }] })
}

#[test]
fn orders_are_written_found_and_listed() {
    let w = shops();
    let batch = json!([order("b"), order("a")]);
    let done = w.post("/demo/orders", &batch).body;
    assert_eq!(done, json!({ "created": 2, "changed": 0, "unchanged": 0 }));
    let again = w.post("/demo/orders", &batch).body;
    assert_eq!(again, json!({ "created": 0, "changed": 0, "unchanged": 2 }));
    for key in ["a", "N-a"] {
        let found = w.get(&format!("/demo/orders/{key}")).body;
        assert_eq!(found["order"]["items"][0]["unit"]["code"], "796");
        assert_eq!(found["pending"], true);
    }
    assert_eq!(w.get("/demo/orders/x").status, 404);
    assert_eq!(w.get("/other/orders/a").status, 404);
    for sort in ["id", "updated_at"] {
        let all = w.all_pages(&format!("/demo/orders?order={sort}"), 1);
        assert_eq!(all.len(), 2);
    }
    assert!(w.all_pages("/other/orders", 10).is_empty());
    // One row for the batch that changed something.
    assert_eq!(w.all_pages("/demo/journal?action=order", 10).len(), 1);
}

#[test]
fn an_order_that_is_wrong_is_told_with_its_place() {
    let w = shops();
    let mut wrong = order("a");
    wrong["sum_kopecks"] = json!(9991);
    let refused = w.post("/demo/orders", &json!([order("b"), wrong]));
    assert_eq!(refused.refusal(), (422, "refused", "1.sum_kopecks"));
    let mut unknown = order("a");
    unknown["numbr"] = json!("1");
    assert_eq!(w.post("/demo/orders", &json!([unknown])).status, 400);
    assert!(w.all_pages("/demo/orders", 10).is_empty());
}
