//! Customers and their points.

use serde_json::{Value, json};

use crate::{shops, world};

#[test]
fn a_customer_is_created_found_and_edited() {
    let w = shops();
    let ivan = json!({ "name": "Иванов Пётр", "phone": "8 (903) 999-33-44", "card": "A-77",
        "birth_date": "1990-02-28", "sex": "MALE" });
    let id = w.customer(&ivan);
    let found = |q: &str| w.all_pages(&format!("/demo/customers?q={q}"), 50);
    for q in ["9039993344", "%D0%B8%D0%B2%D0%B0%D0%BD", "a-77", &id] {
        assert_eq!(found(q).len(), 1, "{q}");
    }
    assert!(found("375").is_empty());
    let again = w.post("/demo/customers", &json!({ "phone": "+79039993344" }));
    assert_eq!(again.refusal(), (409, "customer_key_taken", ""));

    let path = format!("/demo/customers/{id}");
    let edit = |body: Value| w.call("PATCH", &path, &[], &body);
    let edited = edit(json!({ "card": "", "name": "Сидоров", "verified": true }));
    assert_eq!(edited.status, 200, "{}", edited.body);
    assert_eq!(
        (&edited.body["card"], &edited.body["name"]),
        (&Value::Null, &json!("Сидоров"))
    );
    assert_eq!(edited.body["phone"], "79039993344");
    assert!(found("a-77").is_empty());
    let other = w.customer(&json!({ "phone": "+375291234567" }));
    let taken = w.call(
        "PATCH",
        &format!("/demo/customers/{other}"),
        &[],
        &json!({ "phone": "9039993344" }),
    );
    assert_eq!(taken.refusal().0, 409);
    for (bad, place) in [
        (json!({ "phone": "12" }), "phone"),
        (json!({ "sex": "X" }), "sex"),
        (json!({ "email": "x" }), "email"),
        (
            json!({ "ms_id": "276a6f50-7ffd-11e6-8a84-bae50000005" }),
            "ms_id",
        ),
        (json!({ "name": "x".repeat(256) }), "name"),
    ] {
        assert_eq!(edit(bad).refusal(), (422, "refused", place));
    }
    assert_eq!(
        edit(json!({ "birth_date": "1990" })).refusal(),
        (400, "bad_request", "birth_date")
    );
    assert_eq!(w.post("/demo/customers", &json!({})).refusal().0, 422);
}

#[test]
fn another_tenant_sees_none_of_it() {
    let w = shops();
    let id = w.customer(&json!({ "name": "Иванов", "phone": "9039993344" }));
    w.adjust(&id, "k", 100);
    assert!(w.all_pages("/other/customers", 50).is_empty());
    assert!(w.all_pages("/other/customers?q=9039993344", 50).is_empty());
    for rest in ["", "/ledger"] {
        assert_eq!(w.get(&format!("/other/customers/{id}{rest}")).status, 404);
    }
    let body = json!({ "points": 1, "reason": "x" });
    let path = format!("/other/customers/{id}/adjust");
    assert_eq!(
        w.call("POST", &path, &[("idempotency-key", "k")], &body)
            .status,
        404
    );
    let twin = w.post("/other/customers", &json!({ "phone": "9039993344" }));
    assert_eq!(twin.status, 201);
    let merge = json!({ "from": twin.body["id"] });
    assert_eq!(
        w.post(&format!("/demo/customers/{id}/merge"), &merge)
            .refusal()
            .2,
        "from"
    );
    assert_eq!(w.all_pages("/other/journal?action=adjust", 50).len(), 0);
}

#[test]
fn points_are_adjusted_once_with_a_reason() {
    let w = shops();
    let id = w.customer(&json!({ "name": "Иванов" }));
    assert_eq!(
        w.adjust(&id, "k1", 100).body,
        json!({ "available": 100, "repeated": false })
    );
    assert_eq!(
        w.adjust(&id, "k1", 100).body,
        json!({ "available": 100, "repeated": true })
    );
    assert_eq!(w.adjust(&id, "k1", 50).refusal().0, 409);
    let another = w.customer(&json!({ "name": "Петров" }));
    assert_eq!(w.adjust(&another, "k1", 100).refusal().0, 409);
    assert_eq!(w.adjust(&id, "k2", -30).body["available"], 70);
    assert_eq!(
        w.adjust(&id, "k3", -71).refusal(),
        (422, "refused", "points")
    );
    for points in [0, i64::MIN, i64::MAX] {
        assert_eq!(
            w.adjust(&id, "k4", points).refusal(),
            (422, "refused", "points")
        );
    }
    let path = format!("/demo/customers/{id}/adjust");
    let no_key = w.post(&path, &json!({ "points": 1, "reason": "x" }));
    assert_eq!(no_key.refusal(), (400, "bad_request", "Idempotency-Key"));
    let key = [("idempotency-key", "k5")];
    let silent = w.call("POST", &path, &key, &json!({ "points": 1, "reason": " " }));
    assert_eq!(silent.refusal(), (422, "refused", "reason"));
    let ledger = w.all_pages(&format!("/demo/customers/{id}/ledger"), 50);
    let points: Vec<_> = ledger
        .iter()
        .map(|e| e["points"].as_i64().unwrap())
        .collect();
    assert_eq!(points, [-30, 100]);
}

