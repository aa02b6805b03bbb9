//! Orders.

use futures::executor::block_on;
use serde_json::{Value, json};
use sklad_store::{Sql, Statement};

use crate::{Answer, World, shops};

fn order(id: &str) -> Value {
    json!({ "id": id, "number": format!("N-{id}"), "moment": 1, "sum_kopecks": 9990,
        "items": [{ "id": "k", "name": "Кефир", "price_kopecks": 9990,
            "quantity_thousandths": 1000, "sum_kopecks": 9990 }] })
}

#[test]
fn orders_are_written_found_and_listed() {
    let w = shops();
    let batch = json!([order("b"), order("a")]);
    let done = w.call("PUT", "/demo/orders", &[], &batch).body;
    assert_eq!(done, json!({ "created": 2, "changed": 0, "unchanged": 0 }));
    let again = w.call("PUT", "/demo/orders", &[], &batch).body;
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
    let refused = w.call("PUT", "/demo/orders", &[], &json!([order("b"), wrong]));
    assert_eq!(refused.refusal(), (422, "refused", "1.sum_kopecks"));
    let mut unknown = order("a");
    unknown["numbr"] = json!("1");
    assert_eq!(
        w.call("PUT", "/demo/orders", &[], &json!([unknown])).status,
        400
    );
    assert!(w.all_pages("/demo/orders", 10).is_empty());
}

fn goods(w: &World) {
    let goods = json!([{ "external": "tea#1", "name": "Чай", "price_kopecks": 12_050 }]);
    assert_eq!(w.post("/demo/goods", &goods).status, 200);
}

fn make(w: &World, key: &str, more: &[(&str, Value)]) -> Answer {
    let mut new = json!({ "items": [{ "external": "tea#1", "quantity_thousandths": 2_000 }],
        "customer": { "name": "Мария Иванова", "phone": "+7 903 000-00-01" } });
    for (name, value) in more {
        new[*name] = value.clone();
    }
    w.call("POST", "/demo/orders", &[("idempotency-key", key)], &new)
}

#[test]
fn an_order_is_made_once_for_a_key() {
    let w = shops();
    goods(&w);
    let made = make(&w, "k", &[]);
    assert_eq!(made.status, 201, "{}", made.body);
    let id = made.body["order"]["id"].as_str().unwrap();
    let location = made.headers["location"].to_str().unwrap();
    assert_eq!(location, format!("/api/v1/tenants/demo/orders/{id}"));
    assert_eq!(made.body["order"]["sum_kopecks"], 24_100);
    let again = make(&w, "k", &[]);
    assert_eq!((again.status, again.body), (201, made.body.clone()));
    let other = make(&w, "k", &[("comment", json!("другой"))]);
    assert_eq!(other.refusal(), (409, "conflict", ""));
    assert!(other.message().contains("Idempotency-Key"));
    let new = json!({ "items": [] });
    let refusal = w.post("/demo/orders", &new);
    assert_eq!(refusal.refusal(), (400, "bad_request", "Idempotency-Key"));
    let wrong = make(&w, "l", &[("total_kopecks", json!(24_101))]);
    assert_eq!(wrong.refusal(), (422, "refused", "total_kopecks"));
    let unknown = make(
        &w,
        "l",
        &[(
            "items",
            json!([{ "offer": "x", "quantity_thousandths": 1 }]),
        )],
    );
    assert_eq!(unknown.refusal(), (422, "refused", "items.0.offer"));
    assert_eq!(w.all_pages("/demo/orders", 10).len(), 1);
    let rows = w.all_pages("/demo/journal?action=order", 10);
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0]["text"], "Заказ 1 на 241,00 ₽ создан, Мария И.");
}

