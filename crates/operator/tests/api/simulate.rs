//! A quote without a till.

use serde_json::{Value, json};

use crate::{World, shops};

fn shop() -> (World, String) {
    let w = shops();
    let goods = json!([
        { "external": "milk", "name": "Молоко", "price_kopecks": 10_000 },
        { "external": "vodka", "name": "Водка", "price_kopecks": 50_000, "discount_prohibited": true },
    ]);
    assert_eq!(w.post("/demo/goods", &goods).status, 200);
    let id = w.customer(&json!({ "name": "Иванов", "phone": "9039993344" }));
    w.adjust(&id, "k", 60);
    (w, id)
}

#[test]
fn a_receipt_is_calculated_and_explained() {
    let (w, id) = shop();
    let lines = json!([{ "good": "milk", "quantity_thousandths": 2000 }, { "good": "vodka" },
        { "price_kopecks": 100, "good": "неизвестный" }]);
    let simulate = |more: Value| {
        let mut body = json!({ "lines": lines });
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        w.post("/demo/simulate", &body)
    };
    let anonymous = simulate(json!({}));
    assert_eq!(anonymous.status, 200, "{}", anonymous.body);
    assert_eq!(anonymous.body["gross_kopecks"], 70_100);
    assert_eq!(
        (&anonymous.body["earn"], &anonymous.body["balance_before"]),
        (&json!(0), &json!(0))
    );
    assert_eq!(anonymous.body["lines"][0]["name"], "Молоко");

    for customer in [id.as_str(), "+7 903 999-33-44"] {
        let spent = simulate(json!({ "customer": customer, "spend": true })).body;
        assert_eq!(
            (&spent["spend"], &spent["balance_before"]),
            (&json!(60), &json!(60))
        );
        assert_eq!(spent["to_pay_kopecks"], 70_100 - 6_000);
        assert!(!spent["explanation"].as_array().unwrap().is_empty());
    }
    let some = simulate(json!({ "customer": id, "spend": true, "points": 10 })).body;
    assert_eq!(some["spend"], 10);
    let rich = simulate(json!({ "customer": id, "spend": true, "balance": 1_000_000 })).body;
    assert_eq!(rich["max_spend"], rich["spend"]);
    let earning =
        simulate(json!({ "customer": id, "programme": { "earning": { "percent": 100 } } })).body;
    assert!(earning["earn"].as_i64().unwrap() > 600, "{earning}");
    // Nothing was written.
    assert_eq!(
        w.get(&format!("/demo/customers/{id}")).body["available"],
        60
    );
}

#[test]
fn what_cannot_be_calculated_is_refused_with_its_place() {
    let (w, _) = shop();
    let place = |body: Value| {
        let answer = w.post("/demo/simulate", &body);
        let (status, _, place) = answer.refusal();
        (status, place.to_owned())
    };
    let line = json!([{ "good": "milk" }]);
    for (body, status, path) in [
        (json!({ "lines": [] }), 422, "lines"),
        (
            json!({ "lines": [{ "good": "nothing" }] }),
            422,
            "lines.0.price_kopecks",
        ),
        (json!({ "lines": [{ "price_kopecks": -1 }] }), 422, "lines"),
        (
            json!({ "lines": line, "customer": "nobody" }),
            422,
            "customer",
        ),
        (json!({ "lines": line, "at": "вчера" }), 422, "at"),
        (
            json!({ "lines": line, "programme": { "x": 1 } }),
            400,
            "programme.x",
        ),
        (
            json!({ "lines": line, "programme": { "codes": { "length": 99 } } }),
            422,
            "programme.codes.length",
        ),
        (json!({ "lines": [{ "price": 1 }] }), 400, "lines.0.price"),
    ] {
        assert_eq!(place(body.clone()), (status, path.to_owned()), "{body}");
    }
}