#[test]
fn pages_are_complete_and_stable() {
    let w = shops();
    for n in 0..13 {
        w.customer(&json!({ "name": format!("Покупатель {n}") }));
    }
    let all = w.all_pages("/demo/customers", 500);
    assert_eq!(all.len(), 13);
    for limit in [1, 4, 13] {
        assert_eq!(w.all_pages("/demo/customers", limit), all, "{limit}");
    }
    let id = all[0]["id"].as_str().unwrap();
    for n in 0..9 {
        w.adjust(id, &format!("k{n}"), 1);
    }
    let path = format!("/demo/customers/{id}/ledger");
    let ledger = w.all_pages(&path, 500);
    assert_eq!(ledger.len(), 9);
    assert_eq!(w.all_pages(&path, 2), ledger);
    let journal = w.all_pages("/demo/journal", 500);
    assert_eq!(journal.len(), 1 + 13 + 9);
    assert_eq!(w.all_pages("/demo/journal", 4), journal);
    assert_eq!(w.all_pages("/demo/journal?action=adjust", 4).len(), 9);
}

#[test]
fn a_duplicate_is_merged_with_its_points_and_keys() {
    let w = shops();
    let kept = w.customer(&json!({ "name": "Иванов", "phone": "9039993344" }));
    let twin = w.customer(&json!({ "name": "Иванов П", "card": "77" }));
    w.adjust(&kept, "a", 100);
    w.adjust(&twin, "b", 40);
    let merge = |from: &str| {
        w.post(
            &format!("/demo/customers/{kept}/merge"),
            &json!({ "from": from }),
        )
    };
    let done = merge(&twin);
    assert_eq!(done.status, 200, "{}", done.body);
    assert_eq!(
        (&done.body["available"], &done.body["card"]),
        (&json!(140), &json!("77"))
    );
    assert_eq!(
        w.get(&format!("/demo/customers/{twin}")).body["id"],
        kept.as_str()
    );
    assert_eq!(w.all_pages("/demo/customers", 50).len(), 1);
    assert_eq!(merge(&twin).refusal(), (422, "refused", "from"));
    assert_eq!(merge("nobody").refusal(), (422, "refused", "from"));
    assert_eq!(w.adjust(&kept, "c", -140).body["available"], 0);
    let checked = w.get("/demo/check").body;
    assert_eq!(
        checked,
        json!({ "checked": 2, "differences": [], "next": null })
    );
}

#[test]
fn the_check_finds_a_balance_that_was_tampered_with() {
    let w = shops();
    let ids: Vec<_> = (0..5)
        .map(|n| w.customer(&json!({ "name": n.to_string() })))
        .collect();
    w.adjust(&ids[3], "k", 10);
    let set = format!("UPDATE customers SET balance = 11 WHERE id = '{}'", ids[3]);
    w.app.sql.batch(&set).unwrap();
    let mut differences = Vec::new();
    let mut query = "?limit=2".to_owned();
    loop {
        let page = w.get(&format!("/demo/check{query}")).body;
        differences.extend(page["differences"].as_array().unwrap().clone());
        match page["next"].as_str() {
            Some(next) => query = format!("?limit=2&cursor={next}"),
            None => break,
        }
    }
    let wanted = json!({ "customer": ids[3], "balance": 11, "entries": 10, "lots": 10 });
    assert_eq!(differences, [wanted]);
}

#[test]
fn personal_data_is_masked_in_the_journal() {
    let w = shops();
    let id = w.customer(&json!({ "name": "Иванов Пётр Сергеевич", "phone": "9039993344" }));
    w.call(
        "PATCH",
        &format!("/demo/customers/{id}"),
        &[],
        &json!({ "email": "a@b.ru" }),
    );
    let journal = format!("{:?}", w.all_pages("/demo/journal", 50));
    assert!(journal.contains("Иванов П. С."));
    for secret in ["Пётр", "9039993344", "a@b.ru"] {
        assert!(!journal.contains(secret), "{secret}");
    }
}

#[test]
fn what_the_operator_does_is_his_in_the_journal() {
    let w = shops();
    let id = w.customer(&json!({ "name": "Иванов" }));
    w.adjust(&id, "k", 10);
    w.call(
        "PATCH",
        &format!("/demo/customers/{id}"),
        &[],
        &json!({ "card": "7" }),
    );
    let rows = w.all_pages("/demo/journal", 50);
    assert_eq!(rows.len(), 4);
    for row in rows {
        assert_eq!(row["direction"], "operator", "{row}");
    }
    let his = w.all_pages(&format!("/demo/journal?customer={}", id.to_uppercase()), 50);
    assert_eq!(his.len(), 3);
}

#[test]
fn a_world_without_tenants_is_empty() {
    assert!(world().all_pages("", 50).is_empty());
}