#[test]
fn an_order_is_cancelled_with_a_reason_and_has_a_history() {
    let w = shops();
    goods(&w);
    let unknown = make(&w, "k", &[("company", json!("к1"))]);
    assert_eq!(unknown.refusal(), (422, "refused", "company"));
    make(&w, "k", &[("company", json!("компания 1"))]);
    let cancel = |key: &str, reason: &str| {
        w.post(
            &format!("/demo/orders/{key}/cancel?by=operator"),
            &json!({ "reason": reason }),
        )
    };
    assert_eq!(cancel("1", "").refusal(), (422, "refused", "reason"));
    assert_eq!(cancel("2", "нет").status, 404);
    let cancelled = cancel("1", "Передумал");
    assert_eq!(cancelled.status, 200, "{}", cancelled.body);
    assert_eq!(cancelled.body["order"]["status"]["name"], "Отменён");
    assert_eq!(cancel("1", "ещё раз").body, cancelled.body);
    let all = w.all_pages("/demo/orders/1/history", 1);
    let words: Vec<_> = all
        .iter()
        .map(|e| (e["who"].clone(), e["what"].clone()))
        .collect();
    let expected = [
        ("api", "created"),
        ("operator", "cancelled"),
        ("operator", "status"),
    ];
    assert_eq!(words, expected.map(|(who, what)| (json!(who), json!(what))));
    assert_eq!(all[1]["note"], "Передумал");
    assert_eq!(w.get("/demo/orders/2/history").status, 404);
    assert_eq!(w.get("/other/orders/1/history").status, 404);
    let mut shipped = order("s");
    shipped["shipped_at"] = json!(1);
    w.call("PUT", "/demo/orders", &[], &json!([shipped]));
    assert_eq!(cancel("s", "поздно").refusal(), (409, "conflict", ""));
    for (query, count) in [
        ("status=cancelled", 1),
        ("company=main", 2),
        (
            "company=%D0%BA%D0%BE%D0%BC%D0%BF%D0%B0%D0%BD%D0%B8%D1%8F%201",
            2,
        ),
        ("status=new", 0),
    ] {
        assert_eq!(
            w.all_pages(&format!("/demo/orders?{query}"), 1).len(),
            count,
            "{query}"
        );
    }
    let unknown = w.get("/demo/orders?company=k9");
    assert_eq!(unknown.refusal(), (422, "refused", "company"));
    assert_eq!(w.get("/demo/orders?status=a&company=b").status, 400);
    assert_eq!(w.get("/demo/orders?status=a&order=updated_at").status, 400);
}

#[test]
fn orders_are_listed_by_their_state_in_a_shop() {
    let w = shops();
    let ids = ["a", "b", "c", "d", "e"];
    let batch = Value::from(ids.map(order).to_vec());
    assert_eq!(w.call("PUT", "/demo/orders", &[], &batch).status, 200);
    for (id, state) in [
        ("b", "sent"),
        ("c", "refused"),
        ("d", "due"),
        ("e", "refused"),
    ] {
        let row = Statement::new(
            "INSERT INTO order_pushes (tenant, order_id, connection, state, created_at, updated_at) \
             VALUES ('demo', ?1, 'c1', ?2, 1, 1)",
        );
        block_on(w.app.sql.atomic(vec![row.bind(id).bind(state)])).unwrap();
    }
    let listed = |state: &str| {
        let all = w.all_pages(&format!("/demo/orders?push={state}"), 1);
        all.iter()
            .map(|o| o["order"]["id"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(listed("refused"), ["c", "e"]);
    assert_eq!(listed("due"), ["d"]);
    assert!(listed("unclear").is_empty());
    for wrong in [
        "push=sent",
        "push=due&status=new",
        "push=due&order=updated_at",
    ] {
        assert_eq!(
            w.get(&format!("/demo/orders?{wrong}")).status,
            400,
            "{wrong}"
        );
    }
    assert!(w.all_pages("/other/orders?push=refused", 1).is_empty());
}

#[test]
fn how_an_order_stands_in_a_shop_is_seen_and_tried_again() {
    let w = shops();
    goods(&w);
    let id = make(&w, "k", &[]).body["order"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = format!("/demo/orders/{id}/push");
    assert_eq!(w.get(&path).status, 404, "it is for no shop");
    assert_eq!(w.post(&path, &json!({})).refusal().0, 409, "nowhere to");
    let shop = Statement::new(
        "INSERT INTO connections (tenant, id, company, kind, name, settings, enabled, created_at, updated_at) \
         VALUES ('demo', 'c1', 'main', 'insales', 'Магазин', ?1, 1, 1, 1)",
    );
    let settings = json!({"shop": "a.myinsales.ru", "orders": {"on": true}}).to_string();
    block_on(w.app.sql.atomic(vec![shop.bind(settings)])).unwrap();
    let row = Statement::new(
        "INSERT INTO order_pushes (tenant, order_id, connection, state, error, created_at, updated_at) \
         VALUES ('demo', ?1, 'c1', 'refused', 'InSales отказал (код 422): client.phone', 1, 1)",
    );
    block_on(w.app.sql.atomic(vec![row.bind(&id)])).unwrap();
    let seen = w.get("/demo/orders/1/push").body;
    assert_eq!(seen["state"], "refused");
    assert_eq!(seen["error"], "InSales отказал (код 422): client.phone");
    assert_eq!(seen["due_at"], Value::Null);
    let again = w.post(&path, &json!({})).body;
    assert_eq!(
        (&again["state"], &again["error"]),
        (&json!("due"), &Value::Null)
    );
    assert!(again["due_at"].is_i64());
    let sent =
        Statement::new("UPDATE order_pushes SET state = 'sent', due_at = NULL, their_id = 5");
    block_on(w.app.sql.atomic(vec![sent])).unwrap();
    assert_eq!(w.post(&path, &json!({})).refusal().0, 409);
    assert_eq!(w.get("/other/orders/1/push").status, 404);
}
